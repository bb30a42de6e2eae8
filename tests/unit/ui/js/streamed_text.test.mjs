import assert from "node:assert/strict";
import { test } from "node:test";

import { ending, StreamedText } from "../../../../assets/js/output/streamed_text.js";

function shown(...pieces) {
  const stream = new StreamedText();
  for (const piece of pieces) stream.append(piece);
  return { text: stream.text, tools: stream.tools };
}
const lines = (...events) => events.map((event) => `${JSON.stringify(event)}\n`).join("");
const token = (content) => ({ type: "token_delta", content });
const call = (type, more) => ({ type, call_id: "c1", function_name: "price", ...more });

test("plain text is shown as it is", () => {
  for (const text of ["", "hello\nthere", '{"a": 1}', '{"type": "x"}', '{"type":"other"}\n']) {
    assert.deepEqual(shown(text), { text, tools: null });
    assert.deepEqual(shown(...text), { text, tools: null });
  }
});

test("an agent's answer is put together, with what it calls", () => {
  const before = lines(token("Let me "), token("see."), call("tool_call"), call("tool_call_arguments", { arguments: "{}" }), call("tool_execution"));
  assert.deepEqual(shown(before), { text: "Let me see.\n\n", tools: [{ id: "c1", name: "price", state: "running" }] });
  const after = before + lines(call("tool_result", { result: "4", success: true }), token("It is 4."));
  assert.deepEqual(shown(after), { text: "Let me see.\n\nIt is 4.", tools: [{ id: "c1", name: "price", state: "done" }] });
  assert.equal(shown(before, lines(call("tool_result", { result: "", success: false }))).tools[0].state, "failed");
});

test("a line that is still coming waits", () => {
  const whole = lines(token("one "), token("two"));
  for (let cut = 8; cut < whole.length; cut += 1) {
    assert.ok("one two".startsWith(shown(whole.slice(0, cut)).text), cut);
    assert.equal(shown(whole.slice(0, cut), whole.slice(cut)).text, "one two", cut);
  }
  assert.equal(shown(...whole).text, "one two");
});

test("of a long text the end is drawn, from the beginning of a line", () => {
  assert.deepEqual(ending("short", 10), { text: "short", before: 0 });
  assert.deepEqual(ending("first\nsecond\nthird", 10), { text: "third", before: 13 });
  assert.equal(ending("x".repeat(50), 10).text.length, 10);
});
