// Where the cells of a flow stand in the graph: a list from top to bottom, branches side by side, contents inside of what holds
// them. Pure. A flow is a sequence with boxes in it, so no general layout is needed.

export const NODE = { width: 232, height: 54 };
const GAP = 30; // between two cells of a list
const SIDE = 24; // between two branches
const PAD = 14;
const HEAD = 56; // of a box, above its contents
const LABEL = 22; // above a branch

const CONTAINERS = new Set(["forloopflow", "whileloopflow", "branchone", "branchall"]);

/**
 * `cells` in document order, each {id, step_id, parent, slot, kind, reads, settings}. Answers {nodes, edges}: a node is
 * {id, x, y, width, height, box, label?}; an edge {from, to, kind: "order" | "wire" | "both"}.
 */
export function layout(cells) {
  const lists = new Map();
  for (const cell of cells) {
    const key = `${cell.parent ?? ""}:${cell.slot}`;
    lists.set(key, [...(lists.get(key) ?? []), cell]);
  }
  const nodes = [];
  const edges = [];
  const build = { lists, nodes, edges };
  let y = 0;
  for (const slot of ["preprocessor", "modules", "failure"]) {
    const list = lists.get(`:${slot}`) ?? [];
    if (!list.length) continue;
    const made = sized(build, list);
    place(build, made, -made.width / 2, y);
    y += made.height + GAP * (slot === "modules" ? 2 : 1);
  }
  return { nodes, edges: [...edges, ...wires(cells, edges)] };
}

/** A list with the sizes of all that is in it. */
function sized(build, list) {
  const items = list.map((cell) => sizedCell(build, cell));
  return { items, width: Math.max(NODE.width, ...items.map((item) => item.width)), height: items.reduce((sum, item) => sum + item.height, 0) + GAP * (items.length - 1) };
}

function sizedCell(build, cell) {
  if (!CONTAINERS.has(cell.kind)) return { cell, ...NODE };
  const columns = slotsOf(cell).map(({ slot, label }) => {
    const list = build.lists.get(`${cell.id}:${slot}`) ?? [];
    const inner = list.length ? sized(build, list) : { items: [], width: NODE.width * 0.6, height: 24 };
    return { label, inner, top: label ? LABEL : 0 };
  });
  const width = columns.reduce((sum, { inner }) => sum + inner.width, 0) + SIDE * (columns.length - 1);
  const height = Math.max(...columns.map(({ inner, top }) => inner.height + top));
  return { cell, columns, width: Math.max(NODE.width, width) + 2 * PAD, height: HEAD + height + PAD };
}

function slotsOf({ kind, settings }) {
  if (kind === "forloopflow" || kind === "whileloopflow") return [{ slot: "modules", label: "" }];
  const branches = (settings?.branches ?? []).map((branch, index) => ({ slot: `branches/${index}`, label: branch.summary || branch.expr || `Branch ${index + 1}` }));
  return kind === "branchone" ? [...branches, { slot: "default", label: "otherwise" }] : branches.length ? branches : [{ slot: "branches/0", label: "" }];
}

function place(build, { items, width }, x, y) {
  let before = null;
  for (const item of items) {
    placeCell(build, item, x + (width - item.width) / 2, y);
    if (before) build.edges.push({ from: before, to: item.cell.id, kind: "order" });
    before = item.cell.id;
    y += item.height + GAP;
  }
}

function placeCell(build, { cell, columns, width, height }, x, y) {
  build.nodes.push({ id: cell.id, x, y, width, height, box: Boolean(columns) });
  if (!columns) return;
  const inside = columns.reduce((sum, { inner }) => sum + inner.width, 0) + SIDE * (columns.length - 1);
  let left = x + (width - inside) / 2;
  columns.forEach(({ label, inner, top }, index) => {
    if (label) build.nodes.push({ id: `${cell.id}/${index}`, x: left, y: y + HEAD - 4, width: inner.width, height: LABEL, label });
    place(build, inner, left, y + HEAD + top);
    left += inner.width + SIDE;
  });
}

/** Who reads whose result; where the reader comes right after, the line of the order says it. */
function wires(cells, order) {
  const byStep = new Map(cells.map((cell) => [cell.step_id, cell.id]));
  const next = new Map(order.map((edge) => [`${edge.from}>${edge.to}`, edge]));
  const found = [];
  for (const cell of cells) {
    for (const step of cell.reads ?? []) {
      const from = byStep.get(step);
      if (!from || from === cell.id) continue;
      const along = next.get(`${from}>${cell.id}`);
      if (along) along.kind = "both";
      else found.push({ from, to: cell.id, kind: "wire" });
    }
  }
  return found;
}
