// What an operation does to the page's view of the notebook, before the server has answered.
// Pure: takes a view {draft, cells: Map, notes, input, settings}, returns a new one. The server's answer replaces all of it.
import { without } from "./objects.js";

const SINGLE_ORDER = { preprocessor: -1, default: 1e6, failure: 1e6 };
export const SLOT_ORDER = (slot) => SINGLE_ORDER[slot] ?? (slot.startsWith("branches/") ? Number(slot.slice(9)) : 0);

/** Cells of one container in order. parent null is the top level. */
export function childrenOf(cells, parent, slot) {
  return [...cells.values()]
    .filter((cell) => cell.parent === parent && (slot === undefined || cell.slot === slot))
    .sort(bySlot);
}

const bySlot = (a, b) => SLOT_ORDER(a.slot) - SLOT_ORDER(b.slot) || a.index - b.index;

export function descendantsOf(cells, id) {
  return childrenOf(cells, id).flatMap((child) => [child.id, ...descendantsOf(cells, child.id)]);
}

/** The ids of all cells, each container before what is in it. Looks at every cell once, however many there are. */
export function inOrder(cells) {
  const children = new Map();
  for (const cell of cells.values()) {
    if (!children.has(cell.parent)) children.set(cell.parent, []);
    children.get(cell.parent).push(cell);
  }
  const below = (parent) => (children.get(parent) ?? []).sort(bySlot).flatMap((cell) => [cell.id, ...below(cell.id)]);
  return below(null);
}

export function apply(view, op) {
  const step = STEPS[op.op];
  return step ? step(view, op) : view;
}

const patchCell = (view, id, change) => {
  const cell = view.cells.get(id);
  if (!cell) return view;
  const cells = new Map(view.cells);
  cells.set(id, { ...cell, ...change(cell) });
  return { ...view, cells };
};

function shift(cells, parent, slot, from, by) {
  for (const [id, cell] of cells) {
    if (cell.parent === parent && cell.slot === slot && cell.index >= from) cells.set(id, { ...cell, index: cell.index + by });
  }
}

function depthIn(cells, parent) {
  return parent ? (cells.get(parent)?.depth ?? 0) + 1 : 0;
}

export const KIND_LABELS = { forloopflow: "Loop", whileloopflow: "While loop", branchone: "First true branch", branchall: "All branches", aiagent: "AI agent" };

/** The view of a cell that the server has not seen yet. */
export function draftCell(op, depth) {
  const value = op.module.value;
  const inputs = Object.entries(value.input_transforms ?? {}).map(([field, transform]) => ({
    field, type: transform.type, value: transform.value, expr: transform.expr ?? "", schema: {}, required: false, declared: true,
    kept: {}, secret: false, evaluated: null,
  }));
  return {
    id: op.cell, step_id: op.module.id ?? "", parent: op.parent, slot: op.slot, index: op.index, depth, kind: value.type,
    language: value.language ?? null, language_label: LABELS[value.language] ?? KIND_LABELS[value.type] ?? value.type,
    editor: EDITORS[value.language] ?? "plaintext", title: op.module.summary ?? "", code: value.content ?? null, code_version: 0,
    collapsed: false, outside_effects: false, reuse: "auto", inputs,
    path: value.path ?? null, sample: null,
    settings: settingsOf(op.module),
    reads: [], problems: [], state: { kind: "never", text: "Not run", causes: [], runs_first: [] }, output: null,
  };
}

/** The settings of a module that the page has just made: everything but code, inputs and nested cells. */
function settingsOf({ value, ...module }) {
  const own = without(value, "type", "content", "language", "input_transforms", "modules", "default");
  return { ...own, ...without(module, "id", "summary"), branches: (value.branches ?? []).map((branch) => without(branch, "modules")) };
}

export const LABELS = { python3: "Python", deno: "TypeScript", bun: "TypeScript (Bun)", bash: "Bash" };
export const EDITORS = { python3: "python", deno: "typescript", bun: "typescript", nativets: "typescript", bash: "shell" };

