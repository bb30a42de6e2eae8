// A field for a stored file: its name, or a file that is sent to where the workspace keeps them. The value is `{s3: name}`.
import { useRef, useState } from "react";

import { request, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { tabWorkspace } from "../workspace.js";
import { FieldFrame } from "./widgets.jsx";

export function StoredFile({ fieldPathId, formData, onChange, schema, uiSchema, disabled, readonly, required, rawErrors, name }) {
  const id = fieldPathId.$id;
  const path = fieldPathId.path;
  const chooser = useRef(null);
  const [sending, setSending] = useState("");
  const [error, setError] = useState("");
  const [over, setOver] = useState(false);
  const off = disabled || readonly;
  const set = (key) => {
    setError("");
    onChange(key.trim() ? { ...formData, s3: key.trim() } : undefined, path);
  };
  const send = async (file) => {
    if (!file || off || sending) return;
    setError("");
    setSending(file.name);
    try {
      const query = { file_key: `uploads/${Date.now().toString(36)}/${file.name}`, content_type: file.type };
      const kept = await request("POST", workspacePath(tabWorkspace(), "job_helpers/upload_s3_file"), { query, body: file });
      onChange({ s3: kept.file_key }, path);
    } catch (failure) {
      setError(`${file.name} was not sent: ${failure.message}`);
    } finally {
      setSending("");
    }
  };
  return (
    <FieldFrame id={id} label={uiSchema?.["ui:title"] || schema.title || name} description={uiSchema?.["ui:description"]} required={required} errors={error ? [error] : rawErrors}>
      <div className={`drop ${over ? "over" : ""}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={(event) => { event.preventDefault(); setOver(false); send(event.dataTransfer.files[0]); }}>
        <input id={id} className="in-text mono" value={formData?.s3 ?? ""} placeholder="name of a stored file" disabled={off} readOnly={Boolean(sending)} onChange={(event) => set(event.target.value)} spellCheck={false} autoComplete="off" aria-invalid={error || rawErrors?.length ? true : undefined} aria-describedby={`${id}__description ${id}-error`} />
        <input ref={chooser} type="file" className="sr" tabIndex={-1} aria-hidden="true" onChange={(event) => { send(event.target.files[0]); event.target.value = ""; }} />
        <button type="button" className="btn" disabled={off} onClick={() => chooser.current.click()}><Icon name="upload" /> Send a file</button>
        <span className="muted" role="status">{sending ? `Sending ${sending} …` : ""}</span>
      </div>
    </FieldFrame>
  );
}
