// Steps of a run as rows of a timeline: containers fold, iterations of a loop are grouped, bars lie on one time axis. Pure.

import { duration } from "../words.js";
import { parentOf, partOf } from "./places.js";
import { askedOf, bandWords, millis as at, placeOn, scaleOf, timesIn, waitOf } from "./scale.js";

const FOLD_FROM = 6; // a loop with this many iterations starts folded

const OPEN = new Set(["queued", "running", "suspended", "waiting"]);
const RANK = { failure: 5, failed: 5, running: 4, suspended: 3, waiting: 3, queued: 2, canceled: 2, cancelled: 2, success: 1, skipped: 0 };

/**
 * `loop[3].b` stands in iteration 3 of `loop`, `br[default].c` in a branch, `loop~2[3].b` in the second attempt of `loop`,
 * `call/d` in the flow that `call` calls: the
 * container's path, index and attempt; null at the top level.
 */
function placeOf(step) {
  const parent = parentOf(step.path);
  if (!parent) return null;
  const { path: container, ...rest } = partOf(parent);
  return { container, ...rest };
}

/** The steps as a tree: each node `{step, groups: [{index, kind, label, nodes}]}`; groups are iterations or branches. */
export function treeOf(steps) {
  const nodes = new Map();
  const roots = [];
  const nodeAt = (path, step) => {
    let node = nodes.get(path);
    if (!node) {
      // a container may have no row of its own yet: it stands in its place without times
      nodes.set(path, (node = { step: step || { path, step_id: path.slice(Math.max(path.lastIndexOf("."), path.lastIndexOf("/")) + 1), title: "", status: null, started_at: null }, groups: [] }));
      const place = placeOf(node.step);
      if (!place) roots.push(node);
      else groupOf(nodeAt(place.container), place).nodes.push(node);
    } else if (step) node.step = step;
    return node;
  };
  for (const step of steps) nodeAt(step.path, step);
  for (const node of nodes.values()) node.groups.sort((a, b) => a.attempt - b.attempt || (typeof a.index === "number" && typeof b.index === "number" ? a.index - b.index : 0));
  return roots;
}

function groupOf(node, { index, attempt }) {
  let group = node.groups.find((one) => one.index === index && one.attempt === attempt);
  if (!group) {
    const branch = String(node.step.kind || "").startsWith("branch") || typeof index === "string";
    const label = index === null ? "" : branch ? branchLabel(index) : `Iteration ${index + 1}`;
    node.groups.push((group = { index, attempt, kind: branch ? "branch" : "iteration", label: attempt > 1 ? `${label || "Again"}, attempt ${attempt}` : label, nodes: [] }));
  }
  return group;
}

const branchLabel = (index) => (index === "default" ? "Otherwise" : typeof index === "number" ? `Branch ${index + 1}` : String(index));

const spanOf = (nodes, now) => {
  let from = Infinity;
  let to = -Infinity;
  let status = null;
  const visit = ({ step, groups }) => {
    const start = at(step.started_at);
    if (start !== null) {
      from = Math.min(from, start);
      to = Math.max(to, at(step.ended_at) ?? (OPEN.has(step.status) ? now : start));
    }
    if (status === null || (RANK[step.status] ?? 0) > (RANK[status] ?? 0)) status = step.status;
    groups.forEach((group) => group.nodes.forEach(visit));
  };
  nodes.forEach(visit);
  return { from: from === Infinity ? null : from, to: to === -Infinity ? null : to, status };
};

/** The earlier attempts at a container, as long as the steps in them took: `[{attempt, from, to, status}]`; a leaf has no times of its own. */
const earlierOf = ({ step, groups }, now) => {
  const attempts = [...new Set(groups.map((group) => group.attempt))].filter((attempt) => attempt < (step.attempt ?? 1));
  return attempts.map((attempt) => ({ attempt, ...spanOf(groups.filter((group) => group.attempt === attempt).flatMap((group) => group.nodes), now) })).filter((one) => one.from !== null);
};

/**
 * Rows in order: `{key, kind: "step" | "group", step?, label?, depth, foldable, open, from, to, status, note, wait, earlier}`.
 * `wait` as `waitOf` says it, `earlier` are attempts before the one that `from` and `to` are of. `open` maps row keys to true or false where a person has chosen; elsewhere trouble and work in progress are unfolded.
 */
export function timelineRows(steps, open, now) {
  const rows = [];
  const visit = (node, depth, label = "") => {
    const { step, groups } = node;
    const inner = groups.flatMap((group) => group.nodes);
    const many = groups.filter((group) => group.kind === "iteration" && group.index !== null).length;
    const inside = spanOf(inner, now);
    const own = spanOf([{ step, groups: [] }], now);
    const opened = open.get(step.path) ?? (many < FOLD_FROM || inside.status === "failure" || inside.status === "failed");
    rows.push({ key: step.path, kind: "step", step, depth, foldable: inner.length > 0, open: opened, from: own.from ?? inside.from, to: own.to ?? inside.to, status: step.status ?? inside.status, note: many ? `${many.toLocaleString("en")} ${many === 1 ? "iteration" : "iterations"}` : label, wait: waitOf(step), earlier: own.from === null ? [] : earlierOf(node, now) });
    if (!opened) return;
    for (const group of groups) {
      if (group.label && (group.kind === "iteration" ? group.nodes.length > 1 : groups.length > 1)) {
        const key = `${step.path}#${group.index}${group.attempt > 1 ? `~${group.attempt}` : ""}`;
        const span = spanOf(group.nodes, now);
        const unfolded = open.get(key) ?? (groups.length < 4 || span.status === "failure" || span.status === "failed");
        rows.push({ key, kind: "group", label: group.label, depth: depth + 1, foldable: true, open: unfolded, ...span, note: "", wait: null, earlier: [] });
        if (unfolded) group.nodes.forEach((child) => visit(child, depth + 2));
      } else group.nodes.forEach((child) => visit(child, depth + 1, group.label));
    }
  };
  treeOf(steps).forEach((node) => visit(node, 0));
  return rows;
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000, 7200000, 21600000, 43200000, 86400000];

