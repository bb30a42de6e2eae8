// One output: a line that sums it up, tabs for its views, and the view. The choice of tab is kept per cell.
import { useId, useRef, useState } from "react";

import { attemptWords, attemptsOf } from "../run/attempts.js";
import { Icon } from "../icons.jsx";
import { ago, bytes, duration, pathExpression, when } from "../words.js";
import { ErrorView } from "./error.jsx";
import { Logs } from "./logs.jsx";
import { useRemembered } from "./parts.jsx";
import { Rich, TextView } from "./rich.jsx";
import { Table } from "./table.jsx";
import { Tree } from "./tree.jsx";

const LABELS = { none: "Result", table: "Table", json: "JSON", markdown: "Text", chat: "Answer", html: "Page", image: "Image", chart: "Chart", file: "File", parts: "Report", stored: "File", map: "Map", text: "Text", logs: "Logs", error: "Error" };

/** The tabs in order, and which is on: the remembered one if this output has it. */
export function viewsOf(output) {
  const views = output.kind === "none" ? ["none", ...(output.views || [])] : output.kind === "error" ? ["error", ...(output.views || []).filter((view) => view !== "error" && view !== "text")] : [...(output.views || ["json"])];
  if (output.logs?.lines && !views.includes("logs")) views.push("logs");
  return views;
}

/**
 * `Output({ws, output, onWire, stale, baseExpr, onLine, memory, live, topic, maxHeight, tried})`
 *
 * `output` is an OutputView; `onWire(path)` gets the path array below `baseExpr` (e.g. "results.a"); `stale` greys a result
 * that is kept while its cell runs again; `onLine(n)` goes to a line of the cell; `memory` names whose choice of tab is
 * remembered (a cell id); `tried` offers the attempts before the last; `live` while the step runs; `topic` is where its log events come from (default its run's).
 */
export function Output({ ws, output, onWire, stale = false, baseExpr, onLine, memory, live = false, topic, maxHeight = 360, tried = false }) {
  const [earlier, setEarlier] = useState(null); // {run, path, attempt}: an attempt before the last
  const views = output ? viewsOf(output) : [];
  const kept = output?.kind === "error" ? "error" : "value"; // an error must not hide behind a tab chosen for values
  const [chosen, choose] = useRemembered(`flowapp:view:${kept}:${memory || `${ws}:${output?.path}`}`, null);
  const id = useId();
  if (!output) return null;
  const fallback = output.kind === "error" ? "error" : views.includes(output.default_view) ? output.default_view : views[0];
  const view = views.includes(chosen) ? chosen : fallback;
  const base = baseExpr ?? (output.path ? `results.${output.path}` : "");
  const at = { ws, runId: output.run_id, path: output.path };
  const attempts = tried && output.failed_attempts ? attemptsOf(output) : [];
  const before = earlier?.run === output.run_id && earlier.path === output.path ? attempts.find((one) => one.attempt === earlier.attempt && !one.last) : undefined;
  const look = (name) => (setEarlier(null), choose(name));
  return (
    <div className={`output ${stale ? "stale" : ""}`}>
      <Tabs id={id} views={views} view={view} choose={look} output={output}>
        {attempts.length > 1 && <Attempts attempts={attempts} chosen={before} choose={(attempt) => setEarlier({ run: output.run_id, path: output.path, attempt })} />}
      </Tabs>
      <div className="out-view" role="tabpanel" id={`${id}-panel`} aria-labelledby={before ? undefined : `${id}-${view}`} aria-label={before ? `Attempt ${before.attempt}` : undefined} data-view={view}>
        {before ? <Earlier key={before.attempt} {...{ at, before, onLine, maxHeight }} /> : <View {...{ view, output, at, base, onWire, onLine, live, topic, maxHeight }} />}
      </div>
    </div>
  );
}

/** Which attempt of a step that was tried again is shown. */
function Attempts({ attempts, chosen, choose }) {
  return (
    <label className="out-attempt">
      <span>Attempt</span>
      <select value={chosen?.attempt ?? attempts.length} onChange={(event) => choose(Number(event.target.value))}>
        {attempts.filter((one) => one.last || one.error).map((one) => <option key={one.attempt} value={one.attempt}>{attemptWords(one, attempts.length)}</option>)}
      </select>
    </label>
  );
}

