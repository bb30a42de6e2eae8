// Pins: a cell hands on a value that was kept instead of running. In the file it is the module's `mock`.
import { request } from "../api.js";

const PIN_LIMIT = 64 * 1024;

export const isPinned = (store, id) => store.cell(id)?.settings.mock?.enabled === true;

/** Whether the cell has a result that could be pinned. */
export function canPin(store, id) {
  const output = store.get(`output:${id}`);
  return Boolean(output && !output.error && output.run_id);
}

/** Keep the cell's result: from now on it is handed on, and the cell does not run. */
export async function pin(store, id) {
  const { run_id: run, path } = store.get(`output:${id}`);
  try {
    const value = await request("GET", `/api/w/${encodeURIComponent(store.ws)}/runs/${run}/raw?${new URLSearchParams({ path })}`);
    if (JSON.stringify(value).length > PIN_LIMIT) throw Object.assign(new Error("This result is too big to be pinned."), { hint: "Write a smaller one of the same shape into the mock of the cell." });
    store.do({ op: "set_setting", cell: id, key: "mock", value: { enabled: true, return_value: value } });
    store.announce(`${store.cell(id).step_id} is pinned`);
  } catch (error) {
    store.toast({ text: error.message, hint: error.hint, tone: "bad" });
  }
}

/** Let the cell run again; the value stays beside it for the next time. */
export function unpin(store, id) {
  const { step_id: step, settings } = store.cell(id);
  store.do({ op: "set_setting", cell: id, key: "mock", value: { ...settings.mock, enabled: false } });
  store.announce(`${step} is no longer pinned`);
}

export function togglePin(store, id) {
  if (isPinned(store, id)) unpin(store, id);
  else if (canPin(store, id)) pin(store, id);
  else store.toast({ text: `${store.cell(id).step_id} has no result to pin yet.`, hint: "Run it first." });
}
