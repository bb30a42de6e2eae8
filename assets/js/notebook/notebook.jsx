// The notebook of one draft: bar, cells, side panel, and the keyboard. The only component the page outside knows.
import { DndContext, DragOverlay, PointerSensor, useSensor, useSensors } from "@dnd-kit/core";
import { Suspense, lazy, memo, useCallback, useEffect, useMemo, useState } from "react";
import "../fonts.js";
import { TO_NAMES } from "../shell/fork.js";
import { followCellLink } from "./cell_link.js";
import { paste, perform, select } from "./commands.js";
import { ScrollerContext, StoreContext, useFact, useKey, useStore } from "./context.js";
import { Dialogs } from "./dialogs.jsx";
import { FlowInput } from "./flow_input.jsx";
import { gapOf } from "./insert.jsx";
import { unmark } from "./marks.js";
import { loadMonaco } from "./monaco.js";
import { descendantsOf } from "./reduce.js";
import { Chords, applied } from "./shortcuts.js";
import { CalmSheets } from "./sheets.js";
import { Sidebar } from "./sidebar.jsx";
import { SingleSlot, Slot } from "./slot.jsx";
import { NotebookStore } from "./store.js";
import { Toolbar } from "./toolbar.jsx";
import { Boundary, Toasts } from "./ui.jsx";

const Graph = lazy(() => import("./graph.jsx").then((module) => ({ default: module.Graph })));

export function Notebook({ ws = "main", draftId }) {
  const store = useMemo(() => new NotebookStore({ ws, draftId }), [ws, draftId]);
  useEffect(() => {
    store.start();
    const calm = new CalmSheets();
    calm.apply();
    loadMonaco().then(() => calm.apply()); // comes while the snapshot does, with a sheet of its own
    return () => {
      calm.undo();
      store.stop();
      for (const model of store.models?.values() ?? []) model.dispose();
    };
  }, [store]);
  return (
    <StoreContext.Provider value={store}>
      <Page />
    </StoreContext.Provider>
  );
}

function Page() {
  const store = useStore();
  const phase = useKey("phase");
  const [scroller, setScroller] = useState(null);
  const picking = useFact("picking", Boolean);
  const sideHidden = useFact("sidebar", (side) => Boolean(side.hidden));
  const graph = useFact("mode", (mode) => mode === "graph");
  useKeyboard(store);
  useClipboard(store);
  useEffect(() => {
    if (phase !== "ready" || !scroller) return;
    if (location.hash !== TO_NAMES) return followCellLink(store);
    history.replaceState(history.state, "", location.pathname + location.search); // once: not after a reload
    store.set("dialog", { kind: "named", forked: true });
  }, [phase, scroller]);
  return (
    <div className="nb" data-picking={picking || undefined} data-side-hidden={sideHidden || undefined}>
      {phase === "ready" ? <Toolbar /> : <header className="nb-bar" aria-busy="true" />}
      {graph && phase === "ready" && <Boundary what="The graph"><Suspense fallback={<div className="nb-graph" aria-busy="true" />}><Graph /></Suspense></Boundary>}
      <section ref={setScroller} className="nb-main" hidden={graph} tabIndex={-1} aria-label="Notebook">
        {phase === "ready" && scroller ? (
          <ScrollerContext.Provider value={scroller}>
            <Dragging><Cells /></Dragging>
          </ScrollerContext.Provider>
        ) : (
          <Waiting phase={phase} />
        )}
      </section>
      {phase === "ready" ? <Boundary what="The side panel"><Sidebar /></Boundary> : <aside className="nb-side" aria-hidden="true" />}
      <Dialogs />
      <Toasts />
    </div>
  );
}

const Cells = memo(function Cells() {
  const empty = useFact("order", (order) => !order?.length);
  return (
    <div className="nb-col">
      <Boundary what="The flow input"><FlowInput /></Boundary>
      <SingleSlot slot="preprocessor" />
      <Slot empty={empty ? "An empty flow. Begin with a cell: each one takes inputs, runs, and gives its result to the next." : undefined} />
      <SingleSlot slot="failure" />
    </div>
  );
});

function Waiting({ phase }) {
  if (phase === "missing") return <div className="nb-col nb-stop"><h2>This draft does not exist any more</h2><p>It may have been deleted, or the address has a typing error.</p><a className="nb-btn" href="/">All flows</a></div>;
  return (
    <div className="nb-col" aria-busy="true" aria-label="Loading">
      {phase === "unreachable" && <p className="nb-notice" data-tone="stale" role="status">The server does not answer. Trying again.</p>}
      {[72, 190, 160].map((height) => <div key={height} className="nb-cell nb-ghost" style={{ height }} />)}
    </div>
  );
}

// ---------------------------------------------------------------- moving by hand

