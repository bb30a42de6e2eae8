// What would be sent to a model, as long as somebody looks at it: asked of the server anew whenever it may have become something else.
import { useEffect, useState } from "react";
import { useKey, useStore } from "./context.js";

const PAUSE_MS = 250; // not at every key

/** What `ask(signal)` answers, or `failed(error)`, while `open`; null before the first answer. `about` is what is asked for, as text. */
export function useSent(open, ask, failed, about) {
  const store = useStore();
  const [sent, setSent] = useState(null);
  const counts = useKey("counts"); // comes with each run
  const version = useKey("draft")?.version; // and with each edit
  useEffect(() => {
    if (!open) return undefined;
    const abort = new AbortController();
    const take = (found) => abort.signal.aborted || setSent(found);
    const pause = setTimeout(() => store.settled().then(() => ask(abort.signal)).then(take, (error) => take(failed(error))), PAUSE_MS);
    return () => {
      clearTimeout(pause);
      abort.abort();
    };
  }, [open, about, counts, version, store]);
  return sent;
}
