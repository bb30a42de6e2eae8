// What each shortcut id does. The key handler, the palette, the menus and the buttons all come through `perform`.
import { forkFlow } from "../shell/fork.js";
import { copied, copyCells, modulesOf, pasteModules } from "./clipboard.js";
import { chosen, markTo, unmark } from "./marks.js";
import { togglePin } from "./pins.js";
import { descendantsOf } from "./reduce.js";
import { KINDS, insertCell, insertNote, insertSingle, kindOf, placeOf } from "./modules.js";
import { callPath } from "./called.jsx";
import { formatCell } from "./code_help.js";
import { takeOver } from "./presence.jsx";
import { go } from "../workspace.js";

export const cellNode = (id) => document.querySelector(`[data-cell="${CSS.escape(id)}"]`);

const scroll = (node, block) => node.scrollIntoView({ block, behavior: "instant" });

/** Bring a cell into view: all of it where it fits, else its head to the top. One that fills the view stays as it stands. */
export function reveal(node) {
  const view = node.closest(".nb-main").getBoundingClientRect();
  const at = node.getBoundingClientRect();
  const seen = Math.min(at.bottom, view.bottom) - Math.max(at.top, view.top);
  if (at.height <= view.height) scroll(node, "nearest");
  else if (seen < view.height / 2) scroll(node, "start");
}

let latest = 0; // counts selections: the frame of an earlier one must not take the focus from a later one

/**
 * Select a cell and give it the keyboard (`focus`). `show` says what comes into view: the "cell", its "head" alone, since the
 * eyes are on something else, or "nothing", since the pointer is on it. Marks go unless `keep` says that it is one of them.
 */
export function select(store, id, { focus = true, show = "cell", keep = false } = {}) {
  if (!id) return;
  if (!keep) unmark(store);
  if (store.get("mode") === "graph") store.set("mode", "cells"); // where there is nothing to go to
  store.set("selected", id);
  if (!focus) return;
  const found = () => cellNode(id) ?? document.querySelector(`[data-note="${CSS.escape(id)}"]`);
  // from cell to cell at once, since what the next key opens gives the focus back; out of a text it would cost the key that left it
  if (document.activeElement?.matches("body, .nb-cell")) found()?.focus({ preventScroll: true });
  const before = document.activeElement;
  const turn = ++latest;
  requestAnimationFrame(() => {
    if (turn !== latest) return;
    const node = found(); // one that was only just made too
    const now = document.activeElement;
    // a fast person is in a text, the flow input or the side panel already: taking the focus away would take the next keys for commands
    const ahead = now !== before && now.closest("input, textarea, [contenteditable=true], .native-edit-context, .nb-side, .nb-flow-input");
    if (!ahead) node?.focus({ preventScroll: true });
    if (node && show === "cell") reveal(node);
    if (node && show === "head") scroll(node.querySelector(":scope > .nb-hd") ?? node, "nearest");
  });
}

const rootOf = (store, id) => {
  let cell = store.cell(id);
  while (cell?.parent) cell = store.cell(cell.parent);
  return cell?.id;
};

function step(store, id, by) {
  const order = store.get("order") ?? [];
  if (!order.length) return null;
  const at = order.indexOf(id);
  return order[Math.max(0, Math.min(order.length - 1, at === -1 ? 0 : at + by))];
}

/** The cell after this one that can be run: not inside the one that was just run. */
function following(store, id) {
  const order = store.get("order") ?? [];
  const inside = new Set(descendantsOf(store.view.cells, id));
  return order.slice(order.indexOf(id) + 1).find((other) => !inside.has(other)) ?? id;
}

export function run(store, id, mode) {
  if (isSingle(store.cell(id))) return store.run([id], "auto");
  const root = rootOf(store, id);
  return root && store.run([root], mode);
}

/** The failure handler or the preprocessor: it has its place, and is run by itself on a sample. */
export const isSingle = (cell) => Boolean(cell && !cell.parent && cell.slot !== "modules");

function move(store, id, by) {
  const cell = store.cell(id);
  if (isSingle(cell)) return;
  const siblings = store.siblings(id);
  const index = siblings.indexOf(id) + by;
  if (index >= 0 && index < siblings.length) store.do({ op: "move_cell", cell: id, parent: cell.parent, slot: cell.slot, index });
  else if (cell.parent) {
    const parent = store.cell(cell.parent);
    store.do({ op: "move_cell", cell: id, parent: parent.parent, slot: parent.slot, index: parent.index + (by > 0 ? 1 : 0) });
  } else return;
  store.announce(`${cell.step_id} moved ${by > 0 ? "down" : "up"}`);
  select(store, id);
}

