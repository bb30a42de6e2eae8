// "Share": links by which anybody looks at a run or a flow without signing in; made, listed and revoked here.
import { useEffect, useState } from "react";

import { encoded, get, post, request, runPath, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Dialog } from "../notebook/ui.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { CopyField } from "./bits.jsx";
import { ago, count, when } from "../words.js";

const DAYS = [[1, "1 day"], [7, "7 days"], [30, "30 days"]];

const SEEN = {
  run: "sees this run without signing in: its steps, results, inputs and logs.",
  flow: "sees the deployed version of this flow without signing in: its input form, its cells with code, inputs and settings. They see no run and no result.",
};

/** `ShareRun({ws, run, onClose})` */
export const ShareRun = ({ ws, run, onClose }) => <ShareDialog kind="run" title={`Share run #${run.number}`} links={runPath(ws, run.id, "links")} onClose={onClose} />;

/** `ShareFlow({ws, path, onClose})`: of the flow that is deployed at the path. */
export const ShareFlow = ({ ws, path, onClose }) => <ShareDialog kind="flow" title="Share flow" links={workspacePath(ws, "flows", "links", encoded(path))} onClose={onClose} />;

/** `at`: where links of this thing are, over HTTP. */
function ShareDialog({ kind, title, links: at, onClose }) {
  const [links, setLinks] = useState(null);
  const [failed, setFailed] = useState(null);
  const [days, setDays] = useState(7);
  const [note, setNote] = useState("");
  const [made, setMade] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const load = () => get(at).then((found) => (setLinks(found), setFailed(null)), setFailed);
  useEffect(() => void load(), [at]);
  const act = async (what) => {
    setBusy(true);
    setError(null);
    try {
      await what();
      await load();
    } catch (reason) {
      setError(reason);
    }
    setBusy(false);
  };
  const make = (event) => {
    event.preventDefault();
    act(async () => {
      const link = await post(at, { days, note: note.trim() });
      setMade({ id: link.id, url: new URL(link.path, location.origin).href });
      setNote("");
    });
  };
  const revoke = (link) => act(async () => {
    await request("DELETE", `${at}/${link.id}`);
    if (made?.id === link.id) setMade(null);
  });
  return (
    <Dialog title={title} className="share" onClose={onClose}>
      <p className="form-help">Whoever has the link {SEEN[kind]} They can change nothing. What is, or looks like, a secret is hidden.</p>
      <form onSubmit={make}>
        <fieldset className="restart-choice">
          <legend>The link holds</legend>
          {DAYS.map(([value, text]) => <label key={value}><input type="radio" name="share-days" checked={days === value} onChange={() => setDays(value)} /> {text}</label>)}
        </fieldset>
        <div className="share-row">
          <label htmlFor="share-note">Note <span className="optional">optional, for this list only</span></label>
          <input id="share-note" className="in-text" maxLength={200} value={note} onChange={(event) => setNote(event.target.value)} />
          <button type="submit" className="btn pri" data-autofocus="" disabled={busy}><Icon name="plus" /> Make a link</button>
        </div>
      </form>
      {error && <p className="form-error share-error" role="alert"><Icon name="warn" size={13} /><span>{error.message} {error.hint}</span></p>}
      {made && (
        <div className="share-made" role="status">
          <p><b>Copy the link now.</b> It is shown this once.</p>
          <CopyField value={made.url} label="The link" />
        </div>
      )}
      <section aria-label={`Links of this ${kind}`}>
        <h3>Links that hold</h3>
        {failed && <Problem error={failed} what="The list of links" retry={load} />}
        {!links && !failed && <Skeleton lines={2} label="Loading the links" />}
        {links?.length === 0 && <p className="form-help">None. Nobody sees this {kind} without signing in.</p>}
        {links?.length > 0 && <ul className="share-links">{links.map((link) => <Link key={link.id} link={link} busy={busy} onRevoke={() => revoke(link)} />)}</ul>}
      </section>
    </Dialog>
  );
}

function Link({ link, busy, onRevoke }) {
  const opened = link.opened ? `Opened ${count(link.opened, "time")}, last ${ago(link.opened_at)}` : "Not opened yet";
  return (
    <li>
      <div>
        {link.note && <b>{link.note}</b>}
        <span>By {link.created_by}, {ago(link.created_at)}. Ends <time dateTime={link.expires_at}>{when(link.expires_at)}</time>.</span>
        <span>{opened}.</span>
      </div>
      <button type="button" className="btn danger" disabled={busy} aria-label={`Revoke the link${link.note ? ` ${link.note}` : ""}`} onClick={onRevoke}>Revoke</button>
    </li>
  );
}
