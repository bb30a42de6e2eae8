// Where a time of a run lies on its axis: long stretches in which no step ran become narrow bands, everything else stays linear. Pure.

import { duration } from "../words.js";
import { isInside, parentOf, partOf } from "./places.js";

const LEAST_MS = 5000; // nobody minds an empty stretch shorter than that
const BAND = 0.05; // of the width, for one band
const BANDS = 0.35; // and for all of them
const COVERS = 0.9; // of a band, to be what it was spent on

// these only hold other steps: they do nothing of their own while none of those runs
export const HOLDS = new Set(["forloopflow", "whileloopflow", "branchone", "branchall", "flow"]);
const OPEN = new Set(["queued", "running", "suspended", "waiting"]);

export const millis = (iso) => (iso ? new Date(iso).getTime() : null);

/** What a row waits for: "sleep", "approval", "queue" or "wait"; null for one that works. */
export function waitOf(step) {
  if (!step) return null;
  if (step.suspended) return step.suspended.type === "approval" ? "approval" : "sleep";
  // the row of a wait that was over at once is there for its result only
  if (step.waits_after) return step.sleeps_until || step.duration_ms >= 1000 ? "sleep" : null;
  return { queued: "queue", suspended: "wait", waiting: "wait" }[step.status] ?? null;
}

/** When people were asked after a step, and answered: `[{path, kind: "approval", from, to}]` of the run's requests. */
export function askedOf(requests, now) {
  return requests.flatMap((one) => {
    const from = millis(one.asked_at);
    const to = millis(one.decided_at) ?? (one.status === "open" ? now : null);
    return from === null || to === null ? [] : [{ path: one.path, kind: "approval", from, to: Math.max(from, to) }];
  });
}

const timesOf = (step, now) => ({ from: millis(step.started_at), to: millis(step.ended_at) ?? (OPEN.has(step.status) ? now : millis(step.started_at)) });

/** What is known of a run's time: `{busy: [{from, to}], waits: [{path, kind, from, to}], tried: [{step, from, to}]}`. */
export function timesIn(steps, now) {
  const outer = new Set();
  for (const { path } of steps) for (let at = parentOf(path); at !== null; at = parentOf(at)) outer.add(partOf(at).path);
  const timed = steps.filter((step) => step.started_at).map((step) => ({ step, ...timesOf(step, now) }));
  const waits = timed.flatMap(({ step, from, to }) => (waitOf(step) ? [{ path: step.path, kind: waitOf(step), from, to }] : []));
  const busy = timed.filter(({ step }) => !waitOf(step) && !(HOLDS.has(step.kind) && outer.has(step.path)))
    .flatMap(({ step, from, to }) => (outer.has(step.path) ? gapsOf(from, to, waits.filter((wait) => isInside(wait.path, step.path))) : [{ from, to }]));
  const places = new Map(); // what ended at each, in order
  for (const one of [...timed].sort((a, b) => a.to - b.to)) {
    const place = parentOf(one.step.path);
    if (!places.has(place)) places.set(place, []);
    places.get(place).push(one);
  }
  // earlier attempts of a step have no times; they lie between the step before it and its last attempt
  const tried = timed.filter(({ step }) => step.attempt > 1 && !outer.has(step.path)).map((last) => {
    const ended = places.get(parentOf(last.step.path));
    let at = countUntil(ended, last.from) - 1;
    if (ended[at] === last) at -= 1;
    return { step: last.step, from: ended[at]?.to ?? -Infinity, to: last.from };
  });
  return { busy, waits, tried };
}

/** How many of `ended`, which are in order of their ends, are over at a moment. */
function countUntil(ended, moment) {
  let [low, high] = [0, ended.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ended[middle].to <= moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The stretches of `from`…`to` that none of `taken` lies in, in order. A moment that is taken parts two of them. */
export function gapsOf(from, to, taken) {
  const gaps = [];
  let at = from;
  for (const one of [...taken].sort((a, b) => a.from - b.from)) {
    if (one.to < from || one.from > to) continue;
    if (one.from > at) gaps.push({ from: at, to: Math.min(one.from, to) });
    at = Math.max(at, one.to);
  }
  if (at < to) gaps.push({ from: at, to });
  return gaps;
}

const lengthOf = (parts) => parts.reduce((sum, part) => sum + part.to - part.from, 0);

/**
 * The parts of an axis in order, without gap or overlap: `[{from, to, left, width, idle}]`, with `left` and `width` of 1.
 * `idle` ones are the bands: at least five seconds in which nothing ran, and longer than all that ran together.
 */
export function scaleOf(from, to, busy) {
  const gaps = gapsOf(from, to, busy);
  const worked = to - from - lengthOf(gaps);
  const bands = worked > 0 ? gaps.filter((gap) => gap.to - gap.from >= LEAST_MS && gap.to - gap.from > worked) : [];
  const band = bands.length ? Math.min(BAND, BANDS / bands.length) : 0;
  const rate = (1 - band * bands.length) / (to - from - lengthOf(bands));
  const parts = [];
  let left = 0;
  const add = (start, end, width, idle) => {
    if (end <= start) return;
    parts.push({ from: start, to: end, left, width, idle });
    left += width;
  };
  let at = from;
  for (const gap of bands) {
    add(at, gap.from, (gap.from - at) * rate, false);
    add(gap.from, gap.to, band, true);
    at = gap.to;
  }
  add(at, to, (to - at) * rate, false);
  return parts;
}

const DRAWN = 12; // bands that are elements of their own, in every row

/** How the bands of an axis are drawn: each as an element, or where there are many all as one, by a `mask` that leaves just them: `{each, mask}`. */
export function drawnBands(bands) {
  if (bands.length <= DRAWN) return { each: bands, mask: null };
  const share = (place) => `${+(place * 100).toFixed(3)}%`;
  const stops = bands.map(({ left, width }) => `transparent ${share(left)}, #000 ${share(left)} ${share(left + width)}, transparent ${share(left + width)}`);
  return { each: [], mask: `linear-gradient(to right, ${stops.join(", ")})` };
}

/** Where a moment lies on the parts, 0…1; what lies outside of them is at their ends. */
export function placeOn(parts, moment) {
  const part = parts.find((one) => moment <= one.to) ?? parts.at(-1);
  const within = Math.max(0, Math.min(1, (moment - part.from) / (part.to - part.from)));
  return Math.min(1, part.left + within * part.width);
}

const WAITED = { sleep: (time) => `slept ${time}`, approval: (time) => `waited ${time} for approval`, queue: (time) => `queued ${time}`, wait: (time) => `waited ${time}` };

/** What a band stands for: "waited 23 h". `waits` and `tried` as `timesIn` gives them. */
export function bandWords(band, waits, tried) {
  const time = duration(band.to - band.from);
  const within = ({ from, to }) => Math.max(0, Math.min(to, band.to) - Math.max(from, band.from));
  const most = waits.find((wait) => within(wait) >= COVERS * (band.to - band.from));
  if (most) return WAITED[most.kind](time);
  const again = tried.find((one) => within(one) > 0);
  return again ? `${time} of waits and earlier attempts of ${again.step.step_id}` : WAITED.wait(time);
}
