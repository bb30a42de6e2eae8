import assert from "node:assert/strict";
import { test } from "node:test";

const { Comments, inCellOrder, onOtherSteps } = await import("../../../../assets/js/notebook/comments.js");
const { Signals } = await import("../../../../assets/js/notebook/signals.js");

/** A page whose server answers with `threads`, one answer after the other. */
function page(...answers) {
  const store = new Signals();
  const said = [];
  let asked = 0;
  Object.assign(store, {
    ask: async () => ({ me: "ada", threads: answers[Math.min(asked++, answers.length - 1)] }),
    cell: (id) => ({ step_id: id }),
    announce: (text) => said.push(text),
  });
  return { store, said, comments: new Comments(store), asked: () => asked };
}

const thread = (id, cell, more = {}) => ({ id, cell, resolved: null, comments: [{ id, author: "ben", name: "Ben" }], ...more });

test("each cell gets its own threads, open and resolved apart", async () => {
  const { store, comments } = page([thread("1", "a"), thread("2", "b"), thread("3", "a", { resolved: { by: "ben" } })]);
  await comments.load();
  assert.deepEqual(comments.of("a").open.map((one) => one.id), ["1"]);
  assert.deepEqual(comments.of("a").resolved.map((one) => one.id), ["3"]);
  assert.equal(store.get("comments").length, 3);
  assert.equal(comments.of("c").open.length, 0);
});

test("a cell whose last comment went is told so, and one with nothing new is not", async () => {
  const { store, comments } = page([thread("1", "a"), thread("2", "b")], [thread("2", "b")]);
  await comments.load();
  let told = 0;
  store.subscribe("comments:b", () => (told += 1));
  await comments.load();
  assert.equal(store.get("comments:a"), undefined);
  assert.equal(told, 0);
});

test("what others write later is announced, what was there is not", async () => {
  const later = [thread("1", "a"), thread("2", "b"), { ...thread("3", "b"), comments: [{ id: "3", author: "ada", name: "Ada" }] }];
  const { said, comments } = page([thread("1", "a")], later);
  await comments.load();
  assert.deepEqual(said, []);
  await comments.load();
  assert.deepEqual(said, ["Ben commented on b"]);
});

test("a change that comes while they are read is read again, however many come", async () => {
  const { comments, asked } = page([], [thread("1", "a")]);
  const first = comments.load();
  comments.receive({ type: "comments" });
  comments.receive({ type: "comments" });
  await first;
  await comments.loading;
  assert.equal(asked(), 2);
  assert.equal(comments.of("a").open.length, 1);
});

test("threads are listed in the order of the cells, without those of cells that are gone", () => {
  const groups = inCellOrder([thread("1", "b"), thread("2", "gone"), thread("3", "a"), thread("4", "b")], ["a", "b", "c"]);
  assert.deepEqual(groups.map((group) => [group.cell, group.threads.map((one) => one.id)]), [["a", ["3"]], ["b", ["1", "4"]]]);
});

test("what is said of a step that the draft does not have is found by the step, and is on no cell", async () => {
  const there = thread("1", "a", { step: "a", shared: true });
  const gone = thread("2", null, { step: "old", shared: true });
  const deleted = thread("3", "x", { step: "b", shared: true });
  const own = thread("4", "y", { step: null, shared: false }); // comes back when the deletion is undone
  const { store, comments } = page([there, gone, deleted, own]);
  await comments.load();
  assert.equal(store.get("comments:null"), undefined);
  const found = onOtherSteps(store.get("comments"), ["a"]);
  assert.deepEqual(found.map(({ step, threads }) => [step, threads.map((one) => one.id)]), [["b", ["3"]], ["old", ["2"]]]);
});

test("comments are read again when the draft is deployed or takes a version in, and not with each edit", async () => {
  const { store, comments, asked } = page([]);
  await comments.load();
  store.set("draft", { path: "f/team/a", deployed_version: 1, version: 3 });
  store.set("draft", { path: "f/team/a", deployed_version: 1, version: 4 });
  assert.equal(asked(), 1);
  store.set("draft", { path: "f/team/a", deployed_version: 2, version: 4 });
  await comments.loading;
  assert.equal(asked(), 2);
});