export const remove = (store, id) => removeAll(store, chosen(store, id));

function removeAll(store, cells) {
  const ids = cells.filter((each) => store.cell(each));
  if (!ids.length) return;
  const order = store.get("order");
  const gone = new Set(ids.flatMap((each) => [each, ...descendantsOf(store.view.cells, each)]));
  const at = order.indexOf(ids[0]);
  const neighbour = order.slice(at).find((other) => !gone.has(other)) ?? order.slice(0, at).reverse()[0];
  const [{ step_id: step, title }] = ids.map((each) => store.cell(each));
  store.do(...ids.map((each) => ({ op: "delete_cell", cell: each })));
  const made = store.lastMade();
  unmark(store);
  const said = ids.length > 1 ? `${ids.length} cells` : `${step}${title ? `, ${title}` : ""}`;
  store.toast({ text: `Deleted ${said}`, action: { label: "Undo", run: () => store.takeBackDeletion(made, ids).then((there) => there && select(store, ids[0])) } });
  if (neighbour) select(store, neighbour);
  else document.querySelector(".nb-main")?.focus();
}

/** Cells that can be copied: a flow has one failure handler and one preprocessor. */
const copyable = (store, id) => chosen(store, id).filter((each) => !isSingle(store.cell(each)));

const told = (store, error) => store.toast({ text: error.message, hint: error.hint, tone: "bad" });

/** Put modules below the last of some cells, and go there. */
function putBelow(store, ids, modules) {
  const last = ids.at(-1);
  const place = last ? placeOf(store, last, 1) : { parent: null, slot: "modules", index: store.topCells().length };
  const made = pasteModules(store, modules, place);
  select(store, made[0]);
  return made;
}

async function duplicate(store, id) {
  const ids = copyable(store, id);
  try {
    const modules = await modulesOf(store, ids);
    if (modules.length) putBelow(store, ids, modules);
  } catch (error) {
    told(store, error);
  }
}

/** Answers what was copied. */
async function copy(store, id) {
  const ids = copyable(store, id);
  if (!ids.length) return ids;
  try {
    await copyCells(store, ids);
    store.toast({ text: ids.length > 1 ? `Copied ${ids.length} cells` : `Copied ${store.cell(ids[0]).step_id}`, hint: "They can be pasted into this flow or another one." });
    return ids;
  } catch (error) {
    told(store, error);
    return [];
  }
}

/** Only what is on the clipboard goes, whatever was marked meanwhile. */
const cut = async (store, id) => removeAll(store, await copy(store, id));

/** Paste what was copied; wires that lead nowhere here are told of, and listed as problems. */
export async function paste(store, id, text) {
  const modules = copied(text);
  if (!modules) return store.toast({ text: "There are no cells to paste.", hint: "Copy some first, or the JSON of OpenFlow modules." });
  const made = putBelow(store, id ? chosen(store, id) : [], modules);
  await store.settled();
  const ours = new Set(made.flatMap((each) => [each, ...descendantsOf(store.view.cells, each)]).map((each) => store.cell(each)?.step_id));
  const loose = (store.get("problems") ?? []).filter((problem) => ours.has(problem.step_id) && problem.rule.startsWith("wire."));
  const said = made.length > 1 ? `Pasted ${made.length} cells` : `Pasted ${store.cell(made[0])?.step_id ?? "a cell"}`;
  if (loose.length) store.toast({ text: `${said}. ${loose.length === 1 ? "One wire leads" : `${loose.length} wires lead`} nowhere in this flow.`, tone: "stale", action: { label: "Show", run: () => toSidebar(store, "problems") } });
  else store.announce(said);
  return undefined;
}

function markStep(store, id, by) {
  const to = step(store, id, by);
  markTo(store, to);
  select(store, to, { keep: true });
}

function collapse(store, ids) {
  const folded = ids.every((id) => store.cell(id).collapsed);
  store.do(...ids.map((id) => ({ op: "set_beside", cell: id, key: "collapsed", value: !folded })));
}

function insert(store, id, kind, offset) {
  putKind(store, kindOf(kind), id ? placeOf(store, id, offset) : { parent: null, slot: "modules", index: offset ? store.topCells().length : 0 });
}