const STEPS = {
  insert_cell(view, op) {
    if (view.cells.has(op.cell)) return view;
    const cells = new Map(view.cells);
    shift(cells, op.parent, op.slot, op.index, 1);
    cells.set(op.cell, draftCell(op, depthIn(cells, op.parent)));
    return { ...view, cells };
  },
  paste_cells: (view, op) => op.modules.reduce((next, { id: _, ...module }, number) => STEPS.insert_cell(next, { ...op, cell: op.cells[number], index: op.index + number, module }), view),
  delete_cell(view, op) {
    const cell = view.cells.get(op.cell);
    if (!cell) return view;
    const cells = new Map(view.cells);
    for (const id of [op.cell, ...descendantsOf(cells, op.cell)]) cells.delete(id);
    shift(cells, cell.parent, cell.slot, cell.index + 1, -1);
    return { ...view, cells };
  },
  move_cell(view, op) {
    const cell = view.cells.get(op.cell);
    if (!cell) return view;
    const cells = new Map(view.cells);
    cells.delete(op.cell);
    shift(cells, cell.parent, cell.slot, cell.index + 1, -1);
    shift(cells, op.parent, op.slot, op.index, 1);
    const depth = depthIn(cells, op.parent);
    cells.set(op.cell, { ...cell, parent: op.parent, slot: op.slot, index: op.index, depth });
    for (const id of descendantsOf(cells, op.cell)) {
      const child = cells.get(id);
      cells.set(id, { ...child, depth: child.depth - cell.depth + depth });
    }
    return { ...view, cells };
  },
  set_language: (view, op) => patchCell(view, op.cell, () => ({
    language: op.language, language_label: LABELS[op.language] ?? op.language, editor: EDITORS[op.language] ?? "plaintext",
  })),
  set_title: (view, op) => patchCell(view, op.cell, () => ({ title: op.title })),
  rename_step: (view, op) => patchCell(view, op.cell, () => ({ step_id: op.step_id })),
  set_beside: (view, op) => patchCell(view, op.cell, () => ({ [op.key]: op.value })),
  set_setting: (view, op) => patchCell(view, op.cell, (cell) => ({ settings: withSetting(cell.settings, op.key, op.value) })),
  use_stand_in: (view, op) => patchCell(view, op.cell, (cell) => ({
    settings: withSetting(cell.settings, "mock", { ...cell.settings.mock, enabled: true }),
    stand_ins: (cell.stand_ins ?? []).map((item) => ({ ...item, in_force: item.name === op.name })),
  })),
  drop_stand_in: (view, op) => patchCell(view, op.cell, (cell) => ({ stand_ins: (cell.stand_ins ?? []).filter((item) => item.name !== op.name) })),
  set_flow_setting: (view, op) => ({ ...view, settings: { ...view.settings, [op.key]: op.value } }),
  rename_flow_input: (view, op) => ({ ...view, input: renamedInput(view.input, op) }),
  set_input: (view, op) => patchCell(view, op.cell, (cell) => ({ inputs: withInput(cell.inputs, op.field, op.transform) })),
  add_branch: (view, op) => patchCell(view, op.cell, (cell) => {
    const branches = [...(cell.settings.branches ?? [])];
    branches.splice(op.index, 0, { summary: op.branch.summary ?? "", expr: op.branch.expr ?? "" });
    return { settings: { ...cell.settings, branches } };
  }),
  insert_note: (view, op) => (view.notes.some((note) => note.id === op.note) ? view : { ...view, notes: [...view.notes, { id: op.note, after: op.after, text: op.text }] }),
  set_note: (view, op) => ({ ...view, notes: view.notes.map((note) => (note.id === op.note ? { ...note, text: op.text } : note)) }),
  move_note: (view, op) => ({ ...view, notes: view.notes.map((note) => (note.id === op.note ? { ...note, after: op.after } : note)) }),
  delete_note: (view, op) => ({ ...view, notes: view.notes.filter((note) => note.id !== op.note) }),
  set_flow: (view, op) => ({ ...view, draft: { ...view.draft, ...(op.summary === undefined ? {} : { summary: op.summary }), ...(op.description === undefined ? {} : { description: op.description }) } }),
  set_schema: (view, op) => ({ ...view, input: { ...view.input, schema: op.schema } }),
  set_sample: (view, op) => ({
    ...view,
    input: { ...view.input, values: withSample(view.input.values, op) },
  }),
};

function renamedInput(input, { name, to }) {
  const named = (key) => (key === name ? to : key);
  const schema = input.schema ?? {};
  const properties = Object.fromEntries(Object.entries(schema.properties ?? {}).map(([key, value]) => [named(key), value]));
  const lists = Object.fromEntries(["order", "required"].filter((key) => Array.isArray(schema[key])).map((key) => [key, schema[key].map(named)]));
  return { ...input, schema: { ...schema, properties, ...lists }, values: input.values.map((value) => ({ ...value, name: named(value.name) })) };
}

function withSample(values, op) {
  if (op.remove) return values.map((item) => (item.name === op.name ? { ...item, value: undefined, preview: "", blob: null, given: false } : item));
  const next = { name: op.name, value: op.value, preview: JSON.stringify(op.value), blob: null, given: true };
  return values.some((item) => item.name === op.name)
    ? values.map((item) => (item.name === op.name ? { ...item, ...next } : item))
    : [...values, next];
}

function withInput(inputs, field, transform) {
  if (transform === null) return inputs.filter((input) => input.field !== field || input.declared).map((input) => (input.field === field ? { ...input, type: null, value: undefined, expr: "" } : input));
  const change = (input) => ({
    ...input, ...transform, truncated: false, evaluated: null,
    kept: transform.type === input.type ? input.kept : input.type === "static" ? { ...input.kept, value: input.value } : { ...input.kept, expr: input.expr },
  });
  if (inputs.some((input) => input.field === field)) return inputs.map((input) => (input.field === field ? change(input) : input));
  return [...inputs, change({ field, schema: {}, required: false, declared: false, kept: {}, secret: false, evaluated: null })];
}

function withSetting(settings, key, value) {
  const path = key.split("/");
  if (path.length === 1) return { ...settings, [key]: value };
  const branches = [...(settings.branches ?? [])];
  branches[path[1]] = { ...branches[path[1]], [path[2]]: value };
  return { ...settings, branches };
}
