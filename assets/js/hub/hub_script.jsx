// The page of one script of a hub: what it does, what it takes, its code, its versions, and the ways to use it.
import { useCallback, useEffect, useState } from "react";
import { Link, useNavigate } from "react-router";

import { encoded, get, post, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { CodeEditor } from "../notebook/editor.jsx";
import { LINE, PAD, countLines } from "../notebook/monaco.js";
import { CopyButton, Skeleton } from "../output/parts.jsx";
import { CopyDialog } from "./copy_dialog.jsx";
import { originWords, pageOf, takes } from "./words.js";

const LEAST_LINES = 6;
const MOST_LINES = 40;

/** `HubScript({ws, path})`: `path` is `hub/VERSION/APP/NAME`. */
export function HubScript({ ws, path }) {
  const [script, setScript] = useState(null);
  const [error, setError] = useState(null);
  const load = useCallback(() => {
    setError(null);
    get(workspacePath(ws, "hub", "get", encoded(path))).then(setScript, setError);
  }, [ws, path]);
  useEffect(load, [load]);
  useEffect(() => {
    if (script) document.title = `${script.summary || script.name} · Flowapp`;
  }, [script]);
  if (error) return <NoScript error={error} path={path} retry={load} />;
  if (!script) return <div className="runpage"><Skeleton lines={8} label="Loading the script" /></div>;
  return (
    <div className="runpage script">
      <header className="run-head">
        <div className="run-title"><h1>{script.summary || script.name}</h1>{script.kind !== "script" && <span className="pill">{script.kind}</span>}</div>
        {script.description && <p className="hub-about">{script.description}</p>}
        <p className="run-facts"><span className="mono">{script.path}</span><span>version <span className="mono">{script.version_id}</span></span><span>{script.language_label}</span><span title={script.hub}>{originWords(script.origin, script.hub)}</span></p>
        <Acts ws={ws} script={script} />
      </header>
      <div className="script-body">
        <Code script={script} />
        <Inputs script={script} />
      </div>
      <Versions script={script} />
    </div>
  );
}

function Acts({ ws, script }) {
  const [copying, setCopying] = useState(false);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const navigate = useNavigate();
  const begin = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const { id } = await post(workspacePath(ws, "hub", "begin"), { path: script.path });
      navigate(`/flows/${id}`);
    } catch (reason) {
      setFailed(reason);
      setBusy(false);
    }
  };
  return (
    <>
      <div className="run-acts">
        {script.may_use && <button type="button" className="btn pri" disabled={busy} onClick={begin}><Icon name="flows" /> {busy ? "Opening" : "Use in a new flow"}</button>}
        {script.may_copy && <button type="button" className="btn" onClick={() => setCopying(true)}><Icon name="code" /> Copy as a script of the workspace</button>}
        <CopyButton className="btn" text={script.path} label="Copy the path" />
      </div>
      {failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>{failed.message} {failed.hint}</span></p>}
      {!script.may_use && !script.may_copy && <p className="form-help"><Icon name="eye" size={13} /> You may look at this script. Flows and scripts are made by developers of the workspace.</p>}
      {copying && <CopyDialog ws={ws} script={script} onClose={() => setCopying(false)} />}
    </>
  );
}

function Code({ script }) {
  const text = script.content.replace(/\r?\n$/, ""); // the editor would show the end of the last line as a line more
  const lines = Math.min(MOST_LINES, Math.max(LEAST_LINES, countLines(text)));
  return (
    <section className="card script-edit" aria-label="Code">
      <div className="script-code"><CodeEditor value={text} language={script.editor} height={`${lines * LINE + 2 * PAD}px`} readOnly label={`Code of ${script.path}`} /></div>
      {script.lock && <footer className="script-foot"><p className="form-help">It brings a lock of its packages along.</p></footer>}
    </section>
  );
}

function Inputs({ script }) {
  const { properties = {}, required = [], order = [] } = script.schema ?? {};
  const names = [...order.filter((name) => name in properties), ...Object.keys(properties).filter((name) => !order.includes(name))];
  return (
    <section className="card hub-inputs" aria-labelledby="hub-inputs">
      <h2 id="hub-inputs">Inputs</h2>
      {script.problem && <p className="form-error"><Icon name="warn" size={13} /> <span>They cannot be read from its code: {script.problem}</span></p>}
      {!names.length && !script.problem && <p className="form-help">None that are told.</p>}
      <dl>
        {names.map((name) => (
          <div key={name}>
            <dt className="mono">{name}</dt>
            <dd><span className="muted">{takes(properties[name])}{required.includes(name) ? ", needed" : ""}{"default" in properties[name] ? <>, normally <code>{JSON.stringify(properties[name].default)}</code></> : null}</span>{properties[name].description && <p>{properties[name].description}</p>}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Versions({ script }) {
  return (
    <section className="page-part after" aria-labelledby="hub-versions">
      <div className="list-head"><h2 id="hub-versions">Versions</h2><p className="form-help">A flow keeps the version that its path names.</p></div>
      <div className="card list">
        <ul>
          {script.versions.map(({ id, path }) => (
            <li key={id}>
              <Link className="row-link row-fact" to={pageOf(path)} aria-current={path === script.path ? "page" : undefined}>
                <span className="row-names"><span className="row-title mono">{id}</span><span className="row-sub mono">{path}</span></span>
                {path === script.path && <span className="pill">This one</span>}
              </Link>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

function NoScript({ error, path, retry }) {
  const missing = error.status === 404 || error.status === 400;
  return (
    <div className="runpage">
      <div className="card empty" role="alert">
        <h1>{missing ? "There is no such script" : "The script cannot be had now"}</h1>
        <p>{missing ? <>No hub of this server has <span className="mono">{path}</span>.</> : <>{error.message} {error.hint}</>}</p>
        {!missing && <button type="button" className="btn pri" onClick={retry}>Try again</button>}
        <Link className="btn" to="/hub">All scripts of the hub</Link>
      </div>
    </div>
  );
}
