import assert from "node:assert/strict";
import { test } from "node:test";

import { bandWords, drawnBands, gapsOf, placeOn, scaleOf, timesIn, waitOf } from "../../../../assets/js/run/scale.js";
import { axisOf, barOf, labelAt, timelineRows } from "../../../../assets/js/run/timeline.js";

const T0 = Date.parse("2026-11-22T10:00:00Z");
const S = 1000;
const H = 3600 * S;
const iso = (ms) => (ms === null ? null : new Date(T0 + ms).toISOString());
const step = (path, from, to, more = {}) => ({ path, step_id: path.split(/[./]/).at(-1), title: "", kind: "rawscript", status: to === null ? "running" : "success", started_at: iso(from), ended_at: iso(to), duration_ms: to === null ? null : to - from, ...more });
const run = (from, to, more = {}) => ({ status: to === null ? "suspended" : "success", started_at: iso(from), ended_at: iso(to), ...more });
const axis = (steps, to, { now = to, requests = [] } = {}) => axisOf(run(0, to), steps, T0 + now, requests);
const words = (...given) => axis(...given).bands.map((band) => band.words);
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

function whole(parts, from, to) {
  assert.equal(parts[0].from, from);
  assert.equal(parts.at(-1).to, to);
  near(parts[0].left, 0);
  near(parts.at(-1).left + parts.at(-1).width, 1);
  for (let i = 1; i < parts.length; i += 1) {
    assert.equal(parts[i].from, parts[i - 1].to);
    near(parts[i].left, parts[i - 1].left + parts[i - 1].width);
  }
  let before = -1;
  for (let i = 0; i <= 500; i += 1) {
    const place = placeOn(parts, from + ((to - from) * i) / 500);
    assert.ok(place >= before && place >= 0 && place <= 1);
    before = place;
  }
}

test("nothing is a band where nothing is idle, or the idle is short", () => {
  const linear = (steps, to) => assert.deepEqual(scaleOf(0, to, steps), [{ from: 0, to, left: 0, width: 1, idle: false }]);
  linear([{ from: 0, to: 500 }, { from: 500, to: 1000 }], 1000);
  linear([{ from: 0, to: 10 }, { from: 4500, to: 4510 }], 4510); // long beside the rest, but seconds
  linear([{ from: 0, to: 60 * S }, { from: 100 * S, to: 160 * S }], 160 * S); // long, but not beside the rest
  linear([], 24 * H); // there is nothing that it would make room for
});

test("a day of waiting is a narrow band, and the rest is linear", () => {
  const parts = scaleOf(0, 24 * H, [{ from: 0, to: 10 * S }, { from: 24 * H - 30 * S, to: 24 * H }]);
  whole(parts, 0, 24 * H);
  assert.deepEqual(parts.map((part) => part.idle), [false, true, false]);
  near(parts[1].width, 0.05);
  near(parts[2].width, 3 * parts[0].width);
});

test("many bands leave most of the width to what ran", () => {
  const busy = Array.from({ length: 41 }, (_, i) => ({ from: i * H, to: i * H + S }));
  const parts = scaleOf(0, 40 * H + S, busy);
  whole(parts, 0, 40 * H + S);
  assert.equal(parts.filter((part) => part.idle).length, 40);
  assert.ok(parts.filter((part) => part.idle).reduce((sum, part) => sum + part.width, 0) < 0.36);
});

test("the order of what ran, overlaps, and what lies outside do not matter", () => {
  const busy = [{ from: 9 * H, to: 9 * H + S }, { from: -H, to: S }, { from: 500, to: 900 }, { from: 20 * H, to: 21 * H }];
  whole(scaleOf(0, 10 * H, busy), 0, 10 * H);
  assert.deepEqual(gapsOf(0, 10, [{ from: 4, to: 5 }, { from: 2, to: 8 }, { from: 9, to: 9 }]), [{ from: 0, to: 2 }, { from: 8, to: 9 }, { from: 9, to: 10 }]);
});

