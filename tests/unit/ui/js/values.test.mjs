import assert from "node:assert/strict";
import { test } from "node:test";

import { keyOf, preview, rowsOf, scalarText } from "../../../../assets/js/output/tree_model.js";
import { bytes, clock, duration, pathExpression, when } from "../../../../assets/js/words.js";

test("a path becomes an expression that JavaScript reads", () => {
  assert.equal(pathExpression("results.a", ["rows", 0, "amount"]), "results.a.rows[0].amount");
  assert.equal(pathExpression("results.a", ["odd key", "0", "größe"]), 'results.a["odd key"]["0"].größe');
  assert.equal(pathExpression("", ["a", "b"]), "a.b");
});

test("durations and sizes are said as people say them", () => {
  assert.deepEqual([0.2, 12, 420, 1500, 59700, 60000, 125000, 7260000, 90000000].map(duration), ["< 1 ms", "12 ms", "0.4 s", "1.5 s", "1 min", "1 min", "2 min 5 s", "2 h 1 min", "1 d 1 h"]);
  assert.equal(duration(null), "");
  assert.deepEqual([12, 2048, 41984, 5 * 1024 * 1024].map(bytes), ["12 B", "2 KB", "41 KB", "5 MB"]);
  assert.equal(clock(67000), "1:07");
});

test("a time that is none is shown as it came", () => {
  assert.equal(when("yesterday"), "yesterday");
  assert.equal(when(null), "");
});

const tree = { k: null, t: "object", n: 2, c: [{ k: "rows", t: "array", n: 250 }, { k: "ok", t: "boolean", v: true }] };

test("the tree shows its first level, and asks for what is not loaded", () => {
  const closed = rowsOf(tree, { open: new Map(), children: new Map() });
  assert.deepEqual(closed.map((row) => row.path), [[], ["rows"], ["ok"]]);
  const waiting = rowsOf(tree, { open: new Map([[keyOf(["rows"]), true]]), children: new Map() });
  assert.deepEqual(waiting.map((row) => row.kind), ["node", "node", "wait", "node"]);
});

test("a page of children leaves a row that offers the rest", () => {
  const children = new Map([[keyOf(["rows"]), Array.from({ length: 100 }, (_, i) => ({ k: i, t: "number", v: i }))]]);
  const rows = rowsOf(tree, { open: new Map([[keyOf(["rows"]), true]]), children });
  const more = rows.find((row) => row.kind === "more");
  assert.deepEqual([more.shown, more.total], [100, 250]);
  assert.deepEqual(rows[2].path, ["rows", 0]);
});

test("folded nodes and scalars say what they are", () => {
  assert.equal(preview({ t: "array", n: 1 }), "1 item");
  assert.equal(preview({ t: "object", n: 0 }), "empty");
  assert.equal(scalarText({ t: "string", v: 'a "b"' }), '"a \\"b\\""');
  assert.equal(scalarText({ t: "number", v: "90071992547409931" }), "90071992547409931");
});
