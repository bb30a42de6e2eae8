// The tree of a value as flat rows: what is open, what is loaded, what comes next. Pure.

export const PAGE = 100;

export const isContainer = (node) => node.t === "object" || node.t === "array";
export const keyOf = (path) => JSON.stringify(path);

/** Where a child sits: its key, as the server names it (numbers for arrays). */
export const childKey = (parent, child, index) => (parent.t === "array" ? (typeof child.k === "number" ? child.k : Number(child.k ?? index)) : child.k);

/**
 * Rows in order. A row is `{kind: "node", node, path, level, open, parent}` or `{kind: "more", path, level, shown, total}`
 * or `{kind: "wait", path, level}` while children travel.
 */
export function rowsOf(root, { open, children, rootOpen = true }) {
  const rows = [];
  const visit = (node, path, level) => {
    const key = keyOf(path);
    const expanded = isContainer(node) && (path.length === 0 ? rootOpen && open.get(key) !== false : open.get(key) === true);
    rows.push({ kind: "node", node, path, level, open: expanded, key });
    if (!expanded || node.n === 0) return;
    const loaded = children.get(key) || node.c;
    if (!loaded) {
      rows.push({ kind: "wait", path, level: level + 1, key: `${key} wait` });
      return;
    }
    loaded.forEach((child, index) => visit(child, [...path, childKey(node, child, index)], level + 1));
    if (loaded.length < node.n) rows.push({ kind: "more", path, level: level + 1, shown: loaded.length, total: node.n, key: `${key} more` });
  };
  if (root) visit(root, [], 0);
  return rows;
}

/** A one-line preview: what a folded node says about itself. */
export function preview(node) {
  if (node.t === "array") return node.n === 1 ? "1 item" : `${(node.n ?? 0).toLocaleString("en")} items`;
  if (node.t === "object") {
    const names = (node.c || []).slice(0, 4).map((child) => child.k);
    if (!node.n) return "empty";
    return names.length ? `${names.join(", ")}${node.n > names.length ? ", …" : ""}` : node.n === 1 ? "1 field" : `${node.n.toLocaleString("en")} fields`;
  }
  return "";
}

export function scalarText(node) {
  if (node.t === "string") return JSON.stringify(node.v ?? "") + (node.cut ? "…" : "");
  if (node.t === "null") return "null";
  return String(node.v);
}
