// Values of inputs as text and back: which widget suits a schema, and what a typed text means.

export function widgetOf(schema = {}) {
  const types = [schema.type].flat().filter((type) => type && type !== "null");
  if (Array.isArray(schema.enum)) return "enum";
  if (types.length !== 1) return "any";
  const type = types[0];
  if (type === "string") return schema.format === "date" ? "date" : "text";
  if (type === "integer" || type === "number") return "number";
  if (type === "boolean") return "boolean";
  return "json";
}

export const typeWord = (schema = {}) => {
  if (schema.format?.startsWith("resource-")) return schema.format.slice(9);
  const types = [schema.type].flat().filter((type) => type && type !== "null");
  if (schema.enum && !types.length) return "one of";
  if (types[0] === "array" && schema.items?.type) return `${schema.items.type} list`;
  return { object: "object", array: "list", string: "text", integer: "whole number", number: "number", boolean: "yes/no" }[types[0]] ?? "any";
};

/** The text an input shows for a value. */
export function textOf(value, widget) {
  if (value === undefined || value === null) return value === null && widget !== "text" ? "null" : "";
  if (typeof value === "string") return widget === "any" || widget === "json" ? (looksLikeJson(value) ? JSON.stringify(value) : value) : value;
  return JSON.stringify(value, null, typeof value === "object" && JSON.stringify(value).length > 60 ? 2 : 0);
}

const looksLikeJson = (text) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** What a typed text means: {value}, {unset: true} or {problem}. */
export function meaningOf(text, widget, schema = {}) {
  if (widget === "text" || widget === "date") return { value: text };
  if (!text.trim()) return { unset: true };
  if (widget === "number") {
    const number = Number(text);
    if (!Number.isFinite(number)) return { problem: "Not a number" };
    if (schema.type === "integer" && !Number.isInteger(number)) return { problem: "Not a whole number" };
    return { value: number };
  }
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return widget === "any" ? { value: text } : { problem: `Not JSON yet: ${error.message.replace(/^JSON\.parse: |in JSON at.*$/g, "")}` };
  }
}

export const isReference = (value) => typeof value === "string" && /^\$(var|res|jsonvar):/.test(value);

/** A static value as the expression that means the same. */
export const asExpression = (value) => (value === undefined ? "" : JSON.stringify(value));

export const isExpressionText = (text) => typeof text === "string" && /^(results|flow_input)(\.|\[)/.test(text.trim());
