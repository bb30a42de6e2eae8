// From a key press to the server: what is typed is kept in the browser at once, staged, sent in order, and sent again until
// the server has it. Nothing here throws text away without the person having said so.
import { request } from "../api.js";
import { fieldOf, Mirror } from "./mirror.js";

const SAVE_AFTER_MS = 500;
const RETRY_MS = [300, 600, 1000, 2000]; // short: what was typed waits in this browser only
const SEND_TIMEOUT_MS = 15000;
const KEEPALIVE_MAX = 60000; // browsers refuse more than 64 KB for a request that outlives its page

export class Saving extends Mirror {
  text(id) {
    return this.texts.get(id)?.text ?? this.view?.cells.get(id)?.code ?? "";
  }

  /** A key was pressed in a cell. Kept at once, sent when the person pauses. */
  typed(id, text) {
    const mine = this.texts.get(id);
    if (!mine) return;
    mine.text = text;
    if (this.get(`conflict:${id}`)) this.set(`conflict:${id}`, { ...this.get(`conflict:${id}`), mine: text });
    this.stage(`code:${id}`, { op: "set_code", cell: id, code: text, base_code_version: mine.version }, mine.saved);
  }

  /** Put a text into a cell as if it had been typed. */
  write(id, text) {
    const model = this.models?.get(id);
    if (model) {
      model.pushStackElement(); // a step of its own for Undo
      model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
      model.pushStackElement();
    } else {
      this.typed(id, text);
      this.set(`text:${id}`, { text });
    }
  }

  /** Keep an operation that will be sent soon; a newer one under the same key replaces it. */
  stage(key, op, base) {
    clearTimeout(this.staged.get(key)?.timer);
    const held = key.startsWith("code:") && this.get(`conflict:${op.cell}`);
    const timer = held ? 0 : setTimeout(() => this.flush(), SAVE_AFTER_MS);
    this.staged.set(key, { op, timer, held });
    this.forgetValue(op);
    this.kept.keep(key, op, base);
    this.setSave(held && this.onlyHeld() ? "conflict" : "pending");
  }

  /** Nothing is on its way but text that waits for a person's decision. */
  onlyHeld() {
    return !this.queue.length && !this.sending.length && [...this.staged.values()].every((item) => item.held) && this.inConflict();
  }

  inConflict() {
    return [...(this.view?.cells.keys() ?? [])].some((id) => this.get(`conflict:${id}`));
  }

  /** An expression changes: what the old one gave is not its value. */
  forgetValue(op) {
    const field = fieldOf(op);
    const known = this.get(`evaluated:${op.cell}`);
    if (field && known?.[field]) this.set(`evaluated:${op.cell}`, { ...known, [field]: null });
  }

  unstage(key) {
    clearTimeout(this.staged.get(key)?.timer);
    this.staged.delete(key);
  }

  /** Do operations now. What was typed before goes first, so order is what the person did. */
  do(...ops) {
    this.collect();
    const made = { version: 0 }; // the draft's version with these, once the server has them
    for (const op of ops) {
      this.forgetValue(op);
      this.queue.push({ op, key: null, made });
    }
    this.rebuild();
    this.pump();
  }

  /** Do one operation now, and call `taken(made)` when the server has taken it: never, when it refuses it. */
  doThen(op, taken) {
    this.collect();
    this.forgetValue(op);
    this.queue.push({ op, key: null, made: { version: 0 }, taken });
    this.rebuild();
    this.pump();
  }

  collect() {
    for (const [key, { op, timer, held }] of this.staged) {
      if (held) continue;
      clearTimeout(timer);
      this.staged.delete(key);
      this.queue = this.queue.filter((item) => item.key !== key);
      const current = op.op === "set_code" ? { ...op, base_code_version: this.texts.get(op.cell)?.version ?? op.base_code_version } : op;
      if (current !== op) this.kept.current.set(key, current);
      this.queue.push({ op: current, key });
    }
  }

  flush() {
    // an editor that loses the focus asks for this too: with nothing typed there is nothing to put together anew
    if (this.staged.size) {
      this.collect();
      this.rebuild();
    }
    this.pump();
  }

  /** Nothing is in flight and nothing waits. */
  async settled() {
    this.flush();
    await this.tail;
  }

