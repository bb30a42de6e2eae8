import assert from "node:assert/strict";
import { test } from "node:test";

import { flatten, withMore } from "../../../../assets/js/notebook/picker_rows.js";

const groups = [{ name: "a", items: [{ expr: "results.a", type: "array", children: true }] }];
const page = (from, count) => Array.from({ length: count }, (_, i) => ({ expr: `results.a[${from + i}]`, label: String(from + i), type: "number" }));

test("a list that is cut has a last row that says how much of it is shown", () => {
  const open = new Map([["results.a", { items: page(0, 100), total: 2340 }]]);
  const rows = flatten(groups, open, "", []);
  assert.equal(rows.length, 1 + 1 + 100 + 1);
  const last = rows.at(-1);
  assert.deepEqual([last.more, last.depth, last.parent], [{ expr: "results.a", shown: 100, total: 2340 }, 1, "results.a"]);
});

test("a list that is whole, or still on its way, offers nothing more", () => {
  for (const inside of ["loading", { items: page(0, 3), total: 3 }]) assert.ok(flatten(groups, new Map([["results.a", inside]]), "", []).every((row) => !row.more));
});

test("the next page goes on where the last one ended, once", () => {
  const open = new Map([["results.a", { items: page(0, 100), total: 150 }]]);
  const whole = withMore(open, "results.a", 100, { items: page(100, 50), total: 150 });
  assert.deepEqual([whole.get("results.a").items.length, whole.get("results.a").items[100].label], [150, "100"]);
  assert.equal(withMore(whole, "results.a", 100, { items: page(100, 50), total: 150 }), whole); // pressed twice
  assert.equal(withMore(new Map(), "results.a", 100, { items: page(100, 50), total: 150 }).size, 0); // folded meanwhile
  const shorter = withMore(open, "results.a", 100, { items: [], total: 90 });
  assert.ok(flatten(groups, shorter, "", []).every((row) => !row.more)); // the value changed
});

test("a query keeps what it finds, also deep inside, and each value once", () => {
  const deep = [{ expr: "results.a", type: "array" }, { expr: "results.b.a_name", type: "string" }];
  assert.deepEqual(flatten(groups, new Map(), "a", deep).map((row) => row.name ?? row.item.expr), ["a", "results.a", "Inside of values", "results.b.a_name"]);
});
