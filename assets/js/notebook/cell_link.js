// Links to one cell: made from its menu, followed when the notebook opens.
import { addressIn } from "../workspace.js";
import { cellNode, reveal, select } from "./commands.js";

const NAMED = /^#cell=(.+)$/;
const STILL_MS = 10_000;

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

/**
 * Cells above get their real heights only now, and what they show comes when it comes: bring the cell back whenever that moves it,
 * until the person does something. A page that has been still for long moves for a reason of its own.
 */
function staysInView(id) {
  const over = new AbortController();
  for (const name of ["pointerdown", "keydown", "wheel", "touchmove"]) window.addEventListener(name, () => over.abort(), { passive: true, capture: true, signal: over.signal });
  const look = () => {
    const node = cellNode(id);
    if (node && document.activeElement?.matches("body, .nb-main")) node.focus({ preventScroll: true });
    if (node) reveal(node);
    clearTimeout(still);
    still = setTimeout(() => over.abort(), STILL_MS);
  };
  let still = 0;
  const sizes = new ResizeObserver(look); // tells the size it finds first, too
  sizes.observe(document.querySelector(".nb-main .nb-col"));
  over.signal.addEventListener("abort", () => {
    clearTimeout(still);
    sizes.disconnect();
  });
}
