// The page's store of one draft: the server's snapshot, local edits on top of it, and the one event stream.
// Text is typed here and sent from here; states, outputs and logs arrive here and reach exactly one cell each.
import { request, subscribe } from "../api.js";
import { KeptEdits } from "./local_text.js";
import { apply, childrenOf, inOrder } from "./reduce.js";
import { without } from "./objects.js";
import { Signals, sameJson } from "./signals.js";
import { pathExpression } from "../words.js";

const SAVE_AFTER_MS = 500;
const RETRY_MS = [300, 600, 1000, 2000]; // short: what was typed waits in this browser only
const SEND_TIMEOUT_MS = 15000;
const KEEPALIVE_MAX = 60000; // browsers refuse more than 64 KB for a request that outlives its page
const LOG_TAIL = 64 * 1024;
const ACTIVE = new Set(["queued", "running", "waiting"]);

export const newId = (prefix) => {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return prefix + [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("").slice(0, 15);
};

export class NotebookStore extends Signals {
  constructor({ ws, draftId }) {
    super();
    this.ws = ws;
    this.draftId = draftId;
    this.base = `/api/w/${encodeURIComponent(ws)}/drafts/${encodeURIComponent(draftId)}`;
    this.client = newId("p");
    this.kept = new KeptEdits(draftId);
    this.server = null; // the last view the server gave
    this.view = null; // the same with pending operations on top
    this.staged = new Map(); // key -> {op, timer}: typed, not yet sent
    this.queue = []; // operations to send, in order
    this.sending = [];
    this.texts = new Map(); // cell id -> {text, saved, version}
    this.tail = Promise.resolve();
    this.retries = 0;
    this.serverId = null;
    this.confirmedEffects = new Set();
    this.toastId = 0;
    this.set("phase", "loading");
    this.set("save", { kind: "saved" });
    this.set("link", "open");
    this.set("toasts", []);
    this.set("counts", { stale: 0, active: 0, problems: 0 });
    this.set("sidebar", { tab: "static" });
  }

  // ------------------------------------------------------------------ life

  start() {
    this.stopStream = subscribe(this.ws, [`draft:${this.draftId}`], (event) => this.receive(event), (status) => this.set("link", status));
    this.onHide = () => this.leave();
    window.addEventListener("pagehide", this.onHide);
    this.onOnline = () => this.pump();
    window.addEventListener("online", this.onOnline);
    return this.refresh();
  }

  stop() {
    this.stopStream?.();
    window.removeEventListener("pagehide", this.onHide);
    window.removeEventListener("online", this.onOnline);
    clearTimeout(this.retryTimer);
    this.leave();
  }

  /** Fetch the whole snapshot. Local edits stay on top of it. */
  async refresh() {
    try {
      const snapshot = await request("GET", `${this.base}/notebook`);
      this.takeSnapshot(snapshot);
      if (!this.restored) this.restoreKept();
      this.set("phase", "ready");
      this.pump();
    } catch (error) {
      if (error.status === 404) this.set("phase", "missing");
      else if (error.status === 401) goToSignIn();
      else {
        if (this.get("phase") === "loading") this.set("phase", "unreachable");
        clearTimeout(this.refreshTimer);
        this.refreshTimer = setTimeout(() => this.refresh(), 2000);
      }
    }
  }

  // ------------------------------------------------------------------ from the server

  takeSnapshot(snapshot) {
    const cells = new Map(snapshot.cells.map((cell) => [cell.id, cell]));
    for (const cell of snapshot.cells) this.takeLive(cell, "snapshot");
    this.server = { draft: snapshot.draft, cells, notes: snapshot.notes ?? [], input: snapshot.input, problems: snapshot.problems ?? [] };
    for (const cell of snapshot.cells) this.takeText(cell, "other");
    this.rebuild();
  }

  /** Merge a Change. `source`: own (answer to our operations), history (undo, redo), other (someone else). */
  takeChange(change, source) {
    if (!this.server || change.version < this.server.draft.version) return;
    const cells = new Map(this.server.cells);
    for (const id of change.removed ?? []) cells.delete(id);
    for (const cell of change.cells ?? []) {
      cells.set(cell.id, cell);
      this.takeLive(cell, source);
      this.takeText(cell, source);
    }
    this.server = {
      draft: { ...this.server.draft, ...change.draft, version: change.version },
      cells: reorder(cells, change.order),
      notes: change.notes ?? this.server.notes,
      input: change.input ?? this.server.input,
      problems: change.problems ?? this.server.problems,
    };
    this.rebuild();
  }

  takeLive(cell, source) {
    // the answer to an edit may be older than the event that said "running": events tell how runs go
    const active = ACTIVE.has(this.get(`state:${cell.id}`)?.kind);
    const older = active && (source === "own" || source === "history") && !ACTIVE.has(cell.state?.kind);
    if (cell.state && !older) this.takeState(cell.id, cell.state, true);
    if (cell.output !== undefined) this.takeOutput(cell.id, cell.output);
    const evaluated = { ...Object.fromEntries((cell.inputs ?? []).map((input) => [input.field, input.evaluated ?? null])), ...cell.settings?.evaluated };
    // likewise: the event with the new value may have come before the answer that does not know it yet
    this.takeEvaluated(cell.id, source === "own" ? Object.fromEntries(Object.entries(evaluated).filter(([, value]) => value)) : evaluated);
  }

  takeState(id, state, quiet = false) {
    const before = this.get(`state:${id}`);
    if (before?.local && quiet && !ACTIVE.has(state.kind)) return; // pressed a moment ago: keep saying "running"
    if (ACTIVE.has(state.kind) && !ACTIVE.has(before?.kind)) this.set(`log:${id}`, undefined);
    this.setEqual(`state:${id}`, state);
    if (!quiet && ACTIVE.has(before?.kind) && !ACTIVE.has(state.kind)) this.announceCell(id, state);
    this.countSoon();
  }

  takeOutput(id, output) {
    const before = this.get(`output:${id}`);
    if (before && output && before.run_id === output.run_id && before.hash === output.hash && sameJson(before, output)) return;
    this.set(`output:${id}`, output ?? null);
  }

  takeEvaluated(id, evaluated) {
    this.setEqual(`evaluated:${id}`, { ...this.get(`evaluated:${id}`), ...evaluated });
  }

  receive(event) {
    switch (event.type) {
      case "hello":
        if (event.resumed || (this.serverId && this.serverId !== event.server)) {
          this.retries = 0;
          this.refresh();
        }
        this.serverId = event.server;
        break;
      case "state":
        this.takeState(event.cell, event.state);
        break;
      case "states":
        for (const [id, state] of Object.entries(event.states)) this.takeState(id, state);
        break;
      case "output":
        this.takeOutput(event.cell, event.output);
        break;
      case "log":
        this.takeLog(event);
        break;
      case "evaluated":
        this.takeEvaluated(event.cell, event.inputs);
        break;
      case "change":
        if (event.client !== this.client) this.takeChange(event, "other");
        break;
      case "deleted":
        this.set("phase", "missing");
        break;
      case "run":
        if (!ACTIVE.has(event.status) && event.status !== "suspended") this.settleLocal();
        break;
    }
  }

  takeLog({ cell, run_id: run, text, offset }) {
    const log = this.get(`log:${cell}`);
    const before = log?.run === run ? log : { run, text: "", end: 0 };
    if (offset !== undefined && offset < before.end) return;
    this.set(`log:${cell}`, { run, text: (before.text + text).slice(-LOG_TAIL), end: (offset ?? before.end) + text.length });
  }

  /** Server text of a cell against ours. Ours wins while unsaved, unless someone else wrote meanwhile: then the person decides. */
  takeText(cell, source) {
    if (typeof cell.code !== "string") return;
    const mine = this.texts.get(cell.id);
    if (!mine) {
      this.texts.set(cell.id, { text: cell.code, saved: cell.code, version: cell.code_version });
      return;
    }
    const dirty = mine.text !== mine.saved;
    const moved = cell.code !== mine.saved;
    mine.version = cell.code_version;
    if (!moved || source === "own") {
      if (source === "own" && !dirty && moved && !this.isPending(cell.id)) this.replaceText(cell.id, cell.code);
      return;
    }
    if (cell.code === mine.text) {
      mine.saved = cell.code;
      this.set(`conflict:${cell.id}`, undefined);
    } else if (!dirty || source === "history") this.replaceText(cell.id, cell.code);
    else {
      mine.saved = cell.code;
      this.unstage(`code:${cell.id}`);
      this.set(`conflict:${cell.id}`, { mine: mine.text, theirs: cell.code });
    }
  }

  isPending(id) {
    return [...this.queue, ...this.sending].some((item) => item.op.op === "set_code" && item.op.cell === id);
  }

  replaceText(id, text) {
    const mine = this.texts.get(id);
    mine.text = mine.saved = text;
    this.unstage(`code:${id}`);
    this.kept.forget(`code:${id}`);
    this.set(`text:${id}`, { text });
  }

  // ------------------------------------------------------------------ the view

  rebuild() {
    let view = this.server;
    for (const item of [...this.sending, ...this.queue]) view = apply(view, item.op);
    for (const { op } of this.staged.values()) if (op.op !== "set_code") view = apply(view, op);
    this.view = view;
    this.publish();
  }

  publish() {
    const { cells, notes } = this.view;
    const order = inOrder(cells);
    for (const id of this.get("order") ?? []) if (!cells.has(id)) this.dropCell(id);
    const slots = new Map([["root", []]]);
    const noteAfter = Map.groupBy ? Map.groupBy(notes, (note) => (cells.has(note.after) ? note.after : null)) : groupNotes(notes, cells);
    const push = (key, item) => slots.set(key, [...(slots.get(key) ?? []), item]);
    for (const note of noteAfter.get(null) ?? []) push("root", `note:${note.id}`);
    for (const id of order) {
      const cell = cells.get(id);
      const key = cell.parent ? `${cell.parent}:${cell.slot}` : "root";
      push(key, id);
      for (const note of noteAfter.get(id) ?? []) push(key, `note:${note.id}`);
      this.publishCell(cell);
    }
    for (const note of notes) this.setEqual(`note:${note.id}`, note);
    for (const key of this.slotKeys ?? []) if (!slots.has(key)) this.set(`slot:${key}`, undefined);
    this.slotKeys = [...slots.keys()];
    for (const [key, items] of slots) this.setEqual(`slot:${key}`, items);
    this.setEqual("order", order);
    this.setEqual("draft", this.view.draft);
    this.setEqual("input", this.view.input);
    this.setEqual("problems", this.allProblems());
    this.countSoon();
  }

  publishCell(cell) {
    const shown = without(cell, "state", "output", "index", "code", "code_version");
    shown.inputs = (cell.inputs ?? []).map((input) => without(input, "evaluated"));
    shown.settings = without(cell.settings ?? {}, "evaluated");
    if (!this.get(`state:${cell.id}`) && cell.state) this.set(`state:${cell.id}`, cell.state);
    if (typeof cell.code === "string" && !this.texts.has(cell.id)) this.texts.set(cell.id, { text: cell.code, saved: cell.code, version: cell.code_version });
    this.setEqual(`cell:${cell.id}`, shown);
  }

  dropCell(id) {
    for (const kind of ["cell", "state", "output", "evaluated", "log", "text", "conflict"]) this.set(`${kind}:${id}`, undefined);
    this.texts.delete(id);
  }

  allProblems() {
    const seen = new Set();
    const all = [];
    for (const problem of [...(this.view.problems ?? []), ...inOrder(this.view.cells).flatMap((id) => this.view.cells.get(id).problems ?? [])]) {
      const key = `${problem.rule}|${problem.pointer}|${problem.step_id}|${problem.field}|${problem.message}`;
      if (!seen.has(key)) seen.add(key), all.push(problem);
    }
    return all;
  }

  countSoon() {
    if (this.counting) return;
    this.counting = true;
    queueMicrotask(() => {
      this.counting = false;
      if (!this.view) return;
      const counts = { stale: 0, active: 0, cells: this.view.cells.size, problems: this.allProblems().length };
      for (const [id, cell] of this.view.cells) {
        const kind = this.get(`state:${id}`)?.kind;
        if (ACTIVE.has(kind)) counts.active += 1;
        else if (!cell.parent && (kind === "stale" || kind === "never" || kind === "failed")) counts.stale += 1;
      }
      this.setEqual("counts", counts);
    });
  }

  // ------------------------------------------------------------------ edits

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

  /** Keep an operation that will be sent soon; a newer one under the same key replaces it. */
  stage(key, op, base) {
    clearTimeout(this.staged.get(key)?.timer);
    const held = key.startsWith("code:") && this.get(`conflict:${op.cell}`);
    const timer = held ? 0 : setTimeout(() => this.flush(), SAVE_AFTER_MS);
    this.staged.set(key, { op, timer, held });
    this.forgetValue(op);
    this.kept.keep(key, op, base);
    this.setSave("pending");
  }

  /** An expression changes: what the old one gave is not its value. */
  forgetValue(op) {
    const field = op.op === "set_input" ? op.field : op.op === "set_setting" ? op.key : null;
    if (field && this.get(`evaluated:${op.cell}`)?.[field]) this.takeEvaluated(op.cell, { [field]: null });
  }

  unstage(key) {
    clearTimeout(this.staged.get(key)?.timer);
    this.staged.delete(key);
  }

  /** Do operations now. What was typed before goes first, so order is what the person did. */
  do(...ops) {
    this.collect();
    for (const op of ops) {
      this.forgetValue(op);
      this.queue.push({ op, key: null });
    }
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
    this.collect();
    this.rebuild();
    this.pump();
  }

  /** Nothing is in flight and nothing waits. */
  async settled() {
    this.flush();
    await this.tail;
  }

  serially(work) {
    const next = this.tail.then(work, work);
    this.tail = next.catch(() => {});
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
        const change = await request("POST", `${this.base}/operations`, { json: this.body(this.sending), timeout: SEND_TIMEOUT_MS });
        this.accepted(this.sending, change);
      } catch (error) {
        if (!this.refused(error)) return;
      }
    }
    this.oneByOne = false;
    if (!this.staged.size) this.setSave("saved");
  }

  body(items) {
    return { base_version: this.server.draft.version, client: this.client, ops: items.map((item) => item.op) };
  }

  accepted(items, change) {
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
    if (change) this.takeChange(change, "own");
    else this.rebuild();
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
  }

  async history(verb) {
    await this.settled();
    return this.serially(async () => {
      try {
        this.takeChange(await request("POST", `${this.base}/${verb}`, { json: { client: this.client } }), "history");
        this.setSave("saved");
      } catch (error) {
        this.toast({ text: error.message, hint: error.hint, tone: "bad" });
      }
    });
  }

  // ------------------------------------------------------------------ runs

  /** Run cells. The page says "running" before anything is sent; edits travel in the same request. */
  async run(ids, mode = "auto") {
    const targets = this.targets(ids, mode);
    if (!targets.length && mode !== "all") return;
    this.collect();
    const items = this.queue;
    this.queue = [];
    const before = this.pressed(targets, mode);
    let asks = null;
    await this.serially(async () => {
      this.sending = items;
      try {
        const answer = await request("POST", `${this.base}/run`, { json: { client: this.client, ops: items.map((item) => item.op), cells: ids, mode, confirmed: [...this.confirmedEffects] } });
        this.accepted(items, answer.change);
        this.started(before, answer);
      } catch (error) {
        this.notStarted(before, items, error);
        if (error.code === "run.asks_first") asks = error.details?.cells ?? [];
      }
    });
    this.pump();
    if (asks && (await this.agreed(asks))) await this.run(ids, mode);
  }

  targets(ids, mode) {
    const roots = childrenOf(this.view.cells, null).map((cell) => cell.id);
    const kind = (id) => this.get(`state:${id}`)?.kind;
    const stale = (list) => list.filter((id) => ["stale", "never", "failed"].includes(kind(id)));
    if (mode === "stale") return [...new Set([...ids, ...stale(roots)])];
    if (mode === "all") return roots;
    const at = roots.indexOf(ids[0]);
    if (mode === "up_to") return [...stale(roots.slice(0, at)), ids[0]];
    if (mode === "from") return roots.slice(at);
    return ids;
  }

  pressed(targets, mode) {
    const before = new Map();
    const since = new Date().toISOString();
    const say = (id, kind, text) => {
      if (!id || ACTIVE.has(this.get(`state:${id}`)?.kind)) return;
      before.set(id, this.get(`state:${id}`));
      this.set(`log:${id}`, undefined);
      this.set(`state:${id}`, { kind, text, causes: [], runs_first: [], since, local: true });
    };
    if (mode === "auto") for (const id of targets) for (const first of this.get(`state:${id}`)?.runs_first ?? []) say(this.cellOfStep(first), "queued", "Queued");
    targets.forEach((id, index) => say(id, index || before.size ? "queued" : "running", index || before.size ? "Queued" : "Running"));
    this.countSoon();
    return before;
  }

  started(before, answer) {
    const planned = new Set(answer.plan?.run ?? []);
    for (const [id, state] of before) if (planned.size && !planned.has(id)) this.undoLocal(id, state);
    this.lastRun = answer.run_id;
    this.pressedStates = before;
  }

  notStarted(before, items, error) {
    this.sending = [];
    for (const [id, state] of before) this.undoLocal(id, state);
    if (error.status === 0 || error.status >= 500) this.queue = [...items, ...this.queue];
    else {
      this.queue = [...items, ...this.queue];
      this.oneByOne = true;
    }
    if (error.code === "run.asks_first") return;
    if (error.status === 0) this.setSave("offline", error.message);
    this.toast({ text: error.status === 0 ? "Not run: the server does not answer" : error.message, hint: error.hint, tone: "bad" });
    this.announce("Not run");
  }

  undoLocal(id, state) {
    if (this.get(`state:${id}`)?.local) this.set(`state:${id}`, state);
    this.countSoon();
  }

  /** A run ended: no cell may go on saying "running" by itself. */
  settleLocal() {
    for (const [id, state] of this.pressedStates ?? []) this.undoLocal(id, state);
    this.pressedStates = null;
  }

  /** Cells with outside effects would run again: the person is asked once per page and cell. */
  async agreed(cells) {
    const agreed = await new Promise((resolve) => this.set("dialog", { kind: "effects", cells, resolve }));
    this.set("dialog", undefined);
    if (agreed) for (const id of cells) this.confirmedEffects.add(id);
    return agreed;
  }

  async cancel() {
    try {
      await request("POST", `${this.base}/cancel`, { json: {} });
    } catch (error) {
      this.toast({ text: error.message, hint: error.hint, tone: "bad" });
    }
  }

  // ------------------------------------------------------------------ questions to the server

  ask(method, path, options) {
    return request(method, `${this.base}/${path}`, options);
  }

  query(path, parameters, options) {
    return this.ask("GET", `${path}?${new URLSearchParams(parameters)}`, options);
  }

  /** Upload a value of the flow's input; the stream goes past the page's memory. */
  async upload(name, file, mediaType, fileName) {
    await this.settled();
    return this.serially(async () => {
      const headers = { "Content-Type": mediaType || "application/octet-stream", "X-Client": this.client };
      if (fileName) headers["X-File-Name"] = encodeURIComponent(fileName);
      this.takeChange(await request("POST", `${this.base}/input/${encodeURIComponent(name)}`, { body: file, headers }), "own");
    });
  }

  // ------------------------------------------------------------------ finding things

  cell(id) {
    return this.view?.cells.get(id);
  }

  cellOfStep(step) {
    for (const [id, cell] of this.view?.cells ?? []) if (cell.step_id === step) return id;
    return null;
  }

  siblings(id) {
    const cell = this.cell(id);
    return cell ? childrenOf(this.view.cells, cell.parent, cell.slot).map((item) => item.id) : [];
  }

  /** A value of a result was picked: it goes to the field being connected, or asks which field wants it. */
  wire(base, path) {
    const expr = pathExpression(base, path);
    const target = this.get("pickTarget");
    if (target) target.connect(expr);
    else this.set("dialog", { kind: "wire", expr });
  }

  // ------------------------------------------------------------------ what is said

  announce(text) {
    this.set("announce", { text, at: Date.now() });
  }

  announceCell(id, state) {
    const cell = this.cell(id);
    if (cell) this.announce(`${cell.step_id} ${cell.title || ""}: ${state.text}`);
  }

  toast({ text, hint, tone = "plain", action, ms = 8000 }) {
    const id = (this.toastId += 1);
    this.set("toasts", [...this.get("toasts").slice(-2), { id, text, hint, tone, action }]);
    if (ms) setTimeout(() => this.dismiss(id), ms);
    return id;
  }

  dismiss(id) {
    this.set("toasts", this.get("toasts").filter((toast) => toast.id !== id));
  }
}

function reorder(cells, order) {
  if (!order) return cells;
  const next = new Map();
  for (const id of order) if (cells.has(id)) next.set(id, cells.get(id));
  return next;
}

function groupNotes(notes, cells) {
  const groups = new Map();
  for (const note of notes) {
    const key = cells.has(note.after) ? note.after : null;
    groups.set(key, [...(groups.get(key) ?? []), note]);
  }
  return groups;
}

function goToSignIn() {
  window.location.assign(`/signin?next=${encodeURIComponent(window.location.pathname)}`);
}
