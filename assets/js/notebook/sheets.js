// A rule with `:has(…)` in any sheet of the page makes the browser look at the whole page again at each change, so at every key
// typed. Ours do without. Radix's and Monaco's go while a notebook is on the page: what they style (a menu with check boxes, a
// field within a Radix field) is not there, and where they ask that something is *not* there, it never is. Radix also colours
// the document's root by such a rule, which our tokens do. Other pages get the sheets back as they were.
const HAS = ":has(";

export class CalmSheets {
  constructor() {
    this.done = [];
    this.over = false;
  }

  apply() {
    if (this.over) return;
    for (const sheet of document.styleSheets) {
      try {
        this.#calm(sheet);
      } catch {
        /* a sheet of an extension, which we may not read */
      }
    }
  }

  undo() {
    this.over = true;
    for (const back of this.done.reverse()) back();
    this.done = [];
  }

  #calm(parent) {
    for (let index = parent.cssRules.length - 1; index >= 0; index--) {
      const rule = parent.cssRules[index];
      const selector = rule.selectorText;
      if (selector?.includes(HAS)) {
        const kept = listOf(without(selector)).filter((one) => !one.includes(HAS)).join(", ");
        if (!kept) {
          const text = rule.cssText;
          parent.deleteRule(index);
          this.done.push(() => parent.insertRule(text, index));
          continue;
        }
        rule.selectorText = kept;
        this.done.push(() => (rule.selectorText = selector));
      }
      if (rule.cssRules?.length) this.#calm(rule);
    }
  }
}

/** A selector without its `:not(:has(…))`, which always hold here. */
export function without(selector) {
  let text = selector;
  for (let at; (at = text.indexOf(`:not(${HAS.slice(0, -1)}(`)) >= 0; ) text = text.slice(0, at) + text.slice(endOf(text, at + 4));
  return text.replaceAll(":where()", "").replaceAll(":is()", "");
}

/** The selectors of a list: its commas outside of all brackets divide it. */
export function listOf(selector) {
  const found = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < selector.length; at++) {
    if (selector[at] === "(" || selector[at] === "[") depth++;
    else if (selector[at] === ")" || selector[at] === "]") depth--;
    else if (selector[at] === "," && depth === 0) {
      found.push(selector.slice(from, at).trim());
      from = at + 1;
    }
  }
  found.push(selector.slice(from).trim());
  return found;
}

/** The place after the bracket that closes the one at `open`. */
function endOf(text, open) {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")" && --depth === 0) return at + 1;
  }
  return text.length;
}
