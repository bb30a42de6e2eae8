import assert from "node:assert/strict";
import { test } from "node:test";

import { axisOf, barOf, mergeStep, timelineRows, treeOf, withPercent, withProgress } from "../../../../assets/js/run/timeline.js";

const T0 = Date.parse("2026-11-22T10:00:00Z");
const step = (path, from, to, more = {}) => ({ path, step_id: path.split(".").at(-1), title: "", kind: "rawscript", parent: path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : null, status: "success", started_at: new Date(T0 + from).toISOString(), ended_at: to === null ? null : new Date(T0 + to).toISOString(), duration_ms: to === null ? null : to - from, ...more });
const loop = (iterations, more = {}) => [step("l", 0, 1000, { kind: "forloopflow" }), ...Array.from({ length: iterations }, (_, i) => step(`l[${i}].x`, i * 10, i * 10 + 9, more[i] || {}))];
const keys = (rows) => rows.map((row) => row.key);

test("iterations stand under their loop, in order", () => {
  const [root] = treeOf(loop(3).reverse());
  assert.equal(root.step.path, "l");
  assert.deepEqual(root.groups.map((group) => [group.index, group.label]), [[0, "Iteration 1"], [1, "Iteration 2"], [2, "Iteration 3"]]);
});

test("a container without a row of its own still holds its steps", () => {
  const rows = timelineRows([step("l[0].x", 0, 5, { status: "running", ended_at: null })], new Map(), T0 + 50);
  assert.deepEqual(keys(rows), ["l", "l[0].x"]);
  assert.equal(rows[0].status, "running");
});

test("tasks of a script that is a workflow stand under it", () => {
  const inner = [step("a/named", 1, 2), step("a/call%232", 3, 4, { title: "call#2" }), step("a/sleep", 5, null, { kind: "identity", status: "running" })];
  const rows = timelineRows([step("a", 0, null, { status: "running" }), ...inner], new Map(), T0 + 9);
  assert.deepEqual(keys(rows), ["a", "a/named", "a/call%232", "a/sleep"]);
  assert.deepEqual(rows.map((row) => row.depth), [0, 1, 1, 1]);
});

test("loops in loops keep their places", () => {
  const rows = timelineRows([step("o", 0, 9, { kind: "forloopflow" }), step("o[0].i", 0, 9, { kind: "forloopflow" }), step("o[0].i[1].x", 3, 4)], new Map(), T0);
  assert.deepEqual(keys(rows), ["o", "o[0].i", "o[0].i[1].x"]);
  assert.deepEqual(rows.map((row) => row.depth), [0, 1, 2]);
});

test("iterations of several steps can be folded one by one", () => {
  const steps = [...loop(2), step("l[0].y", 9, 10), step("l[1].y", 19, 20)];
  assert.deepEqual(keys(timelineRows(steps, new Map([["l#0", false]]), T0)), ["l", "l#0", "l#1", "l[1].x", "l[1].y"]);
});

test("a long loop starts folded, and opens by itself around a failure", () => {
  assert.deepEqual(keys(timelineRows(loop(10), new Map(), T0)), ["l"]);
  assert.ok(keys(timelineRows(loop(10), new Map([["l", true]]), T0)).includes("l[3].x"));
  const failed = timelineRows(loop(10, { 7: { status: "failure" } }), new Map(), T0);
  assert.equal(failed.find((row) => row.key === "l[7].x").note, "Iteration 8");
});

test("what an agent did stands under it, and is no iteration", () => {
  const rows = timelineRows([step("ask", 0, 30, { kind: "aiagent" }), step("ask/0:model", 0, 10), step("ask/1:p", 10, 20), step("ask/2:model", 20, 30)], new Map(), T0);
  assert.deepEqual(rows.map((row) => [row.key, row.depth]), [["ask", 0], ["ask/0:model", 1], ["ask/1:p", 1], ["ask/2:model", 1]]);
  assert.equal(rows[0].note, "");
});

test("the note counts iterations", () => {
  assert.equal(timelineRows(loop(10), new Map(), T0)[0].note, "10 iterations");
});

