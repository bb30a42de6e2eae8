// The side panel: every fixed value in one place, proposed wires, and what is wrong. A sheet from below on phones.
import { memo, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { Assistant } from "./assistant.jsx";
import { select } from "./commands.js";
import { CommentList, OpenComments } from "./comments.jsx";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { Problems } from "./problems.jsx";
import { StateSection } from "./state_section.jsx";
import { StaticInputs } from "./static_inputs.jsx";

const TABS = [["static", "Static inputs"], ["connect", "Connect"], ["problems", "Problems"], ["state", "State"], ["comments", "Comments"], ["assistant", "Assistant"]];
const SHORT = { static: <>Static<span className="nb-sr"> inputs</span></> };
const ICONS = { comments: "comment", assistant: "sparkle" }; // the names of all tabs have no room in one line

export const Sidebar = memo(function Sidebar() {
  const store = useStore();
  const side = useKey("sidebar");
  const problems = useKey("problems") ?? [];
  const panel = useRef(null);
  useEffect(() => {
    if (side.focus) (panel.current.querySelector("[data-autofocus]") ?? panel.current).focus();
  }, [side.focus]);
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    if (side.open) store.set("sidebar", { ...side, open: false });
    if (store.get("selected")) select(store, store.get("selected"));
    else document.querySelector(".nb-main")?.focus();
  };
  const onKeyDown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = TABS.findIndex(([id]) => id === side.tab);
    const [next] = TABS[(at + by + TABS.length) % TABS.length];
    store.set("sidebar", { ...side, tab: next });
    document.getElementById(`nb-tab-${next}`)?.focus();
  };
  return (
    <aside className="nb-side" data-open={side.open || undefined} aria-label="Side panel" onKeyDown={leave}>
      <div className="nb-tabs" role="tablist" aria-label="Side panel" onKeyDown={onKeyDown}>
        {TABS.map(([id, label]) => (
          <button key={id} id={`nb-tab-${id}`} type="button" role="tab" title={ICONS[id] || SHORT[id] ? label : undefined} aria-selected={side.tab === id} aria-controls="nb-side-panel" tabIndex={side.tab === id ? 0 : -1} onClick={() => store.set("sidebar", { ...side, tab: id })}>
            {ICONS[id] ? <><Glyph name={ICONS[id]} size={14} /><span className="nb-sr">{label}</span></> : SHORT[id] ?? label}
            {id === "comments" && <OpenComments />}
            {id === "problems" && problems.length > 0 && <span className="nb-count" data-tone={problems.some((item) => item.severity === "error") ? "bad" : "stale"}>{problems.length}</span>}
          </button>
        ))}
        <button type="button" className="nb-icon nb-sheet-close" aria-label="Close the panel" onClick={() => store.set("sidebar", { ...side, open: false })}><Glyph name="close" /></button>
      </div>
      <div ref={panel} id="nb-side-panel" className="nb-side-body" role="tabpanel" aria-labelledby={`nb-tab-${side.tab}`} tabIndex={-1}>
        {side.tab === "static" && <StaticInputs />}
        {side.tab === "connect" && <Connect />}
        {side.tab === "problems" && <Problems problems={problems} />}
        {side.tab === "state" && <StateSection />}
        {side.tab === "comments" && <CommentList />}
        {side.tab === "assistant" && <Assistant />}
      </div>
    </aside>
  );
});

// ---------------------------------------------------------------- connect

function Connect() {
  const store = useStore();
  const side = useKey("sidebar");
  const selected = useKey("selected");
  const id = side.cell && store.cell(side.cell) ? side.cell : selected;
  const cell = useKey(`cell:${id}`);
  useEffect(() => {
    if (side.cell && side.cell !== selected) store.set("sidebar", { ...store.get("sidebar"), cell: null });
  }, [selected]);
  if (!cell?.inputs?.length) return <p className="nb-empty nb-pad">{cell ? `${cell.step_id} takes no inputs.` : "Select a cell to see what its inputs could be connected to."}</p>;
  return <Proposals key={id} cell={cell} asked={side.at} />;
}

