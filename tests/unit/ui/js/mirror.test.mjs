import assert from "node:assert/strict";
import { test } from "node:test";

const { Mirror } = await import("../../../../assets/js/notebook/mirror.js");

/** A page of one cell, as far as what the server says of it goes. */
function page(kind = "never") {
  const mirror = new Mirror();
  Object.assign(mirror, { happened: 0, texts: new Map(), chosen: new Map(), sending: [], queue: [], staged: new Map(), announceCell: () => {} });
  mirror.takeSnapshot({ draft: { version: 1 }, cells: [cell(kind)] });
  return mirror;
}

const cell = (kind, more = {}) => ({ id: "c", step_id: "c", parent: null, slot: "modules", index: 0, state: { kind }, inputs: [], settings: {}, ...more });
const answer = (kind, more) => ({ version: 2, draft: {}, cells: [cell(kind, more)] });
const stateOf = (mirror) => mirror.get("state:c").kind;
const outputOf = (mirror) => mirror.get("output:c");

test("an answer that is older than the event that a run is over does not say running again", () => {
  const mirror = page();
  const since = mirror.happened;
  mirror.set("state:c", { kind: "running", local: true });
  mirror.receive({ type: "output", cell: "c", output: { run_id: "new", hash: "2" } });
  mirror.receive({ type: "state", cell: "c", state: { kind: "fresh" } });
  mirror.takeChange(answer("running", { output: { run_id: "old", hash: "1" } }), "own", since);
  assert.equal(stateOf(mirror), "fresh");
  assert.equal(outputOf(mirror).run_id, "new");
});

test("an answer says running where no event came since it was asked for", () => {
  const mirror = page();
  mirror.receive({ type: "states", states: { c: { kind: "fresh" } } });
  mirror.takeChange(answer("running"), "own", mirror.happened);
  assert.equal(stateOf(mirror), "running");
});

test("an answer tells what an edit did to a cell that was over meanwhile", () => {
  const mirror = page("running");
  const since = mirror.happened;
  mirror.receive({ type: "state", cell: "c", state: { kind: "fresh" } });
  mirror.takeChange(answer("stale"), "own", since);
  assert.equal(stateOf(mirror), "stale");
});

test("an answer that does not know of the run yet leaves running", () => {
  const mirror = page("running");
  mirror.takeChange(answer("stale"), "own", mirror.happened);
  assert.equal(stateOf(mirror), "running");
});

test("what others changed counts as it is", () => {
  const mirror = page("fresh");
  mirror.receive({ type: "state", cell: "c", state: { kind: "fresh" } });
  mirror.takeChange(answer("running"), "other");
  assert.equal(stateOf(mirror), "running");
});

test("of two iterations that print at once, the log of the one that began last stays whole", () => {
  const mirror = page();
  const prints = (path, offset, text) => mirror.receive({ type: "log", cell: "c", run_id: "r", path, text, offset });
  prints("loop[0].c", 0, "a1 ");
  prints("loop[1].c", 0, "b1 ");
  prints("loop[0].c", 3, "a2 ");
  prints("loop[1].c", 3, "b2 ");
  assert.equal(mirror.get("log:c").text, "b1 b2 ");
});

test("what a running cell prints is shown piece by piece; another attempt or iteration begins anew", () => {
  const mirror = page();
  mirror.receive({ type: "state", cell: "c", state: { kind: "running" } });
  const prints = (offset, text, path = "c") => mirror.receive({ type: "log", cell: "c", run_id: "r", path, text, offset });
  const shown = () => mirror.get("log:c").text;
  prints(0, "first 😀\n");
  prints(8, "more\n"); // offsets count characters, not what a browser stores them in
  prints(8, "more\n"); // told twice
  assert.equal(shown(), "first 😀\nmore\n");
  prints(0, "again\n"); // the next attempt
  assert.equal(shown(), "again\n");
  prints(0, "one\n", "loop[0].c");
  prints(4, "two\n", "loop[0].c");
  assert.equal(shown(), "one\ntwo\n");
  prints(0, "one\n", "loop[1].c");
  assert.equal(shown(), "one\n");
});

test("an iteration that a person chose stays, whichever run is the last one there", () => {
  const mirror = page("fresh");
  mirror.takeOutput("c", { run_id: "alone", hash: "2" });
  mirror.showIteration({ c: { run_id: "whole", hash: "1" } });
  mirror.takeChange(answer("fresh", { output: { run_id: "alone", hash: "2" } }), "other");
  assert.equal(outputOf(mirror).run_id, "whole");
  mirror.showIteration({ c: { run_id: "alone", hash: "2" } });
  mirror.showIteration({ c: { run_id: "whole", hash: "1" } });
  mirror.takeChange(answer("fresh", { output: { run_id: "alone", hash: "2" } }), "other");
  assert.equal(outputOf(mirror).run_id, "whole");
  mirror.receive({ type: "output", cell: "c", output: { run_id: "next", hash: "3" } });
  assert.equal(outputOf(mirror).run_id, "next");
});
