import assert from "node:assert/strict";
import { test } from "node:test";

import { sentence, settingName, shown, subject, takenWords, textOf } from "../../../../assets/js/notebook/merge_words.js";

const conflict = (differences, more) => ({ id: "cell:a", kind: "cell", name: "a", title: "", theirs: "changed", mine: "changed", choices: ["theirs", "mine"], ...more, differences: differences.map((one) => ({ field: "", where: "", ...one })) });

test("code, inputs and settings stand apart, each as what it was and what a side made of it", () => {
  const found = conflict([
    { part: "setting", field: "/value/iterator", base: { type: "javascript", expr: "results.a" }, theirs: { type: "javascript", expr: "results.b" }, mine: { type: "static", value: [1, 2] } },
    { part: "input", field: "x", base: { type: "static", value: 1 }, theirs: { type: "javascript", expr: "flow_input.n" } },
    { part: "code", base: { content: "one", language: "python3" }, theirs: { content: "two", language: "python3" }, mine: { content: "one", language: "bun" } },
  ]);
  assert.deepEqual(shown(found, "theirs"), [
    { label: "Code", before: "one", after: "two", code: true, where: "" },
    { label: "Input x", before: "1", after: "flow_input.n", where: "" },
    { label: "Iterator", before: "results.a", after: "results.b", where: "" },
  ]);
  assert.deepEqual(shown(found, "mine").map(({ label, after }) => [label, after]), [["Language", "bun"], ["Input x", ""], ["Iterator", "[1,2]"]]);
});

test("what a side left alone is said so", () => {
  const found = conflict([{ part: "input", field: "x", base: { type: "static", value: 1 }, theirs: { type: "static", value: 2 }, mine: { type: "static", value: 1 } }]);
  assert.deepEqual(shown(found, "mine"), [{ label: "Input x", note: "not changed", where: "" }]);
});

test("of a container that one removed, what the other did in it is shown", () => {
  const code = (content) => [{ part: "code", field: "", value: { content } }];
  const found = conflict([
    { part: "there", base: code("loop"), mine: code("loop") },
    { part: "there", where: "d", base: code("one"), mine: code("two") },
    { part: "there", where: "e", mine: code("new") },
  ], { theirs: "removed" });
  assert.deepEqual(shown(found, "theirs").map(({ where, note }) => [where, note]), [["", "removed"], ["d", "removed"], ["e", "not there"]]);
  assert.deepEqual(shown(found, "mine").map(({ where, note, before, after }) => [where, note ?? [before, after]]), [["", "as it was"], ["d", ["one", "two"]], ["e", "new"], ["e", ["", "new"]]]);
  assert.equal(sentence(found, 4), "Version 4 removed it, your draft changed it.");
  assert.equal(sentence({ kind: "cell", theirs: "added", mine: "added" }, 4), "Version 4 and your draft each added a cell of this name.");
});

test("places, orders and names in words", () => {
  const place = conflict([{ part: "place", base: ["", "modules"], theirs: ["c/1", "modules"], mine: ["c", "default"] }]);
  assert.deepEqual(shown(place, "theirs")[0], { label: "Place", before: "on the top level", after: "in c, branch 2", where: "" });
  assert.equal(shown(place, "mine")[0].after, "in c, when none is true");
  const order = conflict([{ part: "order", base: ["a", "b"], theirs: ["b", "a"], mine: ["input:x", "b"] }]);
  assert.deepEqual(shown(order, "mine")[0], { label: "Now", before: "", after: "x, b", where: "" });
  assert.deepEqual(subject({ kind: "order", name: "c" }), { kind: "Order of the steps in", name: "c" });
  assert.deepEqual(subject({ kind: "setting", name: "/summary" }), { kind: "Name of the flow", name: "" });
});

test("values as text: short ones on one line", () => {
  assert.equal(textOf({ type: "static", value: { a: 1 } }), '{"a":1}');
  assert.match(textOf({ type: "static", value: { a: "x".repeat(80) } }), /\n/);
  assert.equal(textOf({ type: "static" }), "");
  assert.equal(settingName("/value/skip_failures"), "Skip failures");
  assert.equal(settingName("/timeout"), "Time limit");
});

test("what is taken without asking", () => {
  const taken = (what, more) => takenWords({ kind: "cell", name: "a", title: "", side: "mine", what: what.map((one) => ({ field: "", ...one })), ...more });
  assert.deepEqual(taken([{ part: "code" }, { part: "input", field: "x" }, { part: "setting", field: "/timeout" }]), { step: "a", side: "mine", text: "code, input x, time limit" });
  assert.equal(taken([{ part: "added" }]).text, "added");
  assert.deepEqual(taken([{ part: "removed" }], { kind: "input", name: "n" }), { step: null, side: "mine", text: "Input n removed" });
  assert.equal(taken([{ part: "setting", field: "/summary" }], { kind: "setting", name: "/summary" }).text, "Name of the flow");
});
