// The property picker: everything an input can be connected to, likely values first, with types and samples.
// While it is open the page is in picking mode: values in earlier outputs can be clicked, later cells are dimmed.
import { useEffect, useMemo, useRef, useState } from "react";
import { useStore } from "./context.js";
import { pickables } from "./expression.jsx";
import { Glyph } from "./icons.jsx";
import { flatten, withMore } from "./picker_rows.js";
import { usePointerMoves } from "./pointer.js";
import { Popover } from "./ui.jsx";

const DEEP_MS = 150;
const DEEP_FROM = 2; // letters; with fewer everything is found

export function Picker({ cell, field, anchor, onConnect, onAppend, onPropose, onClose }) {
  const store = useStore();
  const [groups, setGroups] = useState(null);
  const [problem, setProblem] = useState(null);
  const [query, setQuery] = useState("");
  const [open, setOpen] = useState(() => new Map()); // expr -> {items, total} | "loading"
  const [at, setAt] = useState(0);
  const box = useRef(null);
  const search = useRef(null);
  const moves = usePointerMoves();
  useEffect(() => {
    pickables(store, cell, field).then((answer) => setGroups(answer.groups), (error) => setProblem(error.message));
  }, [cell, field]);
  useEffect(() => {
    store.set("pickTarget", { connect: onConnect });
    return () => store.set("pickTarget", undefined);
  }, [onConnect]);

  const deep = useDeep(store, cell, field, query.trim());
  const rows = useMemo(() => flatten(groups ?? [], open, query.trim().toLowerCase(), deep.items), [groups, open, query, deep]);
  const items = rows.filter((row) => row.item || row.more);
  const active = items[Math.min(at, items.length - 1)];
  useEffect(() => setAt(0), [query]);
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active?.key]);

  const expand = async (row) => {
    if (!row?.item?.children || open.has(row.item.expr)) return;
    setOpen((now) => new Map(now).set(row.item.expr, "loading"));
    try {
      const answer = await pickables(store, cell, field, row.item.expr);
      setOpen((now) => new Map(now).set(row.item.expr, answer));
    } catch (error) {
      setProblem(error.message);
      fold(row.item.expr);
    }
  };
  const showMore = async ({ expr, shown }) => {
    try {
      const answer = await pickables(store, cell, field, expr, shown);
      setOpen((now) => withMore(now, expr, shown, answer));
    } catch (error) {
      setProblem(error.message);
    }
  };
  const pick = (row, beside) => (row.more ? showMore(row.more) : (beside && onAppend ? onAppend : onConnect)(row.item.expr));
  const fold = (expr) => setOpen((now) => (now = new Map(now), now.delete(expr), now));
  const onKeyDown = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (move) setAt((now) => Math.max(0, Math.min(items.length - 1, now + move)));
    else if (event.key === "Enter" && active) pick(active, event.altKey);
    else if (event.key === "ArrowRight" && active?.item?.children && search.current.selectionStart === query.length) expand(active);
    else if (event.key === "ArrowLeft" && active && (open.has(active.item?.expr) || active.parent) && search.current.selectionStart === 0) {
      if (open.has(active.item?.expr)) fold(active.item.expr);
      else setAt(items.findIndex((row) => row.item?.expr === active.parent));
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <Popover anchor={anchor} align="end" label={`Connect ${field}`} className="nb-picker" onClose={onClose} stay={(target) => Boolean(target.closest?.("[data-pickable]"))}>
      <div className="nb-search">
        <Glyph name="search" />
        <input ref={search} data-autofocus="" role="combobox" aria-label={`Find a value for ${field}`} aria-expanded="true" aria-controls="nb-picker-list" aria-activedescendant={active ? `pick-${active.key}` : undefined} placeholder={`Value for ${field}`} value={query} spellCheck={false} onChange={(event) => setQuery(event.target.value)} onKeyDown={onKeyDown} />
      </div>
      <div ref={box} id="nb-picker-list" role="listbox" aria-label="Values" className="nb-picker-list" {...moves}>
        {!groups && !problem && <Skeleton />}
        {problem && <p className="nb-empty">{problem}</p>}
        {groups && !items.length && !deep.busy && <p className="nb-empty">{query ? `Nothing is called “${query}”` : "Nothing to connect yet. Give the flow an input, or put a cell before this one."}</p>}
        {rows.map((row) =>
          row.more ? (
            <MoreRow key={row.key} row={row} active={row === active} onHover={() => setAt(items.indexOf(row))} onPick={() => pick(row)} />
          ) : row.item ? (
            <PickRow key={row.key} row={row} active={row === active} open={open.has(row.item.expr)} onHover={() => setAt(items.indexOf(row))} onPick={(event) => pick(row, event.altKey)} onToggle={() => (open.has(row.item.expr) ? fold(row.item.expr) : expand(row))} />
          ) : (
            <h4 key={row.key} role="presentation">{row.name}</h4>
          ),
        )}
      </div>
      <div className="nb-picker-keys">
        <span><kbd>↵</kbd> connect</span>
        {onAppend && <span><kbd>Alt ↵</kbd> insert at cursor</span>}
        <span><kbd>→</kbd> look inside</span>
        <span className="nb-faint">or click a value in an earlier result</span>
        {onPropose && <button type="button" className="nb-btn nb-small" onClick={onPropose}><Glyph name="plug" size={12} /> Propose wires for this field</button>}
      </div>
    </Popover>
  );
}

