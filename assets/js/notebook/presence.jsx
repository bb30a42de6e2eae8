// Who else is here: in the bar, at the heads of cells, and over the text that somebody else is typing in.
import { memo } from "react";
import { cellNode } from "./commands.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { keysOf } from "./shortcuts.js";

const MOST = 3;

const Face = ({ person }) => <span className="nb-face" style={{ "--face": `var(--chart-${person.colour})` }} aria-hidden="true">{person.initials}</span>;

/** A few of them, and how many more. A number never stands for one. */
function Faces({ people }) {
  const shown = people.length > MOST + 1 ? people.slice(0, MOST) : people;
  const rest = people.length - shown.length;
  return (
    <>
      {shown.map((person) => <Face key={person.user} person={person} />)}
      {rest > 0 && <span className="nb-face" data-rest aria-hidden="true">+{rest}</span>}
    </>
  );
}

const inWords = (store, person) => {
  const step = person.cell && store.cell(person.cell)?.step_id;
  return step ? `${person.name}, in ${step}` : person.name;
};

/** In the bar: a few by their initials, the rest as a number. */
export const People = memo(function People() {
  const store = useStore();
  const people = useKey("people");
  if (!people.length) return null;
  const words = people.map((person) => inWords(store, person));
  return (
    <span className="nb-people" role="group" aria-label={`Also here: ${words.join("; ")}`} title={`Also here: ${words.join("; ")}`}>
      <Faces people={people} />
    </span>
  );
});

/** At the head of a cell: who has it selected or the caret in it. It takes no room of its own. */
export const HereMark = memo(function HereMark({ id }) {
  const people = useKey(`here:${id}`);
  if (!people) return null;
  const words = `${people.map((person) => person.name).join(", ")} ${people.length > 1 ? "are" : "is"} in this cell`;
  return (
    <span className="nb-here" title={words}>
      <span className="nb-sr">{words}</span>
      <Faces people={people} />
    </span>
  );
});

/** Over a text that somebody else is typing in. It comes after the editor, so Tab leads to it. */
export const LockNote = memo(function LockNote({ id, step }) {
  const store = useStore();
  const lock = useKey(`lock:${id}`);
  if (!lock) return null;
  return (
    <p className="nb-lock" role="group" aria-label={`${lock.name} is typing in ${step}`}>
      <Face person={lock} />
      <span>{lock.taken ? `${lock.name} took over. Your text is kept.` : `${lock.name} is typing here`}</span>
      <button type="button" className="nb-btn nb-small" title={keysOf("take_over")} onClick={() => takeOver(store, id)}><Glyph name="pencil" size={12} /> Take over</button>
    </p>
  );
});

/** Take a cell over and go on in its text. */
export async function takeOver(store, id) {
  if (!store.get(`lock:${id}`)) return;
  if (await store.presence.takeOver(id)) cellNode(id)?.querySelector(":scope > .nb-code-wrap .nb-code")?.dispatchEvent(new CustomEvent("nb-focus"));
}
