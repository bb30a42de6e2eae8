import assert from "node:assert/strict";
import { test } from "node:test";

import { choiceOf, planOf, sourceOf } from "../../../../assets/js/notebook/stand_in_form.js";

const form = { id: "c", name: " empty list ", from: "json", text: "[]", use: false, changed: null, own: null, results: [], mock: undefined };

test("a typed value is kept, and put in force where that is wished", () => {
  assert.deepEqual(planOf(form), { operations: [{ op: "keep_stand_in", cell: "c", name: "empty list", value: [] }] });
  assert.deepEqual(planOf({ ...form, use: true }).operations.at(-1), { op: "use_stand_in", cell: "c", name: "empty list" });
});

test("what is no JSON is said in words", () => {
  assert.match(planOf({ ...form, text: " " }).problem, /Type a value/);
  assert.match(planOf({ ...form, text: "{a: 1}" }).problem, /no JSON/);
  assert.match(planOf({ ...form, text: `"${"x".repeat(70_000)}"` }).problem, /64 KB/);
});

test("a result is left to the server, which has the files in it", () => {
  const run = { run_id: "r", path: "loop[3].b" };
  assert.deepEqual(planOf({ ...form, from: choiceOf(run), results: [run], use: true }), {
    operations: [],
    result: { cell: "c", name: "empty list", run_id: "r", path: "loop[3].b", use: true },
  });
  assert.equal(planOf({ ...form, from: "own", own: { run_id: "o", path: "b" } }).result.run_id, "o");
});

test("a changed one is renamed before it gets another value", () => {
  const changed = { name: "old" };
  assert.deepEqual(planOf({ ...form, from: "same", changed }).operations, [{ op: "rename_stand_in", cell: "c", name: "old", to: "empty list" }]);
  assert.deepEqual(planOf({ ...form, changed }).operations.map((op) => op.op), ["rename_stand_in", "keep_stand_in"]);
  assert.deepEqual(planOf({ ...form, name: "old", from: "same", changed }).operations, []);
});

test("the value in force gets a name", () => {
  assert.deepEqual(planOf({ ...form, from: "mock", mock: { enabled: true, return_value: 3 } }).operations[0].value, 3);
});

test("a choice that is gone makes way for a typed value", () => {
  const run = { run_id: "r", path: "b" };
  const all = { changed: { name: "old" }, own: run, pinned: true, results: [run] };
  const nothing = { changed: null, own: null, pinned: false, results: [] };
  for (const picked of ["same", "own", "mock", "json", choiceOf(run)]) {
    assert.equal(sourceOf(picked, all), picked);
    assert.equal(sourceOf(picked, nothing), "json");
  }
});

test("a result that is gone is said in words", () => {
  assert.match(planOf({ ...form, from: "own" }).problem, /not there any more/);
  assert.match(planOf({ ...form, from: "r b" }).problem, /not there any more/);
});
