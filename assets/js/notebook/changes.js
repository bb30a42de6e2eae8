// What differs between two OpenFlow documents, said per step: for the person who is about to deploy or looks at a version. Pure.

import { settingName, textOf } from "./merge_words.js";
import { without } from "./objects.js";

const HANDLERS = ["preprocessor_module", "failure_module"];
const listsOf = (value = {}) => [value.modules, value.default, ...(value.branches ?? []).map((branch) => branch.modules), HANDLERS.map((key) => value[key]).filter(Boolean)].filter(Array.isArray);

/** All steps of a flow's value by id: nested ones too, and the cells for failures and events. */
export function stepsOf(value, found = new Map()) {
  for (const list of listsOf(value)) {
    for (const module of list) {
      found.set(module.id, module);
      stepsOf(module.value, found);
    }
  }
  return found;
}

const same = (a, b) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** The keys that have another value: [key, before, after]. */
function changed(before = {}, after = {}) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.filter((key) => !same(before[key], after[key])).map((key) => [key, before[key], after[key]]);
}

const row = (label, before, after) => ({ label, before: textOf(before), after: textOf(after) });

/** What a step is besides its code, inputs, title and nested steps: of what it runs, and of itself. */
const settingsOf = (module) => [without(module.value ?? {}, "content", "input_transforms", "modules", "branches", "default", "lock", "language", ...HANDLERS), without(module, "id", "summary", "value")];

/** What decides about each branch, and how it is called. */
const branchesOf = (module) => Object.fromEntries((module.value?.branches ?? []).map((branch, index) => [`Branch ${index + 1}`, without(branch, "modules")]));

const KIND = { type: "Kind" };

/** The rows of one text that both have, if it is another one. */
const textRows = (label, before = "", after = "") => (before === after ? [] : [row(label, before, after)]);
const few = (names, most, word) => (names.length > most ? `${names.length} ${word}` : names.join(", "));

/** Of a step that both have: {text, rows: [{label, before, after}], code: {before, after, language} or null}; null when it is the same. */
function stepChange(before, after) {
  const [was, is] = [before.value ?? {}, after.value ?? {}];
  const language = textRows("Language", was.language, is.language);
  const title = textRows("Title", before.summary, after.summary);
  const code = was.content === is.content ? null : { before: was.content ?? "", after: is.content ?? "", language: is.language ?? was.language };
  const inputs = changed(was.input_transforms, is.input_transforms);
  const settings = [
    ...settingsOf(before).flatMap((old, index) => changed(old, settingsOf(after)[index])).map(([key, ...pair]) => row(KIND[key] ?? settingName(`/${key}`, "setting"), ...pair)),
    ...changed(branchesOf(before), branchesOf(after)).map(([label, ...pair]) => row(label, ...pair)),
  ];
  const said = [
    language.length && "language",
    code && "code",
    inputs.length && few(inputs.map(([field], index) => (index ? field : `input ${field}`)), 3, "inputs"),
    title.length && "title",
    settings.length && few(settings.map(({ label }) => label.toLowerCase()), 2, "settings"),
  ].filter(Boolean);
  if (!said.length) return null;
  return { text: `${capital(said.join(", "))} changed`, code, rows: [...title, ...language, ...inputs.map(([field, ...pair]) => row(`Input ${field}`, ...pair)), ...settings] };
}

/** A step that one of the two has, with what it is in full. */
function whole(module, word) {
  const [before, after] = word === "added" ? [{ id: module.id }, module] : [module, { id: module.id }];
  const found = stepChange(before, after);
  return { step_id: module.id, text: `${module.summary || "Step"} was ${word}`, code: found?.code ?? null, rows: (found?.rows ?? []).filter(({ label }) => label !== "Title" && !(found.code && label === KIND.type)) };
}

const OF_FLOW = ["summary", "description"];

/** What is of the flow itself. */
function flowChanges(before, after) {
  const found = [];
  const fields = changed(before.schema?.properties, after.schema?.properties).map(([name, ...pair]) => row(`Input ${name}`, ...pair));
  const about = changed(without(before.schema ?? {}, "properties"), without(after.schema ?? {}, "properties")).map(([key, ...pair]) => row(settingName(`/${key}`, "input"), ...pair));
  if (fields.length || about.length) found.push({ step_id: null, text: "The flow's inputs changed", rows: [...fields, ...about] });
  for (const key of OF_FLOW) if ((before[key] ?? "") !== (after[key] ?? "")) found.push({ step_id: null, text: key === "summary" ? `Now called “${after.summary}”` : "The description changed", rows: [row(settingName(`/${key}`, "setting"), before[key], after[key])] });
  const own = ({ value = {} }) => without(value, "modules", ...HANDLERS);
  const settings = changed(own(before), own(after)).map(([key, ...pair]) => row(settingName(`/value/${key}`, "setting"), ...pair));
  if (settings.length) found.push({ step_id: null, text: "The flow's settings changed", rows: settings });
  return found;
}

/** [{step_id, text, rows, code}] in the order of the new document; step_id null for the flow itself. */
export function changesBetween(before, after) {
  const old = stepsOf(before.value);
  const now = stepsOf(after.value);
  const found = flowChanges(before, after);
  for (const [id, module] of now) {
    const was = old.get(id);
    const change = was && stepChange(was, module);
    if (!was) found.push(whole(module, "added"));
    else if (change) found.push({ step_id: id, ...change });
  }
  for (const [id, module] of old) if (!now.has(id)) found.push(whole(module, "removed"));
  const kept = [...old.keys()].filter((id) => now.has(id));
  const order = [...now.keys()].filter((id) => old.has(id));
  if (!same(kept, order)) found.push({ step_id: null, text: "The order of steps changed", rows: [row("Order", kept.join(", "), order.join(", "))] });
  return found;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
