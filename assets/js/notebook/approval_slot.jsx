// The place in a waiting cell where its approval is answered.
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";

export function ApprovalSlot({ id }) {
  const store = useStore();
  const state = useKey(`state:${id}`);
  const run = store.lastRun;
  return (
    <div className="nb-approval" role="group" aria-label="Approval">
      <Glyph name="pause" size={13} /> <span>{state?.text}</span>
      {run && <a className="nb-link" href={`/runs/${run}`}>Answer on the page of the run</a>}
    </div>
  );
}
