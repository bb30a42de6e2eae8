// Where a workspace has its requests told whose step says nothing else. For admins, at the foot of the inbox.
import { useEffect, useId, useState } from "react";

import { get, post, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";

const namesOf = (text) => text.split(/[\s,]+/).filter(Boolean);
const rowOf = (one) => ({ resource: one.resource, to: one.to.join(", ") });

/** `WorkspaceMessages({ws})`: nothing for those who may not set it. */
export function WorkspaceMessages({ ws }) {
  const [admin, setAdmin] = useState(false);
  useEffect(() => {
    get(workspacePath(ws, "users", "whoami")).then((found) => setAdmin(found.is_admin === true), () => {});
  }, [ws]);
  return admin ? <Setting ws={ws} /> : null;
}

function Setting({ ws }) {
  const [rows, setRows] = useState(null);
  const [said, setSaid] = useState({ text: "", error: null });
  const [busy, setBusy] = useState(false);
  const id = useId();
  const load = () => get(workspacePath(ws, "workspaces", "get_approval_messages")).then((found) => setRows(found.messages.map(rowOf)), (error) => setSaid({ text: "", error }));
  const change = (index, patch) => setRows(rows.map((row, at) => (at === index ? { ...row, ...patch } : row)));
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setSaid({ text: "", error: null });
    const messages = rows.filter((row) => row.resource.trim()).map((row) => ({ resource: row.resource.trim(), to: namesOf(row.to) }));
    try {
      await post(workspacePath(ws, "workspaces", "edit_approval_messages"), { messages });
      setRows(messages.map(rowOf));
      setSaid({ text: messages.length ? "Saved. New requests are told so." : "Saved. Nobody is told.", error: null });
    } catch (error) {
      setSaid({ text: "", error });
    }
    setBusy(false);
  };
  return (
    <details className="card inbox-setting" onToggle={(event) => event.currentTarget.open && rows === null && load()}>
      <summary>Whom this workspace tells of requests</summary>
      <form onSubmit={save}>
        <p className="form-help">For steps that say nothing of their own. A mail server needs recipients: addresses, members (u/leo) and groups (g/finance). A web address, such as a chat's incoming webhook, needs none.</p>
        {(rows || []).map((row, index) => (
          <div className="inbox-message" key={index} role="group" aria-label={`Message ${index + 1}`}>
            <label htmlFor={`${id}-r${index}`}>Resource</label>
            <input id={`${id}-r${index}`} className="in-text mono" required placeholder="f/ops/mail" value={row.resource} onChange={(event) => change(index, { resource: event.target.value })} />
            <label htmlFor={`${id}-t${index}`}>To</label>
            <input id={`${id}-t${index}`} className="in-text" placeholder="leo@example.org, g/finance" value={row.to} onChange={(event) => change(index, { to: event.target.value })} />
            <button type="button" className="btn quiet" aria-label={`Remove message ${index + 1}`} onClick={() => setRows(rows.filter((_, at) => at !== index))}><Icon name="trash" /></button>
          </div>
        ))}
        <div className="inbox-setting-foot">
          <button type="button" className="btn" disabled={rows === null} onClick={() => setRows([...rows, { resource: "", to: "" }])}><Icon name="plus" /> Add</button>
          <button type="submit" className="btn pri" disabled={rows === null || busy}>{busy ? "Saving" : "Save"}</button>
          <span role="status" className="muted">{said.text}</span>
        </div>
        {said.error && <p className="form-error" role="alert"><Icon name="warn" size={13} /> {said.error.message}</p>}
      </form>
    </details>
  );
}