/** Why an attempt before the last failed, and what it printed. */
function Earlier({ at, before: { attempt, error }, onLine, maxHeight }) {
  return (
    <>
      {error && <ErrorView error={error} onLine={onLine} />}
      <Logs {...at} attempt={attempt} maxHeight={maxHeight} />
    </>
  );
}

function View({ view, output, at, base, onWire, onLine, live, topic, maxHeight }) {
  if (view === "logs") return <Logs {...at} live={live} topic={topic} maxHeight={maxHeight} />;
  if (view === "error") return <ErrorView error={output.error || { message: output.title_text }} onLine={onLine} />;
  if (output.kind === "none") return <Nothing output={output} />;
  if (view === "table") return <Table {...at} wireAt={output.table?.at} first={output.table} baseExpr={base} onWire={onWire} maxHeight={maxHeight} />;
  if (view === "json") return isEmpty(output) ? <Nothing output={output} /> : <Json key={output.hash} {...{ output, at, base, onWire, maxHeight }} />;
  if (view === "text") return <TextView key={output.hash} {...at} node={output.node} />;
  return <Rich {...at} rich={output.rich} baseExpr={base} onWire={onWire} maxHeight={maxHeight} />;
}

/** The tree, and a list within it as a table when somebody asks for one. */
function Json({ output, at, base, onWire, maxHeight }) {
  const [list, setList] = useState(null);
  if (!list) return <Tree {...at} root={output.node} baseExpr={base} onWire={onWire} onTable={setList} maxHeight={maxHeight} />;
  return (
    <>
      <p className="out-note"><button type="button" className="link" onClick={() => setList(null)}><Icon name="left" size={12} /> Back to the whole value</button><span className="mono">{pathExpression(base, list)}</span></p>
      <Table {...at} at={list} baseExpr={base} onWire={onWire} maxHeight={maxHeight} />
    </>
  );
}

const isEmpty = (output) => output.type === "null" || ((output.type === "array" || output.type === "object") && output.node?.n === 0) || (output.type === "string" && output.node?.n === 0);

function Nothing({ output }) {
  return <p className="out-note">{(output.kind !== "none" && EMPTY[output.type]) || output.title_text || "The step ran and returned nothing."}</p>;
}
const EMPTY = {
  null: "The step ran and returned nothing. To pass a value on, return it from main.",
  array: "The step ran and returned an empty list.",
  object: "The step ran and returned an object without fields.",
  string: "The step ran and returned an empty text.",
};

function Tabs({ id, views, view, choose, output, children }) {
  const list = useRef(null);
  const onKeyDown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = views[(views.indexOf(view) + step + views.length) % views.length];
    choose(next);
    list.current?.querySelector(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div className="out-tabs">
      <div role="tablist" aria-label="Views of the output" ref={list} onKeyDown={onKeyDown}>
        {views.map((name) => (
          <button key={name} type="button" role="tab" id={`${id}-${name}`} data-tab={name} aria-selected={name === view} aria-controls={`${id}-panel`} tabIndex={name === view ? 0 : -1} onClick={() => choose(name)}>
            {name === "error" && output.error?.name === "Canceled" ? LABELS.none : LABELS[name] || name}
            {name === "logs" && <span className="num"> {logSize(output.logs)}</span>}
          </button>
        ))}
      </div>
      {children}
      <span className="out-sum">{summary(output)}</span>
    </div>
  );
}

/** How much was printed: lines while they are all known, else the size. */
function logSize(logs) {
  if (!logs?.lines) return "";
  return logs.size > logs.tail?.length ? bytes(logs.size) : logs.lines.toLocaleString("en");
}

function summary(output) {
  const parts = [];
  if (output.kind === "value" && output.title_text && (!output.rich || output.rich.kind === "parts")) parts.push(<span key="t">{output.title_text}</span>);
  if (output.kind === "value" && output.size > 2048) parts.push(<span key="s" className="num">{bytes(output.size)}</span>);
  if (output.reused_from) parts.push(<span key="r" className="reu" title={`Computed ${when(output.reused_from.at)}`}><Icon name="reused" size={12} /> run #{output.reused_from.run_number}, {ago(output.reused_from.at)}</span>);
  else if (output.duration_ms !== null && output.duration_ms !== undefined) parts.push(<span key="d" className="num">{duration(output.duration_ms)}</span>);
  return parts;
}
