// Several cells at once: marked with Shift and the arrows, or with Ctrl/⌘ and a click. A command on one of them is for all.

const cellsOf = (store) => store.get("marked")?.cells ?? [];

const inside = (store, id, others) => {
  for (let at = store.cell(id)?.parent; at; at = store.cell(at)?.parent) if (others.has(at)) return true;
  return false;
};

/** What a command on a cell works on: the cell, or all marked ones if it is one of them; none that another one contains. */
export function chosen(store, id) {
  const all = new Set(cellsOf(store));
  if (!all.has(id)) return [id];
  return store.get("order").filter((each) => all.has(each) && !inside(store, each, all));
}

export function unmark(store) {
  if (store.get("marked")) store.set("marked", null);
}

function mark(store, anchor, cells) {
  store.set("marked", cells.length ? { anchor, cells } : null);
  if (cells.length) store.announce(`${cells.length} cells marked`);
}

/** Mark everything from where marking began to this cell. */
export function markTo(store, id) {
  const order = store.get("order");
  const anchor = store.get("marked")?.anchor ?? store.get("selected") ?? id;
  const [from, to] = [order.indexOf(anchor), order.indexOf(id)].sort((a, b) => a - b);
  mark(store, anchor, order.slice(Math.max(from, 0), to + 1));
}

/** Mark one cell more, or one less. */
export function toggleMark(store, id) {
  const at = store.get("selected");
  const cells = cellsOf(store).length ? cellsOf(store) : at ? [at] : [];
  mark(store, id, cells.includes(id) ? cells.filter((each) => each !== id) : [...cells, id]);
}
