// One cell, read top to bottom as its data flows: head, inputs, code or body, result.
// Each part follows only what it shows, so an event of one cell renders one part of it.
import { useDraggable } from "@dnd-kit/core";
import { memo, useContext, useMemo } from "react";
import { Output } from "../output/output.jsx";
import { Progress, isKnown } from "../output/progress.jsx";
import { Streamed } from "../output/streamed.jsx";
import { ApprovalSlot } from "./approval_slot.jsx";
import { askForSample } from "./assistant.jsx";
import { copyCellLink } from "./cell_link.js";
import { CodeDiff } from "./code_diff.jsx";
import { cellNode, isSingle, perform, run, select } from "./commands.js";
import { ScrollerContext, useFact, useKey, useStore } from "./context.js";
import { CellEditor } from "./editor.jsx";
import { Glyph } from "./icons.jsx";
import { AgentBody } from "./agent.jsx";
import { CommentMark } from "./comments.jsx";
import { CellInputs } from "./inputs.jsx";
import { InsteadOfRunning } from "./instead.jsx";
import { useNear } from "./near.js";
import { BranchBody, LoopBody } from "./bodies.jsx";
import { markTo, toggleMark, unmark } from "./marks.js";
import { FORMATTED_LANGUAGES } from "./code_help.js";
import { canPin, isPinned } from "./pins.js";
import { FoldedProblems, codeProblems } from "./problems.jsx";
import { KIND_LABELS } from "./reduce.js";
import { CellSettings, SettingChips, SettingsButton } from "./settings.jsx";
import { keysOf } from "./shortcuts.js";
import { HereMark, HintNote, LockNote } from "./presence.jsx";
import { RunsFirst, StateBadge, isActive } from "./state.jsx";
import { StepId } from "./step_id.jsx";
import { Trial } from "./trial.jsx";
import { EditInPlace, MenuButton } from "./ui.jsx";

const LANGUAGES = [["python3", "Python"], ["deno", "TypeScript"], ["bun", "TypeScript (Bun)"], ["bash", "Bash"], ["go", "Go"], ["postgresql", "PostgreSQL"], ["mysql", "MySQL"], ["duckdb", "DuckDB"], ["sqlite", "SQLite"], ["mssql", "SQL Server"], ["bigquery", "BigQuery"], ["snowflake", "Snowflake"], ["oracledb", "Oracle"], ["graphql", "GraphQL"], ["rlang", "R"], ["php", "PHP"]];
const LOOPS = new Set(["forloopflow", "whileloopflow"]);
const BRANCHES = new Set(["branchone", "branchall"]);

