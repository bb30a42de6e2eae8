// The inputs of a flow or script, as the JSON Schema of its form.
import { useEffect, useState } from "react";

import { encoded, get, workspacePath } from "../api.js";
import { hasFields } from "../forms/value_model.js";

/**
 * `useInputs(ws, target)` of "flow f/a/b" or "script f/a/b", "" for none: `{schema, why}`, both undefined until the first one is known. `why` says why
 * there is no form. What the server gives by itself (`given`, names) is none of its inputs.
 */
export function useInputs(ws, target, given = []) {
  const [found, setFound] = useState({ target: null });
  useEffect(() => {
    if (!target) return undefined;
    let ended = false;
    const done = (schema, why) => !ended && setFound({ target, schema, why });
    ask(ws, target).then((schema) => {
      const left = withoutInputs(schema, given);
      done(left, hasFields(left) ? "" : `The ${target} takes no input${given.length ? " of its own" : ""}.`);
    }, (error) => done(null, `The inputs of the ${target} could not be read, so there is no form: ${error.message}`));
    return () => { ended = true; };
  }, [ws, target]);
  return found.target === null ? {} : found; // of the one before, until the next one is there: what is typed stays
}

async function ask(ws, target) {
  const [kind, path] = target.split(" ");
  if (kind === "flow") return (await get(workspacePath(ws, "flows/schema", encoded(path)))).schema;
  if (path.startsWith("hub/")) return (await get(`/api/scripts/hub/get_full/${encoded(path)}`)).schema;
  return (await get(workspacePath(ws, "scripts/get/p", encoded(path)))).schema;
}

/** A schema without some of its fields. */
export function withoutInputs(schema, names) {
  if (!schema?.properties || !names.length) return schema ?? null;
  const properties = Object.fromEntries(Object.entries(schema.properties).filter(([name]) => !names.includes(name)));
  return { ...schema, properties, required: (schema.required ?? []).filter((name) => name in properties) };
}

/** "flow f/a/b" of what a handler is written as: `flow/f/a/b`, `script/f/a/b`, or the path of a script. "" where it is no path. */
export function targetOf(handler) {
  const found = /^(?:(flow|script)\/)?((?:[ugf]|hub)\/\S+\/\S+)$/.exec(handler.trim());
  return found ? `${found[1] ?? "script"} ${found[2]}` : "";
}

export const handlerOf = (target) => target.replace(" ", "/");
