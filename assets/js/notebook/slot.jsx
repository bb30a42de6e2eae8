// A row of cells and notes, with a gap before, between and after them: the top level, a loop's body, one branch.
import { memo, startTransition, useEffect, useState } from "react";
import { useKey } from "./context.js";
import { Cell } from "./cell.jsx";
import { Gap } from "./insert.jsx";
import { Note } from "./notes.jsx";
import { Boundary } from "./ui.jsx";

const NONE = [];
const AT_FIRST = 12; // cells that stand with the first drawing; the rest follows in pieces that leave the page free

/** All items once they were all shown; before that the first ones. */
function useFirstOnes(items) {
  const [whole, setWhole] = useState(items.length <= AT_FIRST);
  useEffect(() => {
    if (!whole) startTransition(() => setWhole(true));
  }, [whole]);
  return whole ? items : items.slice(0, AT_FIRST);
}


export const Slot = memo(function Slot({ parent = null, slot = "modules", empty }) {
  const items = useKey(`slot:${parent ? `${parent}:${slot}` : "root"}`) ?? NONE;
  const shown = useFirstOnes(items);
  const rows = [];
  let index = 0;
  let after = parent ? undefined : null;
  for (const item of shown) {
    const note = item.startsWith("note:");
    rows.push(
      <div key={item} className="nb-item" role="listitem">
        <Gap parent={parent} slot={slot} index={index} after={after} />
        <Boundary what={note ? "This note" : "This cell"}>{note ? <Note id={item.slice(5)} /> : <Cell id={item} />}</Boundary>
      </div>,
    );
    if (note) continue;
    index += 1;
    after = item;
  }
  return (
    <div className="nb-slot" data-root={!parent || undefined}>
      {items.length > 0 && <div role="list">{rows}</div>}
      <Gap parent={parent} slot={slot} index={index} after={after} always={!parent || !items.length} empty={items.length ? undefined : empty} />
    </div>
  );
});

/** The place of the failure handler or the preprocessor: nothing where the flow has none. */
export const SingleSlot = memo(function SingleSlot({ slot }) {
  const items = useKey(`slot:root:${slot}`) ?? NONE;
  if (!items.length) return null;
  return (
    <div className="nb-slot nb-single" role="list" data-root>
      {items.filter((item) => !item.startsWith("note:")).map((item) => (
        <div key={item} className="nb-item" role="listitem"><Boundary what="This cell"><Cell id={item} /></Boundary></div>
      ))}
    </div>
  );
});
