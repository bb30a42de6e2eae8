import assert from "node:assert/strict";
import { test } from "node:test";

import { formOf } from "../../../../assets/js/forms/schema_model.js";
import { hasFields, joined, misfits, parted, passes, readValue, same, withoutDefaults } from "../../../../assets/js/forms/value_model.js";

const SCHEMA = { properties: { host: { type: "string" }, port: { type: "integer", default: 5432 }, tls: { type: "boolean" }, mode: { enum: ["a", 1] }, more: { type: "object" }, list: { type: ["array", "null"] } } };

test("only an object that a browser holds exactly can be a form", () => {
  assert.deepEqual(readValue('{"a": 1.5}'), { value: { a: 1.5 } });
  assert.deepEqual(readValue("  "), { value: {} });
  assert.match(readValue("{host: 1}").problem, /not JSON/);
  for (const text of ["[1]", '"x"', "null", "7"]) assert.match(readValue(text).problem, /not an object/);
  assert.match(readValue('{"a": [{"b": 12345678901234567890}]}').problem, /round/);
  assert.match(readValue('{"a": 1e999}').problem, /round/);
  assert.deepEqual(readValue('{"a": 9007199254740991}').value, { a: 9007199254740991 });
});

test("what the schema does not name is kept, and keys stay in their order", () => {
  const value = { zebra: 1, host: "a", __proto__x: 2, port: 3 };
  const { known, others } = parted(value, SCHEMA);
  assert.deepEqual([known, others], [{ host: "a", port: 3 }, { zebra: 1, __proto__x: 2 }]);
  assert.deepEqual(Object.keys(joined(value, { port: 4, tls: true, host: undefined }, others)), ["zebra", "__proto__x", "port", "tls"]);
  assert.deepEqual(parted({ toString: 1 }, SCHEMA).others, { toString: 1 });
});

test("an equal value is no change, whatever the order of its keys", () => {
  assert.ok(same({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(same({ a: undefined }, {}));
  assert.ok(!same([1, 2], [2, 1]));
  assert.ok(!same({ a: null }, {}));
});

test("of another type's defaults nothing stays, of what was typed everything", () => {
  assert.deepEqual(withoutDefaults({ host: "x", port: 5432, other: 1 }, SCHEMA), { host: "x", other: 1 });
  assert.deepEqual(withoutDefaults({ port: 80 }, SCHEMA), { port: 80 });
});

test("values that a control cannot show are edited as JSON", () => {
  assert.deepEqual(misfits({ host: {}, port: [1], tls: "yes", mode: "b", more: 1, list: {} }, SCHEMA), ["host", "port", "tls", "mode", "more", "list"]);
  assert.deepEqual(misfits({ host: "x", port: "many", tls: true, mode: 1, more: {}, list: [] }, SCHEMA), []);
  assert.deepEqual(misfits({ host: null, tls: "$var:u/a/b", more: "$res:u/a/b" }, SCHEMA), []);
  assert.equal(formOf(SCHEMA, ["host"]).uiSchema.host["ui:field"], "json");
});

test("a reference or an empty field passes, whatever the schema says", () => {
  assert.deepEqual(["$var:u/a/b", "$res:u/a/b", null].map(passes), [true, true, true]);
  assert.deepEqual(["text", 0, undefined, "var:u/a"].map(passes), [false, false, false, false]);
});

test("secrets are masked, long ones in an area", () => {
  const ui = (field) => formOf({ properties: { x: { type: "string", ...field } } }).uiSchema.x;
  for (const mark of [{ format: "password" }, { password: true }, { sensitive: true }]) assert.deepEqual(ui(mark), { "ui:widget": "password", "ui:options": { long: false } });
  assert.equal(ui({ password: true, minRows: 3 })["ui:options"].long, true);
});

test("a schema without fields makes no form", () => {
  for (const schema of [undefined, null, {}, { properties: {} }, { properties: [] }]) assert.equal(hasFields(schema), false);
  assert.ok(hasFields(SCHEMA));
});
