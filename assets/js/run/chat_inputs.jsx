// What a chat's flow takes besides the message: filled in once, sent with every message.
import { useMemo } from "react";

import { SchemaForm } from "../forms/schema_form.jsx";

const MESSAGE = "user_message";

/** The schema without the message, or null where nothing is left. */
function rest(schema) {
  const { [MESSAGE]: _, ...properties } = schema?.properties ?? {};
  const without = (names) => names?.filter((name) => name !== MESSAGE);
  return Object.keys(properties).length ? { ...schema, properties, required: without(schema.required) ?? [], ...(schema.order && { order: without(schema.order) }) } : null;
}

/** The values to begin with: defaults. Null where an input is needed and has none. */
export function ready(schema) {
  const others = rest(schema);
  if (!others) return {};
  const values = Object.fromEntries(Object.entries(others.properties).filter(([, field]) => field?.default !== undefined).map(([name, field]) => [name, field.default]));
  return others.required.every((name) => name in values) ? values : null;
}

/** `OtherInputs({schema, values, onValues})`: open by itself while something is missing. */
export function OtherInputs({ schema, values, onValues }) {
  const others = useMemo(() => rest(schema), [schema]);
  if (!others) return null;
  return (
    <details className="chat-inputs" open={!values || undefined}>
      <summary>Other inputs of each message</summary>
      <SchemaForm schema={others} values={values ?? {}} submitLabel="Use these" icon="check" onSubmit={onValues} />
    </details>
  );
}