export const Cell = memo(function Cell({ id }) {
  const store = useStore();
  const cell = useKey(`cell:${id}`);
  const selected = useFact("selected", (at) => at === id);
  const editing = useFact("editing", (at) => at === id);
  const marked = useFact("marked", (marks) => Boolean(marks?.cells.includes(id)));
  const picking = useFact("picking", (field) => (field ? pickingRole(store, id, field.cell) : undefined));
  if (!cell) return null;
  const onFocus = (event) => {
    if (event.target.closest("[data-cell]") === event.currentTarget && store.get("selected") !== id) store.set("selected", id);
  };
  const onMouseDown = (event) => {
    if (event.target.closest("[data-cell]") !== event.currentTarget) return;
    if (!event.target.closest("button, input, textarea, select, a, label, .nb-code, .nb-out") && (event.shiftKey || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      (event.shiftKey ? markTo : toggleMark)(store, id);
      select(store, id, { show: "nothing", keep: true });
      return;
    }
    unmark(store);
    if (!event.target.closest("button, input, textarea, select, a, label, [role=option], [role=treeitem], td, .nb-code, .nb-out")) {
      event.preventDefault();
      select(store, id, { show: "nothing" });
    } else store.set("selected", id);
  };
  return (
    <section className="nb-cell" data-cell={id} data-kind={cell.kind} data-selected={selected || undefined} data-marked={marked || undefined} data-editing={editing || undefined} data-pick-role={picking} tabIndex={selected ? 0 : -1} aria-label={`Cell ${cell.step_id}${cell.title ? `, ${cell.title}` : ""}${marked ? ", marked" : ""}`} aria-current={selected || undefined} onFocus={onFocus} onMouseDown={onMouseDown}>
      <CellHead cell={cell} />
      <CellSettings cell={cell} />
      {cell.collapsed ? <FoldedResult id={id} /> : <CellBody cell={cell} />}
    </section>
  );
});

/** While a field is being connected: values of earlier cells can be picked, later cells are out of reach. */
const pickingRole = (store, id, target) => {
  const order = store.get("order") ?? [];
  if (id === target) return "target";
  return order.indexOf(id) > order.indexOf(target) ? "later" : "source";
};

// Being selected or edited changes the frame of a cell alone: its head, settings and body are not drawn again for it.
const CellBody = memo(function CellBody({ cell }) {
  const { id, kind } = cell;
  return (
    <>
      <ApprovalPlace id={id} />
      <Trial cell={cell} />
      <CellInputs id={id} />
      {cell.language && <Code cell={cell} />}
      {LOOPS.has(kind) && <LoopBody cell={cell} />}
      {BRANCHES.has(kind) && <BranchBody cell={cell} />}
      {kind === "aiagent" && <AgentBody cell={cell} />}
      <CellOutput id={id} step={cell.step_id} container={LOOPS.has(kind) || BRANCHES.has(kind)} />
    </>
  );
});

/** Where a waiting approval is answered. Nothing is drawn, and nothing asked of the server, while the cell does not wait. */
function ApprovalPlace({ id }) {
  const waiting = useFact(`state:${id}`, (state) => state?.kind === "waiting");
  return waiting ? <ApprovalSlot id={id} /> : null;
}

const CellHead = memo(function CellHead({ cell }) {
  const store = useStore();
  const { id } = cell;
  const single = isSingle(cell);
  const save = (op) => store.do({ cell: id, ...op });
  return (
    <header className="nb-hd">
      {!single && <DragHandle id={id} step={cell.step_id} />}
      <RunButton id={id} step={cell.step_id} nested={Boolean(cell.parent)} single={single} />
      {single ? <span className="nb-chip nb-chip-fixed">{cell.step_id}</span> : <StepId cell={cell} />}
      <EditInPlace className="nb-title" label={`Title of ${cell.step_id}`} value={cell.title ?? ""} placeholder="Untitled" onSave={(title) => save({ op: "set_title", title })} />
      <LanguageMenu cell={cell} />
      <SettingChips cell={cell} />
      {cell.outside_effects && <span className="nb-effects" title="Has effects outside: running it again asks first"><Glyph name="flag" size={12} /><span className="nb-sr">Has outside effects</span></span>}
      {cell.collapsed && <FoldedProblems id={id} step={cell.step_id} />}
      <span className="nb-space" />
      <HereMark id={id} step={cell.step_id} />
      <CommentMark id={id} step={cell.step_id} />
      <span className="nb-hd-tools">
        <SettingsButton id={id} step={cell.step_id} />
        {cell.inputs?.length > 0 && <button type="button" className="nb-icon" aria-label="Connect inputs" title={`Connect inputs (${keysOf("connect")})`} onClick={() => perform(store, "connect", id)}><Glyph name="plug" /></button>}
        <button type="button" className="nb-icon" aria-label={cell.collapsed ? "Unfold" : "Fold"} aria-expanded={!cell.collapsed} title={`${cell.collapsed ? "Unfold" : "Fold"} (${keysOf("collapse")})`} onClick={() => perform(store, "collapse", id)}><Glyph name={cell.collapsed ? "expand" : "collapse"} /></button>
        <MenuButton label={`More for ${cell.step_id}`} items={() => cellMenu(store, cell)} />
      </span>
      <span className="nb-hd-state">
        <RunsFirst id={id} />
        <StateBadge id={id} />
      </span>
    </header>
  );
});

function cellMenu(store, cell) {
  const item = (command, label, icon, extra) => ({ label, icon, keys: keysOf(command), run: () => perform(store, command, cell.id), ...extra });
  return [
    item("run_stay", "Run", "play"),
    item("run_old", "Run on the old results", "play"),
    item("run_up_to", "Run up to here", "up"),
    item("run_from", "Run from here", "down"),
    "-",
    item("settings", "Settings", "sliders"),
    item("comment", "Comment", "comment"),
    item("insert_above", "Insert code above", "plus"),
    item("insert_below", "Insert code below", "plus"),
    item("note_below", "Insert a note below", "note"),
    item("pin", isPinned(store, cell.id) ? "Unpin: let it run" : "Pin this result", "pin", { disabled: !isPinned(store, cell.id) && !canPin(store, cell.id) }),
    item("stand_ins", "Stand-ins…", "pin"),
    { label: "Make sample data…", icon: "sparkle", run: () => askForSample(store, cell.id) },
    ...(FORMATTED_LANGUAGES.has(cell.language) ? [item("format", "Format the code", "text")] : []),
    item("forget", "Forget the result", "never", { disabled: !store.get(`output:${cell.id}`) }),
    item("copy", "Copy", "copy"),
    { label: "Copy a link to it", icon: "external", run: () => copyCellLink(store, cell.step_id) },
    item("paste", "Paste below", "copy"),
    item("duplicate", "Duplicate", "copy"),
    item("move_up", "Move up", "up"),
    item("move_down", "Move down", "down"),
    "-",
    { label: "Has outside effects: ask before running again", checked: cell.outside_effects, run: () => store.do({ op: "set_beside", cell: cell.id, key: "outside_effects", value: !cell.outside_effects }) },
    { label: "Never reuse an earlier result", checked: cell.reuse === "never", run: () => store.do({ op: "set_beside", cell: cell.id, key: "reuse", value: cell.reuse === "never" ? "auto" : "never" }) },
    "-",
    item("delete", "Delete", "trash", { tone: "bad" }),
  ];
}

function kindWords(cell) {
  const label = KIND_LABELS[cell.kind] ?? (cell.path ? `${cell.path.startsWith("hub/") ? "Hub script" : cell.kind === "flow" ? "Flow" : "Script"} ${cell.path}${cell.settings?.hash ? `, version ${String(cell.settings.hash).slice(0, 8)}` : ""}` : cell.kind);
  if (!cell.settings?.parallel) return label;
  const most = cell.settings.parallelism?.value ?? cell.settings.parallelism;
  return `${label}, parallel${most ? ` ${most}` : ""}`;
}

function LanguageMenu({ cell }) {
  const store = useStore();
  if (cell.kind !== "rawscript") return <span className="nb-lang">{kindWords(cell)}</span>;
  const items = LANGUAGES.map(([language, label]) => ({ label, checked: cell.language === language, run: () => language !== cell.language && store.do({ op: "set_language", cell: cell.id, language }) }));
  return (
    <MenuButton className="nb-lang" label={`Language of ${cell.step_id}: ${cell.language_label}`} align="start" items={items}>
      {cell.language_label}
    </MenuButton>
  );
}

const RunButton = memo(function RunButton({ id, step, nested, single }) {
  const store = useStore();
  const active = useFact(`state:${id}`, isActive);
  const label = active ? `Cancel ${step}` : nested ? `Run the loop or branch around ${step}` : single ? `Try ${step} on its sample` : `Run ${step}`;
  return (
    <button type="button" className="nb-run" data-active={active || undefined} aria-label={label} title={active ? label : `${label} (${keysOf("run")})`} onClick={() => (active ? perform(store, "cancel") : run(store, id, "auto"))}>
      <Glyph name={active ? "stop" : "play"} size={12} />
    </button>
  );
});

function DragHandle({ id, step }) {
  const { attributes, listeners, setNodeRef } = useDraggable({ id });
  return (
    <button ref={setNodeRef} type="button" {...listeners} className="nb-grip" aria-label={`Drag to move ${step}; with keys: ${keysOf("move_up")} and ${keysOf("move_down")}`} aria-describedby={attributes["aria-describedby"]} tabIndex={-1}>
      <Glyph name="grip" />
    </button>
  );
}

const Code = memo(function Code({ cell }) {
  const store = useStore();
  const root = useContext(ScrollerContext);
  const error = useKey(`output:${cell.id}`)?.error ?? null;
  const problems = useMemo(() => codeProblems(cell), [cell.problems]);
  const onKey = (command) => {
    if (command === "leave") select(store, cell.id);
    else perform(store, command, cell.id);
  };
  return (
    <div className="nb-code-wrap">
      <Conflict id={cell.id} language={cell.editor} />
      <CellEditor id={cell.id} language={cell.editor} label={`Code of ${cell.step_id}. Escape leaves the text.`} error={error} problems={problems} root={root} onKey={onKey} />
      <LockNote id={cell.id} step={cell.step_id} />
      <HintNote id={cell.id} step={cell.step_id} />
    </div>
  );
});

/** Someone else changed the text while there was unsaved text here: both are shown, the person chooses. */
function Conflict({ id, language }) {
  const store = useStore();
  const conflict = useKey(`conflict:${id}`);
  if (!conflict) return null;
  return (
    <div className="nb-conflict" role="alert">
      <p><Glyph name="warn" /> This text was also changed elsewhere. Yours is kept here, not saved yet.</p>
      <CodeDiff original={conflict.theirs} modified={conflict.mine} language={language} height="180px" />
      <footer>
        <button type="button" className="nb-btn" data-primary onClick={() => store.resolveConflict(id, "mine")}>Keep mine</button>
        <button type="button" className="nb-btn" onClick={() => store.resolveConflict(id, "theirs")}>Take theirs</button>
      </footer>
    </div>
  );
}

const OLD = new Set(["stale", "queued", "running", "blocked"]);

const CellOutput = memo(function CellOutput({ id, step }) {
  const store = useStore();
  const output = useKey(`output:${id}`);
  const kind = useFact(`state:${id}`, (state) => state?.kind);
  const running = kind === "running" || kind === "queued";
  const { near, mark, height, touched } = useNear(Boolean(output));
  const onClickCapture = (event) => {
    const value = store.get("pickTarget") && event.target.closest("[data-pick]");
    if (!value || event.currentTarget.closest("[data-cell]").dataset.pickRole !== "source") return;
    event.preventDefault();
    event.stopPropagation();
    store.get("pickTarget").connect(value.dataset.pick);
  };
  const onWire = (path) => store.wire(`results.${step}`, path);
  // tabs, tree and table have keys of their own: this one leads back to those of the cell
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || store.get("picking") || event.target.closest("input, textarea, .menu, [aria-expanded=true]")) return;
    event.preventDefault();
    select(store, id);
  };
  return (
    <>
      {running && <LiveProgress id={id} />}
      {running && <LiveStream id={id} />}
      {running && <LiveLog id={id} />}
      {output && !near && <div ref={mark} className="nb-out nb-out-far" style={height && { height, minHeight: height }}>{output.title_text}</div>}
      {output && near && (
        <div ref={mark} className="nb-out" {...touched} data-pickable data-old={OLD.has(kind) || undefined} aria-busy={running || undefined} onClickCapture={onClickCapture} onKeyDown={onKeyDown}>
          <Output tried ws={store.ws} output={output} stale={OLD.has(kind)} baseExpr={`results.${step}`} memory={id} onWire={onWire} onLine={(line) => cellNode(id)?.querySelector(".nb-code")?.dispatchEvent(new CustomEvent("nb-focus", { detail: { line } }))} />
          {kind === "failed" && <InsteadOfRunning id={id} step={step} />}
        </div>
      )}
    </>
  );
});

