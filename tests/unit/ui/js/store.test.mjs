import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

globalThis.EventSource = class {};
globalThis.localStorage = { getItem: () => null, setItem() {}, removeItem() {}, length: 0, key: () => null };
const { NotebookStore } = await import("../../../../assets/js/notebook/store.js");
globalThis.window = { addEventListener() {}, dispatchEvent() {}, location: { pathname: "/flows/d" } };

const asked = []; // snapshots that were asked for: each a function that answers
const json = (body) => new Response(JSON.stringify(body), { status: 200, headers: { "content-type": "application/json" } });
globalThis.fetch = (path) => (path.endsWith("/notebook") ? new Promise((resolve) => asked.push((body) => resolve(json(body)))) : Promise.resolve(json([])));
afterEach(() => asked.splice(0));

const cell = (code, version, kind) => ({ id: "c", step_id: "c", parent: null, slot: "modules", index: 0, state: { kind }, code, code_version: version, inputs: [], settings: {} });
const snapshot = (version, code, kind = "fresh") => ({ draft: { version }, cells: [cell(code, version, kind)] });
const turn = () => new Promise(setImmediate);
const textOf = (store) => store.texts.get("c").text;

/** A page that has version 1, and has just come back after its stream was lost. */
async function resumed() {
  const store = new NotebookStore({ ws: "main", draftId: "d" });
  store.announceCell = () => {};
  store.restored = true;
  const first = store.refresh();
  await turn();
  asked.shift()(snapshot(1, "one"));
  await first;
  store.receive({ type: "hello", server: "s", resumed: true });
  await turn();
  assert.equal(asked.length, 1);
  return store;
}

test("a snapshot that a change has overtaken does not bring the older text back", async () => {
  const store = await resumed();
  store.receive({ type: "change", client: "elsewhere", version: 2, draft: {}, cells: [cell("two", 2, "stale")] });
  asked.shift()(snapshot(1, "one"));
  await turn();
  assert.equal(textOf(store), "two");
  assert.equal(store.server.draft.version, 2);
  asked.shift()(snapshot(2, "two", "stale")); // asked for anew
  await turn();
  assert.equal(store.server.draft.version, 2);
  assert.deepEqual(asked, []);
});

test("a server that was set back to an older state is believed", async () => {
  const store = await resumed();
  store.receive({ type: "change", client: "elsewhere", version: 5, draft: {}, cells: [cell("five", 5, "stale")] });
  asked.shift()(snapshot(5, "five"));
  await turn();
  const after = store.refresh();
  await turn();
  asked.shift()(snapshot(3, "three"));
  await after;
  assert.equal(textOf(store), "three");
});

test("a snapshot does not bring back a state that an event told since", async () => {
  const store = await resumed();
  store.receive({ type: "state", cell: "c", state: { kind: "running" } });
  store.receive({ type: "state", cell: "c", state: { kind: "failed" } });
  asked.shift()(snapshot(1, "one", "running")); // asked for before it failed
  await turn();
  assert.equal(store.get("state:c").kind, "failed");
});

test("a snapshot does not bring back a value that an event told since, and brings what no event told", async () => {
  const store = await resumed();
  store.receive({ type: "evaluated", cell: "c", inputs: { x: { ok: true, text: "7" } } });
  const inputs = [{ field: "x", evaluated: { ok: true, text: "5" } }, { field: "y", evaluated: { ok: true, text: "1" } }];
  asked.shift()({ draft: { version: 1 }, cells: [{ ...cell("one", 1, "fresh"), inputs }] });
  await turn();
  assert.equal(store.get("evaluated:c").x.text, "7");
  assert.equal(store.get("evaluated:c").y.text, "1");
});

test("the value of an expression that was typed over is not shown as that of the new one", async () => {
  const store = await resumed();
  const told = (text) => store.receive({ type: "evaluated", cell: "c", inputs: { x: { ok: true, text }, y: { ok: true, text } } });
  told("1");
  store.stage("input:c:x", { op: "set_input", cell: "c", field: "x", transform: { type: "javascript", expr: "2" } });
  assert.equal(store.get("evaluated:c").x, null);
  told("3"); // of what the server has
  assert.equal(store.get("evaluated:c").x, null);
  assert.equal(store.get("evaluated:c").y.text, "3");
  clearTimeout(store.staged.get("input:c:x").timer);
  store.unstage("input:c:x");
  told("2");
  assert.equal(store.get("evaluated:c").x.text, "2");
});

test("the undo of a message takes back what it names, and puts a cell back when more was done since", async () => {
  const store = await resumed();
  asked.shift()(snapshot(1, "one"));
  await turn();
  const posted = [];
  let version = 1;
  const before = globalThis.fetch;
  globalThis.fetch = async (path, { body } = {}) => {
    const verb = path.split("/").at(-1);
    posted.push([verb, JSON.parse(body)]);
    version += 1;
    return json({ version, draft: {}, cells: [] });
  };
  try {
    store.do({ op: "set_summary", summary: "1" });
    const made = store.lastMade();
    store.toastDone({ text: "Named" });
    await store.settled();
    assert.equal(made.version, 2);
    await store.get("toasts").at(-1).action.run();
    assert.deepEqual(posted.at(-1), ["undo", { client: store.client, version: 2 }]);
    store.do({ op: "set_summary", summary: "2" });
    const other = store.lastMade();
    await store.settled();
    store.do({ op: "set_summary", summary: "3" });
    assert.equal(await store.takeBackDeletion(other, ["gone"]), true);
    assert.deepEqual(posted.at(-1), ["bin", { client: store.client, cell: "gone" }]);
    store.do({ op: "set_summary", summary: "4" });
    assert.equal(await store.takeBackDeletion(store.lastMade(), ["gone"]), true);
    assert.deepEqual(posted.at(-1), ["undo", { client: store.client, version: version - 1 }]);
  } finally {
    globalThis.fetch = before;
    for (const { timer } of store.staged.values()) clearTimeout(timer);
    for (const toast of store.get("toasts")) store.dismiss(toast.id);
  }
});

test("several changes at once go in one request after a run that was refused", async () => {
  const store = await resumed();
  asked.shift()(snapshot(1, "one"));
  await turn();
  const sent = [];
  const before = globalThis.fetch;
  globalThis.fetch = async (path, { body } = {}) => {
    if (path.endsWith("/run")) return new Response(JSON.stringify({ error: { code: "run.nothing_to_run", message: "c is running already." } }), { status: 409, headers: { "content-type": "application/json" } });
    sent.push(JSON.parse(body).ops.length);
    return json({ version: 1 + sent.length, draft: {}, cells: [] });
  };
  try {
    await store.run(["c"]);
    store.do({ op: "set_summary", summary: "1" }, { op: "set_summary", summary: "2" }, { op: "set_summary", summary: "3" });
    await store.settled();
  } finally {
    globalThis.fetch = before;
  }
  assert.deepEqual(sent, [3]);
});
