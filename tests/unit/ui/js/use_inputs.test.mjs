import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";

// the hook itself needs React; what is tested here does not
register("data:text/javascript," + encodeURIComponent('export async function resolve(name, context, next) { return name === "react" ? { url: "data:text/javascript,export const useEffect=0,useState=0", shortCircuit: true } : next(name, context); }'));
const { handlerOf, targetOf, withoutInputs } = await import("../../../../assets/js/stored/use_inputs.js");

test("a handler is a flow, a script, or the path of a script", () => {
  assert.deepEqual(["flow/f/a/b", "script/u/a/b", " f/a/b ", "hub/1/a/b"].map(targetOf), ["flow f/a/b", "script u/a/b", "script f/a/b", "script hub/1/a/b"]);
  assert.deepEqual(["", "flow/", "f/a", "flow f/a/b", "x/a/b"].map(targetOf), ["", "", "", "", ""]);
  assert.equal(handlerOf("flow f/a/b"), "flow/f/a/b");
});

test("what the server gives is asked of nobody", () => {
  const schema = { properties: { error: {}, channel: { type: "string" } }, required: ["error", "channel"], order: ["error", "channel"] };
  assert.deepEqual(withoutInputs(schema, ["error"]), { properties: { channel: { type: "string" } }, required: ["channel"], order: ["error", "channel"] });
  assert.equal(withoutInputs(schema, []), schema);
  assert.equal(withoutInputs(undefined, ["x"]), null);
});