test("bars lie on the run's axis, and a running step reaches now", () => {
  const run = { status: "running", started_at: new Date(T0).toISOString(), ended_at: null };
  const steps = [step("a", 0, 250), step("b", 500, null, { status: "running" })];
  const axis = axisOf(run, steps, T0 + 1000);
  const rows = timelineRows(steps, new Map(), T0 + 1000);
  assert.deepEqual(barOf(rows[0], axis), { left: 0, width: 25 });
  assert.deepEqual(barOf(rows[1], axis), { left: 50, width: 50 });
});

test("a step without times has no bar", () => {
  assert.equal(barOf({ from: null, to: null }, { from: 0, to: 10 }), null);
});

test("ticks are round and few", () => {
  const run = { status: "success", started_at: new Date(T0).toISOString(), ended_at: new Date(T0 + 7300).toISOString() };
  assert.deepEqual(axisOf(run, [], T0).ticks.map((tick) => tick.ms), [2000, 4000, 6000]);
});

test("a run of no time has an axis all the same", () => {
  const run = { status: "success", started_at: new Date(T0).toISOString(), ended_at: new Date(T0).toISOString() };
  const axis = axisOf(run, [], T0);
  assert.ok(axis.to > axis.from);
});

test("a changed step keeps its place, a new one comes last", () => {
  const steps = [step("a", 0, 1), step("b", 1, 2)];
  assert.deepEqual(mergeStep(steps, { path: "a", status: "failure" }).map((one) => [one.path, one.status]), [["a", "failure"], ["b", "success"]]);
  assert.equal(mergeStep(steps, step("c", 2, 3)).length, 3);
});

test("a live step takes its title from what is known of it", () => {
  const [known] = mergeStep([{ path: "l[0].x", step_id: "x", title: "Square" }], { path: "l[0].x", step_id: "x", title: "", status: "success" });
  assert.deepEqual([known.title, known.status], ["Square", "success"]);
  assert.equal(mergeStep([{ path: "l[0].x", step_id: "x", title: "Square" }], { path: "l[1].x", step_id: "x", title: "" })[1].title, "Square");
  assert.equal(mergeStep([], { path: "s", step_id: "s", title: "" }, { s: "Slow" })[0].title, "Slow");
});

test("a container that was tried again shows its attempts apart", () => {
  const steps = [step("l", 0, 99, { kind: "forloopflow", branch: 0 }), step("l[0].x", 0, 5, { status: "failure" }), step("l~2[0].x", 50, 55)];
  const [root] = treeOf(steps);
  assert.deepEqual(root.groups.map((group) => group.label), ["Iteration 1", "Iteration 1, attempt 2"]);
});

test("branches are named, and what a container chose is not where it stands", () => {
  const rows = timelineRows([step("b", 0, 9, { kind: "branchone", branch: "default" }), step("b[default].c", 1, 2)], new Map(), T0);
  assert.deepEqual(keys(rows), ["b", "b[default].c"]);
  assert.equal(rows[1].note, "Otherwise");
});

test("how far a step is goes with its attempt", () => {
  const steps = [{ path: "a", step_id: "a", attempt: 1, status: "running" }, { path: "b", step_id: "b", attempt: 1 }];
  const known = withProgress({ run: { id: "r" }, steps, may: {} }, { path: "a", percent: 0 });
  assert.deepEqual(known.steps.map((step) => step.progress), [0, undefined]);
  assert.deepEqual(mergeStep(known.steps, { path: "a", step_id: "a", attempt: 1 })[0].progress, 0);
  assert.deepEqual(mergeStep(known.steps, { path: "a", step_id: "a", attempt: 2 })[0].progress, undefined);
  assert.equal(withProgress(known, { path: "", percent: 30 }).run.progress, 30);
  assert.equal(withProgress({ run: null, steps: [] }, { path: "", percent: 30 }).run, null);
  assert.deepEqual([withPercent("0:12", 0), withPercent("0:12", undefined), withPercent("0:12", null)], ["0:12, 0 %", "0:12", "0:12"]);
});
