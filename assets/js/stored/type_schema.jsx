// The schema of a resource type, in its dialog: a list of fields, as a flow's input is edited, or the JSON that it is.
import { useEffect, useId, useRef, useState } from "react";

import { SchemaEditor } from "../notebook/schema_editor.jsx";

/** `TypeSchema({text})`: sent by the form around it as `value`, a JSON text; as it came, where nobody changes it. */
export function TypeSchema({ text: given }) {
  const [text, setText] = useState(given);
  const [view, setView] = useState(() => (schemaOf(given) ? "fields" : "json"));
  const box = useRef(null);
  const id = useId();
  const schema = schemaOf(text);
  useEffect(() => {
    // Escape closes the editor of a field, and not the dialog around it: that one listens before anything inside of it does
    const keep = (event) => event.key === "Escape" && event.target.closest?.(".nb-field-editor") && event.preventDefault();
    window.addEventListener("keydown", keep, true);
    return () => window.removeEventListener("keydown", keep, true);
  }, []);
  const enter = (event) => event.key === "Enter" && event.target.tagName === "INPUT" && event.preventDefault(); // it ends a field's name, and saves nothing yet
  return (
    <div className="value-field type-schema" ref={box} role="group" aria-label="Fields">
      <input type="hidden" name="value" value={text} />
      <div className="value-head">
        <span className="label" aria-hidden="true">Fields</span>
        <span className="seg" role="group" aria-label="How the fields are shown">
          <button type="button" aria-pressed={view === "fields"} disabled={!schema} onClick={() => setView("fields")}>List</button>
          <button type="button" aria-pressed={view === "json"} onClick={() => setView("json")}>JSON Schema</button>
        </span>
      </div>
      {view === "fields" ? (
        <div onKeyDown={enter}><SchemaEditor schema={schema} empty="No field yet. Add one for each thing that a resource of this type holds: an address, a name, a secret." onSave={(next) => setText(JSON.stringify(next, null, 2))} /></div>
      ) : (
        <>
          <textarea id={id} className="in-area mono" rows={12} aria-label="Fields (JSON Schema)" aria-describedby={`${id}-why`} value={text} spellCheck={false} onChange={(event) => setText(event.target.value)} />
          <p className="form-help" id={`${id}-why`}>{schema ? "Keywords that the list does not show stay as they are." : "Not a schema of an object yet, so there is no list: a JSON object with properties."}</p>
        </>
      )}
    </div>
  );
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The schema that a text is, or null: not JSON, or none of an object with fields. */
function schemaOf(text) {
  try {
    const schema = JSON.parse(text);
    return isObject(schema) && (schema.properties === undefined || (isObject(schema.properties) && Object.values(schema.properties).every(isObject))) ? schema : null;
  } catch {
    return null;
  }
}
