// New cells: what can be inserted, and the OpenFlow module each kind begins as.
import { newId } from "./objects.js";

const STARTERS = {
  python3: "def main():\n    return None\n",
  deno: "export async function main() {\n  return null;\n}\n",
  bash: "# arguments by position: name=\"$1\"\necho \"\"\n",
};

const code = (language, label) => ({
  id: language, label, icon: "code",
  module: () => ({ summary: "", value: { type: "rawscript", language, content: STARTERS[language], input_transforms: {} } }),
});

/** Kinds in the order they are offered. Only kinds that this version can run. */
export const KINDS = [
  code("python3", "Python"),
  code("deno", "TypeScript"),
  code("bash", "Bash"),
  {
    id: "loop", label: "Loop", icon: "loop",
    module: () => ({ summary: "", value: { type: "forloopflow", modules: [], iterator: { type: "javascript", expr: "" }, skip_failures: false, parallel: false } }),
  },
  {
    id: "branch", label: "Branch", icon: "branch",
    module: () => ({ summary: "", value: { type: "branchone", branches: [{ summary: "", expr: "", modules: [] }], default: [] } }),
  },
];

export const NOTE = { id: "note", label: "Note", icon: "note" };

export const kindOf = (id) => KINDS.find((kind) => kind.id === id);

/** Put a new cell at a place {parent, slot, index}; answers its id. */
export function insertCell(store, kind, place) {
  const cell = newId("c");
  store.do({ op: "insert_cell", cell, parent: place.parent, slot: place.slot, index: place.index, module: kindOf(kind).module() });
  store.announce(`${kindOf(kind).label} inserted`);
  return cell;
}

export function insertNote(store, after) {
  const note = newId("n");
  store.do({ op: "insert_note", note, after, text: "" });
  return note;
}

/** Where a cell is, as a place for inserting: 0 before it, 1 after it. */
export function placeOf(store, id, offset) {
  const cell = store.cell(id);
  return { parent: cell.parent, slot: cell.slot, index: cell.index + offset };
}
