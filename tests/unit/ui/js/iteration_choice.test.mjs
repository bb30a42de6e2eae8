import assert from "node:assert/strict";
import { test } from "node:test";

import { chosen, itemText, optionText, reach } from "../../../../assets/js/notebook/iteration_choice.js";

test("a number from 1 on is an iteration, as far as the list goes", () => {
  assert.deepEqual(chosen("1", 3), { index: 0 });
  assert.deepEqual(chosen(" 3 ", 3), { index: 2 });
  assert.deepEqual(chosen("4", 3), { problem: "The list has 3 items" });
  assert.deepEqual(chosen("2", 1), { problem: "The list has 1 item" });
  assert.deepEqual(chosen("1", 0), { problem: "The list has no items" });
});

test("where nobody knows how many there are, any number may be one", () => {
  assert.deepEqual(chosen("500", null), { index: 499 });
});

test("what is no such number is refused", () => {
  for (const text of ["", "0", "-1", "1.5", "two", "1e3", "99999999999"]) assert.ok(chosen(text, null).problem, text);
});

test("an item is said in a few words, if the tree of the list reaches it", () => {
  const list = { t: "array", n: 9, c: [{ k: 0, t: "string", n: 1, v: "x" }, { k: 1, t: "object", n: 1 }, { k: 2, t: "array", n: 2 }, { k: 3, t: "number", v: 0 }, { k: 4, t: "null", v: null }, { k: 5, t: "string", n: 90, v: "y".repeat(90) }] };
  assert.deepEqual([0, 1, 2, 3, 4].map((index) => itemText(list, index)), ['"x"', "1 key", "2 items", "0", "null"]);
  assert.equal(itemText(list, 5).length, 40);
  assert.deepEqual([itemText(list, 8), itemText(null, 0), itemText(list, undefined)], [null, null, null]);
});

test("iterations that ran by themselves are to be looked at too, and say so", () => {
  const items = [{ index: 0, status: "failure" }, { index: 4, status: "success", run_number: 12 }];
  assert.equal(reach({ total: 3, items }), 5);
  assert.equal(reach({ total: 0, items: [] }), 0);
  assert.deepEqual(items.map(optionText), ["1, failed", "5, by itself in run #12"]);
});
