// The page's store of one draft, put together: mirror.js (what the server says), saving.js (what is typed), running.js.
// Text is typed here and sent from here; states, outputs and logs arrive here and reach exactly one cell each.
import { request, subscribe } from "../api.js";
import { Comments } from "./comments.js";
import { KeptEdits } from "./local_text.js";
import { newId } from "./objects.js";
import { Presence } from "./presence.js";
import { Running } from "./running.js";
import { goToSignIn } from "./saving.js";
import { Team } from "./team.js";

const CATCH_UP_MS = 700; // the page is drawn and answers by then

/** The snapshot that early.js asked for while the page's scripts were still loading; null when it did not, or got no answer. */
function askedEarly(path) {
  const early = window.flowappEarly;
  window.flowappEarly = undefined;
  return early?.path === path ? early.answer : null;
}

export class NotebookStore extends Running {
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
    this.inLine = 0; // what is under way or waits, of all that goes to the server
    this.retries = 0;
    this.serverId = null;
    this.chosen = new Map(); // cell -> run, where a person looks at an iteration of that run
    this.presses = 0; // counts runs that were asked for here
    this.happened = 0; // counts what may make a snapshot under way an old one
    this.confirmedEffects = new Set();
    this.toastId = 0;
    this.set("phase", "loading");
    this.set("save", { kind: "saved" });
    this.set("link", "connecting");
    this.set("toasts", []);
    this.set("counts", { stale: 0, active: 0, problems: 0 });
    this.set("sidebar", { tab: "static" });
    this.comments = new Comments(this);
    this.presence = new Presence(this);
    this.team = new Team(this);
  }

  start() {
    this.stopStream = subscribe(this.ws, [`draft:${this.draftId}`], (event) => this.receive(event), (status) => this.takeLink(status));
    this.presence.start();
    this.onHide = () => {
      this.leave();
      this.presence.leave();
    };
    window.addEventListener("pagehide", this.onHide);
    this.onAway = () => this.kept.write();
    window.addEventListener("blur", this.onAway);
    document.addEventListener("visibilitychange", this.onAway);
    this.onOnline = () => this.pump();
    window.addEventListener("online", this.onOnline);
    return this.refresh();
  }

  stop() {
    this.stopStream?.();
    this.asking?.abort(); // nobody waits for the assistant's answer any more
    window.removeEventListener("pagehide", this.onHide);
    window.removeEventListener("blur", this.onAway);
    document.removeEventListener("visibilitychange", this.onAway);
    window.removeEventListener("online", this.onOnline);
    clearTimeout(this.retryTimer);
    clearTimeout(this.catchUpTimer);
    this.leave();
    this.presence.stop();
  }

  receive(event) {
    super.receive(event);
    this.comments.receive(event);
    this.presence.receive(event);
    this.team.receive(event);
  }

  takeLink(status) {
    this.set("link", status);
    if (status === "lost") this.presence.lost();
  }

  /** A key was pressed in a cell: nothing may happen here that costs time. */
  typed(id, text) {
    this.presence.keyAt = performance.now();
    this.presence.keyIn = id;
    this.team.typed(id);
    super.typed(id, text);
  }

  /**
   * Fetch the whole snapshot. Local edits stay on top of it. One that a change has overtaken on its way is asked for anew: its texts are
   * old, and no event tells the newer ones again.
   */
  async refresh() {
    try {
      const path = `${this.base}/notebook`;
      const knowsAll = this.watchPresses();
      const since = this.happened;
      const known = this.server?.draft.version;
      const snapshot = (await askedEarly(path)) ?? (await request("GET", path));
      const now = this.server?.draft.version;
      if (now !== known && snapshot.draft.version < now) return await this.refresh();
      this.takeSnapshot(snapshot, knowsAll(), since);
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

  /** Whether a snapshot that is asked for now knows of all runs that were asked for here: to be called when it has come. */
  watchPresses() {
    const before = this.inLine ? null : this.presses;
    return () => before === this.presses;
  }

  /** Once the stream is open: what happened after the first snapshot and before the stream is in neither of them. */
  catchUp(tries = 5) {
    clearTimeout(this.catchUpTimer);
    this.catchUpTimer = setTimeout(async () => {
      const before = this.happened;
      const knowsAll = this.watchPresses();
      const snapshot = await request("GET", `${this.base}/notebook`).catch(() => null);
      const quiet = before === this.happened && !this.sending.length && !this.queue.length;
      if (snapshot && this.server && quiet && snapshot.draft.version >= this.server.draft.version) this.takeSnapshot(snapshot, knowsAll());
      else if (tries) this.catchUp(tries - 1);
    }, CATCH_UP_MS);
  }

  /** The cells that may read what an expression of a result gives: those after the step that it names. */
  readersOf(expr) {
    const order = this.get("order") ?? [];
    const from = this.cellOfStep(expr.match(/^results(?:\.|\[")([\w-]+)/)?.[1]);
    return from ? order.slice(order.indexOf(from) + 1) : order;
  }

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
}
