import assert from "node:assert/strict";
import { test } from "node:test";

import { acceptance, acceptText, groupsOf, isSound, rowsOf, stateOf } from "../../../../assets/js/notebook/connect_rows.js";

const TEXT = { type: "string" };
const wire = (field, more) => ({ cell: "1", step: "a", title: "", field, kind: "wire", expr: `results.a.${field}`, evaluated: { ok: true, text: "5" }, valid: true, ...more });
const fresh = (field, name, more) => ({ ...wire(field), kind: "input", expr: `flow_input.${name}`, evaluated: null, input: { name, schema: TEXT }, ...more });
const set = (cell, field, expr) => ({ op: "set_input", cell, field, transform: { type: "javascript", expr } });

test("a row is valid only where its value is there and fits", () => {
  const states = [
    [wire("x"), "valid"],
    [wire("x", { evaluated: { ok: true, text: "5", problem: "x takes a text." }, valid: false }), "wrong"],
    [wire("x", { evaluated: { ok: false, text: "TypeError: no" }, valid: false }), "wrong"],
    [wire("x", { evaluated: { ok: false, text: "run a first" }, valid: null }), "unknown"],
    [wire("x", { evaluated: null, valid: null }), "unknown"],
    [wire("x", { evaluated: null }), "valid"], // an input of the flow that nobody has given a value yet
    [wire("x", { pending: true }), "pending"],
    [wire("x", { expr: "", evaluated: undefined }), "open"],
    [fresh("x", "x"), "valid"],
  ];
  for (const [item, state] of states) assert.equal(stateOf(item), state, JSON.stringify(item));
  assert.equal(isSound(wire("x", { evaluated: { ok: false, text: "failed" }, valid: true })), false);
});

test("rows come by cell in the order of the flow, with those that wait for a choice", () => {
  const choices = [{ cell: "1", step: "a", title: "", field: "mail", exprs: ["results.z.a", "results.z.b"] }];
  const rows = rowsOf({ proposals: [wire("x", { cell: "2" }), wire("y")], choices }, (item) => ["1", "2"].indexOf(item.cell));
  assert.deepEqual(rows.map(({ cell, field, expr }) => [cell, field, expr]), [["1", "y", "results.a.y"], ["1", "mail", ""], ["2", "x", "results.a.x"]]);
  assert.deepEqual(groupsOf(rows).map(({ cell, items }) => [cell, items.length]), [["1", 2], ["2", 1]]);
  assert.deepEqual(rowsOf({ proposals: [] }), []);
});

test("a wire is one operation and leaves the schema alone", () => {
  assert.deepEqual(acceptance([wire("x")], { type: "object", properties: {} }), { ops: [set("1", "x", "results.a.x")], refused: [] });
});

test("a new input of the flow is put into its schema once, with all that read it", () => {
  const schema = { type: "object", $schema: "x", properties: { n: TEXT }, required: ["n"], order: ["n"] };
  const { ops, refused } = acceptance([fresh("region", "region"), fresh("region", "region", { cell: "2" }), wire("y")], schema);
  assert.deepEqual(refused, []);
  assert.deepEqual(ops, [
    { op: "set_schema", schema: { ...schema, properties: { n: TEXT, region: TEXT }, required: ["n", "region"], order: ["n", "region"] } },
    set("1", "region", "flow_input.region"), set("2", "region", "flow_input.region"), set("1", "y", "results.a.y"),
  ]);
  assert.deepEqual(schema.properties, { n: TEXT });
  assert.deepEqual(acceptance([fresh("region", "region")], null).ops[0].schema, { type: "object", properties: { region: TEXT }, required: ["region"], order: ["region"] });
});

test("one that is there by now is read, and one that means something else by now is refused", () => {
  const item = fresh("region", "region");
  assert.deepEqual(acceptance([item], { properties: { region: TEXT } }), { ops: [set("1", "region", "flow_input.region")], refused: [] });
  assert.deepEqual(acceptance([item, wire("y")], { properties: { region: { type: "integer" } } }), { ops: [set("1", "y", "results.a.y")], refused: [item] });
});

test("the button says how many it takes", () => {
  assert.deepEqual([[1, 1], [2, 2], [5, 5], [1, 3], [2, 3]].map(([sound, open]) => acceptText(sound, open)), ["Accept", "Accept both", "Accept all 5", "Accept the one without errors", "Accept all 2 without errors"]);
});
