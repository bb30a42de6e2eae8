import assert from "node:assert/strict";
import { test } from "node:test";

import { changesBetween, stepsOf } from "../../../../assets/js/notebook/changes.js";

const script = (id, more = {}, module = {}) => ({ id, ...module, value: { type: "rawscript", language: "python3", content: "one", input_transforms: {}, ...more } });
const flow = (modules, more = {}) => ({ summary: "F", value: { modules, ...more.value }, ...more.own });
const js = (expr) => ({ type: "javascript", expr });

test("what stands in a step is told before and after: inputs, settings, title, and its code apart", () => {
  const before = flow([script("a", { input_transforms: { x: { type: "static", value: 1 }, gone: js("flow_input.y") } }, { retry: { constant: { attempts: 2, seconds: 5 } }, summary: "Old" })]);
  const after = flow([script("a", { content: "two", input_transforms: { x: js("flow_input.x") } }, { retry: { constant: { attempts: 3, seconds: 5 } }, timeout: 60, summary: "New" })]);
  assert.deepEqual(changesBetween(before, after), [
    {
      step_id: "a",
      text: "Code, input x, gone, title, retry, time limit changed",
      code: { before: "one", after: "two", language: "python3" },
      rows: [
        { label: "Title", before: "Old", after: "New" },
        { label: "Input x", before: "1", after: "flow_input.x" },
        { label: "Input gone", before: "flow_input.y", after: "" },
        { label: "Retry", before: '{"constant":{"attempts":2,"seconds":5}}', after: '{"constant":{"attempts":3,"seconds":5}}' },
        { label: "Time limit", before: "", after: "60" },
      ],
    },
  ]);
});

test("a setting of what a step runs and one of the step, of the same name, both count", () => {
  const of = (inner, own) => flow([script("a", { tag: inner }, { tag: own })]);
  const [{ rows }] = changesBetween(of("x", "same"), of("y", "same"));
  assert.deepEqual(rows, [{ label: "Worker tag", before: "x", after: "y" }]);
});

test("what a branch decides by is a row of its container, and its steps are found", () => {
  const branches = (expr, content) => flow([{ id: "b", value: { type: "branchone", default: [], branches: [{ summary: "large", expr, modules: [script("in", { content })] }] } }]);
  const found = changesBetween(branches("true", "one"), branches("false", "two"));
  assert.deepEqual(found.map(({ step_id: id, text }) => [id, text]), [["b", "Branch 1 changed"], ["in", "Code changed"]]);
  assert.match(found[0].rows[0].after, /false/);
});

test("the flow's own inputs, settings, order and handlers count, and an added step tells what it is", () => {
  const before = flow([script("a"), script("b")], { own: { schema: { type: "object", properties: { n: { type: "number" } }, required: [] } } });
  const after = flow([script("b"), script("a"), script("c", { content: "new" }, { summary: "Third" })], {
    own: { schema: { type: "object", properties: { n: { type: "string" } }, required: ["n"] }, description: "Said" },
    value: { same_worker: true, failure_module: script("failure", { content: "mend" }) },
  });
  const found = changesBetween(before, after);
  assert.deepEqual(found.map(({ text }) => text), ["The flow's inputs changed", "The description changed", "The flow's settings changed", "Third was added", "Step was added", "The order of steps changed"]);
  assert.deepEqual(found[0].rows, [{ label: "Input n", before: '{"type":"number"}', after: '{"type":"string"}' }, { label: "Required", before: "[]", after: '["n"]' }]);
  assert.deepEqual(found[2].rows, [{ label: "Shared folder", before: "", after: "true" }]);
  assert.deepEqual(found[3].code, { before: "", after: "new", language: "python3" });
  assert.deepEqual(found.at(-1).rows, [{ label: "Order", before: "a, b", after: "b, a" }]);
  assert.deepEqual([...stepsOf(after.value).keys()], ["b", "a", "c", "failure"]);
});

test("locks, the order of keys and empty titles are no changes", () => {
  const before = flow([script("a", { lock: "x==1" }, { summary: "", timeout: 5, priority: 1 })]);
  const after = flow([{ value: { ...script("a").value, lock: "x==2" }, priority: 1, timeout: 5, id: "a" }]);
  assert.deepEqual(changesBetween(before, after), []);
});
