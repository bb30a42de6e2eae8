// "Copy as a script of the workspace": an ordinary new script, made from what the hub has.
import { useState } from "react";
import { useNavigate } from "react-router";

import { encoded, request, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Dialog } from "../notebook/ui.jsx";

/** `CopyDialog({ws, script, onClose})`: `script` as the server shows it. */
export function CopyDialog({ ws, script, onClose }) {
  const [path, setPath] = useState(`${script.mine}${script.name}`);
  const [summary, setSummary] = useState(script.summary);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const navigate = useNavigate();
  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setFailed(null);
    const { content, language, description, schema, kind, lock } = script;
    try {
      await request("POST", workspacePath(ws, "scripts", "create"), { json: { path: path.trim(), summary: summary.trim(), content, language, description, schema, kind, ...(lock !== null && { lock }), deployment_message: `Copied from ${script.path}` } });
      navigate(`/scripts/p/${encoded(path.trim())}`);
    } catch (reason) {
      setFailed(reason);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Copy as a script of the workspace" onClose={onClose}>
      <form className="nb-form" onSubmit={save}>
        <p className="form-help">The copy is yours to change. It does not follow the hub.</p>
        <div className="field"><label htmlFor="hub-copy-path">Path</label><input id="hub-copy-path" className="in-text mono" data-autofocus="" required spellCheck={false} value={path} onChange={(event) => setPath(event.target.value)} /></div>
        <div className="field"><label htmlFor="hub-copy-summary">Summary</label><input id="hub-copy-summary" className="in-text" value={summary} onChange={(event) => setSummary(event.target.value)} /></div>
        {failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>{failed.message} {failed.hint}</span></p>}
        <footer><button type="button" className="btn" onClick={onClose}>Cancel</button><button type="submit" className="btn pri" disabled={busy}>{busy ? "Copying" : "Copy"}</button></footer>
      </form>
    </Dialog>
  );
}