  /** Work that talks to the server, one after the other. */
  serially(work) {
    return this.follow(this.tail.then(work, work));
  }

  /** The same, but with nothing under way it begins right now: before the page draws what was pressed. */
  promptly(work) {
    return this.inLine ? this.serially(work) : this.follow(work());
  }

  follow(next) {
    this.inLine += 1;
    this.tail = next.catch(() => {}).finally(() => {
      this.inLine -= 1;
    });
    return next;
  }

  pump() {
    if (!this.queue.length || this.pumping || !this.server) return;
    this.pumping = true;
    this.serially(() => this.sendQueue()).finally(() => {
      this.pumping = false;
    });
  }

  async sendQueue() {
    while (this.queue.length) {
      this.sending = this.oneByOne ? this.queue.splice(0, 1) : this.queue.splice(0);
      this.setSave("saving");
      try {
        const since = this.happened;
        const change = await request("POST", `${this.base}/operations`, { json: this.body(this.sending), timeout: SEND_TIMEOUT_MS });
        this.accepted(this.sending, change, since);
      } catch (error) {
        if (!this.refused(error)) return;
      }
    }
    this.oneByOne = false;
    this.sayWhetherSaved();
  }

  /** The server has taken what was sent: all of it, or there is more. */
  sayWhetherSaved() {
    if (this.onlyHeld()) this.setSave("conflict");
    else if (!this.staged.size && !this.queue.length) this.setSave("saved");
  }

  body(items) {
    return { base_version: this.server.draft.version, client: this.client, ops: items.map((item) => item.op) };
  }

  accepted(items, change, since) {
    this.sending = [];
    this.retries = 0;
    if (this.get("link") === "lost") window.dispatchEvent(new Event("online")); // the server answers: the event stream need not wait for its next try
    for (const { op, key } of items) {
      if (op.op === "set_code") {
        const mine = this.texts.get(op.cell);
        if (mine) mine.saved = op.code;
      }
      if (key) this.kept.saved(key, op);
    }
    if (change) this.takeChange(change, "own", since);
    else this.rebuild();
    for (const { made, taken } of items) {
      if (made && change) made.version = change.version;
      taken?.(made);
    }
  }

  /** The server did not take what we sent. True: go on with the rest. False: try again later. */
  refused(error) {
    const items = this.sending;
    this.sending = [];
    if (error.status === 401) {
      this.queue = [...items, ...this.queue];
      goToSignIn();
      return false;
    }
    if (error.status === 0 || error.status >= 500 || error.status === 429) {
      this.queue = [...items.map((item) => ({ ...item, again: true })), ...this.queue];
      this.setSave(error.status === 0 ? "offline" : "error", error.message);
      this.retryLater();
      return false;
    }
    if (items.length > 1) {
      this.queue = [...items, ...this.queue];
      this.oneByOne = true;
      return true;
    }
    this.rejected(items[0], error);
    return true;
  }

  rejected({ op, key, again }, error) {
    if (op.op === "set_code" && error.code?.includes("conflict")) {
      this.refresh().then(() => this.sendAgain(op.cell));
      return;
    }
    if (key) this.kept.forget(key);
    const alreadyDone = again && (op.op.startsWith("insert") || op.op.startsWith("delete"));
    if (!alreadyDone) this.toast({ text: error.message, hint: error.hint, tone: "bad" });
    this.refresh();
  }

  /** After a conflict that is none (only the version moved): the text here still has to be saved. */
  sendAgain(id) {
    const mine = this.texts.get(id);
    if (mine && mine.text !== mine.saved && !this.get(`conflict:${id}`)) this.typed(id, mine.text);
  }

  retryLater() {
    clearTimeout(this.retryTimer);
    const delay = RETRY_MS[Math.min(this.retries, RETRY_MS.length - 1)];
    this.retries += 1;
    this.retryTimer = setTimeout(() => this.pump(), delay);
  }

  setSave(kind, message) {
    const before = this.get("save");
    if (before.kind === kind && before.message === message && kind !== "saved") return;
    this.set("save", { kind, message, at: kind === "saved" ? new Date().toISOString() : before.at });
  }

