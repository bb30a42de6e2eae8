// Running cells: the page says "running" at the press; edits travel in the same request; events tell the rest.
import { get, request, runPath } from "../api.js";
import { go } from "../workspace.js";
import { ACTIVE } from "./mirror.js";
import { Saving } from "./saving.js";

export class Running extends Saving {
  /** Drop the results of cells: they count as not run, and equal work is not taken for them. */
  forget(ids) {
    const names = ids.length > 1 ? `${ids.length} results` : `The result of ${this.cell(ids[0]).step_id}`;
    this.flush();
    return this.serially(async () => {
      try {
        const since = this.happened;
        this.takeChange(await request("POST", `${this.base}/forget`, { json: { client: this.client, cells: ids } }), "own", since);
        this.toast({ text: `${names} ${ids.length > 1 ? "are" : "is"} forgotten`, hint: "The next run computes it anew. Earlier runs keep theirs." });
      } catch (error) {
        this.toast({ text: error.message, hint: error.hint, tone: "bad" });
      }
    });
  }

  /** Keep a result of a run as a stand-in of a cell: the server has it whole, with the files in it. Fails as the request does. */
  keepResult(body) {
    this.flush();
    return this.serially(async () => {
      const since = this.happened;
      this.takeChange(await request("POST", `${this.base}/stand_ins`, { json: { client: this.client, ...body } }), "own", since);
    });
  }

  /**
   * Run cells, or of one loop only an iteration (from 0). Edits travel in the same request, which leaves first: the server works
   * while the page draws "running".
   */
  async run(ids, mode = "auto", iteration = null) {
    const targets = this.targets(ids, mode);
    if (!targets.length && mode !== "all") return;
    this.happened += 1;
    this.presses += 1;
    this.chosen.clear();
    this.collect();
    const items = this.queue;
    this.queue = [];
    let asks = null;
    const sent = this.promptly(async () => {
      this.sending = items;
      try {
        const since = this.happened;
        const answer = await request("POST", `${this.base}/run`, { json: { client: this.client, ops: items.map((item) => item.op), cells: ids, mode, iteration, confirmed: [...this.confirmedEffects] } });
        this.accepted(items, answer.change, since);
        if (items.length) this.sayWhetherSaved();
        this.started(before, answer);
      } catch (error) {
        this.notStarted(before, items, error);
        if (error.code === "run.asks_first") asks = error.details?.cells ?? [];
      }
    });
    // sent first, shown then: the answer comes later in any case
    const before = this.pressed(targets, mode);
    await sent;
    this.pump();
    if (asks && (await this.agreed(asks))) await this.run(ids, mode, iteration);
  }

  targets(ids, mode) {
    const roots = this.topCells();
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
    const planned = new Set([...(answer.plan?.run ?? []), ...(answer.plan?.later ?? [])]);
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
      if (items.length) this.oneByOne = true; // one of them may be what was refused
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

  /** A run failed. The cell that failed says so itself; where none did (a stop that is an error, say), the page says it. */
  async tellFailure(runId) {
    const { run, steps } = await get(runPath(this.ws, runId)).catch(() => ({}));
    const { name = "Failed", step_id: at, message = "" } = run?.error ?? {};
    // a loop of which one iteration ran does not: its state is that of its last whole run
    if (!run?.error || steps.some((step) => step.step_id === at && step.status === "failure" && step.only === undefined)) return;
    const text = `The run failed: ${name}${at ? ` in ${at}` : ""}: ${String(message).split("\n")[0]}`;
    this.toast({ text, tone: "bad", action: { label: "Show the run", run: () => go(`/runs/${runId}`) }, ms: 20000 });
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
}
