import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

const sources = [];
globalThis.EventSource = class {
  constructor(url) {
    Object.assign(this, { url: decodeURIComponent(url), readyState: 1, closed: false });
    sources.push(this);
  }
  addEventListener() {}
  close() {
    this.closed = true;
    this.readyState = 2;
  }
  say(event) {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
};

const { ApiError, getConnection, request, subscribe, withQuery } = await import("../../../../assets/js/api.js");
const ends = [];
const listen = (topics) => {
  const heard = [];
  const statuses = [];
  const end = subscribe("main", topics, (event) => heard.push(event), (status) => statuses.push(status));
  ends.push(end);
  return { heard, statuses, end };
};
const newest = () => sources.at(-1);

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
afterEach(() => {
  ends.splice(0).forEach((end) => end());
  mock.timers.tick(60000);
  mock.timers.reset();
  sources.length = 0;
});

test("one stream serves all topics of a page", () => {
  const draft = listen("draft:1");
  const run = listen("run:2");
  mock.timers.tick(10);
  assert.equal(sources.length, 1);
  assert.match(newest().url, /topics=draft:1,run:2,server$/);
  newest().say({ type: "hello", server: "s" });
  newest().say({ topic: "run:2", type: "step" });
  assert.deepEqual(draft.heard.map((event) => event.type), ["hello"]);
  assert.deepEqual(run.heard.map((event) => event.type), ["hello", "step"]);
});

test("what is told of a flow is heard with a draft of it, and not with anything else", () => {
  const draft = listen("draft:1");
  const run = listen("run:2");
  mock.timers.tick(10);
  newest().say({ type: "hello", server: "s" });
  newest().say({ topic: "flow:f/team/report", type: "team", people: [] });
  assert.deepEqual([draft, run].map(({ heard }) => heard.map((event) => event.type)), [["hello", "team"], ["hello"]]);
});

test("a new topic opens a wider stream before the old one closes, and misses nothing", () => {
  const draft = listen("draft:1");
  mock.timers.tick(10);
  const first = newest();
  first.say({ type: "hello", server: "s" });
  listen("run:2");
  mock.timers.tick(10);
  const second = newest();
  assert.equal(first.closed, false);
  first.say({ topic: "draft:1", type: "state" });
  second.say({ type: "hello", server: "s" });
  assert.equal(first.closed, true);
  assert.deepEqual(draft.heard.map((event) => event.type), ["hello", "state"], "no second hello: nothing was missed");
});

test("after a loss the page reconnects and is told to read again", () => {
  const draft = listen("draft:1");
  mock.timers.tick(10);
  newest().say({ type: "hello", server: "s" });
  newest().onerror();
  assert.equal(getConnection().state, "lost");
  mock.timers.tick(1000);
  newest().say({ type: "hello", server: "t" });
  assert.deepEqual(draft.heard.map((event) => event.resumed), [false, true]);
  assert.deepEqual(draft.statuses, ["open", "lost", "open"]);
  assert.equal(getConnection().server, "t");
});

test("the patient one joins the stream that another opens", () => {
  const bar = [];
  ends.push(subscribe("main", "runs", (event) => bar.push(event.type), undefined, { patience: 1500 }));
  mock.timers.tick(100);
  assert.equal(sources.length, 0);
  listen("draft:1");
  mock.timers.tick(2000);
  assert.equal(sources.length, 1);
  assert.match(newest().url, /draft:1,runs,server$/);
  newest().say({ type: "hello", server: "s" });
  newest().say({ topic: "runs:main", type: "run" });
  assert.deepEqual(bar, ["hello", "run"]);
});

test("the bar that comes when the stream is open already costs no other one", () => {
  listen("draft:1");
  mock.timers.tick(10);
  newest().say({ type: "hello", server: "s" });
  const bar = [];
  ends.push(subscribe("main", "server", (event) => bar.push(event.type), undefined, { patience: 1500 }));
  mock.timers.tick(2000);
  assert.equal(sources.length, 1);
  assert.deepEqual(bar, ["hello"]);
});

test("the patient one opens a stream itself when nobody does", () => {
  ends.push(subscribe("main", "runs", () => {}, undefined, { patience: 1500 }));
  mock.timers.tick(1600);
  assert.equal(sources.length, 1);
});

test("the patient one waits longer for a notebook that is still loading, but not for ever", (context) => {
  const now = context.mock.method(performance, "now", () => 5000);
  context.after(() => delete globalThis.flowappEarly);
  globalThis.flowappEarly = {};
  ends.push(subscribe("main", "runs", () => {}, undefined, { patience: 1500 }));
  mock.timers.tick(6000);
  assert.equal(sources.length, 0);
  globalThis.flowappEarly = undefined;
  listen("draft:1");
  mock.timers.tick(10);
  assert.match(newest().url, /topics=draft:1,runs,server$/);
  ends.splice(0).forEach((end) => end());
  mock.timers.tick(1000);
  globalThis.flowappEarly = {};
  ends.push(subscribe("main", "runs", () => {}, undefined, { patience: 1500 }));
  now.mock.mockImplementation(() => 16000);
  mock.timers.tick(2000);
  assert.equal(sources.length, 2);
});

test("a component that mounts again costs no reconnect", () => {
  const first = listen("draft:1");
  mock.timers.tick(10);
  newest().say({ type: "hello", server: "s" });
  first.end();
  const again = listen("draft:1");
  mock.timers.tick(1000);
  assert.equal(sources.length, 1);
  assert.deepEqual(again.heard.map((event) => event.type), ["hello"]);
});

test("a listener that throws does not starve the others", () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  ends.push(subscribe("main", "draft:1", () => { throw new Error("mine"); }));
  const other = listen("draft:1");
  mock.timers.tick(10);
  newest().say({ type: "hello", server: "s" });
  assert.equal(other.heard.length, 1);
  assert.deepEqual(reported, ["mine"]);
});

test("an error answer carries code, message, hint and problems", async () => {
  const body = { error: { code: "draft.rejected", message: "No.", hint: "Try.", problems: [{ message: "p" }] } };
  globalThis.fetch = async () => new Response(JSON.stringify(body), { status: 422, headers: { "content-type": "application/json" } });
  await assert.rejects(request("POST", "/x", { json: {} }), (error) => error instanceof ApiError && error.status === 422 && error.code === "draft.rejected" && error.hint === "Try." && error.problems.length === 1);
});

test("no answer at all has status 0", async () => {
  globalThis.fetch = async () => { throw new TypeError("failed"); };
  await assert.rejects(request("GET", "/x"), (error) => error.status === 0 && error.code === "net.offline");
});

test("a proxy's HTML page is not shown as a message", async () => {
  globalThis.fetch = async () => new Response("<html>Bad gateway</html>", { status: 502, headers: { "content-type": "text/html" } });
  await assert.rejects(request("GET", "/x"), /The server answered 502/);
});

test("query values: nothing for nothing, JSON for structures", () => {
  assert.equal(withQuery("/x", { a: "", b: null, c: ["k", 0], d: 0 }), "/x?c=%5B%22k%22%2C0%5D&d=0");
  assert.equal(withQuery("/x", {}), "/x");
});