/** Insert a cell of a kind; what calls something asks first what. */
export function putKind(store, kind, place) {
  if (kind.call) {
    store.set("dialog", { kind: "call", called: kind.call, hub: kind.hub, choose: (path, hash) => {
      const made = insertCell(store, kind.id, place, kind.module(path, hash));
      select(store, made);
      callPath(store, made, kind.call, path).then((said) => said && store.toast({ text: said }));
    } });
    return;
  }
  const made = insertCell(store, kind.id, place);
  select(store, made);
  if (kind.opens) store.set("settings", { cell: made, form: kind.opens, at: Date.now() });
  else if (kind.icon === "code") editSoon(made);
}

/** Insert the failure handler or the preprocessor, or go to the one that is there. */
export function putSingle(store, name) {
  const made = insertSingle(store, name);
  select(store, made);
  editSoon(made);
}

/** A new cell is for writing: the cursor goes into its text once it is there. */
export function editSoon(id, tries = 40) {
  const focus = () => {
    const code = cellNode(id)?.querySelector(".nb-code");
    if (code) code.dispatchEvent(new CustomEvent("nb-focus"));
    else if (tries > 0) setTimeout(() => editSoon(id, tries - 1), 25);
  };
  requestAnimationFrame(focus);
}

function note(store, id, above) {
  const order = store.siblings(id);
  const after = above ? order[order.indexOf(id) - 1] ?? null : id;
  const made = insertNote(store, after);
  requestAnimationFrame(() => document.querySelector(`[data-note="${made}"]`)?.dispatchEvent(new CustomEvent("nb-edit")));
}

const download = (store, format) => {
  const link = document.createElement("a");
  link.href = `${store.base}/export?format=${format}`;
  link.download = "";
  link.click();
};

/** Show a tab of the side panel and go there by keyboard too. */
const toSidebar = (store, tab, more) => store.set("sidebar", { ...store.get("sidebar"), tab, open: true, hidden: false, focus: Date.now(), ...more });

/** Propose wires for one field of a cell. */
export function connectField(store, cell, field) {
  select(store, cell, { focus: false });
  toSidebar(store, "connect", { cell, field, whole: false, at: Date.now() });
}

function toFlowInput() {
  const box = document.querySelector("[data-input-cell]");
  box?.scrollIntoView({ block: "nearest", behavior: "instant" });
  (box?.querySelector(".nb-source :is(button, textarea, select, input)") ?? box?.querySelector("button"))?.focus();
}

function runForm(store) {
  const { path, deployed_version: version } = store.get("draft");
  if (version) go(`/run/${path}`);
  else notDeployed(store);
}

const ofDeployed = (store, kind) => (store.get("draft").deployed_version ? store.set("dialog", { kind }) : notDeployed(store));

const notDeployed = (store) => store.toast({ text: "There is no deployed version yet.", hint: "Deploy the flow first.", action: { label: "Deploy", run: () => perform(store, "deploy") } });

const inCell = (id, selector) => cellNode(id)?.querySelector(`:scope > .nb-hd ${selector}`);

const NEEDS_CELL = {
  run: (store, id) => {
    run(store, id, "auto");
    select(store, following(store, id), { show: "head" }); // the result comes right above
  },
  run_stay: (store, id) => (chosen(store, id).length > 1 ? store.run([...new Set(chosen(store, id).map((each) => rootOf(store, each)))], "auto") : run(store, id, "auto")),
  run_all_stale: (store, id) => run(store, id, "stale"),
  run_old: (store, id) => run(store, id, "old_results"),
  run_container: (store, id) => run(store, id, "auto"),
  run_up_to: (store, id) => run(store, id, "up_to"),
  run_from: (store, id) => run(store, id, "from"),
  edit: (_store, id) => (cellNode(id)?.querySelector(":scope > .nb-code-wrap .nb-code") ? editSoon(id) : cellNode(id)?.querySelector("textarea, select, input")?.focus()),
  leave: (store, id) => select(store, id),
  move_down: (store, id) => move(store, id, 1),
  move_up: (store, id) => move(store, id, -1),
  note_below: (store, id) => note(store, id, false),
  note_above: (store, id) => note(store, id, true),
  duplicate,
  copy,
  cut,
  pin: togglePin,
  stand_ins: (store, id) => store.set("dialog", { kind: "stand_ins", cell: id }),
  format: (store, id) => (store.cell(id).kind === "rawscript" ? formatCell(store, id) : undefined),
  forget: (store, id) => store.forget(chosen(store, id)),
  mark_next: (store, id) => markStep(store, id, 1),
  mark_previous: (store, id) => markStep(store, id, -1),
  delete: remove,
  collapse: (store, id) => collapse(store, chosen(store, id)),
  title: (_store, id) => inCell(id, ".nb-title input")?.focus(),
  rename: (_store, id) => inCell(id, ".nb-chip input")?.focus(),
  settings: (store, id) => store.set("settings", store.get("settings")?.cell === id ? null : { cell: id, form: null, at: Date.now() }),
  take_over: takeOver,
  comment: (store, id) => {
    if (store.get("mode") === "graph") select(store, id); // the head of the cell is where they are shown
    store.set("commenting", id);
  },
  connect: (store, id) => toSidebar(store, "connect", { cell: id, field: "", whole: false, at: Date.now() }),
  picker: (_store, id) => {
    const row = cellNode(id)?.querySelector("[data-missing] [data-plug]") ?? cellNode(id)?.querySelector("[data-plug]");
    row?.click();
  },
};

