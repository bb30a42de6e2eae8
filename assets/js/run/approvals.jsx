// What a run waits for people: the question, until when, the answers so far, and the form to answer it in place.
import { lazy, Suspense, useCallback, useEffect, useId, useMemo, useState } from "react";

import { get, post, runPath, subscribe } from "../api.js";
import { Icon } from "../icons.jsx";
import { when } from "../words.js";
import { CLOSED, CopyLink, Deadline, Description, HandOn, Trail } from "./approval_parts.jsx";

const SchemaForm = lazy(() => import("../forms/schema_form.jsx").then((module) => ({ default: module.SchemaForm })));

/** The requests of a run, kept up to date while the run lives. */
export function useApprovals(ws, runId, live = true) {
  const [found, setFound] = useState({ requests: [], error: null });
  const load = useCallback(() => get(runPath(ws, runId, "approvals")).then((requests) => setFound({ requests, error: null }), (error) => setFound((old) => ({ ...old, error }))), [ws, runId]);
  useEffect(() => {
    load();
    if (!live) return undefined;
    return subscribe(ws, `run:${runId}`, (event) => {
      if (event.type === "approval" || event.type === "lost" || (event.type === "hello" && event.resumed)) load();
    });
  }, [ws, runId, live, load]);
  return { ...found, load };
}

/** `Approvals({ws, runId, live, onFound})`: open requests as cards, closed ones as a line each; `onFound` is told them. */
export function Approvals({ ws, runId, live, onFound }) {
  const { requests, load } = useApprovals(ws, runId, live);
  useEffect(() => onFound(requests), [requests, onFound]);
  if (!requests.length) return null;
  return (
    <section className="approvals" aria-label="Approvals">
      {requests.map((one) => (one.status === "open" ? <Request key={one.path} ws={ws} request={one} reload={load} /> : <Closed key={one.path} request={one} />))}
    </section>
  );
}

function Closed({ request }) {
  const state = CLOSED[request.status] || CLOSED.canceled;
  return (
    <div className="card approval-closed">
      <span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{state.word}</span>
      <span className="approval-what"><b>{request.title}</b>{request.decided_by ? ` by ${request.decided_by}` : ""}{request.decided_at ? `, ${when(request.decided_at)}` : ""}</span>
      <Trail request={request} />
    </div>
  );
}

/** One open request. */
export function Request({ ws, request, reload, plain = false }) {
  const [comment, setComment] = useState("");
  const [busy, setBusy] = useState("");
  const [error, setError] = useState(null);
  const commentId = useId();
  const schema = useMemo(() => schemaOf(request), [request.form, request.fields]);
  const values = useMemo(() => Object.fromEntries(request.fields.filter((one) => one.default !== null).map((one) => [one.name, one.default])), [request.fields]);
  const send = async (approved, payload) => {
    setBusy(approved ? "approve" : "deny");
    setError(null);
    try {
      await post(runPath(ws, request.run_id, "approvals"), { path: request.path, approved, payload, comment });
      await reload?.();
    } catch (reason) {
      setError(reason);
      if (reason.status === 409) reload?.();
    }
    setBusy("");
  };
  const deny = !request.hide_cancel && <button type="button" className="btn danger" disabled={Boolean(busy)} onClick={() => send(false, {})}>{busy === "deny" ? "Denying" : "Deny"}</button>;
  const remark = (
    <div className="form-field">
      <label htmlFor={commentId}>Comment <span className="optional">{request.comment_on_deny ? "required when you deny" : "optional"}</span></label>
      <textarea id={commentId} className="in-area" rows={2} maxLength={4000} value={comment} onChange={(event) => setComment(event.target.value)} />
    </div>
  );
  return (
    <div className={plain ? "approval plain" : "card approval"} role="group" aria-label={request.title}>
      <header>
        <h2 className={plain ? "sr" : undefined}>{request.title}</h2>
        <p className="run-facts"><span>{request.asked_by} asks{request.asked_at ? `, ${when(request.asked_at)}` : ""}</span><span>after step {request.step_id}{request.path !== request.step_id ? ` (${request.path})` : ""}</span>{request.groups.length > 0 && <span>for {request.groups.join(" or ")}</span>}</p>
      </header>
      <Deadline request={request} />
      <Description value={request.description} />
      {request.warning && <p className="approval-note stale"><Icon name="warn" size={13} /> {request.warning}</p>}
      <Trail request={request} />
      {request.can_answer ? (
        schema ? (
          <Suspense fallback={<p className="form-help">Loading the form.</p>}>
            {remark}
            <SchemaForm schema={schema} values={values} busy={Boolean(busy)} submitLabel="Approve" busyLabel={busy === "deny" ? "Denying" : "Approving"} icon="check" onSubmit={(payload) => send(true, payload)} footer={deny} />
          </Suspense>
        ) : (
          <>
            {remark}
            <div className="approval-acts">{deny}<button type="button" className="btn pri" disabled={Boolean(busy)} onClick={() => send(true, {})}><Icon name="check" /> {busy === "approve" ? "Approving" : "Approve"}</button></div>
          </>
        )
      ) : <p className="approval-note"><Icon name="pause" size={13} /> {request.why_not || "This cannot be answered here."}</p>}
      {error && <p className="form-error" role="alert"><Icon name="warn" size={13} /> {error.message} {error.hint}</p>}
      <HandOn ws={ws} request={request} reload={reload} />
      {request.page && <CopyLink path={request.page} />}
    </div>
  );
}

/** The form's schema with the choices that the step gave. */
function schemaOf(request) {
  const properties = request.form?.properties;
  if (!properties || !Object.keys(properties).length) return null;
  const filled = { ...properties };
  for (const one of request.fields) {
    if (!one.options?.length || !filled[one.name]) continue;
    const chosen = one.options.map((option) => JSON.parse(option.value));
    filled[one.name] = one.kind === "choices" ? { ...filled[one.name], uniqueItems: true, items: { ...filled[one.name].items, enum: chosen } } : { ...filled[one.name], enum: chosen };
  }
  return { ...request.form, properties: filled };
}
