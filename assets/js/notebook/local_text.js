// What was typed and is not saved yet, kept in the browser so that a reload, a crash or a dead server loses nothing.
// One localStorage entry per edited thing (cell text, input, note), so that a key press writes little. Entries are written a
// moment after the key, and at once when the page loses the focus or goes away: only a crash of the browser itself can lose
// the last WRITE_AFTER_MS of typing.

const PREFIX = "flowapp:kept:";
const WRITE_AFTER_MS = 100;
const MAX_BASE = 64 * 1024;

export class KeptEdits {
  constructor(draftId, storage = safeStorage()) {
    this.prefix = `${PREFIX}${draftId}:`;
    this.storage = storage;
    this.current = new Map();
    this.unwritten = new Map(); // key -> entry
  }

  /** Remember an operation under a key, with the text it was based on. Newer replaces older. */
  keep(key, op, base) {
    this.current.set(key, op);
    const entry = { op, at: Date.now() };
    if (typeof base === "string" && base.length <= MAX_BASE) entry.base = base;
    this.unwritten.set(key, entry);
    this.timer ??= setTimeout(() => this.write(), WRITE_AFTER_MS);
  }

  /** Write what waits. */
  write() {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [key, entry] of this.unwritten) write(this.storage, this.prefix + key, JSON.stringify(entry));
    this.unwritten.clear();
  }

  /** The server has this very operation: forget it, unless something newer was typed meanwhile. */
  saved(key, op) {
    if (this.current.get(key) !== op) return;
    this.forget(key);
  }

  forget(key) {
    this.current.delete(key);
    this.unwritten.delete(key);
    try {
      this.storage?.removeItem(this.prefix + key);
    } catch {
      /* storage is blocked: nothing was kept either */
    }
  }

  /** Everything a former page left unsaved: [{key, op, base}], oldest first. */
  left() {
    this.write();
    const found = [];
    try {
      for (let i = 0; i < (this.storage?.length ?? 0); i += 1) {
        const name = this.storage.key(i);
        if (!name.startsWith(this.prefix)) continue;
        const { op, base, at } = JSON.parse(this.storage.getItem(name));
        found.push({ key: name.slice(this.prefix.length), op, base, at });
      }
    } catch {
      /* unreadable entries are left alone */
    }
    return found.sort((a, b) => a.at - b.at);
  }
}

function write(storage, name, text) {
  try {
    storage?.setItem(name, text);
  } catch {
    /* storage full or blocked: the text still lives in the page and is being sent */
  }
}

function safeStorage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}
