// A JSON value as a field of a page's form: as the form of a schema, and as the JSON text that it is. Nothing is lost between the
// two, and a value that nobody changes is sent as it came.
import { useEffect, useId, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { SchemaFields, focusWrong } from "./schema_form.jsx";
import { hasFields, joined, misfits, parted, readValue, same, withoutDefaults } from "./value_model.js";

/**
 * `ValueField({name, label, schema, why, text, fresh, context, help})`: sent by the form around it as `name`, a JSON text. Without a `schema`
 * it is edited as JSON, and `why` says the reason. `fresh`: a new value, which begins with the schema's defaults.
 */
export function ValueField({ name, label, schema, why, text, fresh = false, context, help, children }) {
  const usable = hasFields(schema) ? schema : null;
  const [held, setHeld] = useState(() => ({ text, ...(usable && !readValue(text).problem ? { view: "form" } : { view: "json" }), turn: 0 }));
  const [wanted, setWanted] = useState("form");
  const [before, setBefore] = useState(usable);
  const hidden = useRef(null);
  const box = useRef(null);
  const fields = useRef(null);
  const id = useId();

  let shown = held;
  if (before !== usable) {
    // another schema: what has been typed goes along, and what only the old one had put there does not
    const read = readValue(held.text);
    const kept = fresh && before && !read.problem ? JSON.stringify(withoutDefaults(read.value, before), null, 2) : held.text;
    shown = { text: kept, view: usable && wanted === "form" && !read.problem ? "form" : "json", turn: held.turn + 1 };
    setBefore(usable);
    setHeld(shown);
  }

  const change = (data) => {
    const { value } = readValue(held.text);
    const { known, others } = parted(value, usable);
    const told = fresh ? withoutDefaults(data, usable) : data; // defaults are of the form, which says them when it is sent
    if (!same(told, known)) setHeld((now) => ({ ...now, text: JSON.stringify(joined(value, told, others), null, 2) }));
  };
  /** The text that the value is now; what a new value's form shows counts, and so do defaults in it. */
  const now = () => {
    if (held.view !== "form" || !fresh || !fields.current) return held.text;
    const { value } = readValue(held.text);
    return JSON.stringify(joined(value, fields.current.data(), parted(value, usable).others), null, 2);
  };
  const latest = useRef(null);
  latest.current = { held, now };
  useEffect(() => {
    const form = box.current.closest("form");
    const gate = (event) => {
      const { held, now } = latest.current;
      const first = !event.defaultPrevented;
      if (held.view === "form" && fields.current && !fields.current.check()) {
        event.preventDefault();
        event.stopPropagation();
        if (first) focusWrong(box.current);
        return;
      }
      hidden.current.value = now();
    };
    form?.addEventListener("submit", gate, true);
    return () => form?.removeEventListener("submit", gate, true);
  }, []);

  const see = (view) => {
    setWanted(view);
    setHeld({ text: now(), view, turn: held.turn + 1 });
  };
  const problem = shown.view === "json" && usable ? readValue(shown.text).problem : "";
  return (
    <div className="value-field" ref={box} role="group" aria-label={label}>
      <input type="hidden" name={name} ref={hidden} />
      <div className="value-head">
        <span className="label" aria-hidden="true">{label}</span>
        {usable && (
          <span className="seg" role="group" aria-label={`${label}: how it is shown`}>
            <button type="button" aria-pressed={shown.view === "form"} disabled={Boolean(problem)} onClick={() => shown.view !== "form" && see("form")}>Form</button>
            <button type="button" aria-pressed={shown.view === "json"} onClick={() => shown.view !== "json" && see("json")}>JSON</button>
          </span>
        )}
      </div>
      {shown.view === "form" ? (
        <Fields key={shown.turn} {...{ schema: usable, text: shown.text, fresh, context, fields }} onData={change} onText={(next) => setHeld({ text: next, view: "form", turn: held.turn })} />
      ) : (
        <>
          <textarea id={id} className="in-area mono" rows={8} aria-label={`${label} (JSON)`} aria-describedby={`${id}-why`} value={shown.text} spellCheck={false} onChange={(event) => setHeld({ ...held, text: event.target.value })} />
          <p className="form-help" id={`${id}-why`}>{problem || (usable ? "" : why)} {help}</p>
        </>
      )}
      {children}
    </div>
  );
}

/** The form, and below it what the schema does not name. */
function Fields({ schema, text, fresh, context, fields, onData, onText }) {
  const [first] = useState(() => {
    const { value } = readValue(text);
    const { known } = parted(value, schema);
    return { known, asJson: misfits(known, schema) };
  });
  const { value } = readValue(text);
  const { others } = parted(value, schema);
  const names = Object.keys(others);
  const drop = (name) => {
    const { [name]: _, ...rest } = value;
    onText(JSON.stringify(rest, null, 2));
  };
  return (
    <>
      <SchemaFields schema={schema} values={first.known} asJson={first.asJson} defaults={fresh} context={context} onData={onData} handle={fields} />
      {names.length > 0 && (
        <div className="value-others">
          <p className="form-help">Kept as it is, though no field names it:</p>
          <ul>
            {names.map((name) => (
              <li key={name}><code title={JSON.stringify(others[name])}>{name}</code><button type="button" className="btn quiet" aria-label={`Take away ${name}`} onClick={() => drop(name)}><Icon name="close" size={12} /></button></li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}
