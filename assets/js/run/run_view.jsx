// The page of one run: what it is, how far it got, and every step's input, result, log and error. Made for a phone first.
import { lazy, Suspense, useEffect, useState } from "react";

import { get, post, request, runPath, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { ErrorView, cancelled } from "../output/error.jsx";
import { Output } from "../output/output.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { Logs } from "../output/logs.jsx";
import { Progress } from "../output/progress.jsx";
import { Streamed } from "../output/streamed.jsx";
import { Tree } from "../output/tree.jsx";
import { LANGUAGES, ago, clock, duration, stateOf, when } from "../words.js";
import { Approvals } from "./approvals.jsx";
import { attemptWords, attemptsOf } from "./attempts.js";
import { isInside, isKept, restartable, waitingFor } from "./places.js";
import { HOLDS } from "./scale.js";
import { Timeline } from "./timeline.jsx";
import { withPercent } from "./timeline.js";
import { isLive, useRun } from "./use_run.js";
import { go } from "../workspace.js";

const RestartDialog = lazy(() => import("./restart.jsx").then((module) => ({ default: module.RestartDialog })));

const ShareRun = lazy(() => import("../shell/share.jsx").then((module) => ({ default: module.ShareRun })));

/** The present, moving only while something runs. */
function useNow(moving) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (!moving) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [moving]);
  return now;
}

/** `RunView({ws, runId})` */
export function RunView({ ws, runId }) {
  const { run, steps, schema, may, error, load } = useRun(ws, runId);
  const [again, setAgain] = useState(null); // the step to begin again at
  const [sharing, setSharing] = useState(false);
  const [chosen, setChosen] = useState(null); // null: let the run decide
  const [requests, setRequests] = useState([]); // for approval
  const now = useNow(isLive(run));
  useEffect(() => setChosen(fromHash()), [runId]);
  const choose = (path) => {
    setChosen(path);
    history.replaceState(history.state, "", path === "" ? location.pathname + location.search : `#step=${encodeURIComponent(path)}`);
    if (window.matchMedia("(max-width: 980px)").matches) requestAnimationFrame(() => document.getElementById("run-detail")?.scrollIntoView({ block: "start" }));
  };
  useEffect(() => {
    if (run) document.title = `Run #${run.number}, ${run.summary || run.path || "cells"}`;
  }, [run?.number]);
  if (error && !run) return <NoRun error={error} retry={load} />;
  if (!run) return <div className="runpage"><Skeleton lines={5} label="Loading the run" /></div>;
  const failed = steps.find((step) => ["failure", "failed"].includes(step.status) && !steps.some((inner) => isInside(inner.path, step.path) && inner.status === step.status)) || null;
  const path = chosen ?? (run.status === "failure" && failed ? failed.path : "");
  return (
    <div className="runpage">
      <Header ws={ws} run={run} steps={steps} now={now} may={may} reload={load} onShare={() => setSharing(true)} />
      {error && <Problem error={error} what="The newest state" retry={load} />}
      <Approvals ws={ws} runId={run.id} live={isLive(run)} onFound={setRequests} />
      <div className="run-body">
        <Timeline run={run} steps={steps} requests={requests} now={now} path={path} choose={choose} />
        <Detail key={path} ws={ws} run={run} step={steps.find((one) => one.path === path) || null} path={path} now={now} onRestart={may.run ? setAgain : null} />
      </div>
      {sharing && <Suspense fallback={null}><ShareRun ws={ws} run={run} onClose={() => setSharing(false)} /></Suspense>}
      {again && <Suspense fallback={null}><RestartDialog {...{ ws, run, steps, schema }} step={again} onClose={() => setAgain(null)} /></Suspense>}
    </div>
  );
}

const fromHash = () => {
  const match = /#step=(.+)$/.exec(location.hash);
  return match ? decodeURIComponent(match[1]) : null;
};

function NoRun({ error, retry }) {
  if (error.status === 404) return <div className="runpage"><div className="card empty"><h1>There is no such run</h1><p>It may have been cleared away, or the address is from another workspace.</p><a className="btn" href="/runs">All runs</a></div></div>;
  return <div className="runpage"><Problem error={error} what="The run" retry={retry} /></div>;
}

export function StateBadge({ status, text }) {
  const state = stateOf(status);
  return <span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{text || state.word}</span>;
}

