// The bin: cells that were deleted from this draft, and the way back.
import { useEffect, useRef, useState } from "react";
import { useStore } from "./context.js";
import { KIND_LABELS } from "./reduce.js";
import { Dialog } from "./ui.jsx";
import { when } from "../words.js";

export function Bin({ onClose }) {
  const store = useStore();
  const [list, setList] = useState(null);
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(null);
  const rows = useRef(null);
  const read = () => store.settled().then(() => store.ask("GET", "bin")).then(setList, setFailed);
  useEffect(() => { read(); }, []);
  // the list came after the dialog, lost the line that had the focus, or its button could not be pressed for a while
  useEffect(() => {
    if (list && busy === null) (rows.current?.querySelector("button") ?? document.querySelector(".nb-bin button"))?.focus();
  }, [list, busy]);
  const back = async (one) => {
    setBusy(one.cell);
    if (await store.putBack(one.cell)) store.announce(`${one.step_id} is back`);
    await read();
    setBusy(null);
  };
  return (
    <Dialog title="Bin" onClose={onClose} className="nb-bin">
      {failed && <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>}
      {!list && !failed && <div className="nb-skeleton" aria-label="Loading the bin"><i style={{ width: "70%" }} /><i style={{ width: "50%" }} /></div>}
      {list?.length === 0 && <p className="nb-empty">No cell is in the bin. What you delete stays here, with its code and its wires.</p>}
      {list?.length > 0 && (
        <ul ref={rows} aria-label="Deleted cells, newest first">
          {list.map((one) => (
            <li key={one.cell}>
              <div className="nb-bin-line">
                <span className="nb-chip nb-chip-fixed">{one.step_id}</span>
                <span className="nb-bin-title">{one.title || <span className="nb-faint">no title</span>}</span>
                <button type="button" className="nb-btn nb-small" aria-label={`Put back ${one.step_id}`} disabled={busy !== null} onClick={() => back(one)}>{busy === one.cell ? "Putting back…" : "Put back"}</button>
              </div>
              <small>{one.language_label || (KIND_LABELS[one.kind] ?? one.kind)}, deleted {when(one.at, { seconds: true })} by {one.by}</small>
              {one.code && <pre>{one.code}</pre>}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
