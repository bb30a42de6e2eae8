// One stored script as its page edits it: the newest version, the text of the page, and how the one becomes the other.
// What is typed is kept in the browser until a version has it. Nobody's version is ever written over without being shown.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { encoded, get, post, request, workspacePath } from "../api.js";
import { KeptEdits } from "../notebook/local_text.js";
import { FIELDS, bodyOf, sameText } from "./versions.js";

const KEY = "text";

/** What a former page left in this browser, and a way to keep more. */
function useKept(ws, path) {
  const kept = useMemo(() => new KeptEdits(`script:${ws}:${path}`), [ws, path]);
  useEffect(() => {
    const write = () => kept.write();
    const events = [[window, "pagehide"], [window, "blur"], [document, "visibilitychange"]];
    events.forEach(([node, name]) => node.addEventListener(name, write));
    return () => {
      write();
      events.forEach(([node, name]) => node.removeEventListener(name, write));
    };
  }, [kept]);
  return kept;
}

/**
 * `{head, around, history, text, dirty, theirs, error, failed, busy, dropped, change, save, discard, bringBack, restore, load}`.
 *
 * `text` is `{content, summary, language}` as the page has it. `theirs` is a version that somebody stored after the one that
 * the text comes from: `save("mine")` stores the text after it, `discard()` takes it.
 */
export function useScript(ws, path) {
  const at = (...parts) => workspacePath(ws, "scripts", ...parts);
  const kept = useKept(ws, path);
  const [found, setFound] = useState(null); // {head, around, history}
  const [mine, setMine] = useState(null); // {content, summary, language, base}: not stored yet
  const [theirs, setTheirs] = useState(null);
  const [error, setError] = useState(null);
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState("");
  const [dropped, setDropped] = useState(null); // what was discarded last, to bring it back
  const latest = useRef(mine);
  latest.current = mine;

  const load = useCallback(async () => {
    try {
      const [head, around, history] = await Promise.all([get(at("get", "p", encoded(path))), get(at("around", "p", encoded(path))), get(at("history", "p", encoded(path)))]);
      setFound({ head, around, history });
      setError(null);
      return head;
    } catch (reason) {
      setError(reason);
      return null;
    }
  }, [ws, path]);

  const hold = (next) => {
    latest.current = next;
    setMine(next);
    if (next) kept.keep(KEY, next, next.base);
    else kept.forget(KEY);
  };

  useEffect(() => {
    load().then((head) => {
      const left = kept.left().find((one) => one.key === KEY)?.op;
      if (!head || !left) return;
      if (sameText(left, head)) return hold(null);
      hold(left);
      if (left.base !== head.hash) setTheirs(head);
    });
  }, [load]);

  const head = found?.head ?? null;
  const text = mine ?? head;

  const change = (patch) => {
    const before = latest.current ?? head;
    const now = { ...before, ...patch };
    if (sameText(now, before)) return; // the editor tells of texts that it was given, too
    const next = Object.fromEntries(FIELDS.map((name) => [name, now[name]]));
    setDropped(null);
    hold(sameText(next, head) && !theirs ? null : { ...next, base: latest.current?.base ?? head.hash });
  };

  /** Store a text as the version after `parent`; true when it is. */
  const store = async (what, body, parent) => {
    setBusy(what);
    setFailed(null);
    try {
      await request("POST", at("create"), { json: { ...body, path, parent_hash: parent } });
      return true;
    } catch (reason) {
      const newest = await get(at("get", "p", encoded(path))).catch(() => null);
      if (newest && newest.hash !== parent) setTheirs(newest);
      else setFailed(reason);
      return false;
    } finally {
      setBusy("");
    }
  };

  /** Store the text of the page; `over`: "mine" after having been shown `theirs`. */
  const save = async (over) => {
    const sent = latest.current;
    if (!sent || busy || (theirs && over !== "mine")) return;
    const origin = theirs ?? head;
    const { schema } = await post(at("signature"), { content: sent.content, language: sent.language, schema: origin.schema ?? undefined }).catch(() => ({ schema: origin.schema }));
    const parent = theirs ? theirs.hash : sent.base;
    if (!(await store("save", bodyOf(origin, { ...sent, schema }), parent))) return;
    setTheirs(null);
    const now = await load();
    if (latest.current === sent || !now) hold(null);
    else hold({ ...latest.current, base: now.hash }); // typed while it was being stored
  };

  const discard = async () => {
    setTheirs(null);
    setFailed(null);
    setDropped(latest.current);
    hold(null);
    await load();
  };

  /** Take the discarded text back, after whatever is the newest version now: it was seen. */
  const bringBack = () => {
    hold({ ...dropped, base: head.hash });
    setDropped(null);
  };

  /** Store an older version's text as the newest version. */
  const restore = async (old) => {
    if (await store(`restore ${old.hash}`, { ...bodyOf(old, old), deployment_message: `Restores ${old.hash}` }, head.hash)) await load();
  };

  return { ...found, head, text, dirty: mine !== null, theirs, error, failed, busy, dropped, change, save, discard, bringBack, restore, load };
}

/** The inputs that a text takes: `{schema, problem}`, a moment after it rests. */
export function useSignature(ws, text, schema) {
  const [found, setFound] = useState(null);
  const known = JSON.stringify(schema ?? null);
  useEffect(() => {
    if (!text) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      post(workspacePath(ws, "scripts", "signature"), { content: text.content, language: text.language, schema: JSON.parse(known) ?? undefined }, { signal: stop.signal }).then(setFound, (reason) => reason.name !== "AbortError" && setFound({ schema: JSON.parse(known) ?? {}, problem: reason }));
    }, found ? 400 : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [ws, text?.content, text?.language, known]);
  return found;
}
