// The id of a step, edited in place. Where others refer to the step, what a new id changes is shown before it is done.
import { useEffect, useRef, useState } from "react";
import { cellNode } from "./commands.js";
import { useFact, useStore } from "./context.js";
import { changesInWords, changesOf, pieces } from "./renames.js";
import { EditInPlace, Popover } from "./ui.jsx";

const STEP_ID = /^[A-Za-z][A-Za-z0-9_-]*$/;
const chipOf = (id) => cellNode(id)?.querySelector(":scope > .nb-hd .nb-chip");

export function StepId({ cell: { id, step_id: step } }) {
  const store = useStore();
  const [proposed, setProposed] = useState(null);
  const check = (text) => {
    if (!STEP_ID.test(text)) return "Letters, digits, _ and -, beginning with a letter";
    const owner = store.cellOfStep(text);
    return owner && owner !== id ? "Another cell has this id" : "";
  };
  const rename = (to) => store.do({ op: "rename_step", cell: id, step_id: to });
  const save = (to) => {
    store.flush(); // an expression that was typed just now counts
    if (changesOf(store.view, store.get("order") ?? [], step, to).length) setProposed(to);
    else rename(to);
  };
  const done = (to) => {
    setProposed(null);
    if (to && to !== step) rename(to);
    cellNode(id)?.focus({ preventScroll: true });
  };
  const onClose = (why) => {
    if (why === "escape" || why === "anchor") chipOf(id)?.querySelector("input").focus(); // which takes up the proposed text
    setProposed(null);
  };
  return (
    <>
      <EditInPlace className="nb-chip" mono label={`Step id of ${step}`} value={step} proposed={proposed} placeholder="…" check={check} onSave={save} />
      {proposed !== null && <RenamePreview id={id} step={step} to={proposed} onRename={() => done(proposed)} onCancel={() => done(null)} onClose={onClose} />}
    </>
  );
}

function RenamePreview({ id, step, to, onRename, onCancel, onClose }) {
  const store = useStore();
  useFact("draft", (draft) => draft?.version); // what others change meanwhile is in the list
  const body = useRef(null);
  const button = useRef(null);
  useEffect(() => {
    // leaving the field by Tab or a press moves the focus once more, after this has been drawn
    const frame = requestAnimationFrame(() => body.current?.contains(document.activeElement) || button.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const changes = changesOf(store.view, store.get("order") ?? [], step, to);
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.target.closest("button:not([data-primary])")) return;
    event.preventDefault();
    if (!event.repeat) onRename(); // Enter held down is the one that opened this
  };
  const words = changes.length ? ` — ${changesInWords(changes)}` : "";
  return (
    <Popover anchor={chipOf(id)} label={`Rename ${step} to ${to}${words}`} className="nb-rename" restore={false} onClose={onClose}>
      <div ref={body} tabIndex={-1} onKeyDown={onKeyDown}>
        <p>Rename <code>{step}</code> to <code>{to}</code>{words}</p>
        <ul tabIndex={0} aria-label="What changes">
          {changes.map((change) => (
            <li key={change.key}>
              <span><b>{change.cell ?? "Flow"}</b> · {change.field}</span>
              <code>{pieces(change.text, change.places).map((piece, index) => (piece.to === undefined ? <span key={index}>{piece.text}</span> : <span key={index}>{piece.old && <del>{piece.old}</del>}<ins>{piece.to}</ins></span>))}</code>
            </li>
          ))}
        </ul>
        <footer>
          <button ref={button} type="button" className="nb-btn" data-primary="" data-autofocus="" onClick={onRename}>Rename</button>
          <button type="button" className="nb-btn" onClick={onCancel}>Cancel</button>
        </footer>
      </div>
    </Popover>
  );
}
