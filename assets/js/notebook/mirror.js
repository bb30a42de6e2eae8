// What the server said last, what the page shows, and the way between: snapshot, changes and events in, signals out.
// Pending local edits lie on top of the server's view until it has them.
import { pathExpression } from "../words.js";
import { without } from "./objects.js";
import { apply, childrenOf, inOrder } from "./reduce.js";
import { Signals, sameJson } from "./signals.js";

const LOG_TAIL = 64 * 1024;
export const ACTIVE = new Set(["queued", "running", "waiting"]);

export class Mirror extends Signals {
  published = new Map(); // cell id -> the view of it that its signal was made from
  toldAt = new Map(); // key of a state or output -> when an event told it last, counted in what happened

  /** All of the draft, as it was when the server was asked: `since` as for a Change. */
  takeSnapshot(snapshot, knowsAll = false, since = Infinity) {
    if (knowsAll) for (const { id } of snapshot.cells) this.notOnlyHere(id);
    const cells = new Map(snapshot.cells.map((cell) => [cell.id, cell]));
    for (const cell of snapshot.cells) this.takeLive(cell, "snapshot", since);
    this.server = { draft: snapshot.draft, cells, notes: snapshot.notes ?? [], input: snapshot.input, settings: snapshot.settings ?? {}, problems: snapshot.problems ?? [] };
    for (const cell of snapshot.cells) this.takeText(cell, "other");
    this.rebuild();
  }

  /**
   * Merge a Change. `source`: own (answer to our operations), history (undo, redo), other (someone else). `since` is how much had
   * happened when an answer was asked for: events come on another way, and one that came meanwhile may be newer than the answer.
   */
  takeChange(change, source, since = Infinity) {
    if (!this.server || change.version < this.server.draft.version) return;
    const cells = new Map(this.server.cells);
    for (const id of change.removed ?? []) cells.delete(id);
    for (const cell of change.cells ?? []) {
      cells.set(cell.id, cell);
      this.takeLive(cell, source, since);
      this.takeText(cell, source);
    }
    this.server = {
      draft: { ...this.server.draft, ...change.draft, version: change.version },
      cells: reorder(cells, change.order),
      notes: change.notes ?? this.server.notes,
      input: change.input ?? this.server.input,
      settings: change.settings ?? this.server.settings,
      problems: change.problems ?? this.server.problems,
    };
    this.rebuild();
  }

  takeLive(cell, source, since = Infinity) {
    // the answer to an edit may be older than the event that said "running", or that it is over: events tell how runs go
    const active = ACTIVE.has(this.get(`state:${cell.id}`)?.kind);
    const toldSince = (key) => (this.toldAt.get(key) ?? 0) > since;
    const behind = active
      ? (source === "own" || source === "history") && !ACTIVE.has(cell.state?.kind)
      : ACTIVE.has(cell.state?.kind) && toldSince(`state:${cell.id}`);
    const older = behind || (source === "snapshot" && toldSince(`state:${cell.id}`));
    if (cell.state && !older) this.takeState(cell.id, cell.state, true);
    if (cell.output !== undefined && !toldSince(`output:${cell.id}`)) this.takeOutput(cell.id, cell.output);
    const evaluated = { ...Object.fromEntries((cell.inputs ?? []).map((input) => [input.field, input.evaluated ?? null])), ...cell.settings?.evaluated };
    // likewise: the event with the new value may have come before the answer that does not know it yet
    const known = { own: ([, value]) => value, snapshot: ([field]) => !toldSince(`evaluated:${cell.id}:${field}`) }[source];
    this.takeEvaluated(cell.id, known ? Object.fromEntries(Object.entries(evaluated).filter(known)) : evaluated);
  }

  takeState(id, state, quiet = false) {
    const before = this.get(`state:${id}`);
    if (before?.local && quiet && !ACTIVE.has(state.kind)) return; // pressed a moment ago: keep saying "running"
    if (ACTIVE.has(state.kind) && !ACTIVE.has(before?.kind)) {
      this.set(`log:${id}`, undefined);
      this.set(`stream:${id}`, undefined);
      this.chosen.delete(id);
    }
    this.setEqual(`state:${id}`, state);
    // what it has streamed so far is not told to who comes later
    if (quiet && state.run_id && !this.get(`stream:${id}`)) this.set(`stream:${id}`, { run: state.run_id, path: state.path, end: 0 });
    if (!quiet && ACTIVE.has(before?.kind) && !ACTIVE.has(state.kind)) this.announceCell(id, state);
    this.countSoon();
  }

  /** The server knows by now of what was pressed here: its word counts, also where the event that said so was missed. */
  notOnlyHere(id) {
    const state = this.get(`state:${id}`);
    if (state?.local) this.set(`state:${id}`, { ...state, local: false });
  }

  /** A person wants to see an iteration: what the server has as the last one, of this run or of another, does not take its place. */
  showIteration(outputs) {
    for (const [id, output] of Object.entries(outputs)) {
      const last = this.chosen.get(id) ?? this.get(`output:${id}`)?.run_id ?? output?.run_id;
      this.chosen.delete(id);
      this.takeOutput(id, output);
      if (last) this.chosen.set(id, last);
    }
  }

  takeOutput(id, output) {
    if (this.chosen.has(id) && this.chosen.get(id) === output?.run_id) return;
    this.chosen.delete(id);
    const before = this.get(`output:${id}`);
    if (before && output && before.run_id === output.run_id && before.hash === output.hash && sameJson(before, output)) return;
    this.set(`output:${id}`, output ?? null);
  }