test("a band says how long it is, and a bar behind it has its place", () => {
  const steps = [step("a", 0, 10 * S), step("b", 23 * H + 10 * S, 23 * H + 20 * S)];
  const found = axis(steps, 23 * H + 20 * S);
  assert.deepEqual(found.bands.map((band) => band.words), ["waited 23 h"]);
  const [a, b] = timelineRows(steps, new Map(), T0).map((row) => barOf(row, found));
  near(a.width, b.width);
  near(a.width, 47.5);
  near(b.left, 52.5);
  near(labelAt(a, found), 52.5); // not on the band
  near(labelAt(b, found), 100);
});

test("ticks count from the start, and behind a band from its end", () => {
  const ticks = axis([step("a", 0, 10 * S), step("b", 23 * H, 23 * H + 10 * S)], 23 * H + 10 * S).ticks;
  assert.ok(ticks.length >= 2 && ticks.length <= 5);
  assert.equal(ticks[0].label, "5 s");
  assert.ok(ticks.every((tick) => tick.label === "" || tick.at < 0.475 || tick.label.startsWith("+")));
  assert.equal(new Set(ticks.map((tick) => tick.ms)).size, ticks.length);
});

test("a run that waits just now: the band reaches the present", () => {
  const steps = [step("a", 0, 10 * S)];
  assert.deepEqual(words(steps, null, { now: 5 * S }), []);
  assert.deepEqual(words(steps, null, { now: 15 * S }), []);
  const found = axis(steps, null, { now: 2 * H + 10 * S });
  assert.deepEqual(found.bands.map((band) => band.words), ["waited 2 h"]);
  near(found.bands[0].left + found.bands[0].width, 1);
  assert.deepEqual(words([step("a", 0, 10 * S), step("b", 20 * S, null)], null, { now: 5 * H }), []); // a step at work is not idle
});

test("a loop or a called flow does nothing while none of its steps runs", () => {
  const sleeping = [step("l", 0, 5 * H, { kind: "forloopflow" }), step("l[0].x", 0, S), step("l[1].x", 5 * H - S, 5 * H)];
  assert.deepEqual(words(sleeping, 5 * H), ["waited 4 h 59 min"]);
  assert.deepEqual(words([step("c", 0, 5 * H, { kind: "flow" }), step("c/x", 0, S), step("c/y", 5 * H - S, 5 * H)], 5 * H), ["waited 4 h 59 min"]);
  assert.deepEqual(words([step("l", 0, 5 * H, { kind: "forloopflow" })], 5 * H), []); // nothing is known of what is in it
});

test("a workflow as code works between its tasks, but not while it sleeps or asks", () => {
  const of = (inner) => [step("a", 0, 5 * H), step("a/one", 0, S), ...inner];
  assert.deepEqual(words(of([step("a/two", 5 * H - S, 5 * H)]), 5 * H), []);
  assert.deepEqual(words(of([step("a/sleep", S, 4 * H + S, { kind: "identity", suspended: { type: "sleep" } })]), 5 * H), ["slept 4 h"]);
  assert.deepEqual(words(of([step("a/ok", S, 4 * H + S, { kind: "identity", suspended: { type: "approval" } })]), 5 * H), ["waited 4 h for approval"]);
});

test("what a band was spent on is said where it is known", () => {
  const steps = [step("a", 0, S), step("b", 23 * H, 23 * H + S)];
  const asked = (more) => [{ path: "a", status: "approved", asked_at: iso(S), decided_at: iso(23 * H - 100), ...more }];
  assert.deepEqual(words(steps, 23 * H + S, { requests: asked() }), ["waited 22 h 59 min for approval"]);
  assert.deepEqual(words(steps, 23 * H + S, { requests: asked({ decided_at: iso(H) }) }), ["waited 22 h 59 min"]); // it waited for more than that
  assert.deepEqual(words(steps.slice(0, 1), null, { now: 3 * H, requests: asked({ status: "open", decided_at: null }) }), ["waited 2 h 59 min for approval"]);
  const slept = [steps[0], step("a-v", S, 23 * H, { kind: "identity", waits_after: "a" }), steps[1]];
  assert.deepEqual(words(slept, 23 * H + S), ["slept 22 h 59 min"]);
});

