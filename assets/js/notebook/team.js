// Who has another draft of the same flow open and in which step they are, and that a newer version of the flow was deployed.
// Texts of two drafts do not meet, so what is said here keeps nobody from typing: one press, or the first key, and it is gone.
import { personOf } from "./presence.js";

const STANDS_MS = 4000; // a hint that comes while somebody types is not gone with their next key
const SETTLE_MS = 400; // one's own draft hears that it was deployed itself

export class Team {
  constructor(store, now = () => performance.now()) {
    this.store = store;
    this.now = now;
    this.path = null; // of the flow that is told of
    this.pages = [];
    this.told = new Set(); // steps with somebody in them
    this.hints = new Map(); // step -> when its hint came
    this.passed = new Set(); // "step user": seen, and edited anyway; until that person leaves the step
    store.set("team", []);
  }

  receive(event) {
    if (event.type === "team") {
      const path = this.store.get("draft")?.path;
      if (path && event.topic !== `flow:${path}`) return; // the draft was deployed elsewhere meanwhile
      this.path = event.topic.slice("flow:".length);
      this.take(event.people);
    } else if (event.type === "change" && this.path && event.draft && event.draft.path !== this.path) this.take([]);
    else if (event.type === "deployed") this.deployed(event);
  }

  /** The stream is lost: where others are is not known any more. */
  lost() {
    this.take([]);
  }

  take(pages) {
    this.pages = pages;
    this.sort();
  }

  /** Those who are in this very draft are told of as such (presence.js), and one's own other drafts not at all. */
  sort() {
    const { store } = this;
    const here = new Set([store.presence.me, ...store.get("people").map((person) => person.user)]);
    const steps = new Map();
    const people = new Map();
    for (const page of this.pages) {
      if (here.has(page.user)) continue;
      const person = { ...personOf(page), typing: page.typing, changed: page.changed };
      if (page.step) steps.set(page.step, [...(steps.get(page.step) ?? []), person]);
      if (!people.has(page.user) || page.typing) people.set(page.user, { ...person, step: page.step });
    }
    for (const step of this.told) if (!steps.has(step)) this.tell(step, []);
    for (const [step, list] of steps) this.tell(step, list);
    this.told = new Set(steps.keys());
    store.setEqual("team", [...people.values()]);
  }

  tell(step, people) {
    const { store } = this;
    store.setEqual(`team:${step}`, people.length ? people : undefined);
    const there = new Set(people.map((person) => `${step} ${person.user}`));
    for (const one of this.passed) if (one.startsWith(`${step} `) && !there.has(one)) this.passed.delete(one);
    const typing = people.filter((person) => person.typing && !this.passed.has(`${step} ${person.user}`));
    const before = store.get(`hint:${step}`) ?? [];
    store.setEqual(`hint:${step}`, typing.length ? typing : undefined);
    if (!typing.length) this.hints.delete(step);
    else if (typing.some(({ user }) => !before.some((one) => one.user === user))) {
      this.hints.set(step, this.now());
      if (store.cell(store.get("editing"))?.step_id === step) store.announce(`${namesOf(typing)} ${typing.length > 1 ? "are" : "is"} changing ${step} in another draft`);
    }
  }

  /** A key in a cell says what the button says. */
  typed(cell) {
    if (!this.hints.size) return;
    const step = this.store.cell(cell)?.step_id;
    if (this.now() - (this.hints.get(step) ?? Infinity) >= STANDS_MS) this.pass(step);
  }

  /** The hint was seen: those of whom it speaks are no news in this step until they leave it. */
  pass(step) {
    for (const { user } of this.store.get(`hint:${step}`) ?? []) this.passed.add(`${step} ${user}`);
    this.hints.delete(step);
    this.store.set(`hint:${step}`, undefined);
  }

  /** A version came: the bar says so, and who did not deploy it themselves is told, unless their draft is that version. */
  deployed({ path, version, by, name }) {
    const { store } = this;
    if (!store.server || store.server.draft.path !== path) return;
    store.server = { ...store.server, draft: { ...store.server.draft, newest_version: version } };
    store.rebuild();
    if (by === store.presence.me) return;
    setTimeout(() => {
      const draft = store.get("draft");
      if (draft.path !== path || draft.deployed_version >= version) return;
      store.toast({ text: `${name} deployed version ${version} of this flow.`, hint: "Your draft stays as it is.", action: { label: "Compare…", run: () => store.set("dialog", { kind: "merge" }) }, ms: 15000 });
    }, SETTLE_MS);
  }
}

export const namesOf = (people) => people.map((person) => person.name).join(", ");