const ALWAYS = {
  run_stale: (store) => store.run([], "stale"),
  run_all: (store) => store.run([], "all"),
  cancel: (store) => store.cancel(),
  next: (store, id) => select(store, step(store, id, 1)),
  previous: (store, id) => select(store, step(store, id, -1)),
  first: (store) => select(store, store.get("order")?.[0]),
  last: (store) => select(store, store.get("order")?.at(-1)),
  insert_below: (store, id) => insert(store, id, store.cell(id)?.language && KINDS.some((kind) => kind.id === store.cell(id).language) ? store.cell(id).language : "python3", 1),
  insert_above: (store, id) => insert(store, id, "python3", 0),
  loop_below: (store, id) => insert(store, id, "loop", 1),
  branch_below: (store, id) => insert(store, id, "branch", 1),
  approval_below: (store, id) => insert(store, id, "approval", 1),
  while_below: (store, id) => insert(store, id, "while", 1),
  branches_below: (store, id) => insert(store, id, "branchall", 1),
  trigger_below: (store, id) => insert(store, id, "trigger", 1),
  script_below: (store, id) => insert(store, id, "script", 1),
  flow_below: (store, id) => insert(store, id, "flow", 1),
  hub_below: (store, id) => insert(store, id, "hub", 1),
  failure: (store) => putSingle(store, "failure"),
  preprocessor: (store) => putSingle(store, "preprocessor"),
  flow_settings: (store) => store.set("settings", { cell: null, form: null, at: Date.now() }),
  flow_input: toFlowInput,
  static: (store) => toSidebar(store, "static"),
  state: (store) => toSidebar(store, "state"),
  comments: (store) => toSidebar(store, "comments"),
  assistant: (store) => toSidebar(store, "assistant"),
  connect_flow: (store) => toSidebar(store, "connect", { cell: null, field: "", whole: true, at: Date.now() }),
  paste: (store, id) => paste(store, id),
  collapse_all: (store) => collapse(store, store.get("order") ?? []),
  undo: (store) => store.history("undo"),
  redo: (store) => store.history("redo"),
  save: (store) => store.flush(),
  palette: (store) => store.set("dialog", { kind: "palette" }),
  graph: (store) => store.set("mode", store.get("mode") === "graph" ? "cells" : "graph"),
  help: (store) => store.set("dialog", { kind: "help" }),
  sidebar: (store) => store.set("sidebar", { ...store.get("sidebar"), open: !store.get("sidebar").open, hidden: !store.get("sidebar").hidden }),
  problems: (store) => toSidebar(store, "problems"),
  deploy: (store) => store.set("dialog", { kind: "deploy" }),
  versions: (store) => store.set("dialog", { kind: "versions" }),
  bin: (store) => store.set("dialog", { kind: "bin" }),
  webhook: (store) => ofDeployed(store, "webhook"),
  share: (store) => ofDeployed(store, "share"),
  fork: (store) => (store.get("draft").deployed_version ? forkFlow(store.ws, store.get("draft").path).catch((error) => told(store, error)) : notDeployed(store)),
  named: (store) => store.set("dialog", { kind: "named" }),
  run_form: runForm,
  export_yaml: (store) => download(store, "yaml"),
  export_json: (store) => download(store, "json"),
  export_zip: (store) => download(store, "zip"),
};

export const needsCell = (command) => command in NEEDS_CELL;

/** Do a command, on a cell where it needs one. Answers false when there is nothing to do it on. */
export function perform(store, command, id = store.get("selected")) {
  if (store.get("phase") !== "ready") return false;
  if (ALWAYS[command]) {
    ALWAYS[command](store, store.cell(id) ? id : null);
    return true;
  }
  if (!NEEDS_CELL[command] || !store.cell(id)) return false;
  NEEDS_CELL[command](store, id);
  return true;
}
