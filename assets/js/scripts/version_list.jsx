// The versions of a script, newest first: what each one changed, how it differs from the text of the page, and restoring it.
import { useEffect, useId, useState } from "react";

import { get, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { Difference } from "../run/changes.jsx";
import { ago, when } from "../words.js";
import { otherChanges, short } from "./versions.js";

const FIRST = 10;

/** `VersionList({ws, script})`: `script` is what `useScript` answers. */
export function VersionList({ ws, script }) {
  const { history } = script;
  const [open, setOpen] = useState("");
  const [all, setAll] = useState(false);
  const shown = all ? history : history.slice(0, FIRST);
  return (
    <section className="page-part after" aria-labelledby="script-versions">
      <div className="list-head"><h2 id="script-versions">Versions</h2></div>
      <div className="card list">
        <ul>
          {shown.map((version, index) => <Version key={version.script_hash} {...{ ws, script, version }} before={history[index + 1]} newest={index === 0} open={open === version.script_hash} toggle={() => setOpen(open === version.script_hash ? "" : version.script_hash)} />)}
        </ul>
      </div>
      {!all && history.length > FIRST && <div className="pages"><button type="button" className="btn" onClick={() => setAll(true)}>All {history.length} versions</button></div>}
    </section>
  );
}

function Version({ ws, script, version, before, newest, open, toggle }) {
  const id = useId();
  return (
    <li>
      <button type="button" className="row-link row-version" aria-expanded={open} aria-controls={id} onClick={toggle}>
        <Icon name={open ? "down" : "right"} size={12} />
        <span className="row-names"><span className="row-title mono">{short(version.script_hash)}</span>{version.deployment_msg && <span className="row-sub">{version.deployment_msg}</span>}</span>
        {newest ? <span className="pill">Newest</span> : <span />}
        <span className="row-sub" title={when(version.created_at, { seconds: true })}>{ago(version.created_at)} by {version.created_by}</span>
      </button>
      {open && <div id={id} className="cmp-body"><Detail {...{ ws, script, version, before, newest }} /></div>}
    </li>
  );
}

/** Two questions about a version: what did it change, and what would restoring it change. */
function Detail({ ws, script, version, before, newest }) {
  const [against, setAgainst] = useState(newest ? "before" : "text");
  const [got, setGot] = useState(null); // {it, before}
  const [error, setError] = useState(null);
  const ask = () => {
    const one = (hash) => get(workspacePath(ws, "scripts", "get", "h", hash));
    setError(null);
    Promise.all([one(version.script_hash), before ? one(before.script_hash) : null]).then(([it, earlier]) => setGot({ it, before: earlier }), setError);
  };
  useEffect(ask, [version.script_hash, before?.script_hash]);
  if (error) return <Problem error={error} what="The version" retry={ask} />;
  if (!got) return <Skeleton lines={3} label="Loading the version" />;
  const nothing = { content: "", summary: "", language: got.it.language };
  const [from, to] = against === "before" ? [got.before ?? nothing, got.it] : [got.it, script.text];
  const tab = (name, label) => <button type="button" aria-pressed={against === name} onClick={() => setAgainst(name)}>{label}</button>;
  const restore = `restore ${version.script_hash}`;
  return (
    <>
      <div className="script-version-acts">
        <div className="seg" role="group" aria-label="Compare">{tab("before", "What it changed")}{tab("text", "Against the text above")}</div>
        {!newest && script.around.may_write && <button type="button" className="btn" disabled={script.dirty || Boolean(script.busy)} title={script.dirty ? "Save or discard your changes first" : "Stores this text as the newest version"} onClick={() => script.restore(got.it)}><Icon name="reused" /> {script.busy === restore ? "Restoring" : "Restore"}</button>}
      </div>
      {script.dirty && !newest && script.around.may_write && <p className="form-help">To restore it, save or discard your changes first.</p>}
      {otherChanges(from, to).map((line) => <p key={line} className="form-help">{line}</p>)}
      {from.content === to.content ? <p className="form-help">The code is the same.</p> : <Difference before={from.content} after={to.content} label={against === "before" ? "What the version changed: lines with − went, lines with + came" : "Lines with − are only in this version, lines with + only in the text above"} />}
    </>
  );
}
