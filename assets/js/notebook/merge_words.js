// What two versions did to a flow, in words and pairs of texts, for the person who decides between them. Pure.
import table from "./settings_table.json" with { type: "json" };

const OF_FLOW = { "/summary": "Name of the flow", "/description": "Description", "/value/notes": "Notes", "/value/groups": "Groups", "/schema": "Inputs" };
const OF_INPUT = { "/schema": "Type and description", "/required": "Required" };
const OF_CODE = { type: "Kind", language: "Language", path: "Path", hash: "Version" };

const SHORT = 60; // characters

const TITLES = new Map(table.forms.map((form) => [form.id, form.title]));

/** A value as text: texts and expressions as they are, the rest as JSON on lines. */
export function textOf(value) {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (value?.type === "javascript" && typeof value.expr === "string") return value.expr;
  if (value?.type === "static" && Object.keys(value).every((key) => key === "type" || key === "value")) return value.value === undefined ? "" : json(value.value);
  return json(value);
}

/** On one line where it is short. */
function json(value) {
  const line = JSON.stringify(value);
  return line.length <= SHORT ? line : JSON.stringify(value, null, 2);
}

const words = (key) => key.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** How a setting is called: `/value/iterator` → Iterator. */
export function settingName(field, kind) {
  const known = kind === "setting" ? OF_FLOW : kind === "input" ? OF_INPUT : {};
  const key = field.split("/").at(-1);
  return known[field] ?? TITLES.get(key) ?? words(key);
}

const placeOf = (place) => {
  if (!place) return "";
  const [parent, slot] = place;
  if (!parent) return slot === "modules" ? "on the top level" : `as the ${slot.replace("_module", "")} handler`;
  const [container, branch] = parent.split("/");
  return branch === undefined ? `in ${container}${slot === "default" ? ", when none is true" : ""}` : `in ${container}, ${/^\d+$/.test(branch) ? `branch ${Number(branch) + 1}` : "a new branch"}`;
};

/** Code, wires and settings apart: what comes first in a card. */
const ORDER = ["there", "name", "title", "code", "input", "setting", "place", "order"];
export const byPart = (a, b) => ORDER.indexOf(a.part) - ORDER.indexOf(b.part);

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The texts of one part before and after: [{label, before, after, code}]; `code` is to be shown line by line. */
function pairs(part, field, before, after, kind) {
  switch (part) {
    case "code": {
      const keys = Object.keys(OF_CODE).filter((key) => before?.[key] !== after?.[key] && !(key === "type" && !before)); // of a new script its language says enough
      const about = keys.map((key) => ({ label: OF_CODE[key], before: textOf(before?.[key]), after: textOf(after?.[key]) }));
      const content = { label: "Code", before: before?.content ?? "", after: after?.content ?? "", code: true };
      return content.before === content.after ? about : [...about, content];
    }
    case "input":
      return [{ label: `Input ${field}`, before: textOf(before), after: textOf(after) }];
    case "name":
      return [{ label: "Name", before: textOf(before), after: textOf(after) }];
    case "title":
      return [{ label: "Title", before: textOf(before), after: textOf(after) }];
    case "place":
      return [{ label: "Place", before: placeOf(before), after: placeOf(after) }];
    case "order":
      return [{ label: "Now", before: "", after: namesOf(after) }];
    default:
      return [{ label: settingName(field, kind), before: textOf(before), after: textOf(after) }];
  }
}

const namesOf = (keys) => (keys ?? []).map((key) => key.replace(/^(input|note):/, "")).join(", ");

/** Of a thing that one side removed: what the other did to its parts. */
function within(before, after, kind) {
  const old = new Map((before ?? []).map((one) => [`${one.part}|${one.field}`, one]));
  const now = new Map((after ?? []).map((one) => [`${one.part}|${one.field}`, one]));
  const keys = [...new Set([...old.keys(), ...now.keys()])].filter((key) => !same(old.get(key)?.value, now.get(key)?.value) && !/^(lock|stand_in)/.test(key));
  return keys.map((key) => old.get(key) ?? now.get(key)).sort(byPart).flatMap(({ part, field }) => pairs(part, field, old.get(`${part}|${field}`)?.value, now.get(`${part}|${field}`)?.value, kind)).filter((one) => one.before || one.after);
}

/** What a side did, as a list to show: {label, where, note} or {label, where, before, after, code}. */
export function shown(conflict, side) {
  return [...conflict.differences].sort(byPart).flatMap((difference) => {
    const { part, field, where, base } = difference;
    const value = difference[side];
    if (part !== "there") {
      const found = same(base, value) ? [{ label: pairs(part, field, base, value, conflict.kind)[0]?.label ?? "Code", note: "not changed" }] : pairs(part, field, base, value, conflict.kind);
      return found.map((one) => ({ ...one, where }));
    }
    if (value === undefined) return [{ label: where, where, note: base === undefined ? "not there" : "removed" }];
    const found = within(base, value, conflict.kind);
    const said = base === undefined ? "new" : found.length ? "" : "as it was";
    return [...(said ? [{ label: where, where, note: said }] : []), ...found.map((one) => ({ ...one, where }))];
  });
}

const KINDS = { cell: "", input: "Input", note: "Note", setting: "The flow's settings", order: "Order of the steps", order_of_inputs: "Order of the inputs" };

/** What a card is about: {kind, name}. */
export function subject({ kind, name }) {
  if (kind === "setting") return { kind: settingName(name, "setting"), name: "" };
  if (kind === "order") return { kind: name ? "Order of the steps in" : KINDS.order, name };
  if (kind === "note") return { kind: KINDS.note, name: "" };
  return { kind: KINDS[kind] ?? "", name };
}

/** One sentence for a conflict: which side did what. */
export function sentence({ theirs, mine, kind }, version) {
  const both = `Version ${version} and your draft`;
  if (theirs === "added" && mine === "added") return `${both} each added ${kind === "cell" ? "a cell of this name" : "it"}.`;
  return theirs === mine ? `${both} both changed it.` : `Version ${version} ${theirs} it, your draft ${mine} it.`;
}

/** What one of the two did and is taken without asking: {step, text} for a list. */
export function takenWords({ kind, name, what, side }) {
  const about = subject({ kind, name });
  const thing = [about.kind, about.name].filter(Boolean).join(" ");
  const step = kind === "cell" ? name : null;
  const whole = what.find((one) => one.part === "added" || one.part === "removed")?.part;
  if (whole) return { step, side, text: `${step ? "" : `${thing} `}${whole}` };
  const word = ({ part, field }) => (part === "input" ? `input ${field}` : part === "setting" ? settingName(field, kind).toLowerCase() : part);
  return { step, side, text: step || kind === "input" ? `${step ? "" : `${thing}: `}${[...new Set(what.map(word))].join(", ")}` : thing };
}
