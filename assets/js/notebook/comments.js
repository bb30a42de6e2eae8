// The comments of a draft, and of the flow that it comes from: read when the event stream opens and whenever something of them changed, handed to each cell.
// What somebody is writing is kept here while panels close and open, until it is sent.

const NONE = Object.freeze({ open: [], resolved: [] });

export class Comments {
  constructor(store) {
    this.store = store;
    this.known = null; // ids of the comments seen so far; null before the first answer
    this.unsent = new Map(); // place ("cell …", "thread …", "comment …") -> text
    this.told = [];
    this.place = ""; // path and version of the flow
    store.set("comments", []);
    store.subscribe("draft", () => this.follow());
  }

  receive(event) {
    if (event.type === "hello" || event.type === "comments" || event.type === "deployed") this.load();
  }

  /** Deployed, or a version taken in: comments have other cells, and other readers. */
  follow() {
    const { path, deployed_version: version } = this.store.get("draft") ?? {};
    const before = this.place;
    this.place = `${path} ${version}`;
    if (before && before !== this.place) this.load();
  }

  /** Read all of them. One asked for while another is under way waits for it: the answer may be older than what changed. */
  load() {
    this.again = Boolean(this.loading);
    this.loading ??= this.read().finally(() => {
      this.loading = null;
      if (this.again) this.load();
    });
    return this.loading;
  }

  async read() {
    try {
      this.take(await this.store.ask("GET", "comments"));
    } catch (error) {
      if (error.status !== 404) this.store.set("comments_error", error.message);
    }
  }

  take({ me, flow, steps, threads }) {
    const { store } = this;
    this.me = me;
    store.set("comments_error", undefined);
    this.announce(threads);
    const byCell = new Map();
    for (const thread of threads) {
      if (!thread.cell) continue;
      const of = byCell.get(thread.cell) ?? { open: [], resolved: [] };
      of[thread.resolved ? "resolved" : "open"].push(thread);
      byCell.set(thread.cell, of);
    }
    for (const cell of this.told) if (!byCell.has(cell)) store.set(`comments:${cell}`, undefined);
    for (const [cell, of] of byCell) store.setEqual(`comments:${cell}`, of);
    this.told = [...byCell.keys()];
    store.setEqual("comments_flow", flow ? { path: flow, cells: steps } : undefined);
    store.setEqual("comments", threads);
  }

  /** Screen readers hear who wrote about which cell, but not what was there when the page opened. */
  announce(threads) {
    const all = threads.flatMap((thread) => thread.comments.map((comment) => ({ ...comment, step: this.store.cell(thread.cell)?.step_id ?? thread.step })));
    const fresh = all.filter((comment) => this.known && !this.known.has(comment.id) && comment.author !== this.me).at(-1);
    this.known = new Set(all.map((comment) => comment.id));
    if (fresh?.step) this.store.announce(`${fresh.name} commented on ${fresh.step}`);
  }

  of(cell) {
    return this.store.get(`comments:${cell}`) ?? NONE;
  }

  /** Begin a thread on a cell. The cell itself may still be on its way to the server. Throws ApiError, as all of these. */
  async write(cell, text) {
    await this.store.settled();
    return this.send("POST", "comments", { cell, text });
  }

  answer(thread, text) {
    return this.send("POST", "comments", { thread, text });
  }

  edit(comment, text) {
    return this.send("POST", `comments/${comment}`, { text });
  }

  remove(comment) {
    return this.send("DELETE", `comments/${comment}`);
  }

  resolve(thread, resolved) {
    return this.send("POST", `comments/${thread}/resolve`, { resolved });
  }

  async send(method, path, json) {
    const answer = await this.store.ask(method, path, { json });
    await this.load();
    return answer;
  }
}

/** Threads of cells that are there, in the cells' order: [{cell, threads}]. */
export function inCellOrder(threads, order) {
  const byCell = new Map();
  for (const thread of threads) byCell.set(thread.cell, [...(byCell.get(thread.cell) ?? []), thread]);
  return order.filter((cell) => byCell.has(cell)).map((cell) => ({ cell, threads: byCell.get(cell) }));
}

/** Threads of the flow on steps that are not among the cells: [{step, threads}], by step. */
export function onOtherSteps(threads, order) {
  const here = new Set(order);
  const bySteps = new Map();
  for (const thread of threads) if (thread.shared && !here.has(thread.cell)) bySteps.set(thread.step, [...(bySteps.get(thread.step) ?? []), thread]);
  return [...bySteps].map(([step, of]) => ({ step, threads: of })).sort((a, b) => a.step.localeCompare(b.step));
}
