import assert from "node:assert/strict";
import { test } from "node:test";

import { ending, streamed } from "../../../../assets/js/output/streamed_text.js";

const lines = (...events) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
const token = (content) => ({ type: "token_delta", content });
const call = (type, more) => ({ type, call_id: "c1", function_name: "price", ...more });

test("plain text is shown as it is", () => {
  for (const text of ["", "hello\nthere", '{"a": 1}', '{"type": "x"}', '{"type":"other"}\n']) assert.deepEqual(streamed(text), { text, tools: null });
});

test("an agent's answer is put together, with what it calls", () => {
  const before = lines(token("Let me "), token("see."), call("tool_call"), call("tool_call_arguments", { arguments: "{}" }), call("tool_execution"));
  assert.deepEqual(streamed(before), { text: "Let me see.\n\n", tools: [{ id: "c1", name: "price", state: "running" }] });
  const after = before + lines(call("tool_result", { result: "4", success: true }), token("It is 4."));
  assert.deepEqual(streamed(after), { text: "Let me see.\n\nIt is 4.", tools: [{ id: "c1", name: "price", state: "done" }] });
  assert.equal(streamed(before + lines(call("tool_result", { result: "", success: false }))).tools[0].state, "failed");
});

test("a line that is still coming waits", () => {
  const whole = lines(token("one "), token("two"));
  for (let cut = 8; cut < whole.length; cut += 1) assert.ok("one two".startsWith(streamed(whole.slice(0, cut)).text), cut);
});

test("of a long text the end is drawn, from the beginning of a line", () => {
  assert.deepEqual(ending("short", 10), { text: "short", before: 0 });
  assert.deepEqual(ending("first\nsecond\nthird", 10), { text: "third", before: 13 });
  assert.equal(ending("x".repeat(50), 10).text.length, 10);
});