function Proposals({ cell, asked }) {
  const store = useStore();
  const [answer, setAnswer] = useState(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(() => new Set());
  const turn = useRef(0);
  const waiting = useRef(null);
  useEffect(() => () => waiting.current?.abort(), []); // who leaves the panel waits for no model
  const ask = useCallback(async (useModel) => {
    const mine = (turn.current += 1);
    waiting.current?.abort();
    const { signal } = (waiting.current = new AbortController());
    setBusy(useModel ? "model" : "matcher");
    try {
      await store.settled();
      const found = await store.ask("POST", "connect", { json: { cell: cell.id, use_model: useModel }, signal });
      if (mine === turn.current) setAnswer(found), setDone(new Set());
    } catch (error) {
      if (mine === turn.current && !signal.aborted) setAnswer({ proposals: [], notice: `${error.message} ${error.hint ?? ""}` });
    }
    if (mine === turn.current) setBusy(false);
  }, [cell.id]);
  useEffect(() => {
    ask(false);
  }, [ask, asked]);
  const open = useMemo(() => (answer?.proposals ?? []).filter((item) => !done.has(item.field)), [answer, done]);
  const box = useRef(null);
  useEffect(() => {
    // the keyboard came here for the proposals, or stood on one that is decided now
    const panel = box.current.closest("[role=tabpanel]");
    const here = document.activeElement === panel || (done.size > 0 && document.activeElement === document.body);
    if (here) (box.current.querySelector(".nb-yes") ?? panel).focus();
  }, [open, done]);
  const accept = (items) => {
    store.do(...items.map((item) => ({ op: "set_input", cell: cell.id, field: item.field, transform: { type: "javascript", expr: item.expr } })));
    setDone(new Set([...done, ...items.map((item) => item.field)]));
    store.announce(`Connected ${items.map((item) => item.field).join(", ")}`);
  };
  const refuse = (item) => setDone(new Set([...done, item.field]));
  const change = (item, expr) => {
    const chosen = { ...item, expr, evaluated: null, pending: true, why: "your choice" };
    const put = (from, to) => setAnswer((now) => now && { ...now, proposals: now.proposals.map((other) => (other === from ? to : other)) });
    put(item, chosen);
    store.ask("POST", "preview", { json: { cell: cell.id, field: item.field, expr } }).then(
      (evaluated) => put(chosen, { ...chosen, evaluated, pending: false }),
      (error) => put(chosen, { ...chosen, evaluated: { ok: false, text: `Not evaluated: ${error.message}` }, pending: false }),
    );
  };
  const sound = open.filter((item) => !item.pending && item.evaluated?.ok !== false); // what fails, or may, is accepted by itself, knowingly
  const current = (field) => {
    const input = cell.inputs.find((other) => other.field === field);
    return input?.type === "javascript" ? input.expr : input?.value !== undefined && input?.value !== null ? JSON.stringify(input.value) : "";
  };
  return (
    <section ref={box} className="nb-connect" aria-busy={Boolean(busy)} aria-label={`Proposed wires for ${cell.step_id}`}>
      <h2><span className="nb-chip nb-chip-fixed">{cell.step_id}</span><span>{cell.title || "Untitled"}</span></h2>
      {answer?.notice && <p className="nb-notice"><Glyph name="info" size={13} /> {answer.notice}</p>}
      {!answer && <div className="nb-skeleton" aria-hidden="true"><i style={{ width: "80%" }} /><i style={{ width: "60%" }} /></div>}
      {answer && !open.length && (done.size > 0 || !answer.notice) && <p className="nb-empty">{done.size ? "All proposals are decided." : "Nothing earlier fits the inputs of this cell by name and type."}</p>}
      {open.length > 0 && (
        <ul className="nb-proposals">
          {open.map((item) => (
            <li key={item.field}>
              <span className="nb-proposal">
                <code>{item.field}</code> <span aria-label="from">←</span> <code className="nb-wire">{item.expr}</code>
                {current(item.field) && current(item.field) !== item.expr && <del title="what it is now">{current(item.field)}</del>}
              </span>
              <span className="nb-yn">
                <button type="button" className="nb-yes" aria-label={`Accept ${item.field}`} title="Accept" onClick={() => accept([item])}><Glyph name="check" /></button>
                <button type="button" className="nb-no" aria-label={`Refuse ${item.field}`} title="Refuse" onClick={() => refuse(item)}><Glyph name="cross" /></button>
              </span>
              <span className="nb-why">
                {item.evaluated && <span className="nb-now" data-ok={item.evaluated.ok}>{item.evaluated.ok ? `= ${item.evaluated.text}` : item.evaluated.text}</span>}
                {item.why && <span>{item.why}</span>}
                {item.source === "model" && <span className="nb-by"><Glyph name="sparkle" size={11} /> model</span>}
              </span>
              {item.alternatives?.length > 0 && (
                <span className="nb-alternatives">
                  or {item.alternatives.slice(0, 3).map((expr) => <button key={expr} type="button" className="nb-link" onClick={() => change(item, expr)}><code>{expr}</code></button>)}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <footer>
        {sound.length > 0 && <button type="button" className="nb-btn" data-primary onClick={() => accept(sound)}>{sound.length < open.length ? (sound.length === 1 ? "Accept the one without errors" : `Accept all ${sound.length} without errors`) : open.length === 1 ? "Accept" : open.length === 2 ? "Accept both" : `Accept all ${open.length}`}</button>}
        <button type="button" className="nb-btn" disabled={Boolean(busy)} onClick={() => ask(true)}>{busy === "model" ? "Asking…" : "Ask the model"}</button>
      </footer>
    </section>
  );
}

export const PanelButton = () => {
  const store = useStore();
  const problems = useFact("problems", (list) => list?.length ?? 0);
  return (
    <button type="button" className="nb-btn nb-panel-button" aria-label={`Side panel${problems ? `, ${problems} problems` : ""}`} onClick={() => store.set("sidebar", { ...store.get("sidebar"), open: true, hidden: !store.get("sidebar").hidden })}>
      <Glyph name="panel" />
      {problems > 0 && <span className="nb-count" data-tone="stale">{problems}</span>}
    </button>
  );
};
