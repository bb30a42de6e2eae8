import assert from "node:assert/strict";
import { test } from "node:test";

const { Presence, colourOf, initialsOf } = await import("../../../../assets/js/notebook/presence.js");
const { Signals } = await import("../../../../assets/js/notebook/signals.js");

/** A page of ada's with a clock of its own; `sent` is what went to the server. */
function page() {
  const store = new Signals();
  const said = { announced: [], flushed: 0 };
  Object.assign(store, {
    client: "mine",
    base: "",
    cell: (id) => (id === "a" || id === "b" ? { step_id: id } : undefined),
    announce: (text) => said.announced.push(text),
    flush: () => (said.flushed += 1),
    toast: () => {},
    team: { sort: () => {}, lost: () => {} },
  });
  store.set("team", []);
  store.set("link", "open");
  let at = 100000;
  const presence = new Presence(store, () => at);
  const sent = [];
  presence.post = async (body) => {
    sent.push(body);
    return { me: "ada", every: 4 };
  };
  return { store, presence, sent, said, after: async (ms) => ((at += ms), presence.tick(), await Promise.resolve(), await Promise.resolve()) };
}

const of = (user, cell, more = {}) => ({ user, name: user, client: `p-${user}`, cell, typing: false, holds: false, ...more });
const type = (presence, cell) => Object.assign(presence, { keyAt: presence.now(), keyIn: cell });

test("a page alone says that it is there every few seconds, and nothing about what is done in it", async () => {
  const { store, presence, sent, after } = page();
  await after(0);
  store.set("selected", "a");
  type(presence, "a");
  for (let second = 0; second < 12; second += 1) await after(1000);
  assert.equal(sent.length, 4);
});

test("with somebody else here, a move is said once a second at most", async () => {
  const { store, presence, sent, after } = page();
  await after(0);
  presence.take([of("ben", "")]);
  store.set("selected", "a");
  store.set("selected", "b");
  assert.equal(sent.length, 1);
  await after(1000);
  assert.deepEqual(sent.slice(1).map((one) => one.cell), ["b"]);
  await after(1000);
  assert.equal(sent.length, 2);
});

test("with somebody in another draft of the flow, a move is said at once too", async () => {
  const { store, sent, after } = page();
  await after(0);
  store.set("team", [{ user: "ben" }]);
  store.set("selected", "b");
  await after(1000);
  assert.deepEqual(sent.slice(1).map((one) => one.cell), ["b"]);
});

test("typing is told while it lasts, and so is its end", async () => {
  const { store, presence, sent, after } = page();
  await after(0);
  presence.take([of("ben", "")]);
  store.set("selected", "a");
  type(presence, "a");
  await after(1000);
  for (let second = 0; second < 8; second += 1) await after(1000);
  // once when it begins, with the beat that is due anyway, and when it is over
  assert.deepEqual(sent.slice(1).map((one) => one.typing), [true, true, false]);
});

test("nothing is said while the stream is lost, and who is here is not known", async () => {
  const { store, presence, sent, after } = page();
  presence.take([of("ben", "a", { typing: true, holds: true })]);
  store.set("link", "lost");
  presence.lost();
  await after(9000);
  assert.equal(sent.length, 0);
  assert.deepEqual([store.get("people"), store.get("here:a"), store.get("lock:a")], [[], undefined, undefined]);
});

test("a text that somebody else types in is locked, and free when they stop; one's own other page locks nothing", () => {
  const { store, presence } = page();
  const mine = { ...of("ada", "b", { typing: true, holds: true }), client: "mine" };
  presence.take([mine, of("ada", "b", { typing: true, holds: true }), of("ben", "a", { typing: true, holds: true })]);
  assert.equal(store.get("lock:a").name, "ben");
  assert.equal(store.get("lock:b"), undefined);
  assert.deepEqual(store.get("people").map((person) => person.user), ["ben"]);
  presence.take([mine, of("ben", "a")]);
  assert.equal(store.get("lock:a"), undefined);
  assert.equal(store.get("here:a")[0].user, "ben");
});

test("who is taken over sends what was typed, and does not count as typing any more", async () => {
  const { store, presence, sent, said, after } = page();
  await after(0);
  type(presence, "a");
  presence.take([of("ben", "a", { typing: true, holds: true })]);
  assert.equal(said.flushed, 1);
  assert.equal(store.get("lock:a").taken, true);
  assert.match(said.announced[0], /ben took over a/);
  await after(1000);
  assert.equal(sent.at(-1).typing, false);
});

test("taking over says so at once", async () => {
  const { presence, sent } = page();
  assert.equal(await presence.takeOver("a"), true);
  assert.deepEqual(sent, [{ cell: "a", typing: true, take: true, hello: false }]);
});

test("a beat that did not arrive is told to the stream again", async () => {
  const { presence, sent, after } = page();
  const { post } = presence;
  presence.post = () => Promise.reject(new Error("away"));
  presence.receive({ type: "hello" });
  await after(0);
  await after(1000);
  presence.post = post;
  await after(1000);
  assert.equal(sent.at(-1).hello, true);
});

test("people are shown by initials, each in a colour of their own", () => {
  assert.deepEqual(["Ada Byron", "olga", "ada_lovelace", "Ann van der Meer", "界"].map(initialsOf), ["AB", "OL", "AL", "AM", "界"]);
  assert.equal(colourOf("ada"), colourOf("ada"));
  for (const user of ["ada", "ben", "olga", ""]) assert.ok(colourOf(user) >= 1 && colourOf(user) <= 6);
});
