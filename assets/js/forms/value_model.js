// A stored JSON value and the form of its schema: what of the value the form shows, and what is kept beside it. Pure.
import { isReference } from "../notebook/values.js";

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const propertiesOf = (schema) => (isObject(schema) && isObject(schema.properties) ? schema.properties : {});

/** Whether a schema names fields: without any there is nothing that a form could show. */
export const hasFields = (schema) => Object.keys(propertiesOf(schema)).length > 0;

/** `{value}` of a JSON text, or `{problem}`: the reason why no form can hold it. */
export function readValue(text) {
  let value;
  try {
    value = JSON.parse(text.trim() || "{}");
  } catch {
    return { problem: "The text is not JSON yet. Mend it, and the form comes." };
  }
  if (!isObject(value)) return { problem: "The value is not an object, so it has no fields for a form." };
  if (rounds(value)) return { problem: "The value holds a whole number that is too large for a form, which would round it." };
  return { value };
}

/** Whether a browser's numbers lose some of it: whole numbers beyond 2⁵³. */
function rounds(value) {
  if (typeof value === "number") return Number.isInteger(value) ? !Number.isSafeInteger(value) : !Number.isFinite(value);
  return value !== null && typeof value === "object" && Object.values(value).some(rounds);
}

/** `{known, others}`: what the schema's fields show, and the keys that it does not name. */
export function parted(value, schema) {
  const names = propertiesOf(schema);
  const of = (known) => Object.fromEntries(Object.entries(value).filter(([key]) => Object.hasOwn(names, key) === known));
  return { known: of(true), others: of(false) };
}

/** The value again, its keys in the order in which they were. Fields that were emptied are gone. */
export function joined(before, data, others) {
  const given = Object.fromEntries(Object.entries(data ?? {}).filter(([, held]) => held !== undefined));
  const all = { ...given, ...others };
  const order = [...Object.keys(before).filter((key) => key in all), ...Object.keys(all).filter((key) => !(key in before))];
  return Object.fromEntries(order.map((key) => [key, all[key]]));
}

export const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().filter((key) => value[key] !== undefined).map((key) => [key, sorted(value[key])]));
}

/** The value without what only the defaults of a schema had put there: another type has been chosen. */
export function withoutDefaults(value, schema) {
  const fields = propertiesOf(schema);
  return Object.fromEntries(Object.entries(value).filter(([key, held]) => fields[key]?.default === undefined || !same(held, fields[key].default)));
}

/**
 * Names of the fields whose value has a shape that their control cannot show, such as an object in a text field: they are
 * edited as JSON, and nothing of them is lost.
 */
export function misfits(value, schema) {
  const unfit = ([name, field]) => {
    const held = value[name];
    if (held === undefined || held === null || isReference(held)) return false;
    const type = [field?.type].flat().find((one) => one !== "null");
    if (type === "object") return !isObject(held);
    if (type === "array") return !Array.isArray(held);
    if (type === "boolean") return typeof held !== "boolean";
    if (field?.enum) return !field.enum.some((one) => same(one, held));
    return type !== undefined && typeof held === "object";
  };
  return Object.entries(propertiesOf(schema)).filter(unfit).map(([name]) => name);
}

/** Whether what stands in a field passes whatever the schema says: a reference is replaced later, and null is an empty field. */
export const passes = (held) => held === null || isReference(held);
