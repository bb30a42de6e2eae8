// A value as a tree: the server sends one level at a time; only visible rows exist; every row can be copied or wired.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { get, runPath } from "../api.js";
import { Icon } from "../icons.jsx";
import { pathExpression } from "../words.js";
import { CopyButton, Problem, Skeleton, copyText, useDebounced } from "./parts.jsx";
import { PAGE, isContainer, keyOf, preview, rowsOf, scalarText } from "./tree_model.js";
import { dragged } from "./wire_drag.js";

const ROW = 22;

/** What is open and loaded below `root`, with loaders. `q` asks the server for the matching part of the tree. */
function useTree({ ws, runId, path, side, root, at: base, q }) {
  const [found, setFound] = useState(null);
  const [open, setOpen] = useState(() => new Map());
  const [children, setChildren] = useState(() => new Map());
  const [error, setError] = useState(null);
  const ask = useCallback((at, offset = 0) => get(runPath(ws, runId, "node"), { path, side, at: [...base, ...at], offset, limit: PAGE }), [ws, runId, path, side, base]);

  useEffect(() => {
    setOpen(new Map());
    setChildren(new Map());
    setError(null);
  }, [root, runId, path, side]);
  useEffect(() => {
    if (!q) return setFound(null);
    const stop = new AbortController();
    get(runPath(ws, runId, "node"), { path, side, at: base, q, limit: PAGE }, { signal: stop.signal })
      .then((node) => setFound({ q, node }))
      .catch((reason) => reason.name !== "AbortError" && setError(reason));
    return () => stop.abort();
  }, [q, ws, runId, path, side, root]);

  const load = useCallback(async (at, known) => {
    try {
      const node = await ask(at, known.length);
      setError(null);
      setChildren((old) => new Map(old).set(keyOf(at), [...known, ...(node.c || [])]));
    } catch (reason) {
      setError(reason);
    }
  }, [ask]);
  const toggle = useCallback((row, to = !row.open) => {
    setOpen((old) => new Map(old).set(row.key, to));
    if (to && row.node.n && !row.node.c && !children.has(row.key)) load(row.path, []);
  }, [children, load]);

  const searching = Boolean(q) && found?.q === q;
  const rows = useMemo(() => {
    if (!searching) return rowsOf(root, { open, children });
    return rowsOf(found.node, { open: openAll(found.node), children: new Map() }).filter((row) => row.kind === "node");
  }, [root, open, children, searching, found]);
  const cut = searching && found.node.more ? `The first ${found.node.matches.toLocaleString("en")} are shown; a longer text finds fewer` : "";
  return { rows, cut, toggle, load, error, children, searching, waiting: Boolean(q) && !searching && !error };
}

function openAll(root) {
  const open = new Map();
  const visit = (node, path) => {
    if (!isContainer(node) || !node.c) return;
    open.set(keyOf(path), true);
    node.c.forEach((child) => visit(child, [...path, node.t === "array" ? Number(child.k) : child.k]));
  };
  visit(root, []);
  return open;
}

const WHOLE = [];

/**
 * `Tree({ws, runId, path, side, at, root, baseExpr, onWire, maxHeight})`: the value at `at` of a step's result or args; without
 * `root` it loads its own first level. Paths given to `onWire` begin at the whole value;
 * `onTable(path)` offers lists of objects as tables.
 */
export function Tree({ ws, runId, path, side = "result", at = WHOLE, root, baseExpr = "", onWire, onTable, maxHeight = 360 }) {
  const [own, setOwn] = useState(null);
  const [failed, setFailed] = useState(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    if (root) return;
    const stop = new AbortController();
    setOwn(null);
    setFailed(null);
    get(runPath(ws, runId, "node"), { path, side, at, limit: PAGE }, { signal: stop.signal }).then(setOwn, (error) => error.name !== "AbortError" && setFailed(error));
    return () => stop.abort();
  }, [root, ws, runId, path, side, at, tries]);
  const top = root || own;
  if (failed) return <Problem error={failed} what="The value" retry={() => setTries(tries + 1)} />;
  if (!top) return <Skeleton lines={4} label="Loading the value" />;
  return <TreeRows {...{ ws, runId, path, side, at, root: top, baseExpr, onWire, onTable, maxHeight }} />;
}

