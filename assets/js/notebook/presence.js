// Who else has this draft open, where they are, and who is typing in which cell. This page says where it is every few seconds,
// and within a second when that changes while somebody else is here. A key press only notes the time.
import { request } from "../api.js";

const TICK_MS = 1000;
const BEAT_MS = 4000;
const TYPING_MS = 8000; // so long after the last key a person is still called typing
const TIMEOUT_MS = 5000;

export class Presence {
  constructor(store, now = () => performance.now()) {
    this.store = store;
    this.now = now;
    this.me = null; // own username: pages of one person are not others to each other
    this.keyAt = -Infinity;
    this.keyIn = null;
    this.sentAt = -Infinity;
    this.sent = {};
    this.every = BEAT_MS;
    this.hello = false;
    this.told = new Set(); // cells that somebody is in or holds
    store.set("people", []);
  }

  start() {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.leave();
  }

  /** The page goes away: the request outlives it. */
  leave() {
    if (!this.me) return;
    this.sentAt = -Infinity;
    this.post({ leave: true }, { keepalive: true }).catch(() => {});
  }

  receive(event) {
    if (event.type === "presence") this.take(event.people);
    if (event.type !== "hello") return;
    this.hello = true;
    this.beat();
  }

  /** The stream is lost: who is here is not known any more, and nobody is kept from typing. */
  lost() {
    this.take([]);
    this.store.team.lost();
  }

  /** Where this page's person is, as others see it. */
  mine() {
    const typing = this.now() - this.keyAt < TYPING_MS && this.store.cell(this.keyIn) ? this.keyIn : null;
    return { cell: typing ?? this.store.get("selected") ?? "", typing: Boolean(typing) };
  }

  tick() {
    if (this.store.get("phase") === "missing" || this.store.get("link") !== "open") return;
    const { cell, typing } = this.mine();
    const changed = cell !== this.sent.cell || typing !== this.sent.typing;
    if (this.hello || this.now() - this.sentAt >= this.every || (changed && this.store.get("people").length + this.store.get("team").length)) this.beat();
  }

  /** Say it now; one at a time, so that what is said last counts. Answers whether the server has heard it. */
  async beat(more = {}) {
    if (this.beating) return false;
    this.beating = true;
    this.sent = { ...this.mine(), ...more };
    this.sentAt = this.now();
    const hello = this.hello;
    this.hello = false;
    try {
      const { me, every } = await this.post({ ...this.sent, hello });
      this.me = me;
      this.every = every * 1000;
      return true;
    } catch (error) {
      this.hello ||= hello;
      if (more.take) this.store.toast({ text: error.message, hint: error.hint, tone: "bad" });
      return false;
    } finally {
      this.beating = false;
    }
  }

  post(said, options) {
    return request("POST", `${this.store.base}/presence`, { json: { client: this.store.client, ...said }, timeout: TIMEOUT_MS, ...options });
  }

  /** Take a cell over from whoever types in it. */
  async takeOver(cell) {
    while (this.beating) await new Promise((done) => setTimeout(done, 20));
    this.keyAt = this.now();
    this.keyIn = cell;
    return this.beat({ cell, typing: true, take: true });
  }

  take(pages) {
    const { store } = this;
    this.me ??= pages.find((page) => page.client === store.client)?.user ?? null;
    const others = pages.filter((page) => page.user !== this.me);
    const cells = new Map();
    for (const page of others) {
      if (!page.cell) continue;
      const at = cells.get(page.cell) ?? { people: [], holder: null };
      if (!at.people.some((one) => one.user === page.user)) at.people.push(personOf(page));
      if (page.holds) at.holder = personOf(page);
      cells.set(page.cell, at);
    }
    for (const cell of this.told) if (!cells.has(cell)) this.tell(cell, [], null);
    for (const [cell, { people, holder }] of cells) this.tell(cell, people, holder);
    this.told = new Set(cells.keys());
    store.setEqual("people", distinct(others));
    store.team.sort();
  }

  tell(cell, people, holder) {
    const { store } = this;
    store.setEqual(`here:${cell}`, people.length ? people : undefined);
    const before = store.get(`lock:${cell}`);
    if (before?.user === holder?.user) return;
    const wasMine = Boolean(holder) && this.keyIn === cell && this.now() - this.keyAt < TYPING_MS;
    store.set(`lock:${cell}`, holder ? { ...holder, taken: wasMine } : undefined);
    const step = store.cell(cell)?.step_id;
    if (wasMine) {
      this.keyAt = -Infinity;
      store.flush(); // what was typed goes to the server now, or stays as a conflict
      store.announce(`${holder.name} took over ${step}. What you typed is kept.`);
    } else if (store.get("editing") === cell) store.announce(holder ? `${holder.name} is typing in ${step}` : `${step} can be edited again`);
  }
}

export const personOf = ({ user, name }) => ({ user, name, colour: colourOf(user), initials: initialsOf(name) });

/** Each person once, with the cell that they are in; who is typing is told of before their other pages. */
function distinct(pages) {
  const found = new Map();
  for (const page of pages) if (!found.has(page.user) || page.typing) found.set(page.user, { ...personOf(page), cell: page.cell });
  return [...found.values()];
}

/** One of six colours, always the same for a name. */
export function colourOf(user) {
  let sum = 0;
  for (const letter of user) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return (sum % 6) + 1;
}

/** "Ada Byron" AB, "olga" OL, "ada_lovelace" AL. */
export function initialsOf(name) {
  const words = name.split(/[\s._@-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words.at(-1)].map((word) => [...word][0]) : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toUpperCase();
}