  /** The page goes away: hand the rest to the browser; the kept copy covers the case that it does not arrive. */
  leave() {
    this.collect();
    this.kept.write();
    if (!this.queue.length || !this.server) return;
    const json = this.body(this.queue);
    if (JSON.stringify(json).length < KEEPALIVE_MAX) request("POST", `${this.base}/operations`, { json, keepalive: true }).catch(() => {});
  }

  /** What an earlier page of this draft typed and could not save. */
  restoreKept() {
    this.restored = true;
    for (const { key, op, base } of this.kept.left()) {
      const cell = op.cell && this.view.cells.get(op.cell);
      if (op.cell && !cell) {
        this.kept.forget(key);
        if (op.op === "set_code") this.toast({ text: "Unsaved text of a deleted cell was kept", action: { label: "Copy text", run: () => navigator.clipboard?.writeText(op.code) } });
        continue;
      }
      if (op.op === "set_code") this.restoreText(key, op, base, cell);
      else this.stage(key, op);
    }
    if (this.staged.size) this.flush();
  }

  restoreText(key, op, base, cell) {
    const mine = this.texts.get(op.cell);
    if (mine.text === op.code) return this.kept.forget(key);
    const unchanged = op.base_code_version === cell.code_version || base === cell.code;
    mine.text = op.code;
    this.set(`text:${op.cell}`, { text: op.code });
    if (!unchanged) this.set(`conflict:${op.cell}`, { mine: op.code, theirs: cell.code });
    this.stage(key, { ...op, base_code_version: cell.code_version }, cell.code);
  }

  resolveConflict(id, keep) {
    const conflict = this.get(`conflict:${id}`);
    this.set(`conflict:${id}`, undefined);
    if (keep === "theirs") this.replaceText(id, conflict.theirs);
    else this.typed(id, this.texts.get(id).text);
    this.flush();
    if (this.get("save").kind === "conflict" && !this.queue.length && !this.sending.length) this.setSave(this.inConflict() ? "conflict" : "saved");
  }

  /** Take a newer version of the flow into the draft; `body` as the server wants it. Throws what the server refuses. */
  takeIn(body) {
    this.flush();
    return this.serially(async () => {
      const since = this.happened;
      this.takeChange(await request("POST", `${this.base}/merge`, { json: { ...body, client: this.client } }), "history", since);
      this.sayWhetherSaved();
    });
  }

  history(verb) {
    return this.changeThere(verb, {}, "Nothing was undone or redone");
  }

  /** What was done last: `version` is that of the draft with it, 0 until the server has it. */
  lastMade() {
    return (this.queue.at(-1) ?? this.sending.at(-1))?.made ?? { version: this.server.draft.version };
  }

  /** Say what was just done, with an Undo that takes back nothing else, whatever is done meanwhile. */
  toastDone(toast, made = this.lastMade()) {
    this.toast({ ...toast, action: { label: "Undo", run: () => this.takeBack(made) } });
  }

  /** Take back an edit that is the last one still. Answers whether it was. */
  takeBack(made) {
    return this.changeThere("undo", made, "Nothing was undone");
  }

  /** Take back a deletion; after other edits, put the cells back. Answers whether they are there again. */
  async takeBackDeletion(made, cells) {
    await this.settled();
    if (made.version === this.server.draft.version) return this.takeBack(made);
    for (const cell of cells) if (!this.cell(cell) && !(await this.putBack(cell))) return false;
    return true;
  }

  /** Put a deleted cell back. Answers whether it is there again. */
  putBack(cell) {
    return this.changeThere("bin", { cell }, "Nothing was put back");
  }

  /** A change that the server works out. What waits here goes first. Answers whether it was made. */
  async changeThere(path, body, nothing) {
    this.flush();
    this.setSave("saving");
    await this.tail;
    return this.serially(async () => {
      try {
        if (this.queue.length) throw Object.assign(new Error(`${nothing}: the last change is not saved yet`), { hint: "It is sent again until the server has it. Then press once more." });
        this.setSave("saving");
        const since = this.happened;
        this.takeChange(await request("POST", `${this.base}/${path}`, { json: { client: this.client, ...body } }), "history", since);
        return true;
      } catch (error) {
        this.toast({ text: error.message, hint: error.hint, tone: "bad" });
        return false;
      } finally {
        this.sayWhetherSaved();
      }
    });
  }
}

export function goToSignIn() {
  window.location.assign(`/signin?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}
