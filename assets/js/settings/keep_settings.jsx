// What the workspace keeps and where: for how many days its runs, and in which place the files of its scripts. For its admins.
import { useEffect, useMemo, useRef, useState } from "react";

import { get, post, workspacePath } from "../api.js";
import { SchemaForm } from "../forms/schema_form.jsx";
import { Skeleton } from "../output/parts.jsx";

const DEFAULT_DAYS = 30;
const RUNS = { properties: { days: { type: "integer", title: "Days after which ended runs are deleted", minimum: 0, maximum: 36500, examples: [`${DEFAULT_DAYS}`], description: "Empty is 30. 0 keeps them for ever. It counts at once for all runs that there are." } } };
const FILES = { properties: { resource: { type: "string", title: "S3 resource", maxLength: 255, examples: ["f/ops/s3"], description: "Path of a resource with bucket, region and keys. Empty: a folder of the server. Files that there are stay where they are." } } };

/** `KeepSettings({ws})`; whoever is no admin sees nothing of it: the section above says so. */
export function KeepSettings({ ws }) {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let ended = false;
    const asked = [get(workspacePath(ws, "workspaces/get_retention")), get(workspacePath(ws, "workspaces/get_large_file_storage_config"))];
    Promise.all(asked).then(([runs, files]) => !ended && setFound({ runs, files }), (reason) => !ended && setError(reason));
    return () => { ended = true; };
  }, [ws]);
  if (error?.status === 403) return null;
  return (
    <section className="page-part settings" aria-labelledby="keep-settings">
      <div className="list-head"><h2 id="keep-settings">What is kept</h2></div>
      {error && <div className="card empty"><b>{error.message}</b><p>{error.hint}</p></div>}
      {!error && !found && <div className="card facts"><Skeleton lines={5} label="Loading the settings" /></div>}
      {found && <Runs ws={ws} runs={found.runs} />}
      {found && <Files ws={ws} files={found.files} />}
    </section>
  );
}

function Runs({ ws, runs }) {
  const save = ({ days }) => post(workspacePath(ws, "workspaces/edit_retention"), { retention_days: days ?? null });
  return <Setting name="Runs" schema={RUNS} values={runs.is_default ? {} : { days: runs.retention_days }} save={save} />;
}

function Files({ ws, files }) {
  const others = files.secondary_storage; // named over HTTP; they stay as they are
  const save = ({ resource }) => {
    const first = resource ? { type: "S3Storage", s3_resource_path: resource } : {};
    const shape = { ...first, ...(others && { secondary_storage: others }) };
    return post(workspacePath(ws, "workspaces/edit_large_file_storage_config"), { large_file_storage: Object.keys(shape).length ? shape : null });
  };
  return <Setting name="Files of scripts" schema={FILES} values={files.s3_resource_path ? { resource: files.s3_resource_path } : {}} save={save} />;
}

/** A form of one setting that is saved by itself. */
function Setting({ name, schema, values, save }) {
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState(null);
  const [saves, setSaves] = useState(0);
  const box = useRef(null);
  const first = useMemo(() => values, []); // what is typed meanwhile stays
  useEffect(() => {
    if (saves) box.current?.querySelector("button[type=submit]")?.focus(); // it was disabled while it was saved
  }, [saves]);
  const submit = async (args) => {
    setBusy(true);
    setSaid(null);
    const outcome = await save(args).then(() => ({ text: "Saved." }), (reason) => ({ failed: true, text: `${reason.message} ${reason.hint ?? ""}`.trim() }));
    setSaid(outcome);
    setBusy(false);
    setSaves((count) => count + 1);
  };
  return (
    <div ref={box} className="card facts model-form" role="group" aria-label={name}>
      <h3>{name}</h3>
      <SchemaForm schema={schema} values={first} onData={() => setSaid(null)} onSubmit={submit} busy={busy} submitLabel="Save" busyLabel="Saving" icon="check" footer={<span className={`model-said ${said?.failed ? "form-error" : "form-said"}`} role="status">{said?.text ?? ""}</span>} />
    </div>
  );
}
