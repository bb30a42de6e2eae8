// Where a cell failed: the way on without it, a value that it hands on instead of running.
import { isSingle, perform } from "./commands.js";
import { useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { keysOf } from "./shortcuts.js";

export function InsteadOfRunning({ id, step }) {
  const store = useStore();
  if (isSingle(store.cell(id))) return null; // nothing reads from it
  return (
    <p className="nb-instead">
      <button type="button" className="nb-btn" aria-label={`Use a stand-in for ${step}`} title={`Stand-ins of the cell (${keysOf("stand_ins")})`} onClick={() => perform(store, "stand_ins", id)}><Glyph name="pin" size={12} /> Use a stand-in…</button>
      <span className="nb-faint">Cells below go on with a value that you choose.</span>
    </p>
  );
}
