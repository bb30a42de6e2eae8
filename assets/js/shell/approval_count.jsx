// How many requests for approval wait for the person, in the navigation. It follows what happens.
import { useEffect, useState } from "react";

import { get, subscribe, workspacePath } from "../api.js";

const TOGETHER_MS = 300; // several requests that change at once are counted once

/** `ApprovalCount({ws})`: nothing where nothing waits. */
export function ApprovalCount({ ws }) {
  const [count, setCount] = useState(0);
  useEffect(() => {
    let timer = null;
    const load = () => get(workspacePath(ws, "approvals", "count")).then((found) => setCount(found.count), () => {});
    load();
    const unsubscribe = subscribe(ws, "approvals", (event) => {
      if (event.type === "hello" && !event.resumed) return;
      timer ??= setTimeout(() => { timer = null; load(); }, TOGETHER_MS);
    }, undefined, { patience: 1500 });
    return () => { clearTimeout(timer); unsubscribe(); };
  }, [ws]);
  return count ? <b className="rail-count num">{count > 99 ? "99+" : count}<span className="sr"> waiting for you</span></b> : null;
}
