// Proposals for inputs as rows: what may be said of each, what accepting some does, and what the button for all of them says.

export const keyOf = (item) => `${item.cell} ${item.field}`;

/** The rows of an answer in the order of cells and fields: fields for which several things fit equally well wait for a choice. */
export function rowsOf({ proposals = [], choices = [] }, orderOf = () => 0) {
  const open = choices.map(({ exprs, ...place }) => ({ ...place, kind: "wire", expr: "", alternatives: exprs, why: "these fit equally well: choose one" }));
  return [...proposals, ...open].map((item, at) => ({ item, at })).sort((a, b) => orderOf(a.item) - orderOf(b.item) || a.at - b.at).map(({ item }) => item);
}

/** Rows by cell, in their order: [{cell, step, title, items}]. */
export function groupsOf(items) {
  const found = new Map();
  for (const item of items) {
    if (!found.has(item.cell)) found.set(item.cell, { cell: item.cell, step: item.step, title: item.title, items: [] });
    found.get(item.cell).items.push(item);
  }
  return [...found.values()];
}

/** "open" (nothing is chosen yet), "pending" (being evaluated), "valid", "wrong", or "unknown": not known before a run. */
export function stateOf(item) {
  if (item.pending) return "pending";
  if (!item.expr) return "open";
  if (item.kind === "input" || isAwaited(item)) return "valid";
  if (item.evaluated?.ok) return item.evaluated.problem ? "wrong" : "valid";
  return item.evaluated && item.valid !== null ? "wrong" : "unknown";
}

/** An input of the flow that has no value here yet. */
export const isAwaited = (item) => item.valid === true && item.evaluated === null;

/** Accepted along with others; what fails, or may, is accepted by itself, knowingly. */
export const isSound = (item) => stateOf(item) === "valid";

export function acceptText(sound, open) {
  if (sound < open) return sound === 1 ? "Accept the one without errors" : `Accept all ${sound} without errors`;
  return open === 1 ? "Accept" : open === 2 ? "Accept both" : `Accept all ${open}`;
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The edit that accepting some rows is: `{ops, refused}`. New inputs of the flow are put into its schema, once each, with what
 * reads them. `refused` are rows whose name the flow has meanwhile given to another input.
 */
export function acceptance(items, schema) {
  const properties = { ...schema?.properties };
  const made = [];
  const refused = items.filter(({ kind, input }) => {
    if (kind !== "input") return false;
    if (input.name in properties) return !same(properties[input.name], input.schema);
    properties[input.name] = input.schema;
    made.push(input.name);
    return false;
  });
  const wired = items.filter((item) => !refused.includes(item)).map(({ cell, field, expr }) => ({ op: "set_input", cell, field, transform: { type: "javascript", expr } }));
  if (!made.length) return { ops: wired, refused };
  const required = [...(schema?.required ?? []), ...made];
  const order = [...(schema?.order ?? Object.keys(schema?.properties ?? {})), ...made];
  return { ops: [{ op: "set_schema", schema: { type: "object", ...schema, properties, required, order } }, ...wired], refused };
}
