// The calls by webhook that a deployed flow has had lately, read from its runs.
import { get, runPath, workspacePath } from "../api.js";

const LOOKED_AT = 100; // of the newest runs
const SHOWN = 8;

const valueOf = (ws, run, query) => get(runPath(ws, run.id, "raw"), query).catch(() => null); // not there, or cleared away

export const isObject = (value) => Boolean(value) && typeof value === "object" && !Array.isArray(value);

/**
 * {run, args: what the flow got, event: what its preprocessor was given, or null}; null where the run went away after it was listed.
 * Where a step prepares its own arguments, the flow got the call's.
 */
async function callOf(ws, run) {
  if (!run.has_event) return { run, event: null, args: await valueOf(ws, run, { path: "", side: "args" }) };
  const found = await get(runPath(ws, run.id)).catch((error) => {
    if (error.status !== 404) throw error;
  });
  if (!found) return null;
  const step = found.steps.find(({ path }) => path === "preprocessor");
  const made = step ? step.status === "success" && valueOf(ws, run, { path: "preprocessor" }) : valueOf(ws, run, { path: "", side: "args" });
  const [event, args] = await Promise.all([valueOf(ws, run, { path: "", side: "event" }), made]);
  return { run, event, args: args || null };
}

/** Those that brought something, newest first. Throws ApiError. */
export async function callsOf(ws, path) {
  const runs = await get(workspacePath(ws, "runs"), { path, per_page: LOOKED_AT });
  const calls = runs.filter((run) => run.trigger === "webhook" && run.kind === "flow").slice(0, SHOWN);
  const found = await Promise.all(calls.map((run) => callOf(ws, run)));
  return found.filter((call) => call && (isObject(call.args) || call.event));
}
