// The side panel: every fixed value in one place, proposed wires, and what is wrong. A sheet from below on phones.
import { memo, useEffect, useRef } from "react";
import { Assistant } from "./assistant.jsx";
import { select } from "./commands.js";
import { CommentList, OpenComments } from "./comments.jsx";
import { Connect } from "./connect.jsx";
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