function TreeRows({ ws, runId, path, side, at: base, root, baseExpr, onWire, onTable, maxHeight }) {
  const [text, setText] = useState("");
  const q = useDebounced(text.trim());
  const tree = useTree({ ws, runId, path, side, root, at: base, q });
  const { rows } = tree;
  const [active, setActive] = useState(0);
  const scroller = useRef(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 16 });
  const [said, setSaid] = useState("");
  const at = Math.min(active, rows.length - 1);
  const focusRow = (index) => {
    setActive(index);
    virtual.scrollToIndex(index);
  };
  const expression = (row) => pathExpression(baseExpr, [...base, ...row.path]);
  const valueText = async (row) => {
    if (!isContainer(row.node) && !row.node.cut) return row.node.t === "string" ? row.node.v : scalarText(row.node);
    const value = await get(runPath(ws, runId, "raw"), { path, side, at: [...base, ...row.path] });
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  };
  const onKeyDown = (event) => {
    const row = rows[at];
    if (!row || event.target !== event.currentTarget) return;
    const act = keyAction(event, row, rows, at);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (act.to !== undefined) focusRow(act.to);
    if (act.toggle !== undefined) tree.toggle(row, act.toggle);
    if (act.more) tree.load(row.path, known(row));
    if (act.copy) Promise.resolve(act.copy === "path" ? expression(row) : valueText(row)).then(copyText).then((done) => setSaid(done ? `${act.copy === "path" ? "Path" : "Value"} copied` : "Not copied"), () => setSaid("Not copied"));
    if (act.wire && onWire) onWire([...base, ...row.path]);
  };
  const known = (row) => tree.children.get(keyOf(row.path)) || rows.find((one) => one.kind === "node" && one.key === keyOf(row.path))?.node.c || [];
  const big = isContainer(root) && root.n + (root.c ?? []).reduce((sum, child) => sum + (isContainer(child) ? child.n : 0), 0) > 8; // two lists of hundreds are much to look through too

  return (
    <div className="tree">
      {(big || text) && (
        <div className="tree-bar">
          <label className="find"><Icon name="search" /><span className="sr">Find a key or value</span><input value={text} onChange={(event) => setText(event.target.value)} placeholder="Find a key or value" spellCheck={false} /></label>
          <span className="muted" role="status">{tree.waiting ? "Searching" : q && tree.searching ? (rows.length > 1 ? tree.cut : "Nothing matches") : ""}</span>
        </div>
      )}
      {tree.error && <Problem error={tree.error} what="A part of the value" />}
      <div ref={scroller} className="tree-body" style={{ maxHeight }} role="tree" aria-label="Value" tabIndex={0} onKeyDown={onKeyDown} aria-activedescendant={rows[at] ? `${idOf(runId, path, side)}-${at}` : undefined}>
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            return (
              <div key={row.key} id={`${idOf(runId, path, side)}-${item.index}`} className={`tree-row ${item.index === at ? "on" : ""}`} style={{ transform: `translateY(${item.start}px)`, paddingLeft: 4 + row.level * 16 }} data-pick={onWire && row.kind === "node" ? expression(row) : undefined} onClick={() => setActive(item.index)} {...treeItem(row)}>
                {row.kind === "node" && <Node row={row} q={q} toggle={tree.toggle} />}
                {row.kind === "node" && <Actions row={row} expression={expression} valueText={valueText} onWire={onWire && ((rowPath) => onWire([...base, ...rowPath]))} onTable={onTable && ((rowPath) => onTable([...base, ...rowPath]))} />}
                {row.kind === "wait" && <span className="faint">Loading</span>}
                {row.kind === "more" && <button type="button" className="link" tabIndex={-1} onClick={() => tree.load(row.path, known(row))}>{row.shown.toLocaleString("en")} of {row.total.toLocaleString("en")} shown, show more</button>}
              </div>
            );
          })}
        </div>
      </div>
      <span className="sr" role="status">{said}</span>
    </div>
  );
}

