// A text that a step prints while it runs (its log, or what it streams): paged in from the server, then live by events.
import { get, runPath, subscribe } from "../api.js";

const AGAIN_MS = 250; // what an event tells of is in the database a moment later
const LATER_MS = [600, 2500]; // and so is what was told of just before anybody listened here

/**
 * Follow the log of (run, path), or with `stream` what the step streams. `take(text)` gets each piece once and in order,
 * `anew()` is told before another attempt begins, `changed(status, error?)` after each. `heard` are the characters that
 * are known to be there. Without `live` it is read to its present end. Answers a function that ends it.
 */
export function follow({ ws, runId, path, stream = false, live, topic, heard = 0, take, anew, changed }) {
  let next = 0;
  let wanted = heard;
  let asking = null;
  let again = false;
  let ended = false;
  let timer = null;
  let later = null;

  async function pull() {
    if (asking) {
      again = true;
      return asking;
    }
    asking = (async () => {
      try {
        for (;;) {
          const page = await get(runPath(ws, runId, "logs"), { path, offset: next, ...(stream && { stream: true }) });
          if (ended) return;
          const moved = page.next > next;
          next = page.next;
          take(page.text);
          changed("ready");
          if (!moved) break;
        }
      } catch (error) {
        if (!ended) changed("error", error);
      }
    })();
    await asking;
    asking = null;
    if (ended) return;
    if (again) {
      again = false;
      pull();
    } else if (stream && live && next < wanted) timer = setTimeout(pull, AGAIN_MS);
  }

  function hear(event) {
    if (event.type === "hello") {
      if (event.resumed) pull();
      later ??= LATER_MS.map((ms) => setTimeout(pull, ms));
      return;
    }
    if (event.type !== (stream ? "stream" : "log") || event.path !== path || (event.run_id && event.run_id !== runId)) return;
    const end = event.offset + [...event.text].length;
    if (stream && event.offset === 0 && next > 0) {
      anew(); // another attempt
      next = 0;
      wanted = 0;
    }
    wanted = Math.max(wanted, end);
    if (!asking && event.offset === next && event.text) {
      take(event.text);
      next = event.next ?? end;
      changed("ready");
    } else pull();
  }

  pull();
  const unsubscribe = live ? subscribe(ws, topic || `run:${runId}`, hear) : () => {};
  return () => {
    ended = true;
    for (const one of [timer, ...(later ?? [])]) clearTimeout(one);
    unsubscribe();
  };
}
