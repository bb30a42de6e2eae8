// Fixed values of a flow as a whole: where the same one stands, and turning one into an input or a constant of the flow and back.
import { isReference } from "./values.js";

const key = (value) => JSON.stringify(value);

const isStatic = (input) => input.type === "static" || input.type === null || input.type === undefined;

/** Whether a value says enough to be called the same elsewhere: `true`, 1 and "" stand everywhere by chance. */
const tells = (value) => value !== undefined && value !== null && typeof value !== "boolean" && key(value).length > 2;

/** Places {cell, field} of other cells that hold the same fixed value. */
export function sameElsewhere(store, id, input) {
  if (input.truncated || !tells(input.value)) return [];
  const text = key(input.value);
  return (store.get("order") ?? []).flatMap((cell) => (store.cell(cell).inputs ?? [])
    .filter((other) => isStatic(other) && !other.truncated && (cell !== id || other.field !== input.field) && tells(other.value) && key(other.value) === text)
    .map((other) => ({ cell, field: other.field })));
}

/** Fixed values that stand in several places: [{input, places: [{cell, field}]}], the most frequent first. References stay where they are. */
export function duplicates(store) {
  const found = new Map();
  for (const cell of store.get("order") ?? []) {
    for (const input of store.cell(cell).inputs ?? []) {
      if (!isStatic(input) || input.truncated || input.secret || isReference(input.value) || !tells(input.value)) continue;
      const text = key(input.value);
      if (!found.has(text)) found.set(text, { input, places: [] });
      found.get(text).places.push({ cell, field: input.field });
    }
  }
  return [...found.values()].filter(({ places }) => places.length > 1).sort((a, b) => b.places.length - a.places.length);
}

const unused = (name, taken) => {
  for (let n = 1; ; n += 1) {
    const next = n === 1 ? name : `${name}_${n}`;
    if (!(next in taken)) return next;
  }
};

const reading = (root, name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? `${root}.${name}` : `${root}[${key(name)}]`);

const wired = (places, expr) => places.map(({ cell, field }) => ({ op: "set_input", cell, field, transform: { type: "javascript", expr } }));

/** One more input of the flow, with the value as its default; the places read it. */
export function toFlowInput(store, input, places) {
  const schema = store.get("input").schema ?? {};
  const properties = schema.properties ?? {};
  const name = unused(input.field, properties);
  const about = { ...input.schema, default: input.value };
  const order = [...(schema.order ?? Object.keys(properties)), name];
  const expr = reading("flow_input", name);
  store.do({ op: "set_schema", schema: { type: "object", ...schema, properties: { ...properties, [name]: about }, order } }, ...wired(places, expr));
  return expr;
}

/** One more constant of the flow, which nobody who runs it is asked for; the places read it. */
export function toFlowConstant(store, input, places) {
  const env = store.get("flow_settings")?.flow_env ?? {};
  const name = unused(input.field, env);
  const expr = reading("flow_env", name);
  store.do({ op: "set_flow_setting", key: "flow_env", value: { ...env, [name]: input.value } }, ...wired(places, expr));
  return expr;
}

const PLAIN = /^(flow_input|flow_env)(?:\.([A-Za-z_$][\w$]*)|\["((?:[^"\\]|\\.)*)"\])$/;

/** What an input that reads an input or a constant of the flow, and nothing else, would be as a fixed value; null for others. */
export function fixedFor(store, input) {
  const [, root, plain, quoted] = (input.type === "javascript" && PLAIN.exec(input.expr?.trim() ?? "")) || [];
  if (!root) return null;
  const name = plain ?? JSON.parse(`"${quoted}"`);
  if (root === "flow_env") {
    const env = store.get("flow_settings")?.flow_env ?? {};
    return name in env ? { name, root, value: env[name] } : null;
  }
  const { schema, values } = store.get("input");
  const given = values.find((item) => item.name === name);
  if (!given && !(name in (schema?.properties ?? {}))) return null;
  if (given?.blob || (given?.given && given.value === undefined)) return null; // a file, or too long to be shown
  return { name, root, value: given?.value ?? schema?.properties?.[name]?.default ?? null };
}

export const toFixed = (store, cell, field, value) => store.do({ op: "set_input", cell, field, transform: { type: "static", value } });
