// Which workspace this tab shows: the one that the address names (?workspace=…), else the one that the tab showed, else the one that
// this browser showed last. A tab keeps its own; the pages' states read it from where it is kept (`ui/state/page.py`).
const KEY = "flowapp.workspace";
const FIRST = "main";

/** The workspace that an address names; null for none. */
export const namedIn = (search) => new URLSearchParams(search).get("workspace") || null;

/** `path` (with its query) as an address that opens the same page for everybody, whichever workspace their tab shows. */
export function addressIn(ws, path) {
  const url = new URL(path, "http://here");
  if (ws === FIRST) url.searchParams.delete("workspace");
  else url.searchParams.set("workspace", ws);
  return url.pathname + url.search + url.hash;
}

const kept = (storage) => {
  try {
    return globalThis[storage]?.getItem(KEY);
  } catch {
    return null; // a browser that keeps nothing: the address says it all
  }
};

/** Have this tab, and tabs that are opened later, show a workspace from the next load on. */
export function keepWorkspace(ws) {
  for (const storage of ["sessionStorage", "localStorage"]) {
    try {
      globalThis[storage]?.setItem(KEY, ws);
    } catch {
      // as above
    }
  }
}

let known = null;

/** The workspace of this tab, the same one until the page is loaded anew. */
export function tabWorkspace() {
  if (typeof window === "undefined") return FIRST; // while the page is built
  if (!known) {
    known = namedIn(window.location.search) || kept("sessionStorage") || kept("localStorage") || FIRST;
    keepWorkspace(known);
  }
  return known;
}

tabWorkspace(); // before the first event goes to the server
