// A text that a step prints while it runs (its log, or what it streams): paged in from the server, then live by events.
import { get, runPath, subscribe } from "../api.js";

const AGAIN_MS = 250; // what an event tells of is in the database a moment later
const RETRY_MS = [1000, 2000, 4000, 8000, 15000]; // after a failure, and the last one for ever
const LATER_MS = [600, 2500]; // and so is what was told of just before anybody listened here

/** Whether an error may be gone the next time: no answer, too many requests, or a fault of the server. */
const passes = ({ status }) => status === 0 || status === 429 || status >= 500;

/**
 * Follow the log of (run, path), or with `stream` what the step streams; `of` is the attempt that is meant (0: the last). `take(text)` gets each piece once and in order,
 * `anew()` is told before another attempt begins, `changed(status, error?)` after each. `heard` are the characters that
 * are known to be there. Without `live` it is read to its present end; with it, what fails is asked for again, after longer
 * and longer waits. Answers a function that ends it.
 */
export function follow({ ws, runId, path, stream = false, of = 0, live, topic, heard = 0, take, anew, changed }) {
  let next = 0;
  let wanted = heard;
  let attempt = 0;
  let asking = null;
  let again = false;
  let ended = false;
  let timer = null;
  let failures = 0; // one after another
  let retry = null;
  let later = null;

  async function pull() {
    if (asking) {
      again = true;
      return asking;
    }
    clearTimeout(retry);
    retry = null;
    let failed = null;
    asking = (async () => {
      try {
        for (;;) {
          const from = attempt;
          const page = await get(runPath(ws, runId, "logs"), { path, offset: next, ...(stream && { stream: true }), ...(of && { attempt: of }) });
          if (ended) return;
          failures = 0;
          if (from !== attempt) continue; // what is answered is of the one before
          const moved = page.next > next;
          next = page.next;
          take(page.text);
          changed("ready");
          if (!moved) break;
        }
      } catch (error) {
        failed = error;
        if (!ended) changed("error", error);
      }
    })();
    await asking;
    asking = null;
    if (ended) return;
    if (failed && live && passes(failed)) {
      again = false;
      retry = setTimeout(pull, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    } else if (again) {
      again = false;
      pull();
    } else if (stream && live && !failed && next < wanted) soon();
  }

  /** Ask in a moment, once for everything that is told until then. A server that fails is left alone for longer. */
  function soon() {
    if (retry) return;
    timer ??= setTimeout(() => {
      timer = null;
      pull();
    }, AGAIN_MS);
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
      attempt += 1;
      anew();
      next = 0;
      wanted = 0;
    }
    wanted = Math.max(wanted, end);
    if (!asking && event.offset === next && event.text) {
      take(event.text);
      next = event.next ?? end;
      changed("ready");
    } else soon();
  }

  pull();
  const unsubscribe = live ? subscribe(ws, topic || `run:${runId}`, hear) : () => {};
  return () => {
    ended = true;
    for (const one of [timer, retry, ...(later ?? [])]) clearTimeout(one);
    unsubscribe();
  };
}
