// Places in a run, as paths name them (`loop[3].b`, `call/a`, `loop~2[0].b`), and where a run may begin again. Pure.

const PART = /^(.*?)(?:~(\d+))?(?:\[([^[\]]+)\])?$/;
const OVER = new Set(["success", "failure", "failed", "canceled", "cancelled", "skipped", "reused"]);

/** The path of what a step stands in, with its iteration or branch: `loop[3]` for `loop[3].b`, `call` for `call/a`; null at the top. */
export function parentOf(path) {
  const cut = Math.max(path.lastIndexOf("."), path.lastIndexOf("/"));
  return cut < 0 ? null : path.slice(0, cut);
}

/** One part of a path: `{path, index, attempt}`; `index` is a number, a word such as "default", or null. */
export function partOf(text) {
  const [, path, attempt, slot] = PART.exec(text);
  return { path, index: slot === undefined ? null : /^\d+$/.test(slot) ? Number(slot) : slot, attempt: attempt ? Number(attempt) : 1 };
}

/**
 * Where to begin, as the restart route takes it: `{step_id, branch_or_iteration_n?, nested?}`. `iteration` (from 0) begins a loop
 * or branches that all run in the middle.
 */
export function restartPlace(path, iteration = null) {
  const parts = path.split(/[./]/).map(partOf);
  return parts.reduceRight((nested, { path: step_id, index }) => {
    const number = nested ? index : iteration;
    return { step_id, ...(typeof number === "number" && { branch_or_iteration_n: number }), ...(nested && { nested }) };
  }, null);
}

/** Whether a run may begin again at a step: it is over, and stands in the flow itself (not its handlers, not a wait). */
export function restartable(run, step) {
  if (!["flow", "flowpreview"].includes(run.kind) || !OVER.has(run.status)) return false;
  return Boolean(step) && OVER.has(step.status) && !step.waits_after && !/(^|[./-])(preprocessor|failure)$/.test(step.path);
}

/** How many iterations or branches of a step have rows in the run; 0 where it may only begin as a whole. */
export function roundsOf(steps, step) {
  if (!["forloopflow", "whileloopflow", "branchall"].includes(step.kind)) return 0;
  const inner = `${step.path}${step.attempt > 1 ? `~${step.attempt}` : ""}[`;
  const known = steps.filter((one) => one.path.startsWith(inner)).map((one) => Number.parseInt(one.path.slice(inner.length), 10));
  return known.length ? Math.max(...known) + 1 : 0;
}

/** Whether `path` is inside of the container at `outer`. */
export const isInside = (path, outer) => path.startsWith(outer) && "[~/".includes(path[outer.length] ?? " ");

/** Whether a step is one that a restarted run took over from the run before, and did not run itself. */
export const isKept = (run, step) => Boolean(step?.kept_from && step.ended_at && run.started_at && new Date(step.ended_at) < new Date(run.started_at));

/** The place of a step in words, from the inside out: "iteration 4 of “loop”, in “call”"; empty at the top. */
export function whereOf(path, kinds = {}) {
  const words = [];
  for (let outer = parentOf(path); outer !== null; outer = parentOf(outer)) {
    const { path: container, index } = partOf(outer);
    const name = container.slice(Math.max(container.lastIndexOf("."), container.lastIndexOf("/")) + 1);
    if (index === null) words.push(`“${name}”`);
    else if (index === "default") words.push(`the last branch of “${name}”`);
    else words.push(`${String(kinds[container] ?? "").startsWith("branch") ? "branch" : "iteration"} ${typeof index === "number" ? index + 1 : index} of “${name}”`);
  }
  return words.join(", in ");
}

/** What a waiting run waits for, in words; `at` writes a time. Empty when it does not wait. */
export function waitingFor(run, steps, at) {
  if (run.status !== "suspended" || !run.waits) return "";
  const { approvals, until } = run.waits;
  if (approvals.length) return `Waits for approval after ${approvals.length > 3 ? `${approvals.slice(0, 3).join(", ")} and ${approvals.length - 3} more` : approvals.join(", ")}`;
  const open = steps.filter((step) => !OVER.has(step.status));
  const again = open.find((step) => step.retry_at);
  if (again) return `Waits to try ${again.step_id} again, ${at(again.retry_at)}`;
  const asleep = open.find((step) => step.sleeps_until);
  if (asleep) return `Sleeps after ${asleep.waits_after} until ${at(asleep.sleeps_until)}`;
  if (!until) return "Waits for its turn";
  return run.started_at ? `Waits until ${at(until)}` : `Starts ${at(until)}`;
}
