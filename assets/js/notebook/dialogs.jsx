// The dialogs of the page: deploy, "this has effects outside", and "which input wants this value".
import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { useKey, useStore } from "./context.js";
import { encoded, request } from "../api.js";
import { WebhookDialog } from "../run/webhook.jsx";
import { ShareFlow } from "../shell/share.jsx";
import { CallDialog } from "./called.jsx";
import { changesBetween } from "./changes.js";
import { Glyph } from "./icons.jsx";
import { NamedDialog } from "./named.jsx";
import { Help, Palette } from "./palette.jsx";
import { StandIns } from "./stand_ins.jsx";
import { Dialog } from "./ui.jsx";
import { ago } from "../words.js";
import { go } from "../workspace.js";

const Versions = lazy(() => import("./versions.jsx").then((module) => ({ default: module.Versions })));
const Bin = lazy(() => import("./bin.jsx").then((module) => ({ default: module.Bin })));
const Merge = lazy(() => import("./merge.jsx").then((module) => ({ default: module.Merge })));

export function Dialogs() {
  const store = useStore();
  const dialog = useKey("dialog");
  if (!dialog) return null;
  const close = () => {
    dialog.resolve?.(false);
    store.set("dialog", undefined);
  };
  if (dialog.kind === "palette") return <Palette onClose={close} />;
  if (dialog.kind === "help") return <Help onClose={close} />;
  if (dialog.kind === "versions") return <Suspense fallback={null}><Versions onClose={close} /></Suspense>;
  if (dialog.kind === "bin") return <Suspense fallback={null}><Bin onClose={close} /></Suspense>;
  if (dialog.kind === "webhook") return <WebhookDialog ws={store.ws} kind="flow" path={store.get("draft").path} onClose={close} />;
  if (dialog.kind === "share") return <ShareFlow ws={store.ws} path={store.get("draft").path} onClose={close} />;
  if (dialog.kind === "named") return <NamedDialog forked={dialog.forked} onClose={close} />;
  if (dialog.kind === "merge") return <Suspense fallback={null}><Merge onClose={close} /></Suspense>;
  if (dialog.kind === "deploy") return <Deploy onClose={close} />;
  if (dialog.kind === "effects") return <Effects dialog={dialog} onClose={close} />;
  if (dialog.kind === "call") return <CallDialog kind={dialog.called} hub={dialog.hub} onClose={close} onChoose={(path, hash) => (close(), setTimeout(() => dialog.choose(path, hash)))} />;
  if (dialog.kind === "stand_ins") return <StandIns id={dialog.cell} onClose={close} />;
  if (dialog.kind === "wire") return <WireTo expr={dialog.expr} onClose={close} />;
  return null;
}

function Effects({ dialog, onClose }) {
  const store = useStore();
  const cells = dialog.cells.map((id) => store.cell(id)).filter(Boolean);
  return (
    <Dialog title="Run again?" onClose={onClose} footer={<><button type="button" className="nb-btn" onClick={onClose}>Do not run</button><button type="button" className="nb-btn" data-primary data-autofocus="" onClick={() => dialog.resolve(true)}>Run again</button></>}>
      <p>{cells.length === 1 ? "This cell has" : "These cells have"} effects outside, such as a mail or an order, and {cells.length === 1 ? "it has" : "they have"} run before:</p>
      <ul className="nb-plain-list">{cells.map((cell) => <li key={cell.id}><span className="nb-chip nb-chip-fixed">{cell.step_id}</span> {cell.title}</li>)}</ul>
      <p className="nb-muted">You are asked once until the page is opened again.</p>
    </Dialog>
  );
}

