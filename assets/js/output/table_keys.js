// A table by keys: arrows go from value to value, a letter does what the button of the value does: c copies it, p its path, w uses it.
import { useLayoutEffect, useRef } from "react";

const ROWS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
const COLUMNS = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };
const ACTS = { c: "value", p: "path", w: "wire" };

const within = (at, count) => Math.max(0, Math.min(count - 1, at));
const rowsOf = (table) => [...table.tBodies[0].rows];
const valuesOf = (row) => [...row.cells].filter((cell) => cell.id);

/** The value that a move leads to; undefined where the key moves nothing or there is no value. */
function moved(table, from, key) {
  const rows = rowsOf(table);
  const row = rows.indexOf(from?.parentElement);
  if (row < 0) return valuesOf(rows[0] ?? table.tHead.rows[0])[0];
  const column = valuesOf(rows[row]).indexOf(from);
  const values = valuesOf(rows[within(row + (ROWS[key] ?? 0), rows.length)]);
  return values[within(column + (COLUMNS[key] ?? 0), values.length)];
}

/**
 * Handlers for the table's element, which has the focus, and a `ref` to it; `shown` is what its rows are made of. Drawn by
 * attributes: a move through 2,000 values renders none of them. `marked(cell)` is told which value the keys are at, null for none.
 */
export function useTableKeys(shown, marked) {
  const ref = useRef(null);
  const on = useRef(null);
  const mark = (table, cell) => {
    on.current?.removeAttribute("data-on");
    on.current = cell;
    cell.setAttribute("data-on", "");
    table.setAttribute("aria-activedescendant", cell.id);
    marked(cell);
  };
  const go = (table, cell) => {
    if (!cell) return;
    mark(table, cell);
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  // other rows: a value that is still there may have another id, and of one that is gone nothing can be copied
  useLayoutEffect(() => {
    if (!on.current) return;
    if (on.current.isConnected) ref.current?.setAttribute("aria-activedescendant", on.current.id);
    else {
      on.current = null;
      marked(null);
      ref.current?.removeAttribute("aria-activedescendant");
    }
  }, [shown]);
  // a press begins where it was: scrolling before its release would lose the click
  const onPointerDown = (event) => {
    const cell = event.target.closest("td[id]");
    if (cell) mark(event.currentTarget, cell);
  };
  const onFocus = (event) => {
    const table = event.currentTarget;
    if (event.target === table && !on.current && table.matches(":focus-visible")) go(table, moved(table, null));
  };
  const onKeyDown = (event) => {
    const table = event.currentTarget;
    if (event.target !== table || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ROWS || event.key in COLUMNS) go(table, moved(table, on.current, event.key));
    else if (ACTS[event.key]) on.current?.querySelector(`[data-act="${ACTS[event.key]}"]`)?.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { ref, onPointerDown, onFocus, onKeyDown };
}
