// The cells of a deployed flow, on the page that runs it: code and inputs to read, for who may have no draft of it too.
import { useEffect, useState } from "react";

import { encoded, get, workspacePath } from "../api.js";
import { Problem, Skeleton } from "../output/parts.jsx";
import { cellsOf } from "./flow_cells.js";

/** `FlowCells({ws, path})`: asked for when it is opened. */
export function FlowCells({ ws, path }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="flow-cells" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What it does, cell by cell</summary>
      {open && <Cells key={path} ws={ws} path={path} />}
    </details>
  );
}

function Cells({ ws, path }) {
  const [cells, setCells] = useState(null);
  const [error, setError] = useState(null);
  const load = () => {
    setError(null);
    get(workspacePath(ws, "flows", "get", encoded(path))).then((flow) => setCells(cellsOf(flow.value)), setError);
  };
  useEffect(load, [ws, path]);
  if (error) return <Problem error={error} what="The flow" retry={load} />;
  if (!cells) return <Skeleton lines={4} label="Loading the cells" />;
  if (!cells.length) return <p className="form-help">The flow has no cells.</p>;
  return <ol>{cells.map((cell, index) => <Cell key={`${index} ${cell.id}`} cell={cell} />)}</ol>;
}

function Cell({ cell }) {
  const { id, title, kind, depth, slot, calls, code, inputs, notes } = cell;
  return (
    <li className="card" style={{ "--depth": Math.min(depth, 5) }}>
      <p className="flow-cell-head">{id && <span className="tl-id">{id}</span>}<b>{title || (id ? "" : kind)}</b><span className="muted">{kind}</span></p>
      {slot && <p className="form-help">{slot}</p>}
      {calls && <p className="mono">{calls}</p>}
      {notes.map((note) => <p key={note} className="form-help">{note}</p>)}
      {code && <pre className="cmp-text" tabIndex={0} aria-label={`Code of ${id || title}`}><span>{code}</span></pre>}
      {inputs.length > 0 && <dl>{inputs.map(({ name, wired, text }) => <div key={name}><dt className="mono">{name}</dt><dd className={wired ? "mono" : undefined}>{wired && <span className="sr">wired to </span>}{text || <span className="muted">nothing</span>}</dd></div>)}</dl>}
    </li>
  );
}
