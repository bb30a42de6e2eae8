import assert from "node:assert/strict";
import { test } from "node:test";

import { changesInWords, changesOf, pieces, referencesTo } from "../../../../assets/js/notebook/renames.js";

/** The text with its references renamed: what the server has to make of it as well. */
const renamed = (text, to = "load", step = "a") => referencesTo(step, text, to).reduceRight((made, place) => made.slice(0, place.start) + place.to + made.slice(place.end), text);

test("each form of a reference keeps its form", () => {
  assert.equal(renamed("results.a.rows[0] + results?.a"), "results.load.rows[0] + results?.load");
  assert.equal(renamed(`results["a"].x + results?.['a'] + results[\`a\`]`), `results["load"].x + results?.['load'] + results[\`load\`]`);
  assert.equal(renamed(`"a" in results ? { ...results.a } : 0`), `"load" in results ? { ...results.load } : 0`);
  assert.equal(renamed("const {a, b: {a: c}, 'a': d} = results; return a"), "const {load: a, b: {a: c}, 'load': d} = results; return a");
  assert.equal(renamed("results\n  // the rows\n  .a"), "results\n  // the rows\n  .load");
});

test("an id that is no name goes into brackets", () => {
  assert.equal(renamed("results.a.rows + results?.a", "load-it"), `results["load-it"].rows + results?.["load-it"]`);
  assert.equal(renamed("const {a, b} = results", "load-it"), `const {"load-it": a, b} = results`);
  assert.equal(renamed(`results["load-it"].a`, "b", "load-it"), `results["b"].a`);
});

test("what only looks like a reference stays", () => {
  for (const text of ["results.ab", "x.results.a", "results.b.a", `"results.a"`, "// results.a", "/* results.a */ 1", "`results.a`", "flow_input.a", "a", "results[a]", "const {a, ...rest} = results", `"a" in results.b`, "previous_result.a", "results", "results."]) assert.equal(renamed(text), text);
});

test("what stands in a template's holes is code", () => {
  assert.equal(renamed("`it's ${results.a} and ${ {x: `${results.a}`}.x } of results.a`"), "`it's ${results.load} and ${ {x: `${results.load}`}.x } of results.a`");
});

test("half of an expression does not stop it", () => {
  for (const text of ["`${results.a", "`\\", "results.a + 'x", "}{results.a", "results?.a[", "/* results.a"]) assert.doesNotThrow(() => renamed(text));
  assert.equal(renamed("results.a + 'x"), "results.load + 'x");
});

const input = (field, expr) => ({ field, type: "javascript", expr });
const cell = (id, more) => [`c${id}`, { id: `c${id}`, step_id: id, kind: "rawscript", inputs: [], settings: {}, ...more }];

test("every expression of the flow is looked at", () => {
  const cells = new Map([
    cell("a"),
    cell("b", { inputs: [input("x", "results.a"), input("y", "results.b"), { field: "z", type: "static", value: "results.a" }] }),
    cell("c", { kind: "forloopflow", settings: { iterator: input("", "results.a.rows"), skip_if: { expr: "!results.a" }, retry: { retry_if: { expr: "results.a" } }, mock: { enabled: true, return_value: { expr: "results.a" } }, timeout: { type: "static", value: 3 } } }),
    cell("d", { kind: "branchone", settings: { branches: [{ summary: "", expr: "results.a > 1" }, { summary: "Many", expr: "results.a > 2" }] } }),
    cell("e", { kind: "aiagent", settings: { tools: [{ id: "t", summary: "find", value: { input_transforms: { q: input("", "results.a"), n: { type: "ai" } } } }], tool_inputs: { ask: { deep: input("", "results.a") } } } }),
  ]);
  const view = { cells, settings: { skip_expr: "results.a == null", early_return: "a" } };
  const found = changesOf(view, [...cells.keys()], "a", "load");
  assert.deepEqual(found.map((change) => `${change.cell ?? ""} · ${change.field}`), [
    " · Skip the run", "b · x", "c · Skip", "c · for each of", "c · Retry if", "d · Branch 1", "d · Many", "e · find · q", "e · ask · deep", " · Early answer",
  ]);
  assert.equal(changesInWords(found), "9 expressions and 1 setting change");
  assert.equal(changesInWords(found.slice(0, 1)), "1 expression changes");
  assert.deepEqual(changesOf(view, [...cells.keys()], "unread", "load"), []);
});

test("what goes and what comes is marked, what is long is cut", () => {
  assert.deepEqual(pieces("results.a.rows", referencesTo("a", "results.a.rows", "load")), [{ text: "results." }, { old: "a", to: "load" }, { text: ".rows" }]);
  const long = `${"x".repeat(200)} + results.a + ${"y".repeat(200)}`;
  const [head, changed, tail] = pieces(long, referencesTo("a", long, "load"));
  assert.ok(head.text.startsWith("…") && head.text.endsWith(" + results.") && head.text.length < 60);
  assert.deepEqual(changed, { old: "a", to: "load" });
  assert.ok(tail.text.startsWith(" + yy") && tail.text.endsWith("…"));
});
