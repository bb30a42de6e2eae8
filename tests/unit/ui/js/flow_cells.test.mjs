import assert from "node:assert/strict";
import test from "node:test";

import { cellsOf, inputOf } from "../../../../assets/js/run/flow_cells.js";

const python = (id, more = {}) => ({ id, summary: `Does ${id}`, value: { type: "rawscript", language: "python3", content: `# ${id}`, input_transforms: {} }, ...more });

test("cells come in order, with what stands inside of others", () => {
  const value = {
    preprocessor_module: python("preprocessor"),
    modules: [
      python("a"),
      { id: "b", value: { type: "forloopflow", iterator: { type: "javascript", expr: "results.a" }, modules: [python("c")] } },
      { id: "d", value: { type: "branchone", branches: [{ expr: "results.a > 1", modules: [python("e")] }, { summary: "Small", expr: "true", modules: [] }], default: [python("f")] } },
      { id: "g", value: { type: "branchall", branches: [{ modules: [{ id: "h", value: { type: "flow", path: "f/x/y", input_transforms: {} } }] }] } },
    ],
    failure_module: python("failure"),
  };
  const found = cellsOf(value);
  assert.deepEqual(found.map((cell) => [cell.id, cell.depth, cell.slot]), [
    ["preprocessor", 0, "Preprocessor"], ["a", 0, ""], ["b", 0, ""], ["c", 1, "Each time"], ["d", 0, ""], ["e", 1, "When results.a > 1"], ["f", 1, "Otherwise"],
    ["g", 0, ""], ["h", 1, "Branch 1"], ["failure", 0, "When a step fails"],
  ]);
  assert.deepEqual([found[1].kind, found[2].kind, found[8].kind, found[8].calls], ["Python", "Loop over results.a", "Flow", "f/x/y"]);
  assert.equal(found[1].code, "# a");
});

test("an input is wired or fixed", () => {
  assert.deepEqual(inputOf("n", { type: "javascript", expr: "flow_input.n" }), { name: "n", wired: true, text: "flow_input.n" });
  assert.deepEqual(inputOf("n", { type: "static", value: { a: [1] } }), { name: "n", wired: false, text: '{"a":[1]}' });
  assert.deepEqual(inputOf("n", { type: "static", value: "x" }).text, "x");
  assert.equal(inputOf("n", undefined).text, "");
});

test("when a cell waits, is skipped or ends the flow is said", () => {
  const [cell] = cellsOf({ modules: [python("a", { suspend: { required_events: 2 }, skip_if: { expr: "false" }, stop_after_if: { expr: "result === 1" }, retry: { constant: { attempts: 3 } } })] });
  assert.deepEqual(cell.notes, ["Skipped if false", "Waits for 2 approvals", "Ends the flow if result === 1", "Tries again after a failure"]);
});

test("a document with holes shows what there is", () => {
  assert.deepEqual(cellsOf(undefined), []);
  assert.deepEqual(cellsOf({ modules: [{ value: {} }, {}] }).map((cell) => [cell.id, cell.kind, cell.inputs]), [["", "", []], ["", "", []]]);
  assert.equal(cellsOf({ modules: [{ id: "a", value: { type: "aiagent", tools: [{ id: "t", value: { type: "script", path: "f/a/b" } }, { id: "m" }] } }] }).length, 2);
});
