// The gap between two cells: a line to drop on while dragging, and on hover or focus the kinds that can be put there.
import { useDndContext, useDroppable } from "@dnd-kit/core";
import { memo, useState } from "react";
import { putKind, putSingle } from "./commands.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { KINDS, NOTE, SINGLES, insertNote } from "./modules.js";
import { MenuButton } from "./ui.jsx";

export const gapId = ({ parent, slot, index }) => JSON.stringify([parent, slot, index]);
export const gapOf = (id) => {
  const [parent, slot, index] = JSON.parse(id);
  return { parent, slot, index };
};

/** `after`: the cell before the gap, where a note would hang; undefined where a note has no place. */
export const Gap = memo(function Gap({ parent, slot, index, after, always = false, empty }) {
  const dragging = useKey("dragging");
  const [open, setOpen] = useState(false);
  return (
    <div className="nb-gap" data-always={always || undefined} data-empty={empty ? "" : undefined} data-open={open || undefined} onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)} onFocus={() => setOpen(true)} onBlur={(event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false)}>
      {dragging ? <DropLine parent={parent} slot={slot} index={index} /> : null}
      {empty && <span className="nb-gap-empty">{empty}</span>}
      {open || always ? (
        <Kinds parent={parent} slot={slot} index={index} after={after} />
      ) : (
        <button type="button" className="nb-gap-plus" aria-label="Insert here"><Glyph name="plus" size={12} /></button>
      )}
    </div>
  );
});

function Kinds({ parent, slot, index, after }) {
  const store = useStore();
  const put = (kind) => putKind(store, kind, { parent, slot, index });
  const putNote = () => {
    const note = insertNote(store, after);
    requestAnimationFrame(() => document.querySelector(`[data-note="${note}"]`)?.dispatchEvent(new CustomEvent("nb-edit")));
  };
  const more = () => [
    ...KINDS.filter((kind) => kind.more).map((kind) => ({ label: kind.call ? `${kind.label}…` : kind.label, icon: kind.icon, run: () => put(kind) })),
    ...(parent ? [] : ["-", ...Object.values(SINGLES).map((single) => ({ label: single.label, icon: single.icon, run: () => putSingle(store, single.id) }))]),
  ];
  return (
    <span className="nb-kinds" role="group" aria-label="Insert here">
      <Glyph name="plus" size={12} />
      {KINDS.filter((kind) => !kind.more).map((kind) => <button key={kind.id} type="button" aria-label={`Insert ${kind.label}`} onClick={() => put(kind)}>{kind.label}</button>)}
      {after !== undefined && <button type="button" aria-label="Insert a note" onClick={putNote}>{NOTE.label}</button>}
      <MenuButton className="nb-kinds-more" label="Insert something else" items={more}>Other…</MenuButton>
    </span>
  );
}

function DropLine(place) {
  const { setNodeRef, isOver } = useDroppable({ id: gapId(place) });
  useDndContext();
  return <i ref={setNodeRef} className="nb-drop" data-over={isOver || undefined} />;
}
