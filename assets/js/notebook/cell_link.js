// Links to one cell: made from its menu, followed when the notebook opens.
import { addressIn } from "../workspace.js";
import { cellNode, reveal, select } from "./commands.js";

const NAMED = /^#cell=(.+)$/;
const SETTLED_MS = 2000;

/** The address that opens the notebook at a cell. */
export const cellLink = (store, step) => new URL(addressIn(store.ws, `/flows/${encodeURIComponent(store.draftId)}#cell=${encodeURIComponent(step)}`), window.location.origin).href;

/** Take the link of a cell along. Where the browser lets no page copy, it is shown. */
export async function copyCellLink(store, step) {
  const link = cellLink(store, step);
  const copied = await Promise.resolve(navigator.clipboard?.writeText(link)).then(() => Boolean(navigator.clipboard), () => false);
  store.toast(copied ? { text: `Copied the link to ${step}` } : { text: `The link to ${step}`, hint: link });
}

/** The step that an address names, "" for none: a link that was cut off names none. */
function stepIn(hash) {
  try {
    return decodeURIComponent(NAMED.exec(hash)?.[1] ?? "");
  } catch {
    return "";
  }
}

/** Go to the cell that the address names, once: a reload stays where the person is. */
export function followCellLink(store) {
  const step = stepIn(window.location.hash);
  if (!step) return;
  window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  const id = store.cellOfStep(step);
  if (!id) return store.toast({ text: `There is no cell ${step} here any more` });
  select(store, id);
  staysInView(id);
}

/** Cells above get their real heights only now: bring the cell back until that is over, or the person does something. */
function staysInView(id) {
  const until = performance.now() + SETTLED_MS;
  const events = ["pointerdown", "keydown", "wheel"];
  let over = false;
  const end = () => { over = true; };
  for (const name of events) window.addEventListener(name, end, { once: true, passive: true, capture: true });
  const look = () => {
    if (over || performance.now() > until) return events.forEach((name) => window.removeEventListener(name, end, { capture: true }));
    const node = cellNode(id);
    if (node && document.activeElement?.matches("body, .nb-main")) node.focus({ preventScroll: true });
    if (node) reveal(node);
    setTimeout(look, 100);
  };
  look();
}
