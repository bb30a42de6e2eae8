// The workspaces that somebody is in, and a form for a new one. Going into one loads the page anew.
import { useEffect, useId, useRef, useState } from "react";

import { get, post } from "../api.js";
import { Icon } from "../icons.jsx";
import { Dialog } from "../notebook/ui.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { enter } from "../workspace.js";

/** `WorkspaceDialog({ws, onClose})` */
export default function WorkspaceDialog({ ws, onClose }) {
  const [found, setFound] = useState(null);
  const [error, setError] = useState(null);
  const load = () => Promise.all([get("/api/workspaces/list"), get("/api/users/whoami")]).then(([workspaces, me]) => (setError(null), setFound({ workspaces, mayMake: me.super_admin === true })), setError);
  useEffect(() => void load(), []);
  const list = useRef(null);
  useEffect(() => list.current?.querySelector("[aria-current]")?.focus(), [found]);
  return (
    <Dialog title="Workspaces" className="workspaces" onClose={onClose}>
      {error && <Problem error={error} what="The list of workspaces" retry={load} />}
      {!found && !error && <Skeleton lines={2} label="Loading the workspaces" />}
      {found?.workspaces.length === 0 && <p className="form-help">You are in no workspace. Ask an admin of one for an invitation.</p>}
      {found?.workspaces.length > 0 && (
        <ul ref={list} className="workspace-list">
          {found.workspaces.map(({ id, name }) => (
            <li key={id}>
              <button type="button" aria-current={id === ws || undefined} onClick={() => (id === ws ? onClose() : enter(id))}>
                <span className="workspace-name">{name}</span>
                <span className="muted mono">{id}</span>
                {id === ws && <Icon name="check" size={14} />}
              </button>
            </li>
          ))}
        </ul>
      )}
      {found?.mayMake && <NewWorkspace />}
    </Dialog>
  );
}

const idOf = (name) => name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 50);

function NewWorkspace() {
  const [name, setName] = useState("");
  const [own, setOwn] = useState(null); // the id, where somebody chose it
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const field = useId();
  const id = own ?? idOf(name);
  const make = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await post("/api/workspaces/create", { id, name: name.trim() });
      enter(id);
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };
  return (
    <details className="workspace-new">
      <summary>New workspace</summary>
      <form onSubmit={make}>
        <label htmlFor={`${field}-name`}>Name</label>
        <input id={`${field}-name`} className="in-text" required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        <label htmlFor={`${field}-id`}>Id <span className="optional">in addresses; it stays</span></label>
        <input id={`${field}-id`} className="in-text mono" required maxLength={50} pattern="[A-Za-z0-9_\-]+" title="Letters, digits, _ and -" value={id} onChange={(event) => setOwn(event.target.value)} />
        {error && <p className="form-error" role="alert"><Icon name="warn" size={13} /><span>{error.message} {error.hint}</span></p>}
        <p className="form-help">You are its admin. It has people, flows, secrets and settings of its own.</p>
        <button type="submit" className="btn pri" disabled={busy}><Icon name="plus" /> Make the workspace</button>
      </form>
    </details>
  );
}
