import assert from "node:assert/strict";
import { test } from "node:test";

import { dataToSend, formOf } from "../../../../assets/js/forms/schema_model.js";

const field = (schema) => {
  const form = formOf({ type: "object", properties: { x: schema } });
  return { schema: form.schema.properties.x, ui: form.uiSchema.x };
};

test("the order of the document is the order of the form", () => {
  const { uiSchema } = formOf({ properties: { a: {}, b: {}, c: {} }, order: ["c", "gone", "a"] });
  assert.deepEqual(uiSchema["ui:order"], ["c", "a", "*"]);
});

test("required names without a property do not block the form", () => {
  assert.deepEqual(formOf({ properties: { a: { type: "string" } }, required: ["a", "ghost"] }).schema.required, ["a"]);
});

test("files are uploads, as text or base64", () => {
  assert.deepEqual(field({ type: "string", contentMediaType: "text/csv" }).ui, { "ui:widget": "content", "ui:options": { encoding: undefined, media: "text/csv" } });
  assert.equal(field({ type: "string", contentEncoding: "base64" }).ui["ui:options"].encoding, "base64");
});

test("values of no shape are edited as JSON", () => {
  assert.equal(field({ type: "object" }).ui["ui:field"], "json");
  assert.equal(field({}).ui["ui:options"].kind, "any");
  assert.equal(field({ type: "array" }).ui["ui:field"], "json");
  assert.equal(field({ type: "array", items: { type: "string" } }).ui["ui:field"], undefined);
});

test("resources are named by path", () => {
  const { schema, ui } = field({ type: "object", format: "resource-postgresql" });
  assert.equal(schema.type, "string");
  assert.equal(ui["ui:options"].resource, "postgresql");
});

test("a stored file is named or sent", () => {
  const { schema, ui } = field({ type: "object", format: "resource-s3_object" });
  assert.deepEqual([schema.type, schema.format, ui["ui:field"]], ["object", undefined, "stored"]);
});

test("formats that only OpenFlow knows do not fail the check", () => {
  assert.equal(field({ type: "string", format: "dynselect-x" }).schema.format, undefined);
  assert.equal(field({ type: "string", format: "date" }).schema.format, "date");
});

test("long texts get room", () => {
  assert.equal(field({ type: "string", default: "a\nb" }).ui["ui:widget"], "textarea");
});

test("a schema that is none gives an empty form", () => {
  assert.deepEqual(formOf(null).schema.properties, {});
});

test("what was left empty is not sent", () => {
  assert.deepEqual(dataToSend({ a: undefined, b: { c: undefined, d: 0 }, e: [1, { f: undefined }] }), { b: { d: 0 }, e: [1, {}] });
});
