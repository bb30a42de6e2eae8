// What differs between two OpenFlow documents, said per step: for the person who is about to deploy.

import { without } from "./objects.js";

const listsOf = (value = {}) => [value.modules, value.default, ...(value.branches ?? []).map((branch) => branch.modules)].filter(Array.isArray);

/** All steps of a flow's value by id, nested ones too. */
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

/** What a step is besides its code, inputs, title and nested steps. */
function restOf(module) {
  const value = module.value ?? {};
  return {
    own: without(module, "id", "summary", "value"),
    rest: without(value, "content", "input_transforms", "modules", "branches", "default", "lock", "language"),
    deciders: (value.branches ?? []).map((branch) => without(branch, "modules")),
  };
}

function stepChanges(before, after) {
  const said = [];
  if (before.value?.language !== after.value?.language) said.push("language");
  if (before.value?.content !== after.value?.content) said.push("code");
  const fields = [...new Set([...Object.keys(before.value?.input_transforms ?? {}), ...Object.keys(after.value?.input_transforms ?? {})])];
  const wired = fields.filter((field) => !same(before.value?.input_transforms?.[field], after.value?.input_transforms?.[field]));
  if (wired.length) said.push(wired.length > 3 ? `${wired.length} inputs` : `input ${wired.join(", ")}`);
  if ((before.summary ?? "") !== (after.summary ?? "")) said.push("title");
  if (!same(restOf(before), restOf(after))) said.push("settings");
  return said;
}

/** [{step_id, text}] in the order of the new document; step_id null for the flow itself. */
export function changesBetween(before, after) {
  const old = stepsOf(before.value);
  const now = stepsOf(after.value);
  const found = [];
  if (!same(before.schema, after.schema)) found.push({ step_id: null, text: "The flow's inputs changed" });
  if ((before.summary ?? "") !== (after.summary ?? "")) found.push({ step_id: null, text: `Now called “${after.summary}”` });
  for (const [id, module] of now) {
    const was = old.get(id);
    if (!was) found.push({ step_id: id, text: `${module.summary || "Step"} was added` });
    else {
      const said = stepChanges(was, module);
      if (said.length) found.push({ step_id: id, text: `${capital(said.join(", "))} changed` });
    }
  }
  for (const [id, module] of old) if (!now.has(id)) found.push({ step_id: id, text: `${module.summary || "Step"} was removed` });
  const kept = [...old.keys()].filter((id) => now.has(id));
  if (!same(kept, [...now.keys()].filter((id) => old.has(id)))) found.push({ step_id: null, text: "The order of steps changed" });
  return found;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
