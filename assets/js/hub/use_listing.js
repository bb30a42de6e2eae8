// What the hubs list. A hub over HTTP may take seconds: what is near stands on the page until it has answered.
import { useEffect, useState } from "react";

import { get, workspacePath } from "../api.js";

/** `{found, error, busy, again}`; `found` is `{scripts, total, apps, languages, hubs}` or null. */
export function useListing(ws, query) {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(true);
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify(query);
  useEffect(() => {
    const stop = new AbortController();
    const ask = (remote) => get(workspacePath(ws, "hub", "list"), { ...query, remote, again: remote && turn > 0 }, { signal: stop.signal }).then((answer) => {
      setFound(answer);
      setError(null);
      return answer;
    });
    const work = async () => {
      setBusy(true);
      if (!found) await ask(false).then((near) => near.hubs.every((hub) => hub.asked) || ask(true));
      else await ask(true);
      setBusy(false);
    };
    work().catch((reason) => {
      if (reason.name === "AbortError") return;
      setError(reason);
      setBusy(false);
    });
    return () => stop.abort();
  }, [ws, key, turn]);
  return { found, error, busy, again: () => setTurn((n) => n + 1) };
}
