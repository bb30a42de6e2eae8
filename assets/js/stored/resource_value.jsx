// The value of a resource: the form of its type, or JSON and the reason for it. Loaded when a dialog is opened.
import { useMemo } from "react";

import { allRefer } from "../forms/reference.jsx";
import { hasFields } from "../forms/value_model.js";
import { ValueField } from "../forms/value_field.jsx";

/** `ResourceValue({name, known, error, text, fresh, path})`: of the type `name`, which is `known` or not; `path()` is that of the resource. */
export function ResourceValue({ name, known, error, text, fresh, path }) {
  const context = useMemo(() => allRefer((field) => (path().endsWith("/") ? `${path()}${field}` : `${path()}_${field}`)), []);
  const help = <>A secret belongs into a variable: write <code>"$var:u/name/password"</code> in its place.</>;
  return <ValueField name="value" label="Value" schema={known?.schema} why={whyJson(name, known, error)} text={text} fresh={fresh} context={context} help={help} />;
}

function whyJson(name, known, error) {
  if (error) return `The types could not be read, so there is no form: ${error.message}`;
  if (!name || name === "any") return "A resource of any type is written as JSON.";
  if (!known) return `No type ${name} is described in this workspace, so its fields are not known here.`;
  if (!hasFields(known.schema)) return `The type ${name} does not say which fields it has.`;
  return "";
}
