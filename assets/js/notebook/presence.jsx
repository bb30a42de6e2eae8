// Who else is here, in this draft and in others of the flow: in the bar, at the heads of cells, and over a text that somebody changes.
import { memo } from "react";
import { cellNode } from "./commands.js";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { keysOf } from "./shortcuts.js";
import { namesOf } from "./team.js";

const MOST = 3;

const Face = ({ person, away }) => <span className="nb-face" data-away={away || undefined} style={{ "--face": `var(--chart-${person.colour})` }} aria-hidden="true">{person.initials}</span>;

/** A few of them, and how many more. A number never stands for one. */
function Faces({ people, away }) {
  const shown = people.length > MOST + 1 ? people.slice(0, MOST) : people;
  const rest = people.length - shown.length;
  return (
    <>
      {shown.map((person) => <Face key={person.user} person={person} away={away} />)}
      {rest > 0 && <span className="nb-face" data-rest data-away={away || undefined} aria-hidden="true">+{rest}</span>}
    </>
  );
}

const inWords = (store, person) => {
  const step = person.cell && store.cell(person.cell)?.step_id;
  return step ? `${person.name}, in ${step}` : person.name;
};

/** In the bar: a few by their initials, the rest as a number; those in other drafts apart. */
export const People = memo(function People() {
  const store = useStore();
  const people = useKey("people");
  const team = useKey("team");
  return (
    <>
      <Group words="Also here" people={people} of={(person) => inWords(store, person)} />
      <Group words="In other drafts of this flow" people={team} of={awayWords} away />
    </>
  );
});

function Group({ words, people, of, away }) {
  if (!people.length) return null;
  const all = `${words}: ${people.map(of).join("; ")}`;
  return (
    <span className="nb-people" role="group" aria-label={all} title={all}>
      <Faces people={people} away={away} />
    </span>
  );
}

const awayWords = ({ name, step, typing }) => (step ? `${name}, ${typing ? "changing" : "in"} ${step}` : name);

/** At the head of a cell: who has it selected or the caret in it, here or in another draft. It takes no room of its own. */
export const HereMark = memo(function HereMark({ id, step }) {
  const people = useKey(`here:${id}`) ?? NOBODY;
  const team = useKey(`team:${step}`) ?? NOBODY;
  if (!people.length && !team.length) return null;
  const words = [people.length && `${namesOf(people)} ${people.length > 1 ? "are" : "is"} in this cell`, ...team.map(elsewhere)].filter(Boolean).join(". ");
  return (
    <span className="nb-here" title={words}>
      <span className="nb-sr">{words}</span>
      <Faces people={people} />
      {team.some((person) => person.typing) && <span className="nb-here-typing" aria-hidden="true"><Glyph name="pencil" size={11} /></span>}
      <Faces people={team} away />
    </span>
  );
});

const NOBODY = Object.freeze([]);

const elsewhere = ({ name, typing, changed }) => `${name} is ${typing ? "changing" : "in"} this cell in another draft${changed && !typing ? ", where it was changed" : ""}`;

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

/** In the cell that one is in: somebody changes the same step in another draft. It is a hint, and the text is open. */
export const HintNote = memo(function HintNote({ id, step }) {
  const store = useStore();
  const people = useKey(`hint:${step}`);
  const locked = useKey(`lock:${id}`);
  const selected = useFact("selected", (at) => at === id);
  if (!people || locked || !selected) return null;
  const words = `${namesOf(people)} ${people.length > 1 ? "are" : "is"} changing this cell in another draft`;
  return (
    <p className="nb-lock" data-away role="group" aria-label={words}>
      <Face person={people[0]} away />
      <span>{words}</span>
      <button type="button" className="nb-btn nb-small" title={`${keysOf("take_over")}, or go on typing`} onClick={() => takeOver(store, id)}>Edit anyway</button>
    </p>
  );
});

/** Take a cell over, or edit it though it is being changed in another draft, and go on in its text. */
export async function takeOver(store, id) {
  const step = store.cell(id)?.step_id;
  const hinted = Boolean(store.get(`hint:${step}`));
  if (hinted) store.team.pass(step);
  if (store.get(`lock:${id}`) ? await store.presence.takeOver(id) : hinted) cellNode(id)?.querySelector(":scope > .nb-code-wrap .nb-code")?.dispatchEvent(new CustomEvent("nb-focus"));
}