function Header({ ws, run, steps, now, may, reload, onShare }) {
  const [busy, setBusy] = useState("");
  const [error, setError] = useState(null);
  const live = isLive(run);
  const took = live ? (run.started_at ? now - new Date(run.started_at).getTime() : null) : run.duration_ms;
  const act = async (name, what) => {
    setBusy(name);
    setError(null);
    try {
      await what();
    } catch (reason) {
      setError(reason);
    }
    setBusy("");
  };
  const cancel = () => act("cancel", async () => {
    await post(workspacePath(ws, "jobs_u", "queue", "cancel", run.id), { reason: "Cancelled on the run page" });
    await reload();
  });
  const again = () => act("again", async () => {
    const args = await get(runPath(ws, run.id, "raw"), { path: "", side: "args" });
    const id = await request("POST", workspacePath(ws, "jobs", "run", "f", run.path), { json: args ?? {} });
    go(`/runs/${String(id).replaceAll('"', "").trim()}`);
  });
  const toNotebook = () => act("open", async () => {
    const { id } = await post(runPath(ws, run.id, "open"));
    go(`/flows/${id}`);
  });
  const flow = run.kind === "flow" && run.path;
  const waits = waitingFor(run, steps, (iso) => when(iso, { seconds: true }));
  return (
    <header className="run-head">
      <div className="run-title">
        <h1>{run.summary || run.path || "Cells of a draft"} <span className="num">#{run.number}</span></h1>
        <StateBadge status={run.status} text={live && took !== null ? `${stateOf(run.status).word} ${clock(took)}` : undefined} />
      </div>
      <p className="run-facts">
        {run.path && <span className="mono">{run.path}</span>}
        {run.version ? <span>version {run.version}</span> : null}
        {run.started_at && <span title={run.started_at}>{when(run.started_at, { seconds: true })}, {ago(run.started_at, now)}</span>}
        {!live && took !== null && took !== undefined && <span className="num">{duration(took)}</span>}
        {run.created_by && <span>by {run.created_by}</span>}
        {run.kind === "cells" && <span>run from the notebook</span>}
        {run.schedule && <span>by schedule <span className="mono">{run.schedule}</span></span>}
        {run.trigger === "webhook" && <span>by webhook</span>}
        {run.restarted_from && <span>restarted at <span className="mono">{run.restarted_from.step_id}</span> {run.restarted_from.number === null ? "of a run that is gone" : <>from <a href={`/runs/${run.restarted_from.id}`}>#{run.restarted_from.number}</a></>}</span>}
        {run.status === "canceled" && <span>{run.error ? cancelled(run.error) : "cancelled"}</span>}
      </p>
      {waits && <p className="run-waits"><Icon name="pause" size={13} /> {waits}</p>}
      <div className="run-acts">
        {live && may.cancel && <button type="button" className="btn danger" disabled={busy === "cancel"} onClick={cancel}><Icon name="stop" /> {busy === "cancel" ? "Cancelling" : "Cancel run"}</button>}
        {flow && !live && may.run && <button type="button" className="btn" disabled={busy === "again"} onClick={again}><Icon name="reused" /> {busy === "again" ? "Starting" : "Run again"}</button>}
        {flow && may.run && <a className="btn" href={`/run/${run.path}?from=${run.id}`}><Icon name="play" /> Run with other input</a>}
        {!live && <a className="btn" href={`/runs/compare?a=${run.id}`}><Icon name="compare" /> Compare</a>}
        {flow && !live && may.open && <button type="button" className="btn" disabled={busy === "open"} title="A draft of what ran, with this run's input and results" onClick={toNotebook}><Icon name="book" /> {busy === "open" ? "Opening" : "Open in notebook"}</button>}
        {run.draft_id && may.open && <a className="btn" href={`/flows/${run.draft_id}`}><Icon name="book" /> Open in notebook</a>}
        {may.share && <button type="button" className="btn" title="A link by which anybody can look at this run" onClick={onShare}><Icon name="external" /> Share</button>}
      </div>
      {error && <p className="form-error" role="alert">{error.message} {error.hint}</p>}
      {run.error && run.status === "failure" && <p className="run-error"><Icon name="warn" /> <span><b>{run.error.name || "Failed"}</b>{run.error.step_id ? ` in ${run.error.step_id}` : ""}: {String(run.error.message || "").split("\n")[0]}</span></p>}
    </header>
  );
}

/** One step, or the whole run: result, input, log. */
function Detail({ ws, run, step, path, now, onRestart }) {
  const [side, setSide] = useState("result");
  const [attempt, setAttempt] = useState(null); // an earlier one than the last
  const [got, setGot] = useState({ output: null, error: null });
  const one = path === "" ? run : step;
  const live = isLive(one);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (!one || live) return;
    const stop = new AbortController();
    get(runPath(ws, run.id, "output"), { path }, { signal: stop.signal }).then((output) => setGot({ output, error: null }), (error) => error.name !== "AbortError" && setGot({ output: null, error }));
    return () => stop.abort();
  }, [ws, run.id, path, one?.status, live, tries]);
  if (!one) return <section id="run-detail" className="card run-detail"><p className="out-note">This step has not started in this run.</p></section>;
  const attempts = path === "" ? [] : attemptsOf(step);
  const earlier = side === "result" && attempts.find((other) => other.attempt === attempt && !other.last);
  return (
    <section id="run-detail" className="card run-detail" aria-label={path === "" ? "Whole run" : `Step ${path}`}>
      <header className="detail-head">
        <div>
          {path !== "" && <span className="tl-id">{step.step_id}</span>}
          <h2>{path === "" ? "Whole run" : step.title || step.step_id}</h2>
          <span className="grow" />
          <StateBadge status={step?.reused || isKept(run, step) ? "reused" : one.status} text={isKept(run, step) ? "Kept" : live && one.started_at ? `${stateOf(one.status).word} ${withPercent(clock(now - new Date(one.started_at).getTime()), one.progress)}` : undefined} />
        </div>
        {live && <Progress percent={one.progress} />}
        {path !== "" && <p className="run-facts">{step.path !== step.step_id && <span className="mono">{step.path}</span>}{factsOf(step).map((fact) => <span key={fact}>{fact}</span>)}</p>}
        <div className="detail-acts">
          <div className="seg" role="tablist" aria-label="Result or input" onKeyDown={(event) => ["ArrowLeft", "ArrowRight"].includes(event.key) && (setSide(side === "args" ? "result" : "args"), event.currentTarget.querySelector("[aria-selected=false]").focus())}>
            <button type="button" role="tab" aria-selected={side === "result"} tabIndex={side === "result" ? 0 : -1} onClick={() => setSide("result")}>Result</button>
            <button type="button" role="tab" aria-selected={side === "args"} tabIndex={side === "args" ? 0 : -1} onClick={() => setSide("args")}>Input</button>
          </div>
          {attempts.length > 1 && side === "result" && (
            <label className="detail-attempt">
              <span>Attempt</span>
              <select className="in-select" value={earlier ? attempt : attempts.length} onChange={(event) => setAttempt(Number(event.target.value) === attempts.length ? null : Number(event.target.value))}>
                {attempts.map((other) => <option key={other.attempt} value={other.attempt}>{attemptWords(other, attempts.length)}</option>)}
              </select>
            </label>
          )}
          {onRestart && restartable(run, step) && <button type="button" className="btn" onClick={() => onRestart(step)}><Icon name="reused" /> Run again from here</button>}
        </div>
      </header>
      {side === "args" ? <div className="detail-args"><Tree ws={ws} runId={run.id} path={path} side="args" maxHeight={520} baseExpr={path === "" ? "flow_input" : ""} /></div> : earlier ? <Earlier {...{ ws, run, step, path, earlier }} /> : <Result {...{ ws, run, step, path, live, got, retry: () => setTries(tries + 1) }} />}
    </section>
  );
}

