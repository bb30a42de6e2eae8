// What the hubs list. A hub over HTTP may take seconds: what is near stands on the page until it has answered.
import { useEffect, useRef, useState } from "react";

import { get, workspacePath } from "../api.js";

/** `{found, error, busy, again}`; `found` is `{scripts, total, apps, languages, hubs}` or null. */
export function useListing(ws, query) {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(true);
  const [turn, setTurn] = useState(0);
  const asked = useRef(0); // the turn whose press has been heard: words that are typed later ask nobody anew
  const key = JSON.stringify(query);
  useEffect(() => {
    const stop = new AbortController();
    const ask = (more) => get(workspacePath(ws, "hub", "list"), { ...query, ...more }, { signal: stop.signal }).then((answer) => {
      setFound(answer);
      setError(null);
      return answer;
    });
    const work = async () => {
      setBusy(true);
      const near = await ask({ remote: false });
      const again = turn !== asked.current;
      asked.current = turn;
      if (again || !near.hubs.every((hub) => hub.asked)) await ask({ remote: true, again });
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