function LiveProgress({ id }) {
  const percent = useFact(`state:${id}`, (state) => state?.progress);
  if (!isKnown(percent)) return null;
  return <div className="nb-progress"><Progress percent={percent} label="Progress of the cell" /></div>;
}

/** What the running cell streams as its result; where that is comes with the first piece, or with the state of a page just loaded. */
function LiveStream({ id }) {
  const store = useStore();
  const at = useFact(`stream:${id}`, (stream) => stream && `${stream.run} ${stream.path}`);
  if (!at) return null;
  const space = at.indexOf(" ");
  const [runId, path] = [at.slice(0, space), at.slice(space + 1)];
  const heard = store.get(`stream:${id}`).end;
  return <div className="nb-stream"><Streamed key={at} ws={store.ws} runId={runId} path={path} topic={`draft:${store.draftId}`} heard={heard} /></div>;
}

/** What the running cell prints, as it prints it; the finished result has its own log tab. */
function LiveLog({ id }) {
  const log = useKey(`log:${id}`);
  if (!log?.text) return null;
  const text = log.text.slice(-8000).replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  return (
    <pre className="nb-log" role="log" aria-label="Log" ref={(node) => node && (node.scrollTop = node.scrollHeight)}>
      {text}
    </pre>
  );
}

function FoldedResult({ id }) {
  const output = useKey(`output:${id}`);
  const kind = useFact(`state:${id}`, (state) => state?.kind);
  if (!output?.title_text) return null;
  return (
    <p className="nb-folded" data-old={OLD.has(kind) || undefined}>
      <span className="nb-faint">=</span> {output.title_text}
    </p>
  );
}
