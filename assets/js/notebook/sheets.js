// Radix colours the document's root by a rule that looks for a theme anywhere below it (`:root:where(:has(…))`). With it the
// browser searches the whole page at every change of it, so at every key typed. Our tokens colour the root; the rule's other
// half, which names the theme itself, is all that is needed.
const SEARCHES_ALL = ":root:where(:has(";

export function calmSheets() {
  for (const sheet of document.styleSheets) {
    try {
      calm(sheet.cssRules);
    } catch {
      /* a sheet of an extension, which we may not read */
    }
  }
}

function calm(rules) {
  for (const rule of rules) {
    if (rule.selectorText?.includes(SEARCHES_ALL)) {
      const kept = rule.selectorText.slice(0, rule.selectorText.indexOf(SEARCHES_ALL)).replace(/[\s,]+$/, "");
      if (kept) rule.selectorText = kept;
    }
    if (rule.cssRules?.length) calm(rule.cssRules);
  }
}
