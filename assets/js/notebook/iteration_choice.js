// Which iteration of a loop is meant: what a person typed, what there is to choose from, and what it goes over.

/** `{index}` from 0 of what is typed (from 1), or why it is none; `count` is how many items there are, null where that is not known. */
export function chosen(text, count) {
  const number = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  if (count === 0) return { problem: "The list has no items" };
  if (number < 1) return { problem: "Type a whole number from 1 on" };
  if (count !== null && number > count) return { problem: `The list has ${count === 1 ? "1 item" : `${count} items`}` };
  return { index: number - 1 };
}

/** An item in a few words, from the tree of the list: null where the tree does not reach it. */
export function itemText(list, index) {
  const item = list?.c?.find(({ k }) => k === index);
  if (!item) return null;
  if (item.t === "array") return item.n === 1 ? "1 item" : `${item.n} items`;
  if (item.t === "object") return item.n === 1 ? "1 key" : `${item.n} keys`;
  const text = item.t === "string" ? JSON.stringify(item.v) : String(item.v);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** How many iterations can be looked at: those of the last run, and any that ran by itself since then. */
export const reach = ({ total, items }) => items.reduce((most, { index }) => Math.max(most, index + 1), total);

/** What stands in the list of iterations for one of them. */
export const optionText = ({ index, status, run_number: run }) => `${index + 1}${status === "failure" ? ", failed" : ""}${run ? `, by itself in run #${run}` : ""}`;
