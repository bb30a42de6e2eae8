// Asks before a script is archived, with everything that uses it.
import { useState } from "react";

import { encoded, request, workspacePath } from "../api.js";
import { Dialog } from "../notebook/ui.jsx";
import { go } from "../workspace.js";

/** `Archive({ws, path, users, onClose})` */
export function Archive({ ws, path, users, onClose }) {
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const archive = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await request("POST", workspacePath(ws, "scripts", "archive", "p", encoded(path)));
      go("/scripts");
    } catch (reason) {
      setFailed(reason);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Archive this script?" className="restart" onClose={onClose} footer={<><button type="button" className="btn" data-autofocus="" onClick={onClose}>Keep it</button><button type="button" className="btn danger" disabled={busy} onClick={archive}>{busy ? "Archiving" : "Archive"}</button></>}>
      <p className="form-help"><code>{path}</code> {users.length ? "is used here, where runs will fail without it:" : "is used by nothing that you can see."}</p>
      {users.length > 0 && <ul className="users">{users.map((user) => <li key={user} className="mono">{user}</li>)}</ul>}
      <p className="form-help">Its versions are kept: a step that names one by its hash still runs, and storing a script at the path brings it back.</p>
      {failed && <p className="form-error" role="alert">{failed.message} {failed.hint}</p>}
    </Dialog>
  );
}
