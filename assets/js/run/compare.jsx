// Two runs side by side: which steps ran, on the same input and code or not, and what came out. The address is the comparison.
import { useEffect, useState } from "react";

import { get, runPath, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { ago, duration, when } from "../words.js";
import { Changes } from "./changes.jsx";
import { StateBadge } from "./run_view.jsx";
import { addressIn, tabWorkspace } from "../workspace.js";

const MOST_ROWS = 300; // at first; a loop may have thousands of iterations

const placeOf = (a, b, step) => `/runs/compare?${new URLSearchParams({ a, ...(b && { b }) })}${step ? `#step=${encodeURIComponent(step)}` : ""}`;

const stepInAddress = () => decodeURIComponent(/#step=(.+)$/.exec(location.hash)?.[1] ?? "") || null;

/** `CompareView({ws, a, b})`; without `b` the other run is still to be chosen. */
export function CompareView({ ws, a, b }) {
  return b ? <Comparison key={`${a} ${b}`} ws={ws} a={a} b={b} /> : <Choose key={a} ws={ws} a={a} />;
}

function useAnswer(ask, keys) {
  const [got, setGot] = useState({ answer: null, error: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let current = true;
    ask().then((answer) => current && setGot({ answer, error: null }), (error) => current && setGot({ answer: null, error }));
    return () => {
      current = false;
    };
  }, [...keys, tries]);
  return { ...got, retry: () => setTries(tries + 1) };
}

function Choose({ ws, a }) {
  const { answer, error, retry } = useAnswer(async () => {
    const { run } = await get(runPath(ws, a));
    const others = await get(workspacePath(ws, "runs"), { per_page: 50, path: run.path || undefined });
    return { run, others: others.filter((other) => other.id !== run.id && other.kind === run.kind) };
  }, [ws, a]);
  if (error) return <div className="runpage"><Problem error={error} what="The run" retry={retry} /></div>;
  if (!answer) return <div className="runpage"><Skeleton lines={6} label="Loading the runs" /></div>;
  const { run, others } = answer;
  return (
    <div className="runpage">
      <header className="run-head"><div className="run-title"><h1>Compare run #{run.number} with…</h1></div><p className="run-facts"><span>{run.summary || run.path}</span></p></header>
      {others.length ? (
        <ul className="card cmp-choose" aria-label="Runs to compare with">
          {others.map((other) => (
            <li key={other.id}>
              <a className="row-link" href={placeOf(...inTime(run, other))}>
                <span className="row-title">#{other.number} {other.summary || other.path}</span>
                <span className="row-sub">{when(other.started_at ?? other.created_at)}{other.version ? `, version ${other.version}` : ""}</span>
                <StateBadge status={other.status} />
              </a>
            </li>
          ))}
        </ul>
      ) : (
        <div className="card empty"><b>There is no other run of it</b><p>Run it once more, with other input or after a change, and compare then.</p><a className="btn" href={`/runs/${run.id}`}>Back to the run</a></div>
      )}
    </div>
  );
}

/** The ids of two runs, the earlier one first. */
const inTime = (one, other) => (one.number < other.number ? [one.id, other.id] : [other.id, one.id]);

function Comparison({ ws, a, b }) {
  const { answer, error, retry } = useAnswer(() => get(workspacePath(ws, "runs", "compare"), { a, b }), [ws, a, b]);
  const [open, setOpen] = useState(stepInAddress);
  const [all, setAll] = useState(false);
  const [most, setMost] = useState(MOST_ROWS);
  if (error?.status === 404) return <div className="runpage"><div className="card empty"><b>One of these runs is not there</b><p>It may have been cleared away, or the address is from another workspace.</p><a className="btn" href="/runs">All runs</a></div></div>;
  if (error) return <div className="runpage"><Problem error={error} what="The comparison" retry={retry} /></div>;
  if (!answer) return <div className="runpage"><Skeleton lines={6} label="Loading both runs" /></div>;
  const choose = (path) => {
    const next = path === open ? null : path;
    setOpen(next);
    history.replaceState(history.state, "", addressIn(tabWorkspace(), placeOf(a, b, next)));
  };
  const differing = answer.steps.filter(differs);
  const shown = all ? answer.steps : differing;
  const whole = { path: "", step_id: "", title: "Whole run", a: answer.a, b: answer.b, same: answer.same };
  return (
    <div className="runpage">
      <header className="run-head">
        <div className="run-title"><h1>{answer.b.summary || answer.b.path || "Two runs"}</h1></div>
        <div className="cmp-runs">
          <RunCard run={answer.a} name="A" /> <RunCard run={answer.b} name="B" />
        </div>
        <div className="run-acts"><a className="btn" href={placeOf(b, a)}><Icon name="reused" /> Swap</a><a className="btn" href={placeOf(a)}>Compare A with another</a></div>
      </header>
      <section className="card cmp" aria-label="Steps">
        <header className="cmp-head">
          <b role="status">{differing.length ? `${differing.length} of ${answer.steps.length} ${answer.steps.length === 1 ? "step differs" : "steps differ"}` : answer.steps.length === 1 ? "The one step is the same" : `All ${answer.steps.length} steps are the same`}</b>
          {differing.length < answer.steps.length && <label><input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> Show the others too</label>}
        </header>
        <ul>
          {[whole, ...shown.slice(0, most)].map((step) => <Row key={step.path} {...{ ws, step, a, b }} open={open === step.path} onOpen={() => choose(step.path)} />)}
        </ul>
        {shown.length > most && <p className="out-note"><button type="button" className="link" onClick={() => setMost(most + MOST_ROWS)}>Show {Math.min(MOST_ROWS, shown.length - most)} more of {shown.length - most}</button></p>}
      </section>
    </div>
  );
}

function RunCard({ run, name }) {
  return (
    <a className="card cmp-run" href={`/runs/${run.id}`}>
      <span className="cmp-side">{name}</span>
      <span><b>Run #{run.number}</b>{run.version ? `, version ${run.version}` : ""}<small>{when(run.started_at ?? run.created_at)}, {ago(run.started_at ?? run.created_at)}{run.created_by ? `, by ${run.created_by}` : ""}</small></span>
      <StateBadge status={run.status} />
    </a>
  );
}

const differs = ({ a, b, same }) => !a || !b || a.status !== b.status || same.args === false || same.result === false || same.code === false;

const ASPECTS = [["code", "code"], ["args", "input"], ["result", "result"]];

function Row({ ws, step, a, b, open, onOpen }) {
  const id = `cmp-${step.path || "whole"}`;
  return (
    <li className="cmp-row" data-open={open || undefined}>
      <button type="button" className="cmp-main" aria-expanded={open} aria-controls={id} onClick={onOpen}>
        <Icon name={open ? "down" : "right"} size={12} />
        <span className="cmp-name">{step.path ? <><span className="tl-id">{step.path}</span> <span className="tl-title">{step.title}</span></> : <b>{step.title}</b>}</span>
        <Side name="A" step={step.a} /> <Side name="B" step={step.b} other={step.a} />
        <span className="cmp-marks">
          {ASPECTS.map(([key, word]) => step.same[key] === false && <span key={key} className="badge stale">other {word}</span>)}
          {!step.a && <span className="badge stale">only in B</span>}
          {!step.b && <span className="badge stale">only in A</span>}
          {step.a && step.b && !differs(step) && <span className="faint">same</span>}
        </span>
      </button>
      {open && <div id={id} className="cmp-body"><Changes {...{ ws, step, a, b }} /></div>}
    </li>
  );
}

function Side({ name, step, other }) {
  if (!step) return <span className="cmp-cell faint"><span className="cmp-letter">{name}</span> did not run</span>;
  const factor = other?.duration_ms > 0 && step.duration_ms > 0 ? step.duration_ms / other.duration_ms : 1;
  const slower = factor >= 1.5 || factor <= 0.67;
  return (
    <span className="cmp-cell">
      <span className="cmp-letter">{name}</span>
      <StateBadge status={step.reused ? "reused" : step.status} />
      <span className="num">{duration(step.duration_ms)}{slower && <span className="faint"> ×{factor < 10 ? factor.toFixed(1) : Math.round(factor)}</span>}</span>
    </span>
  );
}