function Deploy({ onClose }) {
  const store = useStore();
  const draft = useKey("draft");
  const problems = (useKey("problems") ?? []).filter((problem) => problem.severity === "error");
  const [path, setPath] = useState(draft.path ?? "");
  const [message, setMessage] = useState(store.get("deploy_words") ?? "");
  const [newer, setNewer] = useState(null);
  const [changes, setChanges] = useState(null);
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    compare(store, draft).then(setChanges, () => setChanges([]));
    newerVersion(store, draft).then(setNewer, () => {});
  }, []);
  const behind = path.trim() === draft.path && (newer ?? (failed?.code === "flow.newer_version" ? {} : null));
  const deploy = async (event) => {
    event.preventDefault();
    store.set("deploy_words", message); // it is typed once, also when another version has to be taken in first
    if (behind) return store.set("dialog", { kind: "merge" });
    setBusy(true);
    setFailed(null);
    try {
      await store.settled();
      const answer = await store.ask("POST", "deploy", { json: { path: path.trim(), message, replace: failed?.code === "flow.path_taken" } });
      store.set("deployed", answer);
      store.set("deploy_words", undefined);
      store.toast({ text: `Deployed ${answer.path}, version ${answer.version}`, hint: answer.left_out?.join(" "), tone: "ok", action: { label: "Run it", run: () => go(`/run/${answer.path}`) }, ms: 12000 });
      onClose();
      store.refresh();
    } catch (error) {
      setFailed(error);
    }
    setBusy(false);
  };
  const onKeyDown = (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.currentTarget.requestSubmit();
  const refused = failed?.details?.problems ?? [];
  return (
    <Dialog title={draft.deployed_version ? `Deploy version ${(behind?.version ?? draft.deployed_version) + 1}` : "Deploy"} onClose={onClose}>
      <form className="nb-form" onSubmit={deploy} onKeyDown={onKeyDown}>
        <label>Path<input className="nb-input nb-boxed nb-mono" value={path} required spellCheck={false} placeholder="f/sales/orders_report" onChange={(event) => (setPath(event.target.value), setFailed(null))} /></label>
        <label>What changed<textarea className="nb-input nb-boxed" rows={2} value={message} data-autofocus="" placeholder="For the list of versions" onChange={(event) => setMessage(event.target.value)} /></label>
        <section aria-label="Changes">
          <h3>{draft.deployed_version ? `${draft.changes} change${draft.changes === 1 ? "" : "s"} since version ${draft.deployed_version}` : "First version"}</h3>
          {!behind && changes?.length > 0 && (
            <ul className="nb-changes">
              {changes.map((change, index) => <li key={index}>{change.step_id && <span className="nb-chip nb-chip-fixed">{change.step_id}</span>} <span>{change.text}</span></li>)}
            </ul>
          )}
        </section>
        {problems.length > 0 && !failed && <p className="nb-notice" data-tone="stale"><Glyph name="warn" size={13} /> {problems.length === 1 ? `One problem: ${problems[0].message}` : `${problems.length} problems are open. The first: ${problems[0].message}`}</p>}
        {behind && (
          <p className="nb-notice" data-tone="stale" role="alert">
            <Glyph name="warn" size={13} /> <span>{behind.version ? <><b>{behind.by}</b> deployed version {behind.version} {ago(behind.at)}{behind.message && <>: “{behind.message}”</>}.</> : "Somebody deployed a newer version."} Nothing is written over: take it into your draft first, then deploy both together.</span>
          </p>
        )}
        {failed && !behind && (
          <div className="nb-notice" data-tone="bad" role="alert">
            <p><Glyph name="cross" size={13} /> {failed.message} {failed.hint}</p>
            {refused.slice(0, 5).map((problem, index) => <p key={index}>{problem.step_id && <code>{problem.step_id}</code>} {problem.message}</p>)}
          </div>
        )}
        <footer><button type="button" className="nb-btn" onClick={onClose}>Cancel</button><button type="submit" className="nb-btn" data-primary disabled={busy || !path.trim()}>{busy ? "Deploying…" : behind ? "Compare and take it in…" : failed?.code === "flow.path_taken" ? "Replace it" : "Deploy"}</button></footer>
      </form>
    </Dialog>
  );
}

/** The version that somebody deployed after the one that the draft comes from: {version, by, at, message}; null without one. */
async function newerVersion(store, draft) {
  return draft.deployed_version ? (await store.ask("GET", "merge")).theirs : null;
}

/** Changes since the deployed version: both documents read from the server, compared here. */
async function compare(store, draft) {
  if (!draft.deployed_version) return [];
  await store.settled();
  const path = encoded(draft.path);
  const [before, after] = await Promise.all([request("GET", `/api/w/${encodeURIComponent(store.ws)}/flows/get/${path}`), request("GET", `${store.base}/export?format=json`)]);
  return changesBetween(before, typeof after === "string" ? JSON.parse(after) : after);
}

/** A value was picked first: which later input takes it? Empty required ones come first. */
function WireTo({ expr, onClose }) {
  const store = useStore();
  const order = useKey("order") ?? [];
  const [query, setQuery] = useState("");
  const fields = useMemo(() => {
    const all = store.readersOf(expr).flatMap((id) => (store.cell(id)?.inputs ?? []).map((input) => ({ id, cell: store.cell(id), input })));
    const empty = ({ input }) => (input.type === "javascript" ? !input.expr : input.value === undefined || input.value === null);
    return all.sort((a, b) => empty(b) - empty(a));
  }, [expr, order]);
  const shown = fields.filter(({ cell, input }) => `${cell.step_id} ${cell.title} ${input.field}`.toLowerCase().includes(query.trim().toLowerCase()));
  const put = ({ id, input }) => {
    store.do({ op: "set_input", cell: id, field: input.field, transform: { type: "javascript", expr } });
    store.announce(`${input.field} of ${store.cell(id).step_id} is now ${expr}`);
    onClose();
  };
  return (
    <Dialog title="Plug into" onClose={onClose}>
      <p><code className="nb-wire">{expr}</code></p>
      {fields.length > 6 && <input className="nb-input nb-boxed" aria-label="Find an input" placeholder="Find an input" data-autofocus="" value={query} onChange={(event) => setQuery(event.target.value)} />}
      {fields.length ? (
        <ul className="nb-wire-list">
          {shown.map((field) => (
            <li key={`${field.id}:${field.input.field}`}>
              <button type="button" onClick={() => put(field)}>
                <span className="nb-chip nb-chip-fixed">{field.cell.step_id}</span> <b>{field.input.field}</b>
                <span className="nb-faint">{field.input.type === "javascript" ? field.input.expr : field.input.value === undefined || field.input.value === null ? "empty" : JSON.stringify(field.input.value).slice(0, 40)}</span>
              </button>
            </li>
          ))}
        </ul>
      ) : (
        <p className="nb-empty">No later cell takes an input. Add one below.</p>
      )}
    </Dialog>
  );
}
