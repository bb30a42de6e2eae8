import assert from "node:assert/strict";
import { test } from "node:test";

import { changeOf, resultOf, rolesToTest, schemaOf, valuesOf } from "../../../../assets/js/settings/model_form.js";

const DEFAULTS = { base_url: "https://api.openai.com/v1", key_set: false, model: "small", configured: false };
const SETTINGS = { enabled: true, base_url: "http://localhost:11434/v1", key_set: true, models: { connect: "", edit: "large" }, message_tokens: 8000, defaults: DEFAULTS };

test("what the form begins with goes back as it was, and no key with it", () => {
  const change = changeOf(valuesOf(SETTINGS));
  assert.deepEqual(change, { enabled: true, base_url: SETTINGS.base_url, models: SETTINGS.models, message_tokens: 8000 });
});

test("an emptied field leaves it to the server, a typed key goes along", () => {
  assert.deepEqual(changeOf({ enabled: false, key: "sk-1" }), { enabled: false, base_url: "", models: { connect: "", edit: "" }, message_tokens: null, key: "sk-1" });
  assert.equal("key" in changeOf({ key: "" }), false);
});

test("the form says whether there is a key, and has none", () => {
  assert.match(schemaOf(SETTINGS).properties.key.description, /^A key is set/);
  assert.match(schemaOf({ ...SETTINGS, key_set: false }).properties.key.description, /^No key is set/);
  assert.equal("key" in valuesOf(SETTINGS), false);
});

test("each model is tried once", () => {
  assert.deepEqual(rolesToTest({ models: { connect: "", edit: "small" } }, SETTINGS), [{ role: "edit", label: "" }]);
  assert.deepEqual(rolesToTest({ models: { connect: "", edit: "large" } }, SETTINGS).map(({ role }) => role), ["connect", "edit"]);
});

test("a result is a sentence", () => {
  const good = { ok: true, model: "m", server: "h:1", ms: 812, tokens: 41 };
  assert.equal(resultOf(good, "").text, "m at h:1 answers (0.8 s, 41 tokens).");
  assert.equal(resultOf({ ...good, tokens: null }, "Edits").text, "Edits: m at h:1 answers (0.8 s).");
  assert.equal(resultOf({ ok: false, message: "No.", hint: "" }, "").text, "No.");
});
