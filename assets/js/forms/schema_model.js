// From a flow's schema (OpenFlow's dialect of JSON Schema) to what the form library draws. Pure.

const KNOWN_FORMATS = new Set(["date", "date-time", "time", "email", "uri", "ipv4", "ipv6", "uuid", "regex"]);
const LONG_TEXT = 400;

/**
 * `{schema, uiSchema}` for a form. Each property keeps its keywords; what is only a hint for drawing goes to uiSchema:
 * order, files, long texts, JSON boxes. `$var:`/`$res:` style formats (resource-…) become a path field. The fields that
 * `asJson` names are edited as JSON, whatever their type.
 */
export function formOf(given, asJson = []) {
  const source = given && typeof given === "object" ? given : {};
  const { schema, uiSchema } = objectOf({ ...source, type: "object" }, []);
  for (const name of asJson) uiSchema[name] = { "ui:description": uiSchema[name]?.["ui:description"], "ui:field": "json", "ui:options": { kind: "any" } };
  return { schema: { ...schema, $defs: source.$defs, definitions: source.definitions }, uiSchema };
}

function objectOf(source, trail) {
  const properties = {};
  const uiSchema = {};
  for (const [name, raw] of Object.entries(source.properties || {})) {
    const field = fieldOf(raw && typeof raw === "object" ? raw : {}, name, trail);
    properties[name] = field.schema;
    uiSchema[name] = field.uiSchema;
  }
  const order = (source.order || []).filter((name) => name in properties);
  if (order.length) uiSchema["ui:order"] = [...order, "*"];
  const required = (source.required || []).filter((name) => name in properties);
  const schema = { ...source, properties, required };
  delete schema.order;
  delete schema.$schema;
  return { schema, uiSchema };
}

function fieldOf(raw, name, trail) {
  const schema = { title: raw.title || name, ...raw };
  if (schema.nullable === true && typeof schema.type === "string") schema.type = [schema.type, "null"];
  const ui = raw.description ? { "ui:description": raw.description } : {};
  delete schema.description;
  const type = [schema.type].flat().find((one) => one && one !== "null");

  if (schema.oneOf || schema.anyOf || schema.$ref) return { schema, uiSchema: ui };
  if (type === "object" && Object.keys(schema.properties || {}).length && trail.length < 6) {
    const inner = objectOf(schema, [...trail, name]);
    return { schema: inner.schema, uiSchema: { ...inner.uiSchema, ...ui } };
  }
  if (schema.format === "resource-s3_object") return { schema: { ...anything(schema, type), type: "object" }, uiSchema: { ...ui, "ui:field": "stored" } };
  if (/^resource-/.test(schema.format || "")) return { schema: { ...without(schema, "format", "properties"), type: "string" }, uiSchema: { ...ui, "ui:widget": "resource", "ui:options": { resource: schema.format.slice(9) } } };
  if (type === "object" || type === undefined) return { schema: anything(schema, type), uiSchema: { ...ui, "ui:field": "json", "ui:options": { kind: type || "any" } } };
  if (type === "array") return arrayOf(schema, ui, name, trail);
  if (type === "string") return { schema: cleanFormat(schema), uiSchema: { ...ui, ...textWidget(schema) } };
  return { schema: cleanFormat(schema), uiSchema: ui };
}

function arrayOf(schema, ui, name, trail) {
  const items = schema.items && typeof schema.items === "object" && !Array.isArray(schema.items) ? schema.items : null;
  const itemType = items && [items.type].flat()[0];
  if (!items || (!itemType && !items.enum) || (itemType === "object" && !Object.keys(items.properties || {}).length)) {
    return { schema: anything(schema, "array"), uiSchema: { ...ui, "ui:field": "json", "ui:options": { kind: "array" } } };
  }
  const inner = fieldOf({ ...items, title: items.title || " " }, name, [...trail, name]);
  return { schema: { ...schema, items: inner.schema }, uiSchema: { ...ui, items: inner.uiSchema } };
}

/** A schema the library does not take apart: it is edited as JSON, and validated on the whole. */
const anything = (schema, type) => ({ ...without(schema, "format"), ...(type && { type: schema.type }) });

function textWidget(schema) {
  if (schema.enum) return {};
  const encoding = schema.contentEncoding;
  const media = schema.contentMediaType;
  if (encoding === "base64" || media) return { "ui:widget": "content", "ui:options": { encoding, media } };
  const secret = schema.format === "password" || schema.password || schema.sensitive;
  const isLong = schema.format === "textarea" || schema.minRows || (schema.maxLength || 0) > LONG_TEXT || (typeof schema.default === "string" && schema.default.includes("\n"));
  if (secret) return { "ui:widget": "password", "ui:options": { long: Boolean(isLong) } };
  if (isLong) return { "ui:widget": "textarea" };
  if (schema.format === "file") return { "ui:widget": "content" };
  return {};
}

function cleanFormat(schema) {
  const cleaned = { ...schema };
  if (cleaned.format && !KNOWN_FORMATS.has(cleaned.format)) delete cleaned.format;
  return without(cleaned, "contentEncoding", "contentMediaType", "nullable", "password", "sensitive", "minRows", "originalType");
}

function without(schema, ...names) {
  const copy = { ...schema };
  for (const name of names) delete copy[name];
  return copy;
}

/** What is sent: fields left empty are left out, so that the flow's own defaults hold. */
export function dataToSend(value) {
  if (Array.isArray(value)) return value.map(dataToSend);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined).map(([key, held]) => [key, dataToSend(held)]));
  }
  return value;
}
