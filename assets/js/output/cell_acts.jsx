// What can be done with one value of a table. Only the value under the pointer and that of the keys have these buttons: those of
// all values would be most of the page.
import { useImperativeHandle, useLayoutEffect, useState } from "react";
import { createPortal } from "react-dom";

import { Icon } from "../icons.jsx";
import { pathExpression } from "../words.js";
import { CopyButton } from "./parts.jsx";
import { dragged } from "./wire_drag.js";

/**
 * `CellActs({told, shown, about, baseExpr, onWire})`: `told` is a ref that gets `over(td)` and `mark(td)`, null for none; `about(td)`
 * is the `{text, where}` of a value, or null; `shown` is what the rows are made of.
 */
export function CellActs({ told, shown, about, baseExpr, onWire }) {
  const [, look] = useState(null);
  useLayoutEffect(() => look(shown), [shown]); // values have their places only when the rows stand
  const [over, setOver] = useState(null);
  const [marked, setMarked] = useState(null);
  useImperativeHandle(told, () => ({ over: setOver, mark: setMarked }), []);
  return [...new Set([over, marked])].map((cell) => {
    const found = cell?.isConnected ? about(cell) : null;
    return found && createPortal(<Acts {...found} baseExpr={baseExpr} onWire={onWire} />, cell, cell.id);
  });
}

function Acts({ text, where, baseExpr, onWire }) {
  return (
    <span className="cell-acts">
      <CopyButton short act="value" label="Copy value (c)" text={text} />
      {baseExpr && <CopyButton short act="path" label="Copy path (p)" icon="path" text={() => pathExpression(baseExpr, where)} />}
      {onWire && <button type="button" className="tool wire" data-act="wire" {...dragged(pathExpression(baseExpr, where))} title="Use this value in a cell (w), or drag it onto an input" aria-label="Use this value in a cell" onClick={() => onWire(where)}><Icon name="plug" /></button>}
    </span>
  );
}