test("a stretch in which a step may have been tried before is not called waiting", () => {
  const steps = [step("a", 0, S), step("b", 2 * H, 2 * H + S, { attempt: 3 }), step("c", 9 * H, 9 * H + S)];
  assert.deepEqual(words(steps, 9 * H + S), ["1 h 59 min of waits and earlier attempts of b", "waited 6 h 59 min"]);
  const { tried } = timesIn(steps, T0);
  assert.equal(bandWords({ from: T0 - H, to: T0 }, [], tried), "waited 1 h");
});

test("rows that wait are told from those that work", () => {
  assert.equal(waitOf(step("s", 0, null, { suspended: { type: "sleep" } })), "sleep");
  assert.equal(waitOf(step("s", 0, null, { suspended: { type: "approval" } })), "approval");
  assert.equal(waitOf(step("a-v", 0, null, { waits_after: "a", sleeps_until: iso(H) })), "sleep");
  assert.equal(waitOf(step("a-v", 0, 2, { waits_after: "a" })), null);
  assert.equal(waitOf(step("q", 0, null, { status: "queued" })), "queue");
  assert.equal(waitOf(step("q", 0, null, { status: "suspended" })), "wait");
  assert.equal(waitOf(step("a", 0, 2)), null);
  assert.equal(waitOf(undefined), null);
});

test("a container that was tried again has a bar for each attempt, a leaf for its last", () => {
  const steps = [step("l", 50, 99, { kind: "forloopflow", attempt: 2 }), step("l[0].x", 0, 5, { status: "failure" }), step("l[1].x", 3, 9), step("l~2[0].x", 50, 55), step("b", 100, 120, { attempt: 2 })];
  const rows = timelineRows(steps, new Map(), T0 + 120);
  const of = (key) => rows.find((row) => row.key === key);
  assert.deepEqual(of("l").earlier, [{ attempt: 1, from: T0, to: T0 + 9, status: "failure" }]);
  assert.equal(of("l").from, T0 + 50);
  assert.deepEqual(of("b").earlier, []);
});

test("few bands are drawn each, many at once: what is drawn in a row does not grow with them", () => {
  const polls = (count) => Array.from({ length: count }, (_, i) => step(`p${i}`, i * 30 * S, i * 30 * S + 50));
  const few = axis(polls(13), 12 * 30 * S + 50).bands;
  assert.equal(few.length, 12);
  assert.deepEqual(drawnBands(few), { each: few, mask: null });
  const many = axis(polls(301), 300 * 30 * S + 50).bands;
  assert.equal(many.length, 300);
  const { each, mask } = drawnBands(many);
  assert.equal(each.length, 0);
  assert.equal(mask.split("#000").length - 1, 300);
  assert.equal(drawnBands(Array.from({ length: 13 }, () => ({ left: 0.5, width: 0.25 }))).mask.slice(0, 73), "linear-gradient(to right, transparent 50%, #000 50% 75%, transparent 75%,");
});

test("earlier attempts of many steps are placed in their order, without comparing all with all", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => step(`t${i}`, i * 10, i * 10 + 5, { attempt: 2 }));
  const began = performance.now();
  const { tried } = timesIn(many, T0);
  assert.ok(performance.now() - began < 2000); // all with all took eight seconds
  assert.deepEqual(tried.slice(0, 3).map(({ from, to }) => [from, to]), [[-Infinity, T0], [T0 + 5, T0 + 10], [T0 + 15, T0 + 20]]);
  const moment = [step("a", 0, 7), step("b", 7, 7, { attempt: 2 }), step("c", 7, 9)]; // it began and ended at once: not behind itself
  assert.deepEqual(timesIn(moment, T0).tried.map(({ from }) => from), [T0 + 7]);
  assert.deepEqual(timesIn([step("b", 7, 7, { attempt: 2 })], T0).tried.map(({ from }) => from), [-Infinity]);
});
