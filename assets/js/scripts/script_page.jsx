// The page of one stored script: its code, a run of it, and its versions. Made for a phone first.
import { useEffect, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { CodeEditor } from "../notebook/editor.jsx";
import { LINE, PAD, countLines } from "../notebook/monaco.js";
import { Problem, Skeleton } from "../output/parts.jsx";
import { WebhookDialog } from "../run/webhook.jsx";
import { ago, when } from "../words.js";
import { Archive } from "./archive.jsx";
import { Conflict } from "./conflict.jsx";
import { Trial } from "./trial.jsx";
import { useScript, useSignature } from "./use_script.js";
import { VersionList } from "./version_list.jsx";
import { short } from "./versions.js";

const LEAST_LINES = 14;
const MOST_LINES = 34;
const WIDGETS = ".suggest-widget.visible, .find-widget.visible, .parameter-hints-widget.visible";

/** `ScriptPage({ws, path, languages})` */
export function ScriptPage({ ws, path, languages }) {
  const script = useScript(ws, path);
  const signature = useSignature(ws, script.text, script.head?.schema);
  const [archiving, setArchiving] = useState(false);
  const [calling, setCalling] = useState(false);
  const runs = useRef(null); // starts a run, as the form's button does
  useEffect(() => {
    document.title = `${script.head?.summary || path} · Flowapp`;
  }, [script.head?.summary, path]);
  if (script.error && !script.head) return <NoScript error={script.error} path={path} retry={script.load} />;
  if (!script.head) return <div className="runpage"><Skeleton lines={8} label="Loading the script" /></div>;
  const { head, around, text } = script;
  const mayWrite = around.may_write;
  const onKeyDownCapture = (event) => {
    const command = event.ctrlKey || event.metaKey;
    const act = command && event.key === "s" ? () => mayWrite && script.save() : command && event.key === "Enter" ? () => runs.current?.() : null;
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  return (
    <div className="runpage script" onKeyDownCapture={onKeyDownCapture}>
      <header className="run-head">
        <div className="run-title"><h1>{head.summary || path}</h1>{(mayWrite || script.dirty) && <SaveState script={script} />}</div>
        <p className="run-facts"><span className="mono">{path}</span><span>version <span className="mono">{short(head.hash)}</span></span><span title={when(head.created_at, { seconds: true })}>{ago(head.created_at)}</span><span>by {head.created_by}</span>{head.kind !== "script" && <span>{head.kind}</span>}</p>
        <div className="run-acts">
          {mayWrite && <button type="button" className="btn pri" aria-disabled={!script.dirty || Boolean(script.theirs) || undefined} title="Ctrl+S" onClick={() => script.save()}><Icon name="check" /> {script.busy === "save" ? "Saving" : "Save version"}</button>}
          {script.dirty && <button type="button" className="btn" onClick={script.discard}><Icon name="close" /> Discard changes</button>}
          {around.may_run && <button type="button" className="btn" onClick={() => setCalling(true)}><Icon name="plug" /> Webhook</button>}
          {mayWrite && <button type="button" className="btn quiet" onClick={() => setArchiving(true)}><Icon name="trash" /> Archive</button>}
        </div>
        {script.dropped && <p className="form-help" role="status">Your changes were discarded. <button type="button" className="link" onClick={script.bringBack}>Bring them back</button></p>}
        {script.failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>Not saved, your text is kept here: {script.failed.message} {script.failed.hint}</span></p>}
        {!mayWrite && <p className="form-help"><Icon name="eye" size={13} /> You may look at this script and not change it.</p>}
      </header>
      {script.theirs && <Conflict script={script} />}
      <div className="script-body">
        <Editing {...{ ws, script, languages, mayWrite, head, signature }} />
        <Trial {...{ ws, path, head, text, around, dirty: script.dirty, signature, starts: runs }} />
      </div>
      <VersionList ws={ws} script={script} />
      {calling && <WebhookDialog ws={ws} kind="script" path={path} schema={head.schema ?? signature?.schema} onClose={() => setCalling(false)} />}
      {archiving && <Archive ws={ws} path={path} users={around.used_by} onClose={() => setArchiving(false)} />}
    </div>
  );
}

function SaveState({ script }) {
  const [tone, icon, words] = script.theirs ? ["stale", "warn", "Waits for your choice"] : script.dirty ? ["wait", "dots", "Not saved, kept in this browser"] : ["ok", "check", "Saved"];
  return <span className={`badge ${tone}`} role="status"><Icon name={icon} size={13} />{words}</span>;
}

/** Summary, language and code. */
function Editing({ ws, script, languages, mayWrite, head, signature }) {
  const { text, change } = script;
  const language = languages.find((one) => one.name === text.language) ?? { name: text.language, label: text.language, editor: "plaintext" };
  const known = languages.some((one) => one.name === text.language) ? languages : [language, ...languages];
  const lines = Math.min(MOST_LINES, Math.max(LEAST_LINES, countLines(text.content) + 1));
  return (
    <section className="card script-edit" aria-label="Code">
      <div className="script-fields">
        <div className="field"><label htmlFor="script-summary">Summary</label><input id="script-summary" className="in-text" value={text.summary ?? ""} readOnly={!mayWrite} placeholder="What it does, in a few words" onChange={(event) => change({ summary: event.target.value })} /></div>
        <div className="field"><label htmlFor="script-language">Language</label><select id="script-language" className="in-select" value={text.language} disabled={!mayWrite} onChange={(event) => change({ language: event.target.value })}>{known.map((one) => <option key={one.name} value={one.name}>{one.label}</option>)}</select></div>
      </div>
      <div className="script-code" role="group" tabIndex={0} aria-label="Code: Enter edits, Escape leaves" onKeyDownCapture={inAndOut}>
        <CodeEditor value={text.content} language={language.editor} height={`${lines * LINE + 2 * PAD}px`} readOnly={!mayWrite && !script.around.may_preview} label={`Code of ${head.path}`} tabIndex={-1} help={mayWrite ? ws : undefined} onChange={(content) => change({ content })} />
      </div>
      <footer className="script-foot">
        {signature?.problem && <p className="form-error" role="status"><Icon name="warn" size={13} /> <span>{signature.problem.line ? `Line ${signature.problem.line}: ` : ""}{signature.problem.message}</span></p>}
        {!script.dirty && head.lock_error_logs && <p className="form-error"><Icon name="warn" size={13} /> <span>Packages: {head.lock_error_logs}</span></p>}
        <p className="form-help hide-sm">{mayWrite && <><kbd>Ctrl</kbd> <kbd>S</kbd> saves, </>}{script.around.may_run && <><kbd>Ctrl</kbd> <kbd>Enter</kbd> runs, </>}<kbd>Enter</kbd> and <kbd>Esc</kbd> go into the code and out.</p>
      </footer>
    </section>
  );
}

/** Tab belongs to the text once one is in it: Enter goes in, Escape comes out, and Tab passes by. */
function inAndOut(event) {
  const box = event.currentTarget;
  const inside = event.target !== box;
  if (!inside && event.key === "Enter" && !event.ctrlKey && !event.metaKey) box.querySelector(".native-edit-context, textarea")?.focus();
  else if (inside && event.key === "Escape" && !box.querySelector(WIDGETS)) box.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function NoScript({ error, path, retry }) {
  if (error.status === 404) return <div className="runpage"><div className="card empty"><h1>There is no such script</h1><p>Nothing is stored at <span className="mono">{path}</span>, or it is archived, or you may not see it.</p><a className="btn" href="/scripts">All scripts</a></div></div>;
  return <div className="runpage"><Problem error={error} what="The script" retry={retry} /></div>;
}