/**
 * The axis `{from, to, parts, bands, ticks: [{at: 0..1, ms, label}], asked}` over a run; about `wanted` ticks. `parts` as `scaleOf`
 * gives them, `bands` are the idle ones with `words`, `said` where they fit. Behind a band ticks count from its end. `asked`: the waits for people by `requests`.
 */
export function axisOf(run, steps, now, requests = [], wanted = 5) {
  const from = at(run.started_at) ?? Math.min(...steps.map((step) => at(step.started_at) ?? Infinity), now);
  const ends = steps.map((step) => at(step.ended_at)).filter((value) => value !== null);
  const to = Math.max(from + 1, run.ended_at ? at(run.ended_at) : OPEN.has(run.status) ? now : from + 1, ...ends);
  const { busy, waits, tried } = timesIn(steps, now);
  const asked = askedOf(requests, Math.min(now, to));
  const parts = scaleOf(from, to, busy);
  const waited = [...asked, ...waits];
  let room = 0;
  const bands = parts.filter((part) => part.idle).map((part) => {
    const said = part.left >= room && part.left + BAND_LABEL <= 1;
    if (said) room = part.left + BAND_LABEL;
    let words; // only a few are ever read, and those by every row
    return { ...part, said, get words() { return (words ??= bandWords(part, waited, tried)); } };
  });
  return { from, to, parts, bands, ticks: ticksOf(from, parts, wanted), asked };
}

const BAND_LABEL = 0.28; // of the width, for the words at a band and for those of a tick before it
const TICK_LABEL = 0.1;

function ticksOf(from, parts, wanted) {
  const linear = parts.filter((part) => !part.idle);
  const span = linear.reduce((sum, part) => sum + part.to - part.from, 0);
  const step = NICE.find((one) => span / one <= wanted) || Math.ceil(span / wanted);
  const covered = (place) => parts.some((part) => part.idle && place > part.left - TICK_LABEL && place < part.left + BAND_LABEL);
  return linear.flatMap((part) => {
    const ticks = [];
    for (let ms = step; ms < part.to - part.from - span * 0.03; ms += step) {
      const place = placeOn(parts, part.from + ms);
      ticks.push({ at: place, ms: part.from + ms - from, label: covered(place) ? "" : `${part.from === from ? "" : "+"}${tickLabel(ms, step)}` });
    }
    return ticks;
  });
}

/** A tick as exact as the steps between ticks are. */
const tickLabel = (ms, step) => (step < 1000 ? (ms < 1000 ? `${ms} ms` : `${+(ms / 1000).toFixed(2)} s`) : duration(ms));

/** A bar's place on the axis in percent; never thinner than can be seen. */
export function barOf(row, axis) {
  if (row.from === null || row.from === undefined) return null;
  const left = placeOn(axis.parts, row.from) * 100;
  return { left, width: Math.max(0, placeOn(axis.parts, row.to ?? row.from) * 100 - left) };
}

/** Where the time beside a bar is written, in percent: behind the bar, and behind a band that it would begin in. */
export function labelAt(bar, axis) {
  const end = bar.left + bar.width;
  const band = axis.bands.find((one) => end > one.left * 100 - 0.01 && end < (one.left + one.width) * 100);
  return band ? (band.left + band.width) * 100 : end;
}

/**
 * Put a changed step in its place without losing order. Live steps come without their title: it is taken from `titles` (step id
 * → title) or from another row of the same step.
 */
export function mergeStep(steps, step, titles = {}) {
  const index = steps.findIndex((one) => one.path === step.path);
  const title = step.title || steps[index]?.title || titles[step.step_id] || steps.find((one) => one.step_id === step.step_id && one.title)?.title || "";
  if (index < 0) return [...steps, { ...step, title }];
  const next = [...steps];
  const again = steps[index].attempt !== step.attempt; // which has not said yet how far it is
  next[index] = { ...steps[index], ...(again && { progress: undefined }), ...step, title };
  return next;
}

/** What `useRun` knows, after a step at a path (or the run itself, "") said how far it is. */
export function withProgress({ run, steps, ...rest }, { path, percent }) {
  const of = (one) => ({ ...one, progress: percent });
  if (path === "") return { ...rest, steps, run: run && of(run) };
  return { ...rest, run, steps: steps.map((step) => (step.path === path ? of(step) : step)) };
}

/** "0:12, 40 %": how long it has been running, and how far it is where that is known. */
export const withPercent = (time, percent) => (percent === null || percent === undefined ? time : `${time}, ${percent} %`);
