// A JSON Schema of an object, edited as a list of fields: the flow's input, and the form of an approval.
import { useEffect, useMemo, useRef, useState } from "react";
import { Glyph } from "./icons.jsx";
import { without } from "./objects.js";
import { EditInPlace, GrowingText } from "./ui.jsx";
import { typeWord } from "./values.js";

const NAME = /^[A-Za-z_$][\w$ -]*$/;

export const TYPES = [
  ["text", "Text", { type: "string" }],
  ["secret", "Secret", { type: "string", format: "password" }],
  ["file", "Text file", { type: "string", contentMediaType: "text/plain" }],
  ["number", "Number", { type: "number" }],
  ["integer", "Whole number", { type: "integer" }],
  ["boolean", "Yes or no", { type: "boolean" }],
  ["choice", "One of a list", { type: "string", enum: [] }],
  ["date", "Date", { type: "string", format: "date" }],
  ["list", "List", { type: "array" }],
  ["object", "Object", { type: "object" }],
  ["any", "Anything", {}],
];

export const typeOf = (schema) => {
  if (schema.enum) return "choice";
  if (schema.type === "string" && schema.contentMediaType && !schema.contentEncoding) return "file";
  if (schema.type === "string") return schema.format === "password" || schema.password ? "secret" : schema.format === "date" ? "date" : "text";
  return { number: "number", integer: "integer", boolean: "boolean", array: "list", object: "object" }[schema.type] ?? "any";
};

export const orderOf = (schema) => {
  const names = Object.keys(schema?.properties ?? {});
  const order = (schema?.order ?? []).filter((name) => names.includes(name));
  return [...order, ...names.filter((name) => !order.includes(name))];
};

export const withOrder = (schema, names) => ({ ...schema, order: names });

/** The schema with one more field, of a name that is free; and that name. */
export function withNewField(schema, begin = "input") {
  const names = orderOf(schema);
  let name = begin;
  for (let n = 2; names.includes(name); n += 1) name = `${begin}_${n}`;
  return [withOrder({ type: "object", ...schema, properties: { ...schema.properties, [name]: { type: "string" } } }, [...names, name]), name];
}

/**
 * React's keys of the fields. They outlive a new name, so that the editor in which a field is renamed stays, and with it the
 * focus.
 */
export function useFieldKeys() {
  return useMemo(() => {
    const keys = new Map();
    const of = (name) => keys.get(name) ?? name;
    const rename = (name, next) => {
      keys.set(next, of(name));
      keys.set(name, `\0${keys.size}`); // another field may come to have the old name
    };
    return { of, rename };
  }, []);
}

/** The fields one below the other, each with its editor on request. */
export function SchemaEditor({ schema, empty, onSave }) {
  const [open, setOpen] = useState(null);
  const names = orderOf(schema);
  const keys = useFieldKeys();
  const add = () => {
    const [next, name] = withNewField(schema, "field");
    onSave(next);
    setOpen(name);
  };
  return (
    <div className="nb-schema">
      {!names.length && <p className="nb-empty">{empty}</p>}
      {names.map((name, index) => {
        const field = schema.properties[name] ?? {};
        return (
          <div key={keys.of(name)}>
            <div className="nb-schema-field">
              <button type="button" className="nb-set-toggle" aria-expanded={open === name} aria-label={`Change the field ${name}`} onClick={() => setOpen(open === name ? null : name)}>
                <Glyph name={open === name ? "collapse" : "expand"} size={12} /> <code>{name}</code> <span className="nb-faint">{typeWord(field)}{(schema.required ?? []).includes(name) ? ", required" : ""}</span>
              </button>
            </div>
            {open === name && <FieldEditor {...{ name, index, names, schema, field, onSave }} required={(schema.required ?? []).includes(name)} keys={keys} onOpen={setOpen} begin />}
          </div>
        );
      })}
      <button type="button" className="nb-btn nb-small" onClick={add}><Glyph name="plus" size={12} /> Field</button>
    </div>
  );
}

/**
 * One field of a JSON Schema, below the row with its toggle. `onRename(next)` instead of a change of the schema alone where
 * names are used elsewhere; `files` where a form can ask for a text file. The keyboard never falls out of it: closing, moving and deleting say where the focus goes.
 */
