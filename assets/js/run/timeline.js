// Steps of a run as rows of a timeline: containers fold, iterations of a loop are grouped, bars lie on one time axis. Pure.

const FOLD_FROM = 6; // a loop with this many iterations starts folded

const at = (iso) => (iso ? new Date(iso).getTime() : null);
const OPEN = new Set(["queued", "running", "suspended", "waiting"]);
const RANK = { failure: 5, failed: 5, running: 4, suspended: 3, waiting: 3, queued: 2, canceled: 2, cancelled: 2, success: 1, skipped: 0 };

/** The steps as a tree: each node `{step, groups: [{index, label, nodes}]}`; groups are iterations, branches, or one nameless group. */
export function treeOf(steps) {
  const nodes = new Map(steps.map((step) => [step.path, { step, groups: [] }]));
  const roots = [];
  for (const step of steps) {
    const node = nodes.get(step.path);
    const parent = step.parent ? nodes.get(step.parent) : null;
    if (!parent) {
      roots.push(node);
      continue;
    }
    const index = step.index ?? step.branch ?? null;
    let group = parent.groups.find((one) => one.index === index);
    if (!group) parent.groups.push((group = { index, kind: step.index !== undefined && step.index !== null ? "iteration" : "branch", label: labelOf(step), nodes: [] }));
    group.nodes.push(node);
  }
  for (const node of nodes.values()) node.groups.sort((a, b) => (typeof a.index === "number" && typeof b.index === "number" ? a.index - b.index : 0));
  return roots;
}

function labelOf(step) {
  if (step.index !== undefined && step.index !== null) return step.iteration_label ? String(step.iteration_label) : `Iteration ${step.index + 1}`;
  if (step.branch !== undefined && step.branch !== null) return step.branch === "default" ? "Otherwise" : typeof step.branch === "number" ? `Branch ${step.branch + 1}` : String(step.branch);
  return "";
}

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

/**
 * Rows in order: `{key, kind: "step" | "group", step?, label?, depth, foldable, open, from, to, status, note}`.
 * `open` maps row keys to true or false where a person has chosen; elsewhere trouble and work in progress are unfolded.
 */
export function timelineRows(steps, open, now) {
  const rows = [];
  const visit = (node, depth) => {
    const { step, groups } = node;
    const inner = groups.flatMap((group) => group.nodes);
    const many = groups.filter((group) => group.kind === "iteration").length;
    const inside = spanOf(inner, now);
    const own = spanOf([{ step, groups: [] }], now);
    const opened = open.get(step.path) ?? (many < FOLD_FROM || inside.status === "failure" || inside.status === "failed");
    rows.push({ key: step.path, kind: "step", step, depth, foldable: inner.length > 0, open: opened, from: own.from ?? inside.from, to: own.to ?? inside.to, status: step.status, note: many ? `${many.toLocaleString("en")} ${many === 1 ? "iteration" : "iterations"}` : "" });
    if (!opened) return;
    for (const group of groups) {
      if (group.label && (group.kind === "iteration" ? group.nodes.length > 1 : groups.length > 1)) {
        const key = `${step.path}#${group.index}`;
        const span = spanOf(group.nodes, now);
        const unfolded = open.get(key) ?? (groups.length < 4 || span.status === "failure" || span.status === "failed");
        rows.push({ key, kind: "group", label: group.label, depth: depth + 1, foldable: true, open: unfolded, ...span, note: "" });
        if (unfolded) group.nodes.forEach((child) => visit(child, depth + 2));
      } else group.nodes.forEach((child) => visit(child, depth + 1));
    }
  };
  treeOf(steps).forEach((node) => visit(node, 0));
  return rows;
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 1800000, 3600000, 7200000, 21600000, 43200000, 86400000];

/** The axis `{from, to, ticks: [{at: 0..1, ms}]}` over a run; about `wanted` ticks. */
export function axisOf(run, steps, now, wanted = 5) {
  const from = at(run.started_at) ?? Math.min(...steps.map((step) => at(step.started_at) ?? Infinity), now);
  const ends = steps.map((step) => at(step.ended_at)).filter((value) => value !== null);
  const to = Math.max(from + 1, run.ended_at ? at(run.ended_at) : OPEN.has(run.status) ? now : from + 1, ...ends);
  const span = to - from;
  const step = NICE.find((one) => span / one <= wanted) || Math.ceil(span / wanted);
  const ticks = [];
  for (let ms = step; ms < span * 0.97; ms += step) ticks.push({ at: ms / span, ms });
  return { from, to, ticks };
}

/** A bar's place on the axis in percent; never thinner than can be seen. */
export function barOf(row, axis) {
  if (row.from === null || row.from === undefined) return null;
  const span = axis.to - axis.from;
  const left = Math.max(0, Math.min(100, ((row.from - axis.from) / span) * 100));
  const width = Math.max(0, Math.min(100 - left, (((row.to ?? row.from) - row.from) / span) * 100));
  return { left, width };
}

/** Put a changed step in its place without losing order; the list is in document order by path as it came. */
export function mergeStep(steps, step) {
  const index = steps.findIndex((one) => one.path === step.path);
  if (index < 0) return [...steps, step];
  const next = [...steps];
  next[index] = { ...steps[index], ...step };
  return next;
}
