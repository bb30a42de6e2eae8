// From the settings of the workspace's model to a form and back. Pure.

export const ROLES = [
  { role: "connect", field: "connect", label: "Connecting inputs" },
  { role: "edit", field: "edit", label: "Changes and explanations" },
];

/** The form's schema; what is empty says what counts in its place. */
export function schemaOf({ key_set: keySet, defaults }) {
  const key = keySet ? "A key is set. Leave this empty to keep it." : defaults.key_set ? "No key is set. Without an address, this server’s own key counts." : "No key is set. Local servers often need none.";
  return {
    order: ["enabled", "base_url", "key", "connect", "edit", "message_tokens"],
    properties: {
      enabled: { type: "boolean", title: "Ask a model", description: "When this is off, nobody in the workspace asks one." },
      base_url: { type: "string", title: "Address", maxLength: 400, examples: [defaults.base_url, "http://localhost:11434/v1"], description: "Of any server with OpenAI’s protocol. Private addresses are called where this server’s owner allows them." },
      key: { type: "string", format: "password", title: "Key", maxLength: 4000, description: `${key} It is stored encrypted and never shown.` },
      connect: { type: "string", title: "Model for connecting inputs", maxLength: 200, examples: [defaults.model] },
      edit: { type: "string", title: "Model for changes and explanations", maxLength: 200, examples: [defaults.model] },
      message_tokens: { type: "integer", title: "Tokens per message", minimum: 1000, maximum: 1000000, examples: ["no limit"], description: "Question and answer together. A longer question is not sent." },
    },
  };
}

/** What the form begins with. The key is not among it. */
export function valuesOf({ enabled, base_url, models, message_tokens }) {
  return { enabled, base_url: base_url || undefined, connect: models.connect || undefined, edit: models.edit || undefined, message_tokens: message_tokens ?? undefined };
}

/** The form's values as a change; the key only where one was typed. Numbers that are none go as they are, for the server to say so. */
export function changeOf({ enabled, base_url, key, connect, edit, message_tokens }) {
  return { enabled: enabled === true, base_url: base_url ?? "", models: { connect: connect ?? "", edit: edit ?? "" }, message_tokens: message_tokens ?? null, ...(key ? { key } : {}) };
}

/** The roles to be tried, once each model: `label` is "" where all have the same. */
export function rolesToTest({ models }, { defaults }) {
  const named = ROLES.map(({ role, label }) => ({ role, label, model: models[role] || defaults.model }));
  return new Set(named.map(({ model }) => model)).size === 1 ? [{ role: "edit", label: "" }] : named.map(({ role, label }) => ({ role, label }));
}

/** What a test gave, in a sentence. */
export function resultOf({ ok, message, hint, model, server, ms, tokens }, label) {
  const who = label ? `${label}: ` : "";
  if (!ok) return { ok, text: `${who}${message} ${hint}`.trim() };
  const cost = [`${(ms / 1000).toFixed(1)} s`, ...(tokens ? [`${tokens} tokens`] : [])].join(", ");
  return { ok, text: `${who}${model} at ${server} answers (${cost}).` };
}
