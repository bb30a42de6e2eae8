// What a version of a script is made of, as the page compares and stores it.

/** What a person edits on the page. */
export const FIELDS = ["content", "summary", "language"];

export const sameText = (one, other) => FIELDS.every((name) => (one[name] ?? "") === (other[name] ?? ""));

export const short = (hash) => hash.slice(0, 8);

const COMPUTED = new Set(["has_preprocessor", "parent_hashes", "lock_error_logs", "created_at", "created_by", "hash"]);

/**
 * The body that stores `text` as a version: whatever else `origin` says is taken along. A lock belongs to a code: it goes
 * with it, and is made anew for another one.
 */
export function bodyOf(origin, text) {
  const own = Object.fromEntries(Object.entries(origin).filter(([name]) => !COMPUTED.has(name)));
  const sameCode = origin.content === text.content && origin.language === text.language;
  return { ...own, content: text.content, summary: text.summary, language: text.language, schema: text.schema ?? own.schema, lock: sameCode ? origin.lock : null };
}

/** What differs beside the code, in sentences. */
export function otherChanges(before, after) {
  const named = { summary: "Summary", language: "Language" };
  return Object.entries(named).filter(([name]) => (before[name] ?? "") !== (after[name] ?? "")).map(([name, word]) => `${word}: ${before[name] || "none"} → ${after[name] || "none"}`);
}
