// Cells on the clipboard: OpenFlow JSON, {"modules": […]}, so that they go into another flow, a file or another tool.
import { request } from "../api.js";
import { newId } from "./objects.js";

/** Kept beside the system's clipboard, which pages may only write over https, and never read unasked. */
const KEPT = "flowapp:clipboard";

const listsOf = (value) => [value.modules, value.default, ...(value.branches ?? []).map((branch) => branch.modules)].filter(Array.isArray);

function findModule(value, step) {
  for (const module of listsOf(value).flat()) {
    const hit = module.id === step ? module : findModule(module.value ?? {}, step);
    if (hit) return hit;
  }
  return null;
}

/** The cells' modules as they are in the file: retries and all that the page does not show included. */
export async function modulesOf(store, ids) {
  await store.settled();
  const answer = await request("GET", `${store.base}/export?format=json`);
  const flow = typeof answer === "string" ? JSON.parse(answer) : answer;
  return ids.map((id) => findModule(flow.value, store.cell(id)?.step_id)).filter(Boolean);
}

export async function copyCells(store, ids) {
  const text = JSON.stringify({ modules: await modulesOf(store, ids) }, null, 2);
  localStorage.setItem(KEPT, text);
  try {
    await navigator.clipboard?.writeText(text);
  } catch {
    // without the right to, cells go from notebook to notebook only
  }
}

/** The modules in a text: a list of them, one alone, or a flow; null where it is something else. */
export function modulesIn(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const list = Array.isArray(found) ? found : found?.value?.modules ?? found?.modules ?? (found?.value?.type ? [found] : null);
  return Array.isArray(list) && list.length && list.every((module) => typeof module?.value?.type === "string") ? list : null;
}

/** What was copied last: in the clipboard, or else in another notebook of this browser. */
export const copied = (text = "") => modulesIn(text) ?? modulesIn(localStorage.getItem(KEPT) ?? "");

/** Put modules at a place; answers the new cells. */
export function pasteModules(store, modules, { parent, slot, index }) {
  const cells = modules.map(() => newId("c"));
  store.do({ op: "paste_cells", cells, parent, slot, index, modules });
  return cells;
}