  /** Not for a field whose new expression the server does not have yet: what it says is the value of the old one. */
  takeEvaluated(id, evaluated) {
    const news = Object.entries(evaluated).filter(([field]) => !this.isUnsent(id, field));
    this.setEqual(`evaluated:${id}`, { ...this.get(`evaluated:${id}`), ...Object.fromEntries(news) });
  }

  isUnsent(id, field) {
    return [...this.staged.values(), ...this.queue].some(({ op }) => op.cell === id && fieldOf(op) === field);
  }

  /** An event tells states by cell. */
  told(states) {
    for (const [id, state] of Object.entries(states)) {
      this.toldAt.set(`state:${id}`, this.happened);
      this.takeState(id, state);
    }
  }

  receive(event) {
    this.happened += 1;
    switch (event.type) {
      case "hello":
        if (event.resumed || (this.serverId && this.serverId !== event.server)) {
          this.retries = 0;
          this.refresh();
        } else if (!this.serverId) this.catchUp();
        this.serverId = event.server;
        break;
      case "state":
        this.told({ [event.cell]: event.state });
        break;
      case "states":
        this.told(event.states);
        break;
      case "output":
        this.toldAt.set(`output:${event.cell}`, this.happened);
        this.takeOutput(event.cell, event.output);
        break;
      case "log":
        this.takeLog(event);
        break;
      case "stream":
        this.takeStream(event);
        break;
      case "evaluated":
        for (const field of Object.keys(event.inputs)) this.toldAt.set(`evaluated:${event.cell}:${field}`, this.happened);
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
        if (event.status === "failure") this.tellFailure(event.run_id);
        break;
    }
  }

  takeLog({ cell, run_id: run, path, text, offset }) {
    const log = this.get(`log:${cell}`);
    // What another attempt or iteration prints begins anew. Of several that print at once, the one that began last is shown.
    if (log?.run === run && log.path !== path && offset) return;
    const before = log?.run === run && log.path === path && offset !== 0 ? log : { run, path, text: "", end: 0 };
    if (offset !== undefined && offset < before.end) return;
    this.set(`log:${cell}`, { run, path, text: (before.text + text).slice(-LOG_TAIL), end: (offset ?? before.end) + [...text].length });
  }

  /** Where the cell streams, and how much is known to be there; the text is read by what shows it. */
  takeStream({ cell, run_id: run, path, text, offset }) {
    this.setEqual(`stream:${cell}`, { run, path, end: offset + [...text].length });
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
    } else if (!dirty) this.replaceText(cell.id, cell.code);
    else {
      mine.saved = cell.code;
      this.unstage(`code:${cell.id}`);
      this.set(`conflict:${cell.id}`, { mine: mine.text, theirs: cell.code });
      if (this.onlyHeld()) this.setSave("conflict");
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
      const key = cell.parent ? `${cell.parent}:${cell.slot}` : cell.slot === "modules" ? "root" : `root:${cell.slot}`;
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
    this.setEqual("flow_settings", this.view.settings);
    this.setEqual("problems", this.allProblems());
    this.countSoon();
  }

  publishCell(cell) {
    // cells that nothing changed are the same objects: comparing all of a hundred took longer than the rest of an edit
    if (this.published.get(cell.id) === cell) return;
    this.published.set(cell.id, cell);
    const shown = without(cell, "state", "output", "index", "code", "code_version");
    shown.inputs = (cell.inputs ?? []).map((input) => without(input, "evaluated"));
    shown.settings = without(cell.settings ?? {}, "evaluated");
    if (!this.get(`state:${cell.id}`) && cell.state) this.set(`state:${cell.id}`, cell.state);
    if (typeof cell.code === "string" && !this.texts.has(cell.id)) this.texts.set(cell.id, { text: cell.code, saved: cell.code, version: cell.code_version });
    this.setEqual(`cell:${cell.id}`, shown);
  }

  dropCell(id) {
    for (const kind of ["cell", "state", "output", "evaluated", "log", "stream", "text", "conflict"]) this.set(`${kind}:${id}`, undefined);
    for (const key of [...this.toldAt.keys()]) if (key.split(":")[1] === id) this.toldAt.delete(key);
    this.texts.delete(id);
    this.published.delete(id);
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
      const counts = { stale: 0, active: 0, cells: this.view.cells.size, problems: this.get("problems")?.length ?? 0 };
      for (const [id, cell] of this.view.cells) {
        const kind = this.get(`state:${id}`)?.kind;
        if (ACTIVE.has(kind)) counts.active += 1;
        else if (!cell.parent && cell.slot === "modules" && (kind === "stale" || kind === "never" || kind === "failed")) counts.stale += 1;
      }
      this.setEqual("counts", counts);
    });
  }

  cell(id) {
    return this.view?.cells.get(id);
  }

  cellOfStep(step) {
    for (const [id, cell] of this.view?.cells ?? []) if (cell.step_id === step) return id;
    return null;
  }

  /** The cells of the flow's own list, in order. */
  topCells() {
    return childrenOf(this.view.cells, null, "modules").map((cell) => cell.id);
  }

  /** The failure handler or the preprocessor of the flow; null where it has none. */
  singleOf(slot) {
    for (const [id, cell] of this.view?.cells ?? []) if (!cell.parent && cell.slot === slot) return id;
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

/** The field whose expression an operation changes, or null. */
export const fieldOf = (op) => (op.op === "set_input" ? op.field : op.op === "set_setting" ? op.key : null);

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
