// "Run again from here": a new run that keeps what came before a step, with the same or another input and version.
import { useEffect, useId, useMemo, useState } from "react";

import { encoded, get, post, runPath, workspacePath } from "../api.js";
import { SECRETS_REFER } from "../forms/reference.jsx";
import { SchemaForm } from "../forms/schema_form.jsx";
import { Icon } from "../icons.jsx";
import { Dialog } from "../notebook/ui.jsx";
import { Skeleton } from "../output/parts.jsx";
import { restartPlace, roundsOf, whereOf } from "./places.js";
import { go } from "../workspace.js";

/** `RestartDialog({ws, run, steps, step, schema, onClose})`: `schema` is that of the input of the version that ran. */
export function RestartDialog({ ws, run, steps, step, schema, onClose }) {
  const [begin, setBegin] = useState(""); // "": as a whole; else the number of an iteration or branch, from 1
  const [edited, setEdited] = useState(false);
  const [newer, setNewer] = useState(false);
  const [newest, setNewest] = useState(null);
  const [args, setArgs] = useState(undefined);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const versioned = run.kind === "flow" && run.path;
  useEffect(() => {
    if (versioned) get(workspacePath(ws, "flows", "schema", encoded(run.path))).then(setNewest, () => setNewest(null)); // without it there is no choice of versions
  }, [ws, run.path, versioned]);
  useEffect(() => {
    if (edited && args === undefined) get(runPath(ws, run.id, "raw"), { path: "", side: "args" }).then((found) => setArgs(found ?? {}), setError);
  }, [edited]);
  const rounds = useMemo(() => roundsOf(steps, step), [steps, step]);
  const where = whereOf(step.path, Object.fromEntries(steps.map((one) => [one.path, one.kind])));
  const word = step.kind === "branchall" ? "branch" : "iteration";
  const number = begin === "" ? null : Number(begin) - 1;
  const wrong = number !== null && !(Number.isInteger(number) && number >= 0 && number < rounds);
  const start = async (given) => {
    setBusy(true);
    setError(null);
    try {
      const wanted = { ...restartPlace(step.path, number), ...(newer && { flow_version: newest.version_id }), ...(given && { args: given }) };
      const id = await post(workspacePath(ws, "jobs", "restart", "f", run.id), wanted);
      go(`/runs/${String(id).replaceAll('"', "").trim()}`);
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };
  const other = newest && newest.version !== run.version;
  const refused = error && <p className="form-error restart-error" role="alert"><Icon name="warn" size={13} /><span>{error.message} {error.hint}</span></p>;
  return (
    <Dialog title={`Run again from ${step.step_id}`} className="restart" onClose={onClose} footer={edited ? null : <><button type="button" className="btn" onClick={onClose}>Close</button><button type="button" className="btn pri" data-autofocus="" disabled={busy || wrong} onClick={() => start(null)}><Icon name="play" /> {busy ? "Starting" : "Run again"}</button></>}>
      <p className="form-help">A new run keeps the results of all that came before “{step.step_id}”{where ? ` in ${where.replace(/^in /, "")}` : ""}, and computes from there on.</p>
      {rounds > 0 && (
        <div className="form-field">
          <label htmlFor="restart-begin">Begin at {word} <span className="optional">1 to {rounds}; empty: all of “{step.step_id}”</span></label>
          <input id="restart-begin" className="in" inputMode="numeric" value={begin} aria-invalid={wrong || undefined} onChange={(event) => setBegin(event.target.value.trim())} />
          {wrong && <p className="form-error" role="alert">A whole number from 1 to {rounds}.</p>}
        </div>
      )}
      {other && <Choice label="Version" value={newer} onChange={setNewer} options={[[false, `${run.version}, as it ran`], [true, `${newest.version}, the newest`]]} />}
      <Choice label="Input" value={edited} onChange={setEdited} options={[[false, "The same"], [true, "Edited"]]} />
      {edited && <p className="form-help"><Icon name="info" size={13} /> What is kept was computed with the old input.</p>}
      {edited && (args === undefined ? !error && <Skeleton lines={3} label="Loading the input" /> : <SchemaForm context={SECRETS_REFER} key={String(newer)} schema={(newer ? newest.schema : schema) || {}} values={args} busy={busy} disabled={wrong} submitLabel="Run again" onSubmit={start} footer={<button type="button" className="btn" onClick={onClose}>Close</button>} />)}
      {refused}
    </Dialog>
  );
}

function Choice({ label, value, onChange, options }) {
  const name = useId();
  return (
    <fieldset className="restart-choice">
      <legend>{label}</legend>
      {options.map(([one, text]) => <label key={text}><input type="radio" name={name} checked={value === one} onChange={() => onChange(one)} /> {text}</label>)}
    </fieldset>
  );
}
