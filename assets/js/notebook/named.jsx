// Variables and resources that the flow names: those that one may use are kept, the others can be bound anew, all in one step.
import { useEffect, useRef, useState } from "react";
import { count } from "../words.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { Dialog } from "./ui.jsx";

const WORDS = { variable: "Variable", resource: "Resource" };
const PAGES = { variable: "/variables", resource: "/resources" };
const keyOf = (name) => `${name.kind} ${name.path}`;

export function NamedDialog({ forked, onClose }) {
  const store = useStore();
  const draft = useKey("draft");
  const [found, setFound] = useState(null);
  const [failed, setFailed] = useState(null);
  const [chosen, setChosen] = useState({});
  useEffect(() => {
    store.settled().then(() => store.ask("GET", "named")).then(setFound, setFailed);
  }, []);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), [found]); // the list came after the dialog
  const bindings = (found?.names ?? []).filter((name) => chosen[keyOf(name)]).map((name) => ({ kind: name.kind, path: name.path, to: chosen[keyOf(name)] }));
  const bind = (event) => {
    event.preventDefault();
    if (!bindings.length) return onClose();
    store.doThen({ op: "bind_names", bindings }, (made) => store.toastDone({ text: `Bound ${count(bindings.length, "name")} anew`, tone: "ok", ms: 12000 }, made));
    return onClose();
  };
  const lists = [["To bind anew", false], ["Kept", true]].map(([title, there]) => [title, (found?.names ?? []).filter((name) => name.found === there)]);
  const missing = lists[0][1].length;
  return (
    <Dialog title="Variables and resources" className="named" onClose={onClose}>
      {forked && <p className="nb-muted">This is your own copy now, at <code>{draft.path}</code>. The flow it was made of stays as it is.</p>}
      {failed && <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>}
      {!found && !failed && <div className="nb-skeleton" aria-label="Loading the names"><i style={{ width: "70%" }} /><i style={{ width: "50%" }} /></div>}
      {found && !found.names.length && <p className="nb-empty">The flow names no variable and no resource.</p>}
      {found?.names.length > 0 && (
        <form onSubmit={bind}>
          <p className="nb-muted">{missing ? `${count(missing, "name")} ${missing === 1 ? "is" : "are"} not there, or not yours to use. Choose what to name instead; what is left for later fails when the cell runs.` : "All of them are there, and you may use them."}</p>
          {lists.map(([title, names]) => names.length > 0 && (
            <section key={title} aria-label={title}>
              <h3>{title}</h3>
              <ul>{names.map((name, index) => <Name key={keyOf(name)} name={name} first={index === 0 && (!missing || !name.found) ? first : undefined} choices={found.choices[name.kind]} value={chosen[keyOf(name)] ?? ""} onChoose={(to) => setChosen({ ...chosen, [keyOf(name)]: to })} />)}</ul>
            </section>
          ))}
          <footer>
            <button type="button" className="nb-btn" onClick={onClose}>{missing ? "Leave for later" : "Close"}</button>
            <button type="submit" className="nb-btn" data-primary="" disabled={!bindings.length}>{bindings.length ? `Bind ${bindings.length} anew` : "Bind anew"}</button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

function Name({ name, choices, value, first, onChoose }) {
  const last = name.path.split("/").at(-1);
  const likely = (choice) => (choice.path.split("/").at(-1) === last ? 0 : 1);
  const others = choices.filter((choice) => choice.path !== name.path).sort((a, b) => likely(a) - likely(b)); // stable: by path within
  const shown = name.places.slice(0, 4).map((place) => (place.step_id ? `${place.step_id}.${place.field}` : `the flow's ${place.field}`)).join(", ");
  const more = name.places.length - 4;
  return (
    <li>
      <div>
        <b>{!name.found && <Glyph name="warn" size={13} />}<code>{name.path}</code></b>
        <span>{WORDS[name.kind]} of {shown}{more > 0 && ` and ${more} more`}</span>
      </div>
      {others.length ? (
        <select ref={first} className="in-select" aria-label={`Instead of the ${name.kind} ${name.path}`} value={value} onChange={(event) => onChoose(event.target.value)}>
          <option value="">{name.found ? "Keep it" : "Leave for later"}</option>
          {others.map((choice) => <option key={choice.path} value={choice.path}>{choice.path}{choice.type && ` (${choice.type})`}</option>)}
        </select>
      ) : (
        <span className="named-none">There is no other {name.kind} yet. <a href={PAGES[name.kind]}>Make one</a></span>
      )}
    </li>
  );
}
