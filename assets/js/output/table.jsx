// Rows of a result as a table. The server sorts, filters, searches and pages; the page shows one page of rows.
import { useEffect, useId, useRef, useState } from "react";

import { get, runPath, withQuery } from "../api.js";
import { Icon } from "../icons.jsx";
import { number, pathExpression } from "../words.js";
import { CellActs } from "./cell_acts.jsx";
import { Problem, Skeleton, useDebounced } from "./parts.jsx";
import { useTableKeys } from "./table_keys.js";

const PAGE = 50;
const MANY_COLUMNS = 40;
const NUMERIC = new Set(["number", "integer"]);

const START = { sort: null, q: "", filter: {}, offset: 0 };
const isStart = (view) => !view.sort && !view.q && !view.offset && !Object.keys(view.filter).length;

function useTable({ ws, runId, path, at, first }) {
  const [view, setView] = useState(START);
  const [page, setPage] = useState(first || null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [tries, setTries] = useState(0);
  const rested = useDebounced(view, 200);
  const query = { path, at: at?.length ? at : undefined, q: rested.q, sort: rested.sort ? `${rested.sort.column}:${rested.sort.way}` : undefined, filter: filled(rested.filter), offset: rested.offset || undefined, limit: PAGE };
  useEffect(() => setView(START), [runId, path, first]);
  useEffect(() => {
    setError(null);
    if (first && isStart(rested)) {
      setPage(first);
      setBusy(false);
      return;
    }
    const stop = new AbortController();
    setBusy(true);
    get(runPath(ws, runId, "table"), query, { signal: stop.signal })
      .then((next) => { setPage(next); setBusy(false); }, (reason) => { if (reason.name !== "AbortError") { setError(reason); setBusy(false); } });
    return () => stop.abort();
  }, [ws, runId, path, rested, first, tries]);
  return { view, page, busy, error, query, change: (part) => setView((old) => ({ ...old, offset: 0, ...part })), retry: () => setTries(tries + 1) };
}

const filled = (filter) => {
  const entries = Object.entries(filter).filter(([, text]) => text);
  return entries.length ? Object.fromEntries(entries) : undefined;
};

/**
 * `Table({ws, runId, path, at, wireAt, first, baseExpr, onWire, maxHeight})`: `first` is the page that came with the output, `at`
 * where the server finds the table in the value, `wireAt` where its list of rows stands for expressions.
 */
export function Table({ ws, runId, path, at = [], wireAt = at, first, baseExpr = "", onWire, maxHeight = 360 }) {
  const table = useTable({ ws, runId, path, at, first });
  const { view, page, busy } = table;
  const [filters, setFilters] = useState(false);
  const [allColumns, setAllColumns] = useState(false);
  const acts = useRef(null);
  const keys = useTableKeys(page, (cell) => acts.current?.mark(cell));
  const id = useId();
  if (!page && table.error) return <Problem error={table.error} what="The table" retry={table.retry} />;
  if (!page) return <Skeleton lines={5} label="Loading the table" />;
  const columns = allColumns ? page.columns : page.columns.slice(0, MANY_COLUMNS);
  const toggleSort = (name) => table.change({ sort: nextSort(view.sort, name) });
  const small = page.total <= 8 && isStart(view);
  const originalOf = (index) => page.index?.[index] ?? (view.sort || view.q || filled(view.filter) ? null : page.offset + index);
  const about = (cell) => {
    const [row, column] = cell.id.slice(id.length + 1).split("-").map(Number);
    const original = originalOf(row);
    if (original === null || !page.rows[row] || !columns[column]) return null;
    return { text: cellText(page.rows[row][column]), where: [...wireAt, original, columns[column].name] };
  };
  return (
    <div className={`table ${busy ? "busy" : ""}`} aria-busy={busy}>
      {!small && (
        <div className="table-bar">
          <label className="find"><Icon name="search" /><span className="sr">Search the rows</span><input value={view.q} onChange={(event) => table.change({ q: event.target.value })} placeholder="Search the rows" spellCheck={false} /></label>
          <button type="button" className="tool" aria-pressed={filters} onClick={() => { setFilters(!filters); if (filters) table.change({ filter: {} }); }}><Icon name="filter" /><span>Filter columns</span></button>
          {!isStart(view) && <button type="button" className="link" onClick={() => table.change(START)}>Clear</button>}
        </div>
      )}
      {table.error && <Problem error={table.error} what="These rows" retry={table.retry} />}
      <div className="table-body" style={{ maxHeight }} role="region" aria-label={`Rows of ${[path, ...at].join(".")}`}>
        <table role="grid" aria-label="Rows" tabIndex={0} {...keys} onPointerOver={(event) => acts.current?.over(event.target.closest("td[id]"))} onPointerLeave={() => acts.current?.over(null)}>
          <thead>
            <tr>
              <th className="rownum"><span className="sr">Row</span></th>
              {columns.map((column) => <Head key={column.name} column={column} sort={view.sort} onSort={() => toggleSort(column.name)} />)}
            </tr>
            {filters && (
              <tr className="filters">
                <td className="rownum" />
                {columns.map((column) => <td key={column.name}><input aria-label={`Filter ${column.name}`} placeholder={NUMERIC.has(column.type) ? "e.g. > 100" : "contains"} value={view.filter[column.name] || ""} onChange={(event) => table.change({ filter: { ...view.filter, [column.name]: event.target.value } })} spellCheck={false} /></td>)}
              </tr>
            )}
          </thead>
          <tbody>
            {page.rows.map((row, index) => {
              const original = originalOf(index);
              return (
                <tr key={original ?? `r${page.offset + index}`}>
                  <td className="rownum num">{original === null ? "" : number(original + 1)}</td>
                  {columns.map((column, c) => <Cell key={column.name} id={`${id}-${index}-${c}`} value={row[c]} column={column} pick={onWire && original !== null ? pathExpression(baseExpr, [...wireAt, original, column.name]) : undefined} />)}
                </tr>
              );
            })}
          </tbody>
          {/* in the table, so that the pointer does not leave it on its way to a button */}
          <CellActs told={acts} shown={page} {...{ about, baseExpr, onWire }} />
        </table>
        {!page.rows.length && <p className="out-note">{page.total ? "No row matches. Clear the search or a filter to see all." : "The list has no rows."}</p>}
      </div>
      <Foot {...{ page, view, table, ws, runId, columns, showAll: () => setAllColumns(true) }} />
    </div>
  );
}

function nextSort(sort, column) {
  if (sort?.column !== column) return { column, way: "asc" };
  return sort.way === "asc" ? { column, way: "desc" } : null;
}

function Head({ column, sort, onSort }) {
  const way = sort?.column === column.name ? sort.way : null;
  return (
    <th scope="col" className={NUMERIC.has(column.type) ? "right" : ""} aria-sort={way ? (way === "asc" ? "ascending" : "descending") : "none"}>
      <button type="button" onClick={onSort} title={`${column.name}, ${column.type}. Sort`}><span>{column.name}</span><Icon name={way === "desc" ? "down" : "up"} size={11} className={way ? "" : "ghost"} /></button>
    </th>
  );
}

function Cell({ id, value, column, pick }) {
  const numeric = NUMERIC.has(column.type);
  const text = cellText(value);
  return (
    <td id={id} data-pick={pick} className={`${numeric ? "right num" : ""} ${value === null || value === undefined ? "none" : ""}`}>
      <span className="cell-value" title={text.length > 40 ? text : undefined}>{text}</span>
    </td>
  );
}

function cellText(value) {
  if (value === null || value === undefined) return "null";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

function Foot({ page, view, table, ws, runId, columns, showAll }) {
  const from = page.matched ? page.offset + 1 : 0;
  const to = page.offset + page.rows.length;
  const filtered = page.matched !== page.total;
  const { offset: _offset, limit: _limit, ...whole } = table.query;
  return (
    <div className="table-foot">
      <span className="num" role="status">{page.matched ? `rows ${number(from)}–${number(to)} of ${number(page.matched)}` : "no rows"}{filtered && `, ${number(page.total)} in all`}</span>
      {page.matched > PAGE && (
        <span className="pager">
          <button type="button" className="tool" aria-label="Previous rows" disabled={!view.offset} onClick={() => table.change({ offset: Math.max(0, view.offset - PAGE) })}><Icon name="left" /></button>
          <button type="button" className="tool" aria-label="Next rows" disabled={to >= page.matched} onClick={() => table.change({ offset: view.offset + PAGE })}><Icon name="right" /></button>
        </span>
      )}
      {page.columns.length > columns.length && <button type="button" className="link" onClick={showAll}>Show all {page.columns.length} columns</button>}
      <span className="grow" />
      <Csv all={withQuery(runPath(ws, runId, "table.csv"), { path: whole.path, at: whole.at })} view={isStart({ ...view, offset: 0 }) ? null : withQuery(runPath(ws, runId, "table.csv"), whole)} matched={page.matched} total={page.total} />
    </div>
  );
}

/** A download respects the filter, and says so; the whole table stays one click away. */
function Csv({ all, view, matched, total }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  const button = useRef(null);
  useEffect(() => {
    if (!open) return;
    const away = (event) => (event.type === "keydown" ? event.key === "Escape" && (button.current?.focus(), true) : !box.current?.contains(event.target)) && setOpen(false);
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", away);
    return () => { document.removeEventListener("pointerdown", away); document.removeEventListener("keydown", away); };
  }, [open]);
  if (!view) return <a className="tool" href={all} download><span>CSV</span><Icon name="download" /></a>;
  return (
    <span className="menu-box" ref={box}>
      <button ref={button} type="button" className="tool" aria-expanded={open} aria-haspopup="true" onClick={() => setOpen(!open)}><span>CSV</span><Icon name="download" /></button>
      {open && (
        <span className="menu up" onClick={() => setOpen(false)}>
          <a href={view} download>This view, {number(matched)} rows</a>
          <a href={all} download>All {number(total)} rows</a>
        </span>
      )}
    </span>
  );
}
