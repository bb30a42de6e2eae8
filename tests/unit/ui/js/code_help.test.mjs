import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

globalThis.EventSource = class {};
globalThis.fetch = mock.fn(async () => new Response(JSON.stringify({ code: "x = 1\n" }), { headers: { "content-type": "application/json" } }));
afterEach(() => fetch.mock.resetCalls());

const { formatCell } = await import("../../../../assets/js/notebook/code_help.js");

function page(lock) {
  const told = { toasts: [], written: [], said: [] };
  const texts = ["x=1"];
  const store = {
    ws: "main", cell: () => ({ step_id: "a", language: "python3" }), text: () => texts.at(-1), get: (key) => (key === "lock:c" ? lock : undefined),
    toast: (toast) => told.toasts.push(toast), announce: (words) => told.said.push(words), write: (id, text) => told.written.push([id, text]),
  };
  return { store, told, texts };
}

test("a cell is formatted", async () => {
  const { store, told } = page();
  await formatCell(store, "c");
  assert.deepEqual(told.written, [["c", "x = 1\n"]]);
});

test("a text that somebody else types in is left alone", async () => {
  const { store, told } = page({ name: "Ada" });
  await formatCell(store, "c");
  assert.equal(fetch.mock.callCount(), 0);
  assert.deepEqual(told.written, []);
  assert.match(told.toasts[0].text, /Ada is typing in a/);
});

test("what was typed meanwhile is not overwritten", async () => {
  const { store, told, texts } = page();
  const done = formatCell(store, "c");
  texts.push("x=12");
  await done;
  assert.deepEqual(told.written, []);
});
