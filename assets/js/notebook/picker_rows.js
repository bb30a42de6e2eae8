// What the picker lists, as flat rows: groups, values, what is open inside of them, and a row that offers the rest of a long one. Pure.

/** Rows in order. A row is `{key, name}`, `{key, item, depth, parent}` or `{key, more: {expr, shown, total}, depth, parent}`. */
export function flatten(groups, open, query, deep) {
  const rows = [];
  const add = (item, depth, group, parent) => {
    rows.push({ key: `${group}-${item.expr}`, item, depth, parent });
    const inside = open.get(item.expr);
    if (!inside?.items) return;
    for (const child of inside.items) add(child, depth + 1, group, item.expr);
    if (inside.items.length < inside.total) rows.push({ key: `${group}-${item.expr}-more`, more: { expr: item.expr, shown: inside.items.length, total: inside.total }, depth: depth + 1, parent: item.expr });
  };
  for (const group of groups) {
    const hits = group.items.filter((item) => !query || `${item.expr} ${item.label ?? ""}`.toLowerCase().includes(query));
    if (!hits.length) continue;
    rows.push({ key: `g-${group.name}`, name: group.name });
    for (const item of hits) add(item, 0, group.name, null);
  }
  const shown = new Set(rows.map((row) => row.item?.expr));
  const inside = query ? deep.filter((item) => !shown.has(item.expr)) : [];
  if (inside.length) rows.push({ key: "g-inside", name: "Inside of values" });
  for (const item of inside) add(item, 0, "inside", null);
  return rows;
}

/** What is open, with one more page of a value; a page that came already, or belongs to a value folded meanwhile, changes nothing. */
export function withMore(open, expr, offset, { items, total }) {
  const known = open.get(expr)?.items;
  if (known?.length !== offset) return open;
  // a value that got shorter meanwhile ends here: nothing more is offered
  return new Map(open).set(expr, { items: [...known, ...items], total: items.length ? total : offset });
}
