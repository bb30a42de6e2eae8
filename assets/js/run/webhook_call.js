// The call of a webhook as text for a shell, with an example of its input.

/** What a token needs to start just this: the server's words for scopes. */
export const scopeOf = (kind, path) => `jobs:run:${kind}s:${path}`;

const EXAMPLES = { string: "text", integer: 1, number: 1.5, boolean: true, array: [], object: {}, null: null };

/** An object of the schema's inputs: their defaults, a choice of theirs, or a value of their type. */
export function exampleOf(schema) {
  const properties = schema?.properties ?? {};
  const order = [...(schema?.order ?? []), ...Object.keys(properties)];
  const names = [...new Set(order)].filter((name) => Object.hasOwn(properties, name));
  return Object.fromEntries(names.map((name) => [name, exampleOfField(properties[name] ?? {})]));
}

function exampleOfField(field) {
  if (field.default !== undefined) return field.default;
  if (field.enum?.length) return field.enum[0];
  if (field.format?.startsWith("resource-")) return "$res:u/name/resource";
  const type = [field.type].flat().find((one) => one !== "null");
  return type in EXAMPLES ? EXAMPLES[type] : "text";
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The call with curl. Without a token the shell's variable TOKEN stands in its place. */
export function callOf(url, token, body) {
  const header = token ? quoted(`Authorization: Bearer ${token}`) : '"Authorization: Bearer $TOKEN"';
  return [`curl -X POST ${quoted(url)}`, `  -H ${header}`, "  -H 'Content-Type: application/json'", `  -d ${quoted(JSON.stringify(body))}`].join(" \\\n");
}
