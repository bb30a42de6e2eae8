// The cells of a deployed flow, in order, for whoever looks at it and has no draft of it. Pure.
import { LANGUAGES } from "../words.js";

const FIXED = { preprocessor_module: "Preprocessor", failure_module: "When a step fails" };

/**
 * The cells of a flow's `value`: `[{id, title, kind, depth, slot, calls, code, inputs, notes}]`. `slot` says in which part of its container a cell
 * stands, `inputs` are `{name, wired, text}`, `notes` sentences on when it runs and waits.
 */
export function cellsOf(value) {
  const found = [];
  const { preprocessor_module: first, failure_module: last, modules } = value ?? {};
  if (first) add(found, first, 0, FIXED.preprocessor_module);
  for (const module of modules ?? []) add(found, module, 0, "");
  if (last) add(found, last, 0, FIXED.failure_module);
  return found;
}

function add(found, module, depth, slot) {
  const value = module.value ?? {};
  const { label, inner = [] } = kindOf(value);
  found.push({
    id: module.id ?? "", title: module.summary || "", kind: label, depth, slot,
    calls: ["script", "flow"].includes(value.type) ? value.path ?? "" : "",
    code: value.content ?? "",
    inputs: Object.entries(value.input_transforms ?? {}).map(([name, given]) => inputOf(name, given)),
    notes: notesOf(module),
  });
  for (const part of inner) for (const one of part.modules ?? []) add(found, one, depth + 1, part.label);
}

function kindOf(value) {
  const branches = (value.branches ?? []).map((branch, index) => ({ label: branch.summary || (branch.expr ? `When ${branch.expr}` : `Branch ${index + 1}`), modules: branch.modules }));
  switch (value.type) {
    case "rawscript": return { label: LANGUAGES[value.language] ?? value.language ?? "Code" };
    case "script": return { label: "Script" };
    case "flow": return { label: "Flow" };
    case "forloopflow": return { label: `Loop over ${inputOf("", value.iterator).text}`, inner: [{ label: "Each time", modules: value.modules }] };
    case "whileloopflow": return { label: "Loop while", inner: [{ label: "Each time", modules: value.modules }] };
    case "branchone": return { label: "The first branch that applies", inner: [...branches, { label: "Otherwise", modules: value.default }] };
    case "branchall": return { label: "All branches", inner: branches };
    case "aiagent": return { label: "AI agent", inner: [{ label: "Tool", modules: (value.tools ?? []).filter((tool) => tool.value?.type) }] };
    default: return { label: value.type === "identity" ? "Passes its input on" : value.type ?? "" };
  }
}

/** An input as text: the expression that it is wired to, or the fixed value. */
export function inputOf(name, given) {
  if (given?.type === "javascript") return { name, wired: true, text: given.expr ?? "" };
  const value = given?.value;
  return { name, wired: false, text: value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value) };
}

function notesOf({ suspend, skip_if: skip, stop_after_if: stop, retry }) {
  const notes = [];
  if (skip?.expr) notes.push(`Skipped if ${skip.expr}`);
  if (suspend?.required_events) notes.push(suspend.required_events === 1 ? "Waits for an approval" : `Waits for ${suspend.required_events} approvals`);
  if (stop?.expr) notes.push(`Ends the flow if ${stop.expr}`);
  if (retry?.constant?.attempts || retry?.exponential?.attempts) notes.push("Tries again after a failure");
  return notes;
}
