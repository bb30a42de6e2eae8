// Running a script on its page: a form of its inputs, then the log while it runs and the result when it is done.
import { useEffect, useRef, useState } from "react";

import { get, post, request, runPath, workspacePath } from "../api.js";
import { SECRETS_REFER } from "../forms/reference.jsx";
import { SchemaForm } from "../forms/schema_form.jsx";
import { Icon } from "../icons.jsx";
import { Logs } from "../output/logs.jsx";
import { Output } from "../output/output.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { Streamed } from "../output/streamed.jsx";
import { isLive, useRun } from "../run/use_run.js";
import { stateOf } from "../words.js";
import { short } from "./versions.js";

const STEP = "a"; // a script runs as the one step of a flow

/**
 * `Trial({ws, path, head, text, around, dirty, signature, starts})`: runs the text as it stands, or the stored version `head`.
 * `starts.current` is set to what the form's button does.
 */
export function Trial({ ws, path, head, text, around, dirty, signature, starts }) {
  const [stored, setStored] = useState(!around.may_preview);
  const [run, setRun] = useState(null);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const box = useRef(null);
  starts.current = () => box.current?.querySelector("form")?.requestSubmit();
  if (!around.may_run) return null;
  const submit = async (args) => {
    if (busy) return;
    setBusy(true);
    setFailed(null);
    try {
      const preview = { path, content: text.content, language: text.language, args, ...(head.tag && { tag: head.tag }), ...(!dirty && head.lock !== null && { lock: head.lock }) };
      const id = stored ? await post(workspacePath(ws, "jobs", "run", "h", head.hash), args) : await post(workspacePath(ws, "jobs", "run", "preview"), preview);
      setRun(String(id).replaceAll('"', "").trim());
    } catch (reason) {
      setFailed(reason);
    }
    setBusy(false);
  };
  const schema = stored ? head.schema ?? (dirty ? {} : signature?.schema) : signature?.schema;
  const words = stored ? `Run ${short(head.hash)}` : "Run this text";
  return (
    <section className="card script-trial" aria-label="Run" ref={box}>
      <header>
        <h2>Run</h2>
        {around.may_preview && (
          <div className="seg" role="group" aria-label="What to run">
            <button type="button" aria-pressed={!stored} onClick={() => setStored(false)}>This text</button>
            <button type="button" aria-pressed={stored} onClick={() => setStored(true)}>Version {short(head.hash)}</button>
          </div>
        )}
      </header>
      {schema ? <SchemaForm context={SECRETS_REFER} schema={schema} what="script" busy={busy} submitLabel={words} onSubmit={submit} /> : <Skeleton lines={3} label="Reading the inputs" />}
      {failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>{failed.message} {failed.hint}</span></p>}
      {run && <Outcome key={run} ws={ws} runId={run} />}
    </section>
  );
}

/** What becomes of a run, here. */
function Outcome({ ws, runId }) {
  const { run, steps, error, load } = useRun(ws, runId);
  const [got, setGot] = useState({ output: null, error: null });
  const live = !run || isLive(run);
  const step = steps.find((one) => one.path === STEP);
  const path = step ? STEP : "";
  useEffect(() => {
    if (live) return undefined;
    const stop = new AbortController();
    get(runPath(ws, runId, "output"), { path }, { signal: stop.signal }).then((output) => setGot({ output, error: null }), (reason) => reason.name !== "AbortError" && setGot({ output: null, error: reason }));
    return () => stop.abort();
  }, [ws, runId, live, path]);
  const cancel = () => request("POST", workspacePath(ws, "jobs_u", "queue", "cancel", runId), { json: { reason: "Cancelled on the script's page" } }).then(load, load);
  if (error && !run) return <Problem error={error} what="The run" retry={load} />;
  const state = stateOf(run?.status ?? "queued");
  return (
    <div className="script-outcome" aria-live="polite">
      <p className="script-outcome-head">
        <span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{state.word}</span>
        <a href={`/runs/${runId}`}>{run ? `Run #${run.number}` : "The run"}</a>
        <span className="grow" />
        {live && run && <button type="button" className="btn danger" onClick={cancel}><Icon name="stop" /> Cancel</button>}
      </p>
      {live && step && <Streamed ws={ws} runId={runId} path={STEP} maxHeight={320} />}
      {live && step && <Logs ws={ws} runId={runId} path={STEP} live maxHeight={320} />}
      {live && !step && <p className="out-note">It is about to start.</p>}
      {!live && got.error && <Problem error={got.error} what="The result" />}
      {!live && !got.error && (got.output ? <Output ws={ws} output={got.output} memory="script" baseExpr="result" maxHeight={420} /> : <Skeleton lines={3} label="Loading the result" />)}
    </div>
  );
}
