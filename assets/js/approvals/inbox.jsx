// The inbox: requests for approval that wait for the person, and those that they have answered. Answering is a click away.
import { useCallback, useEffect, useState } from "react";

import { get, subscribe, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { CLOSED } from "../run/approval_parts.jsx";
import { ago, left, when } from "../words.js";
import { WorkspaceMessages } from "./workspace_messages.jsx";

const TOGETHER_MS = 300;

/** Both lists, loaded anew when something about some request changes. */
function useInbox(ws) {
  const [found, setFound] = useState({ waiting: null, answered: [], error: null });
  const load = useCallback(() => Promise.all([get(workspacePath(ws, "approvals")), get(workspacePath(ws, "approvals", "answered"))]).then(
    ([waiting, answered]) => setFound({ waiting, answered, error: null }),
    (error) => setFound((old) => ({ ...old, error })),
  ), [ws]);
  useEffect(() => {
    let timer = null;
    load();
    const unsubscribe = subscribe(ws, "approvals", (event) => {
      if (event.type === "hello" && !event.resumed) return;
      timer ??= setTimeout(() => { timer = null; load(); }, TOGETHER_MS);
    });
    return () => { clearTimeout(timer); unsubscribe(); };
  }, [ws, load]);
  return { ...found, load };
}

/** Draws anew every so many ms: what is shown counts down. */
function useTicking(ms) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

const secondsOf = (request, now) => (request.timeout_at ? Math.floor((new Date(request.timeout_at).getTime() - now) / 1000) : null);

/** `Inbox({ws})` */
export function Inbox({ ws }) {
  const { waiting, answered, error, load } = useInbox(ws);
  const now = Date.now();
  const soon = (waiting || []).some((one) => one.timeout_at && secondsOf(one, now) < 300);
  useTicking(soon ? 1000 : 15000);
  if (error && !waiting) return <Problem error={error} what="Your approvals" retry={load} />;
  if (!waiting) return <div className="card"><Skeleton lines={4} label="Loading your approvals" /></div>;
  return (
    <>
      {error && <Problem error={error} what="The newest state" retry={load} />}
      <section className="page-part" aria-labelledby="inbox-waiting">
        <div className="list-head"><h2 id="inbox-waiting">Waiting for you</h2></div>
        <div className="card list">
          {waiting.length ? <ul>{waiting.map((one) => <li key={`${one.run_id} ${one.path}`}><Waiting request={one} now={now} /></li>)}</ul> : <Nothing />}
        </div>
      </section>
      {answered.length > 0 && (
        <section className="page-part" aria-labelledby="inbox-answered">
          <div className="list-head"><h2 id="inbox-answered">Answered by you</h2></div>
          <div className="card list"><ul>{answered.map((one) => <li key={`${one.run_id} ${one.path}`}><Answered request={one} now={now} /></li>)}</ul></div>
        </section>
      )}
      <WorkspaceMessages ws={ws} />
    </>
  );
}

const Nothing = () => (
  <div className="empty">
    <b>Nothing waits for you</b>
    <p>When a flow asks for an approval that you may give, it stands here, and the number beside <i>Approvals</i> says so. To have a flow ask, turn on <i>Wait for approval</i> in the settings of a step.</p>
    <a className="btn" href="/">To the flows</a>
  </div>
);

function Waiting({ request, now }) {
  const seconds = secondsOf(request, now);
  return (
    <a className="row-link row-approval" href={request.page}>
      <span className="row-names"><span className="row-title wrap">{request.title}</span><Facts request={request} now={now} /></span>
      {seconds !== null && <span className="row-due"><span className={`badge ${seconds < 3600 ? "stale" : "wait"}`}><Icon name="clock" size={13} /><span className="num">{left(seconds)}</span></span><span className="row-sub hide-sm">until {when(request.timeout_at)}</span></span>}
    </a>
  );
}

function Facts({ request, now }) {
  const facts = [`${request.asked_by} asks${request.asked_at ? `, ${ago(request.asked_at, now)}` : ""}`, `${request.flow || "a flow"}, run ${request.run_number}`];
  if (request.required > 1) facts.push(`${request.approvals} of ${request.required} approvals`);
  if (request.groups.length) facts.push(`for ${request.groups.join(" or ")}`);
  return <span className="row-sub wrap">{facts.join(" · ")}</span>;
}

function Answered({ request, now }) {
  const open = request.status === "open";
  const state = open ? { tone: "wait", icon: "pause", word: "Waits for others" } : CLOSED[request.status] || CLOSED.canceled;
  const at = request.decided_at || request.asked_at;
  return (
    <a className="row-link row-approval" href={`/runs/${request.run_id}`}>
      <span className="row-names"><span className="row-title wrap">{request.title}</span><span className="row-sub wrap">{request.asked_by} asked · {request.flow || "a flow"}, run {request.run_number} · {open ? `${request.approvals} of ${request.required} approvals` : ago(at, now)}</span></span>
      <span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{state.word}</span>
    </a>
  );
}
