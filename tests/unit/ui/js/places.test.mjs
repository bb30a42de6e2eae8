import assert from "node:assert/strict";
import { test } from "node:test";

import { isInside, isKept, parentOf, restartPlace, restartable, roundsOf, waitingFor, whereOf } from "../../../../assets/js/run/places.js";
import { treeOf } from "../../../../assets/js/run/timeline.js";

test("parents of steps in loops, branches, called flows and second attempts", () => {
  assert.deepEqual(["a", "l[3].b", "call/a", "l[0].call/m[1].x", "l~2[0].b"].map(parentOf), [null, "l[3]", "call", "l[0].call/m[1]", "l~2[0]"]);
});

test("where to begin, as the route takes it", () => {
  assert.deepEqual(restartPlace("a"), { step_id: "a" });
  assert.deepEqual(restartPlace("l", 2), { step_id: "l", branch_or_iteration_n: 2 });
  assert.deepEqual(restartPlace("l[3].b"), { step_id: "l", branch_or_iteration_n: 3, nested: { step_id: "b" } });
  assert.deepEqual(restartPlace("br[default].m", 1), { step_id: "br", nested: { step_id: "m", branch_or_iteration_n: 1 } });
  assert.deepEqual(restartPlace("call~2/l[0].b"), { step_id: "call", nested: { step_id: "l", branch_or_iteration_n: 0, nested: { step_id: "b" } } });
});

test("only finished steps of finished flows may begin again", () => {
  const run = { kind: "flow", status: "failure" };
  const step = { path: "a", status: "success" };
  assert.equal(restartable(run, step), true);
  assert.equal(restartable({ ...run, status: "suspended" }, step), false);
  assert.equal(restartable({ ...run, kind: "cells" }, step), false);
  assert.equal(restartable(run, { ...step, status: "queued" }), false);
  assert.equal(restartable(run, null), false);
  for (const path of ["failure", "preprocessor", "call/failure", "call-preprocessor"]) assert.equal(restartable(run, { ...step, path }), false);
  assert.equal(restartable(run, { path: "a-v", status: "success", waits_after: "a" }), false);
});

test("rounds count iterations and branches, in the attempt that came last", () => {
  const steps = ["l", "l[0].a", "l[0].b", "l[2].a", "l~2[0].a", "l2[7].a"].map((path) => ({ path }));
  assert.equal(roundsOf(steps, { path: "l", kind: "forloopflow", attempt: 1 }), 3);
  assert.equal(roundsOf(steps, { path: "l", kind: "whileloopflow", attempt: 2 }), 1);
  assert.equal(roundsOf(steps, { path: "l", kind: "branchone", attempt: 1 }), 0);
});

test("places in words", () => {
  assert.equal(whereOf("a"), "");
  assert.equal(whereOf("call/l[3].b", { "call/l": "forloopflow" }), "iteration 4 of “l”, in “call”");
  assert.equal(whereOf("br[1].b", { br: "branchall" }), "branch 2 of “br”");
  assert.equal(whereOf("br[default].b"), "the last branch of “br”");
  assert.deepEqual([isInside("l[0].a", "l"), isInside("l2", "l"), isInside("l", "l"), isInside("call/a", "call")], [true, false, false, true]);
});

test("what a restarted run took over is told from what it ran", () => {
  const run = { started_at: "2026-11-22T10:00:05Z" };
  assert.equal(isKept(run, { kept_from: "r", ended_at: "2026-11-22T10:00:01Z" }), true);
  assert.equal(isKept(run, { kept_from: "r", ended_at: "2026-11-22T10:00:06Z" }), false);
  assert.equal(isKept(run, { ended_at: "2026-11-22T10:00:01Z" }), false);
  assert.equal(isKept(run, null), false);
});

test("what a run waits for", () => {
  const run = { status: "suspended", started_at: "x", waits: { approvals: [], until: "T" } };
  const at = (iso) => `at ${iso}`;
  assert.equal(waitingFor({ ...run, waits: { approvals: ["a", "b[0].c"], until: "T" } }, [], at), "Waits for approval after a, b[0].c");
  assert.equal(waitingFor(run, [{ path: "a", step_id: "a", status: "queued", retry_at: "R" }], at), "Waits to try a again, at R");
  assert.equal(waitingFor(run, [{ path: "a-v", status: "running", sleeps_until: "S", waits_after: "a" }], at), "Sleeps after a until at S");
  assert.equal(waitingFor(run, [], at), "Waits until at T");
  assert.equal(waitingFor({ ...run, started_at: null }, [], at), "Starts at T");
  assert.equal(waitingFor({ ...run, waits: { approvals: [], until: null } }, [], at), "Waits for its turn");
  assert.equal(waitingFor({ ...run, status: "running" }, [], at), "");
});

test("steps of a called flow stand under the step that calls it", () => {
  const [root, ...others] = treeOf([{ path: "call", step_id: "call", kind: "flow" }, { path: "call/a", step_id: "a" }, { path: "call/l", step_id: "l", kind: "forloopflow" }, { path: "call/l[1].b", step_id: "b", parent: "call/l[1]" }]);
  assert.equal(others.length, 0);
  assert.deepEqual(root.groups.map((group) => group.nodes.map((node) => node.step.path)), [["call/a", "call/l"]]);
  assert.deepEqual(root.groups[0].nodes[1].groups[0].nodes[0].step.path, "call/l[1].b");
});