function factsOf(step) {
  const facts = [];
  if (step.language) facts.push(LANGUAGES[step.language] || step.language);
  if (step.started_at) facts.push(when(step.started_at, { seconds: true }));
  if (step.duration_ms !== null && step.duration_ms !== undefined) facts.push(duration(step.duration_ms));
  if (step.attempt > 1) facts.push(`attempt ${step.attempt}`);
  if (step.isolation) facts.push(`isolation ${step.isolation}`);
  return facts;
}

function Result({ ws, run, step, path, live, got, retry }) {
  if (live && path !== "") {
    if (["suspended", "waiting"].includes(step.status)) return <p className="out-note">Waiting. The result appears when it goes on.</p>;
    return (
      <>
        <Streamed ws={ws} runId={run.id} path={path} maxHeight={480} />
        <Logs key={step.attempt} ws={ws} runId={run.id} path={path} attempt={step.attempt} live maxHeight={480} />
      </>
    );
  }
  if (live) return <p className="out-note">The result of the run appears here when it ends. Choose a step to see its log and result.</p>;
  if (got.error) return got.error.status === 404 ? <p className="out-note">{step?.status === "skipped" ? "Skipped: its condition said so." : "No result was kept."}</p> : <Problem error={got.error} what="The result" retry={retry} />;
  if (!got.output) return <Skeleton lines={4} label="Loading the result" />;
  return (
    <>
      {got.output.kind === "error" && path !== "" && <Streamed ws={ws} runId={run.id} path={path} live={false} maxHeight={320} />}
      <Output ws={ws} output={got.output} memory={`run:${path}`} baseExpr={path ? undefined : "result"} maxHeight={520} />
    </>
  );
}

/** Why an attempt before the last failed, and what it printed. What holds other steps prints nothing itself. */
function Earlier({ ws, run, step, path, earlier: { attempt, error } }) {
  return (
    <>
      {error && <ErrorView error={error} />}
      {!HOLDS.has(step.kind) && <Logs key={attempt} ws={ws} runId={run.id} path={path} attempt={attempt} maxHeight={480} />}
    </>
  );
}
