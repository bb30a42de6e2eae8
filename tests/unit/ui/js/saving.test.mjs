import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

globalThis.EventSource = class {};

const { Saving } = await import("../../../../assets/js/notebook/saving.js");
globalThis.window = { addEventListener() {}, dispatchEvent() {}, location: { pathname: "/flows/d" } };

const answers = [];
globalThis.fetch = mock.fn(() => new Promise((resolve) => answers.push((status, body) => resolve(new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } })))));
afterEach(() => {
  answers.length = 0;
  fetch.mock.resetCalls();
});

const ticks = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

function page() {
  const saving = new Saving();
  const toasts = [];
  Object.assign(saving, {
    base: "/drafts/d", client: "me", happened: 0, texts: new Map(), chosen: new Map(), sending: [], queue: [], staged: new Map(), inLine: 0,
    tail: Promise.resolve(), retries: 0, toast: (toast) => toasts.push(toast), announceCell: () => {}, kept: { saved() {}, keep() {}, forget() {} },
  });
  saving.takeSnapshot({ draft: { version: 1 }, cells: [] });
  saving.set("save", { kind: "saved" });
  return { saving, toasts, kind: () => saving.get("save").kind };
}

test("undo is not said to be saved before the server has done it", async () => {
  const { saving, kind } = page();
  const undone = saving.history("undo");
  assert.equal(kind(), "saving");
  await ticks();
  answers[0](200, { version: 2, draft: {}, cells: [] });
  await undone;
  assert.equal(kind(), "saved");
  assert.equal(saving.server.draft.version, 2);
});

test("what was typed is saved first, then undone", async () => {
  const { saving, kind } = page();
  saving.do({ op: "set_summary", summary: "new" });
  const undone = saving.history("undo");
  await ticks();
  assert.match(fetch.mock.calls[0].arguments[0], /operations$/);
  assert.equal(fetch.mock.calls.length, 1);
  answers[0](200, { version: 2, draft: {}, cells: [] });
  while (answers.length < 2) await new Promise(setImmediate);
  assert.match(fetch.mock.calls[1].arguments[0], /undo$/);
  assert.equal(kind(), "saving");
  answers[1](200, { version: 3, draft: {}, cells: [] });
  await undone;
  assert.equal(kind(), "saved");
});

test("nothing is undone while the last change is not saved, and the page says so", async () => {
  const { saving, toasts, kind } = page();
  saving.do({ op: "set_summary", summary: "new" });
  const undone = saving.history("undo");
  await ticks();
  answers[0](503, { error: { code: "busy", message: "busy" } });
  await undone;
  clearTimeout(saving.retryTimer);
  assert.equal(fetch.mock.calls.length, 1);
  assert.match(toasts[0].text, /not saved yet/);
  assert.equal(kind(), "error");
  assert.equal(saving.queue.length, 1);
});

test("who waits for an operation hears of it when the server has taken it, and never when it was refused", async () => {
  const { saving, toasts } = page();
  saving.refresh = () => {};
  const heard = [];
  saving.doThen({ op: "bind_names", bindings: [] }, () => heard.push("refused"));
  await ticks();
  answers[0](409, { error: { code: "notebook.nothing_named", message: "no longer there" } });
  await saving.settled();
  assert.deepEqual(heard, []);
  assert.match(toasts[0].text, /no longer there/);
  saving.doThen({ op: "set_summary", summary: "new" }, () => heard.push("taken"));
  assert.deepEqual(heard, []);
  while (answers.length < 2) await new Promise(setImmediate);
  answers[1](503, { error: { code: "busy", message: "busy" } });
  while (!saving.queue.length) await new Promise(setImmediate);
  assert.deepEqual(heard, []);
  clearTimeout(saving.retryTimer);
  saving.pump();
  while (answers.length < 3) await new Promise(setImmediate);
  answers[2](200, { version: 2, draft: {}, cells: [] });
  await saving.settled();
  assert.deepEqual(heard, ["taken"]);
});
