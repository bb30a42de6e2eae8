// One run as pages follow it: its row and its steps, loaded and then kept up to date by the event stream.
import { useCallback, useEffect, useRef, useState } from "react";

import { get, runPath, subscribe } from "../api.js";
import { mergeStep, withProgress } from "./timeline.js";

const ROW_MS = 600; // a step that takes long has its row by then

export const LIVE = new Set(["queued", "running", "suspended", "waiting"]);
export const isLive = (one) => Boolean(one) && LIVE.has(one.status);

const NOTHING = { run: null, steps: [], schema: null, may: {}, error: null };

/** The run, its steps and what one may do with it, kept up to date by the event stream. */
export function useRun(ws, runId) {
  const [state, setState] = useState(NOTHING);
  const named = useRef(null); // step ids whose title has been asked for
  const titles = useRef({});
  const load = useCallback(() => get(runPath(ws, runId)).then((found) => {
    titles.current = found.titles || titles.current;
    const may = { share: found.may_share, cancel: found.may_cancel, run: found.may_run, open: found.may_open };
    setState({ run: found.run, steps: found.steps, schema: found.schema, may, error: null });
  }, (error) => setState((old) => ({ ...old, error }))), [ws, runId]);
  useEffect(() => {
    setState(NOTHING);
    named.current = new Set();
    titles.current = {};
    let timer;
    load();
    const unsubscribe = subscribe(ws, `run:${runId}`, (event) => {
      if (event.type === "hello") {
        load(); // a step may have begun between the first answer and this moment, or be about to get its row
        timer = setTimeout(load, ROW_MS);
      } else if (event.type === "lost") load();
      else if (event.type === "run") {
        setState((old) => ({ ...old, run: { ...old.run, ...event.run } }));
        if (event.run.status !== "running") load(); // the last word comes from the database, and what it waits for
      } else if (event.type === "progress") setState((old) => withProgress(old, event));
      else if (event.type === "step") {
        const { step } = event;
        setState((old) => ({ ...old, steps: mergeStep(old.steps, step, titles.current) }));
        if (step.title || step.step_id in titles.current || named.current.has(step.step_id)) return;
        named.current.add(step.step_id);
        setTimeout(load, ROW_MS); // which has the title
      }
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [ws, runId, load]);
  return { ...state, load };
}