/** The gap nearest to the pointer, deeper ones first when the pointer is right of their edge. */
function nearestGap({ droppableContainers, droppableRects, pointerCoordinates }) {
  if (!pointerCoordinates) return [];
  let best = null;
  for (const container of droppableContainers) {
    const rect = droppableRects.get(container.id);
    if (!rect) continue;
    const outside = Math.max(rect.left - pointerCoordinates.x, 0, pointerCoordinates.x - rect.right);
    const distance = Math.abs(rect.top + rect.height / 2 - pointerCoordinates.y) + outside * 0.5 - rect.left * 0.001;
    if (!best || distance < best.distance) best = { id: container.id, distance };
  }
  return best ? [{ id: best.id }] : [];
}

function Dragging({ children }) {
  const store = useStore();
  const dragging = useKey("dragging");
  const sensors = useSensors(useSensor(PointerSensor, { activationConstraint: { distance: 4 } }));
  const end = useCallback(({ active, over }) => {
    store.set("dragging", null);
    if (!over) return;
    const cell = store.cell(active.id);
    const to = gapOf(over.id);
    if (!cell || (!cell.parent && cell.slot !== "modules") || to.parent === cell.id || descendantsOf(store.view.cells, cell.id).includes(to.parent)) return;
    const same = to.parent === cell.parent && to.slot === cell.slot;
    const index = same && to.index > cell.index ? to.index - 1 : to.index;
    if (same && index === cell.index) return;
    store.do({ op: "move_cell", cell: cell.id, parent: to.parent, slot: to.slot, index });
    store.announce(`${cell.step_id} moved`);
    select(store, cell.id);
  }, [store]);
  const cell = dragging && store.cell(dragging);
  return (
    <DndContext sensors={sensors} collisionDetection={nearestGap} onDragStart={({ active }) => store.set("dragging", active.id)} onDragEnd={end} onDragCancel={() => store.set("dragging", null)}>
      {children}
      <DragOverlay dropAnimation={null}>
        {cell && <div className="nb-drag"><span className="nb-chip nb-chip-fixed">{cell.step_id}</span> {cell.title || "Untitled"}</div>}
      </DragOverlay>
    </DndContext>
  );
}

// ---------------------------------------------------------------- keyboard

const isText = (target) => Boolean(target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .monaco-editor"));
const ownsKeys = (target) => Boolean(target.closest?.("dialog, [popover], [role=menu], [role=tree], [role=treeitem], [role=tablist], [role=grid]"));
const isControl = (target) => Boolean(target.closest?.("button, a, summary, [role=tab], input"));

/** A modal dialog is open, of the notebook or of the shell around it. */
const behindDialog = (store) => store.get("dialog") || document.querySelector("dialog[open]");

function useKeyboard(store) {
  useEffect(() => {
    const chords = new Chords();
    const onKeyDown = (event) => {
      if (event.defaultPrevented || event.isComposing || behindDialog(store)) return;
      const { target } = event;
      const inside = target === document.body || target.closest?.(".nb");
      if (!inside) return;
      if (isText(target)) return inText(event, target);
      if (store.get("picking") && event.key === "Escape") return store.set("picking", null);
      if (event.key === "Escape") unmark(store);
      const single = applied("any", event);
      if (ownsKeys(target) && !single) return;
      if (isControl(target) && (event.key === "Enter" || event.key === " ") && !single) return;
      const command = chords.press(event);
      if (!command) return;
      event.preventDefault();
      if (command !== "…") perform(store, command);
    };
    const inText = (event, target) => {
      const command = applied("edit", event);
      if (!command || target.closest("dialog, [popover]")) return;
      const cell = target.closest("[data-cell]")?.dataset.cell;
      event.preventDefault();
      if (command === "leave") {
        target.blur();
        if (cell) select(store, cell);
      } else perform(store, command, cell ?? store.get("selected"));
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [store]);
}

/** Ctrl/⌘ C, X and V where no text is meant: with the browser's own events, which need no leave to read the clipboard. */
function useClipboard(store) {
  useEffect(() => {
    const meant = (event) => {
      const target = event.target.nodeType === Node.ELEMENT_NODE ? event.target : event.target.parentElement;
      return !event.defaultPrevented && !behindDialog(store) && !isText(target) && !ownsKeys(target) && document.getSelection().isCollapsed;
    };
    const on = (command) => (event) => {
      if (!meant(event) || !store.cell(store.get("selected"))) return;
      event.preventDefault();
      perform(store, command);
    };
    const onPaste = (event) => {
      if (!meant(event) || store.get("phase") !== "ready") return;
      event.preventDefault();
      const at = store.get("selected");
      paste(store, store.cell(at) ? at : null, event.clipboardData.getData("text/plain"));
    };
    const events = { copy: on("copy"), cut: on("cut"), paste: onPaste };
    for (const [name, handle] of Object.entries(events)) document.addEventListener(name, handle);
    return () => {
      for (const [name, handle] of Object.entries(events)) document.removeEventListener(name, handle);
    };
  }, [store]);
}
