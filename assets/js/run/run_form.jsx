// The page that runs a deployed flow: its description, a form of its input, one button. Made for a phone first.
import { lazy, Suspense, useEffect, useState } from "react";

import { encoded, get, request, runPath, workspacePath } from "../api.js";
import { SECRETS_REFER } from "../forms/reference.jsx";
import { SchemaForm } from "../forms/schema_form.jsx";
import { Icon } from "../icons.jsx";
import { Skeleton } from "../output/parts.jsx";
import { forkFlow } from "../shell/fork.js";
import { WebhookDialog } from "./webhook.jsx";
import { go } from "../workspace.js";

const ShareFlow = lazy(() => import("../shell/share.jsx").then((module) => ({ default: module.ShareFlow })));

const FlowComments = lazy(() => import("./flow_comments.jsx").then((module) => ({ default: module.FlowComments })));

const FlowCells = lazy(() => import("./flow_cells.jsx").then((module) => ({ default: module.FlowCells })));

const ChatRun = lazy(() => import("./chat_run.jsx").then((module) => ({ default: module.ChatRun })));

/** `RunForm({ws, path, from})`: `from` is a run whose input fills the form. */
export function RunForm({ ws, path, from }) {
  const [flow, setFlow] = useState(null);
  const [values, setValues] = useState(undefined);
  const [note, setNote] = useState("");
  const [error, setError] = useState(null);
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(false);
  const [form, setForm] = useState(Boolean(from)); // of a flow that is a chat: its form instead
  const [dialog, setDialog] = useState(null);
  const close = () => setDialog(null);
  const [forking, setForking] = useState(false);
  const fork = async () => {
    setForking(true);
    setFailed(null);
    await forkFlow(ws, path).catch((reason) => (setFailed(reason), setForking(false)));
  };
  useEffect(() => {
    let ended = false;
    setFlow(null);
    setError(null);
    get(workspacePath(ws, "flows", "schema", encoded(path))).then((found) => { if (!ended) { setFlow(found); document.title = `Run ${found.summary || path}`; } }, (reason) => !ended && setError(reason));
    if (!from) setValues({});
    else get(runPath(ws, from, "raw"), { path: "", side: "args" }).then((args) => { if (!ended) { setValues(args ?? {}); setNote("Filled with the input of an earlier run."); } }, () => { if (!ended) { setValues({}); setNote("The input of the earlier run could not be read, so the form starts empty."); } });
    return () => { ended = true; };
  }, [ws, path, from]);
  const submit = async (args) => {
    setBusy(true);
    setFailed(null);
    try {
      const id = await request("POST", workspacePath(ws, "jobs", "run", "f", encoded(path)), { json: args });
      go(`/runs/${String(id).replaceAll('"', "").trim()}`);
    } catch (reason) {
      setFailed(reason);
      setBusy(false);
    }
  };
  if (error) return <Missing path={path} error={error} />;
  if (!flow || values === undefined) return <div className="run-form"><Skeleton lines={6} label="Loading the form" /></div>;
  return (
    <div className="run-form">
      <header>
        <h1>{flow.summary || path}</h1>
        <p className="run-facts"><span className="mono">{path}</span>{flow.version ? <span>version {flow.version}</span> : null}</p>
        {flow.description && <p className="form-help">{flow.description}</p>}
        <div className="run-acts">{flow.may_run && <button type="button" className="btn" onClick={() => setDialog("webhook")}><Icon name="plug" /> Webhook</button>}{flow.may_share && <button type="button" className="btn" title="A link by which anybody can look at this flow" onClick={() => setDialog("share")}><Icon name="external" /> Share</button>}{flow.may_fork && <button type="button" className="btn" title="A copy of this flow in your own space" disabled={forking} onClick={fork}><Icon name="flows" /> {forking ? "Forking" : "Fork"}</button>}</div>
        {note && <p className="form-help" role="status"><Icon name="info" /> {note}</p>}
      </header>
      {flow.chat && (
        <div className="seg" role="group" aria-label="How to run it">
          <button type="button" aria-pressed={!form} onClick={() => setForm(false)}>Chat</button>
          <button type="button" aria-pressed={form} onClick={() => setForm(true)}>Form</button>
        </div>
      )}
      {flow.chat && !form && <Suspense fallback={<Skeleton lines={4} label="Loading the chat" />}><ChatRun ws={ws} path={path} flow={flow} /></Suspense>}
      {!flow.may_run && (!flow.chat || form) && <p className="form-help"><Icon name="eye" size={13} /> You may look at this flow and its runs, and not run it.</p>}
      {flow.may_run && (!flow.chat || form) && <SchemaForm context={SECRETS_REFER} schema={flow.schema || {}} values={values} busy={busy} onSubmit={submit} submitLabel="Run" footer={failed && <p className="form-error" role="alert"><Icon name="warn" /> {failed.message} {failed.hint}</p>} />}
      <Suspense fallback={null}><FlowCells ws={ws} path={path} /></Suspense>
      <Suspense fallback={null}><FlowComments ws={ws} path={path} /></Suspense>
      {dialog === "webhook" && <WebhookDialog ws={ws} kind="flow" path={path} schema={flow.schema || {}} onClose={close} />}
      {dialog === "share" && <Suspense fallback={null}><ShareFlow ws={ws} path={path} onClose={close} /></Suspense>}
    </div>
  );
}

function Missing({ path, error }) {
  const gone = error.status === 404;
  return (
    <div className="run-form">
      <div className="card empty">
        <h1>{gone ? "This flow is not deployed" : "The form could not be loaded"}</h1>
        <p>{gone ? <>There is no deployed flow at <span className="mono">{path}</span>. Deploy its draft first, or check the address.</> : `${error.message} ${error.hint}`}</p>
        <a className="btn" href="/">All flows</a>
      </div>
    </div>
  );
}
