import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

let source;
globalThis.EventSource = class {
  constructor() {
    Object.assign(this, { readyState: 1 });
    source = this;
  }
  addEventListener() {}
  close() {}
  say(event) {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
};

const { follow } = await import("../../../../assets/js/output/growing.js");

let stored; // what the server gives of the text by now; null while it refuses
let asked;
let refusal; // and how
let until; // answers wait for this
let end;
globalThis.fetch = async (url) => {
  asked += 1;
  if (stored === null) return Response.json({ error: { message: "Not now." } }, { status: refusal });
  const answer = { text: stored.slice(Number(new URL(url, "http://x").searchParams.get("offset"))), next: stored.length };
  await until;
  return Response.json(answer);
};

/** Keep the answers to what is asked for meanwhile; a function that lets them go. */
async function held(meanwhile) {
  let go;
  until = new Promise((done) => (go = done));
  await meanwhile();
  until = null;
  return go;
}

/** Time goes by in small parts, and what is due in each of them is done to its end. */
async function pass(ms) {
  for (let gone = 0; gone < ms; gone += 50) {
    mock.timers.tick(50);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
  }
}

/** Somebody who listens from now on: what they have, and whether it went well. */
async function listening(more = {}) {
  const seen = { text: "", states: [] };
  end = follow({ ws: "main", runId: "r", path: "a", stream: true, live: true, take: (text) => (seen.text += text), anew: () => (seen.text = ""), changed: (state) => seen.states.push(state), ...more });
  await pass(50);
  source.say({ type: "hello", server: "s" });
  await pass(3000); // what is looked for once more after the beginning is over
  asked = 0;
  return seen;
}

const piece = (offset, text, type = "stream") => ({ topic: "run:r", type, run_id: "r", path: "a", offset, text });

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  Object.assign(globalThis, { reportError: (error) => { throw error; } });
  stored = "";
  refusal = 503;
  until = null;
  asked = 0;
});
afterEach(async () => {
  end();
  await pass(1000);
  mock.timers.reset();
});

test("what comes in order is taken as it comes, and nobody is asked", async () => {
  const seen = await listening();
  source.say(piece(0, "one "));
  source.say(piece(4, "two"));
  assert.equal(seen.text, "one two");
  assert.equal(asked, 0);
});

test("what a server failed to give is asked for again, after longer and longer waits", async () => {
  const seen = await listening();
  stored = null;
  source.say(piece(9, "later"));
  for (let number = 0; number < 50; number += 1) {
    source.say(piece(14 + number, "."));
    await pass(100);
  }
  assert.equal(seen.states.at(-1), "error");
  assert.ok(asked >= 3 && asked <= 4, `asked ${asked} times`);
  stored = "what was later" + ".".repeat(50);
  await pass(8000); // nobody tells of anything any more
  assert.equal(seen.text, stored);
  asked = 0;
  await pass(20000);
  assert.equal(asked, 0);
});

test("a log that could not be read at first is read, without a word of an event", async () => {
  stored = null;
  const seen = await listening({ stream: false });
  assert.equal(seen.text, "");
  stored = "all of it";
  await pass(5000);
  assert.equal(seen.text, stored);
});

test("what is refused stays refused", async () => {
  refusal = 404;
  stored = null;
  await listening();
  source.say(piece(9, "later"));
  await pass(20000);
  assert.equal(asked, 1);
});

test("what is answered of an attempt that is over is not taken for one of the next", async () => {
  const seen = await listening();
  source.say(piece(0, "the first one"));
  stored = "the first one, and more";
  const answer = await held(async () => {
    source.say(piece(18, "more"));
    await pass(300);
    source.say(piece(0, "another"));
  });
  stored = "another";
  answer();
  await pass(500);
  assert.equal(seen.text, "another");
});

test("what is not stored yet is asked for until it is there", async () => {
  const seen = await listening();
  source.say(piece(9, "later"));
  await pass(1000);
  assert.ok(asked >= 3 && asked <= 4, `asked ${asked} times`);
  stored = "what was later";
  await pass(500);
  assert.equal(seen.text, stored);
  asked = 0;
  await pass(2000);
  assert.equal(asked, 0);
});

test("pieces that come fast are asked for together by who is behind", async () => {
  const seen = await listening();
  for (let number = 1; number <= 100; number += 1) {
    source.say(piece(number * 10, "0123456789"));
    stored = "0123456789".repeat(number); // always some less than what is told
    await pass(50);
  }
  assert.ok(asked <= 42, `asked ${asked} times in 5 seconds`); // two each time: what is there, and that there is no more
  stored = "0123456789".repeat(101);
  await pass(500);
  assert.equal(seen.text, stored);
  asked = 0;
  await pass(2000);
  assert.equal(asked, 0); // one chain, and it has ended
});

test("a log's reader who is behind asks together too", async () => {
  const seen = await listening({ stream: false });
  for (let number = 1; number <= 20; number += 1) source.say(piece(number * 10, "0123456789", "log"));
  stored = "0123456789".repeat(21);
  await pass(500);
  assert.equal(seen.text, stored);
  assert.ok(asked <= 2, `asked ${asked} times`);
});

test("of a retried step the attempt that is meant is asked for", async () => {
  const urls = [];
  const answers = globalThis.fetch;
  globalThis.fetch = (url) => (urls.push(new URL(url, "http://x").searchParams.get("attempt")), answers(url));
  try {
    await listening({ of: 2 });
    end();
    await listening();
  } finally {
    globalThis.fetch = answers;
  }
  assert.deepEqual([...new Set(urls)], ["2", null]);
});
