// The bar on top: which draft this is, whether it is saved, and what can be done with all of it.
import { memo } from "react";
import { perform } from "./commands.js";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { People } from "./presence.jsx";
import { PanelButton } from "./sidebar.jsx";
import { keysOf, spoken } from "./shortcuts.js";
import { EditInPlace, MenuButton } from "./ui.jsx";
import { when } from "../words.js";

export const Toolbar = memo(function Toolbar() {
  const store = useStore();
  const draft = useKey("draft");
  const parts = (draft.path ?? "").split("/").slice(0, -1);
  return (
    <header className="nb-bar">
      <nav className="nb-crumb" aria-label="Place">
        {parts.map((part, index) => <span key={index}>{part} / </span>)}
      </nav>
      <h1 className="nb-name"><EditInPlace label="Name of the flow" value={draft.summary ?? ""} placeholder={draft.path?.split("/").at(-1) || "Untitled flow"} onSave={(summary) => store.do({ op: "set_flow", summary })} /></h1>
      <button type="button" className="nb-pill" title="Versions" onClick={() => perform(store, "versions")}>{draftWords(draft)}{draft.deployed_version && draft.newest_version > draft.deployed_version && <span className="merge-newer"> · v{draft.newest_version} is newer</span>}</button>
      <SaveState />
      <span className="nb-space" />
      <People />
      <GraphButton />
      <History draft={draft} />
      <RunButtons />
      <ExportMenu />
      {draft.deployed_version && <a className="nb-btn nb-run-link" href={`/run/${draft.path}`}>Run…</a>}
      <button type="button" className="nb-btn" data-primary onClick={() => perform(store, "deploy")}>Deploy</button>
      <PanelButton />
    </header>
  );
});

function draftWords(draft) {
  if (!draft.deployed_version) return "Draft, not deployed";
  if (!draft.changes) return `Same as v${draft.deployed_version}`;
  return `Draft, ${draft.changes} change${draft.changes === 1 ? "" : "s"} since v${draft.deployed_version}`;
}

const SaveState = memo(function SaveState() {
  const save = useKey("save");
  const link = useKey("link");
  const draft = useKey("draft");
  const lost = save.kind === "offline" || (link === "lost" && save.kind !== "saved");
  const words = lost ? "Offline, kept here" : { saved: `Saved ${when(save.at ?? draft.saved_at)}`, pending: "Saving…", saving: "Saving…", error: "Not saved yet, kept here", conflict: "Waits for your choice" }[save.kind];
  return (
    <span className="nb-save" data-tone={lost || ["error", "conflict"].includes(save.kind) ? "stale" : undefined} title={save.message} role="status">
      {(lost || ["error", "conflict"].includes(save.kind)) && <Glyph name="warn" size={13} />}
      {words}
    </span>
  );
});

function History({ draft }) {
  const store = useStore();
  const button = (verb, label, what) => (
    <button type="button" className="nb-icon" aria-label={what ? `${label}: ${what}` : label} title={`${what ? `${label}: ${what}` : `Nothing to ${verb}`} (${keysOf(verb)})`} aria-disabled={!what} onClick={() => what && store.history(verb)}>
      <Glyph name={verb} size={15} />
    </button>
  );
  return <span className="nb-history">{button("undo", "Undo", draft.can_undo)}{button("redo", "Redo", draft.can_redo)}</span>;
}

function GraphButton() {
  const store = useStore();
  const graph = useFact("mode", (mode) => mode === "graph");
  return (
    <button type="button" className="nb-icon nb-graph-button" aria-pressed={graph} aria-label="Graph" title={`${graph ? "Show the cells" : "Show the flow as a graph"} (${keysOf("graph")})`} onClick={() => perform(store, "graph")}>
      <Glyph name="graph" size={15} />
    </button>
  );
}

const RunButtons = memo(function RunButtons() {
  const store = useStore();
  const { stale, active, cells } = useKey("counts");
  return (
    <>
      <button type="button" className="nb-btn" disabled={!stale} title={keysOf("run_stale")} onClick={() => perform(store, "run_stale")}>
        <Glyph name="play" size={11} /> <span className="nb-wide-only">Run out of date</span> <span className="nb-number">{stale}</span>
      </button>
      <button type="button" className="nb-btn nb-cancel" disabled={!active && !cells} data-on={active > 0 || undefined} onClick={() => perform(store, active ? "cancel" : "run_all")}>
        {active ? "Cancel" : "Run all"}
      </button>
    </>
  );
});

function ExportMenu() {
  const store = useStore();
  const item = (id, label) => ({ label, icon: "download", run: () => perform(store, id) });
  return (
    <MenuButton label="More" items={[
      { label: "Versions…", icon: "clock", run: () => perform(store, "versions") },
      { label: "Bin…", icon: "trash", run: () => perform(store, "bin") },
      { label: "Webhook…", icon: "plug", run: () => perform(store, "webhook") },
      { label: "Share…", icon: "external", run: () => perform(store, "share") },
      { label: "Fork into my own space", icon: "branch", run: () => perform(store, "fork") },
      { label: "Variables and resources…", icon: "key", run: () => perform(store, "named") }, "-",
      item("export_yaml", "Export as YAML"), item("export_json", "Export as JSON"), item("export_zip", "Export as a folder (zip)"), "-",
      { label: "Connect inputs of the whole flow", icon: "plug", keys: "W", run: () => perform(store, "connect_flow") },
      { label: "All commands", icon: "search", keys: spoken("Mod+k"), run: () => perform(store, "palette") },
      { label: "Keyboard shortcuts", icon: "keys", keys: "?", run: () => perform(store, "help") },
    ]} />
  );
}