export function FieldEditor({ name, index, names, schema, field, required, keys, onOpen, onSave, onRename, note, begin = false, files = false }) {
  const box = useRef(null);
  useEffect(() => {
    if (begin) box.current.querySelector("input")?.focus();
  }, []);
  const properties = schema.properties;
  const change = (patch) => onSave({ ...schema, properties: { ...properties, [name]: clean({ ...field, ...patch }) } });
  const rename = (next) => {
    keys.rename(name, next);
    onOpen(next);
    if (onRename) return onRename(next);
    const renamed = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key === name ? next : key, value]));
    return onSave({ ...schema, properties: renamed, order: names.map((key) => (key === name ? next : key)), required: (schema.required ?? []).map((key) => (key === name ? next : key)) });
  };
  const check = (text) => (!NAME.test(text) ? "Letters, digits and _" : text !== name && names.includes(text) ? "Another field has this name" : "");
  const setType = (id) => {
    const { description, title } = field;
    const base = TYPES.find(([type]) => type === id)[2];
    onSave({ ...schema, properties: { ...properties, [name]: clean({ ...base, description, title }) } });
  };
  const setRequired = (on) => onSave({ ...schema, required: on ? [...(schema.required ?? []), name] : (schema.required ?? []).filter((key) => key !== name) });
  const close = () => {
    toggleOf(box.current.previousElementSibling)?.focus();
    onOpen(null);
  };
  const shift = (by) => {
    const pressed = document.activeElement;
    requestAnimationFrame(() => (pressed.disabled ? pressed.parentElement.querySelector("[data-shift]:enabled") : pressed)?.focus()); // the row may have been taken out and put in again
    const order = names.filter((key) => key !== name);
    order.splice(index + by, 0, name);
    onSave(withOrder(schema, order));
  };
  const remove = () => {
    const around = box.current.closest("section, .nb-schema");
    requestAnimationFrame(() => ([...around.querySelectorAll(TOGGLE)].at(Math.min(index, names.length - 2)) ?? around.querySelector("button"))?.focus());
    onOpen(null);
    onSave({ ...schema, properties: without(properties, name), order: names.filter((key) => key !== name), required: (schema.required ?? []).filter((key) => key !== name) });
  };
  return (
    <div ref={box} className="nb-field-editor" role="group" aria-label={`Field ${name}`} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), close())}>
      <label>Name<EditInPlace className="nb-boxed" mono stay label="Name" value={name} check={check} onSave={rename} /></label>
      <label>
        Type
        <select className="nb-input nb-select nb-boxed" value={typeOf(field)} onChange={(event) => setType(event.target.value)}>
          {TYPES.filter(([id]) => files || id !== "file" || typeOf(field) === "file").map(([id, label]) => <option key={id} value={id}>{label}</option>)}
        </select>
      </label>
      {field.enum && <label>Choices, one a line<Lines value={field.enum} onSave={(choices) => change({ enum: choices })} /></label>}
      <label>Default<SavedText value={field.default === undefined ? "" : typeof field.default === "string" ? field.default : JSON.stringify(field.default)} placeholder="none" onSave={(text) => change({ default: text === "" ? undefined : field.type === "string" || !field.type ? text : parsed(text) })} /></label>
      {note}
      <label className="nb-wide">Description<SavedText value={field.description ?? ""} placeholder="What it is, for the person who fills it in" onSave={(text) => change({ description: text || undefined })} /></label>
      <footer>
        <label className="nb-check"><input type="checkbox" checked={required} onChange={(event) => setRequired(event.target.checked)} /> required</label>
        <span className="nb-space" />
        <button type="button" className="nb-icon" aria-label="Move field up" data-shift="" disabled={!index} onClick={() => shift(-1)}><Glyph name="up" /></button>
        <button type="button" className="nb-icon" aria-label="Move field down" data-shift="" disabled={index === names.length - 1} onClick={() => shift(1)}><Glyph name="down" /></button>
        <button type="button" className="nb-icon" aria-label={`Delete the field ${name}`} onClick={remove}><Glyph name="trash" /></button>
        <button type="button" className="nb-btn nb-small" onClick={close}>Done</button>
      </footer>
    </div>
  );
}

const TOGGLE = '[aria-label^="Change the field"]';
const toggleOf = (row) => row?.querySelector(TOGGLE);

const clean = (schema) => Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

function SavedText({ value, placeholder, onSave }) {
  const [text, setText] = useState(null);
  const save = () => {
    if (text !== null && text !== value) onSave(text);
    setText(null);
  };
  return <input className="nb-input nb-boxed" value={text ?? value} placeholder={placeholder} spellCheck={false} onChange={(event) => setText(event.target.value)} onBlur={save} onKeyDown={(event) => event.key === "Enter" && save()} />;
}

function Lines({ value, onSave }) {
  const [text, setText] = useState(null);
  const save = () => {
    if (text !== null) onSave(text.split("\n").map((line) => line.trim()).filter(Boolean));
    setText(null);
  };
  return <GrowingText className="nb-input nb-boxed" label="Choices, one a line" value={text ?? value.join("\n")} onChange={setText} onBlur={save} />;
}
