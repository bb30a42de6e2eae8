// Which workspace this tab shows. The first that says so: the address (?workspace=…), the entry of the tab's history, the tab. An
// address that came from elsewhere and names none is one of the first workspace; only the home page then opens the one entered last.
const KEY = "flowapp.workspace"; // the pages' states read it too
const FIRST = "main";

/** The workspace that an address names; null for none. */
export const namedIn = (search) => new URLSearchParams(search).get("workspace") || null;

/** `path` (with its query) as an address that opens the same page in that workspace. */
export function addressIn(ws, path) {
  const url = new URL(path, "http://here");
  if (ws === FIRST) url.searchParams.delete("workspace");
  else url.searchParams.set("workspace", ws);
  return url.pathname + url.search + url.hash;
}

const kept = (storage, key = KEY) => {
  try {
    return globalThis[storage]?.getItem(key);
  } catch {
    return null; // a browser that keeps nothing: the address says it all
  }
};

function keep(storage, value, key = KEY) {
  try {
    globalThis[storage]?.setItem(key, value);
    // what the server holds for this tab was made for another workspace or person, and is not to be seen in this one
    if (storage === "sessionStorage") sessionStorage.removeItem("token");
  } catch {
    // as above
  }
}

/** Whether the page was opened by an address from outside: typed, pasted, out of a message. */
const fromOutside = () => !document.referrer && performance.getEntriesByType("navigation")[0]?.type === "navigate";

let known = null;

/** The workspace of this tab, the same one until the page is loaded anew. */
export function tabWorkspace() {
  if (typeof window === "undefined") return FIRST; // while the page is built
  if (!known) {
    const { pathname, search } = window.location;
    const home = pathname === "/";
    const tab = home || !fromOutside() ? kept("sessionStorage") : null;
    known = namedIn(search) || window.history?.state?.workspace || tab || (home && kept("localStorage")) || FIRST;
    if (known !== kept("sessionStorage")) keep("sessionStorage", known);
  }
  return known;
}

/** Changes when somebody signs in anew; "" for who came without. */
function signedIn() {
  const name = `flowapp_mark${window.location.port && `_${window.location.port}`}=`;
  return document.cookie.split("; ").find((one) => one.startsWith(name))?.slice(name.length) ?? "";
}

const MARK = "flowapp.mark";
const anotherOne = () => signedIn() !== (kept("sessionStorage", MARK) ?? "");

/** Go into a workspace: its home page, also in tabs that are opened later. */
export function enter(ws) {
  keep("localStorage", ws);
  window.location.assign(`/?workspace=${encodeURIComponent(ws)}`);
}

/** Load another page of this workspace. */
export const go = (path) => window.location.assign(addressIn(tabWorkspace(), path));

/** Have links name the workspace before they are opened in another tab. */
function nameLink({ target }) {
  const link = target.closest?.("a[href]");
  if (!link || known === FIRST || link.origin !== window.location.origin || link.hasAttribute("download") || /^\/(api|js|css|signin|signout)\b/.test(link.pathname) || namedIn(link.search)) return;
  link.setAttribute("href", addressIn(known, link.pathname + link.search + link.hash));
}

if (typeof window !== "undefined" && window.addEventListener) {
  // before the first event goes to the server
  tabWorkspace();
  if (anotherOne()) keep("sessionStorage", signedIn(), MARK);
  for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, nameLink, { capture: true, passive: true });
  // a page that comes back as it was left, into a tab that has gone on
  window.addEventListener("pageshow", (event) => event.persisted && (kept("sessionStorage") !== known || anotherOne()) && window.location.reload());
}