const idOf = (runId, path, side) => `t-${String(runId).slice(0, 8)}-${String(path).replace(/[^\w-]/g, "_")}-${side}`;
const treeItem = (row) => ({ role: "treeitem", "aria-level": row.level + 1, ...(row.kind === "node" && isContainer(row.node) && { "aria-expanded": row.open }) });

function keyAction(event, row, rows, at) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const node = row.kind === "node" ? row.node : null;
  switch (event.key) {
    case "ArrowDown": return { to: Math.min(rows.length - 1, at + 1) };
    case "ArrowUp": return { to: Math.max(0, at - 1) };
    case "Home": return { to: 0 };
    case "End": return { to: rows.length - 1 };
    case "ArrowRight": return node && isContainer(node) ? (row.open ? { to: Math.min(rows.length - 1, at + 1) } : { toggle: true }) : {};
    case "ArrowLeft": {
      if (node && row.open && row.path.length) return { toggle: false };
      for (let i = at - 1; i >= 0; i -= 1) if (rows[i].level < row.level) return { to: i };
      return {};
    }
    case "Enter": case " ": return row.kind === "more" ? { more: true } : node && isContainer(node) ? { toggle: !row.open } : {};
    case "c": return node && { copy: "value" };
    case "p": return node && { copy: "path" };
    case "w": return node && { wire: true };
    default: return null;
  }
}

function Node({ row, q, toggle }) {
  const { node } = row;
  const container = isContainer(node);
  const name = row.path.length ? row.path[row.path.length - 1] : null;
  return (
    <span className="tree-node" onDoubleClick={() => container && toggle(row)}>
      {container && node.n !== 0 ? <button type="button" className="twist" tabIndex={-1} aria-hidden="true" onClick={() => toggle(row)}><Icon name={row.open ? "down" : "right"} size={12} /></button> : <span className="twist" />}
      {name !== null && <span className={typeof name === "number" ? "index" : "key"}><Marked text={String(name)} q={q} /><i>:</i></span>}
      {container ? <span className="meta" onClick={() => toggle(row)}>{node.t === "array" ? "[" : "{"}{preview(node)}{node.t === "array" ? "]" : "}"}</span> : <span className={`v ${node.t}`}><Marked text={scalarText(node)} q={q} /></span>}
      {node.cut && <span className="faint"> {(node.n ?? 0).toLocaleString("en")} characters</span>}
    </span>
  );
}

function Marked({ text, q }) {
  const at = q ? text.toLowerCase().indexOf(q.toLowerCase()) : -1;
  if (at < 0) return text;
  return <>{text.slice(0, at)}<mark>{text.slice(at, at + q.length)}</mark>{text.slice(at + q.length)}</>;
}

/** Whether a node may be a list of objects; its items may not have been sent yet. */
const mayBeTable = (node) => node.t === "array" && node.n > 0 && (!node.c || node.c[0]?.t === "object");

function Actions({ row, expression, valueText, onWire, onTable }) {
  return (
    <span className="tree-acts">
      {onTable && row.path.length > 0 && mayBeTable(row.node) && <button type="button" className="tool" title="Show as a table" onClick={(event) => { event.stopPropagation(); onTable(row.path); }}><Icon name="table" /><span>Table</span></button>}
      <CopyButton short label="Copy path" icon="path" className="tool" text={() => expression(row)} />
      <CopyButton short label="Copy value" className="tool" text={() => valueText(row)} />
      {onWire && <button type="button" className="tool wire" {...dragged(expression(row))} title="Use this value in a cell, or drag it onto an input" onClick={(event) => { event.stopPropagation(); onWire(row.path); }}><Icon name="plug" /><span>Use in…</span></button>}
    </span>
  );
}