// who says what a value is like: a word, and a sentence for who asks
const ORIGINS = {
  result: ["result", "known from the last result"],
  old_result: ["old result", "known from a result that is out of date"],
  stand_in: ["stand-in", "known from the stand-in"],
  annotation: ["declared", "declared by the code, which has not run"],
  sample: ["sample", "known from the sample value"],
  schema: ["schema", "declared by the flow's inputs"],
};

const keepKeys = (event) => event.preventDefault(); // a press on a row leaves the keys with the search

function PickRow({ row, active, open, onHover, onPick, onToggle }) {
  const { item, depth } = row;
  const origin = ORIGINS[item.origin];
  return (
    <div id={`pick-${row.key}`} role="option" aria-selected={active} aria-label={`${item.expr}, ${item.type}${item.sample ? `, ${item.sample}` : ""}${origin ? `, ${origin[1]}` : ""}`} className="nb-option" style={{ "--depth": depth }} onMouseDown={keepKeys} onMouseMove={active ? undefined : onHover} onClick={onPick}>
      <span className="nb-twist" data-open={open || undefined} onClick={(event) => item.children && (event.stopPropagation(), onToggle())}>
        {item.children && <Glyph name="expand" size={12} />}
      </span>
      <code>{item.label ?? item.expr}</code>
      {item.why && <span className="nb-why">{item.why}</span>}
      <span className="nb-sample">{item.sample}</span>
      <span className="nb-type">{item.type}</span>
      {depth === 0 && <span className="nb-origin" data-origin={item.origin} title={origin?.[1]}>{origin?.[0]}</span>}
    </div>
  );
}

/** A list that is cut says so, and offers the rest. */
function MoreRow({ row, active, onHover, onPick }) {
  const [shown, total] = [row.more.shown, row.more.total].map((count) => count.toLocaleString("en"));
  return (
    <div id={`pick-${row.key}`} role="option" aria-selected={active} className="nb-option" style={{ "--depth": row.depth }} onMouseDown={keepKeys} onMouseMove={active ? undefined : onHover} onClick={onPick}>
      <span className="nb-twist" />
      <span className="nb-faint">{shown} of {total} shown, <span className="nb-link">show more</span></span>
    </div>
  );
}

/** What a query finds inside of the values, where only the server can look: `{items, busy}`. */
function useDeep(store, cell, field, query) {
  const [found, setFound] = useState({ query: "", items: [] });
  useEffect(() => {
    if (query.length < DEEP_FROM) return undefined;
    const abort = new AbortController();
    const take = (items) => abort.signal.aborted || setFound({ query, items });
    const ask = () => store.query("picker", { cell, field, q: query }, { signal: abort.signal }).then((answer) => take(answer.groups.flatMap((group) => group.items)), () => take([]));
    const timer = setTimeout(ask, DEEP_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [cell, field, query]);
  return useMemo(() => (found.query === query ? { items: found.items, busy: false } : { items: [], busy: query.length >= DEEP_FROM }), [found, query]);
}

function Skeleton() {
  return (
    <div className="nb-skeleton" aria-hidden="true">
      {[70, 50, 62, 40].map((width) => <i key={width} style={{ width: `${width}%` }} />)}
    </div>
  );
}
