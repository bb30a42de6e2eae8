import assert from "node:assert/strict";
import { test } from "node:test";

const { Presence } = await import("../../../../assets/js/notebook/presence.js");
const { Signals } = await import("../../../../assets/js/notebook/signals.js");
const { Team } = await import("../../../../assets/js/notebook/team.js");

/** A page of ada's that shows a draft of f/team/chain, with a clock of its own. */
function page() {
  const store = new Signals();
  const announced = [];
  const toasts = [];
  Object.assign(store, {
    client: "mine",
    server: { draft: { path: "f/team/chain", deployed_version: 1 } },
    cell: (id) => (id === "ca" || id === "cb" ? { step_id: id.slice(1) } : undefined),
    announce: (text) => announced.push(text),
    toast: (toast) => toasts.push(toast),
    flush: () => {},
  });
  store.rebuild = () => store.set("draft", store.server.draft);
  store.rebuild();
  let at = 100000;
  store.presence = new Presence(store, () => at);
  store.presence.me = "ada";
  store.team = new Team(store, () => at);
  const told = (...people) => store.team.receive({ type: "team", topic: "flow:f/team/chain", people });
  return { store, announced, toasts, told, wait: (ms) => (at += ms) };
}

const at = (user, step, more = {}) => ({ user, name: user, step, typing: false, changed: false, ...more });
const hinted = (store, step) => (store.get(`hint:${step}`) ?? []).map((person) => person.user);

test("others are told of by step; oneself, and who is in this very draft, is not", () => {
  const { store, told } = page();
  told(at("ada", "a"), at("ben", "a"), at("cleo", "b"));
  assert.deepEqual(store.get("team").map((person) => [person.user, person.step]), [["ben", "a"], ["cleo", "b"]]);
  assert.equal(store.get("team:a")[0].user, "ben");
  store.presence.take([{ user: "cleo", name: "cleo", client: "p", cell: "ca", typing: false, holds: false }]);
  assert.deepEqual(store.get("team").map((person) => person.user), ["ben"]);
  assert.equal(store.get("team:b"), undefined);
  told();
  assert.deepEqual([store.get("team"), store.get("team:a")], [[], undefined]);
});

test("of somebody with two pages the one is told of in which they type", () => {
  const { store, told } = page();
  told(at("ben", "a"), at("ben", "b", { typing: true }));
  assert.deepEqual(store.get("team").map((person) => person.step), ["b"]);
});

test("a hint goes with the first key, and comes again only after that person has left the step", () => {
  const { store, told, wait } = page();
  told(at("ben", "a", { typing: true }));
  assert.deepEqual(hinted(store, "a"), ["ben"]);
  wait(5000);
  store.team.typed("cb");
  assert.deepEqual(hinted(store, "a"), ["ben"], "a key in another cell says nothing about it");
  store.team.typed("ca");
  assert.deepEqual(hinted(store, "a"), []);
  told(at("ben", "a"));
  told(at("ben", "a", { typing: true }));
  assert.deepEqual(hinted(store, "a"), [], "a pause is no reason to say it again");
  told(at("ben", "a", { typing: true }), at("cleo", "a", { typing: true }));
  assert.deepEqual(hinted(store, "a"), ["cleo"], "somebody else is news");
  told(at("ben", "b"));
  told(at("ben", "a", { typing: true }));
  assert.deepEqual(hinted(store, "a"), ["ben"]);
});

test("a hint that comes while one types stays long enough to be read, and is said to who only hears", () => {
  const { store, announced, told, wait } = page();
  store.set("editing", "ca");
  told(at("ben", "a", { typing: true }));
  assert.deepEqual(announced, ["ben is changing a in another draft"]);
  wait(300);
  store.team.typed("ca");
  assert.deepEqual(hinted(store, "a"), ["ben"]);
  told(at("ben", "a"));
  assert.deepEqual(hinted(store, "a"), [], "it goes with the typing");
  assert.equal(announced.length, 1);
});

test("what is said of another flow is not of this one, and a draft that moves to another path has other colleagues", () => {
  const { store, told } = page();
  store.team.receive({ type: "team", topic: "flow:f/team/other", people: [at("ben", "a")] });
  assert.deepEqual(store.get("team"), []);
  told(at("ben", "a"));
  store.team.receive({ type: "change", draft: { path: "f/team/other" } });
  assert.deepEqual(store.get("team"), []);
});

test("a stream that is lost knows of nobody", () => {
  const { store, told } = page();
  told(at("ben", "a", { typing: true }));
  store.presence.lost();
  assert.deepEqual([store.get("team"), store.get("team:a"), hinted(store, "a")], [[], undefined, []]);
});

test("a newer version is told at once, and by a message to who did not deploy it", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { store, toasts } = page();
  const deployed = (version, by, path = "f/team/chain") => {
    store.team.receive({ type: "deployed", topic: `flow:${path}`, path, version, by, name: by });
    context.mock.timers.tick(1000);
  };
  deployed(5, "ben", "f/team/other");
  assert.equal(store.get("draft").newest_version, undefined);
  deployed(2, "ada");
  assert.equal(store.get("draft").newest_version, 2);
  assert.equal(toasts.length, 0);
  deployed(3, "ben");
  assert.match(toasts[0].text, /ben deployed version 3/);
  store.server = { draft: { ...store.server.draft, deployed_version: 4 } };
  deployed(4, "ben");
  assert.equal(toasts.length, 1, "the draft is that version: it was deployed itself");
});
