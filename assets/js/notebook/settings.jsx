// The settings of a cell, or of the flow: chips for what is set, and a panel with a form for everything that can be.
import { memo, useEffect, useMemo, useRef, useState } from "react";
import { select } from "./commands.js";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { canPin, pin } from "./pins.js";
import { FORM_OF } from "./setting_forms.jsx";
import { chipsOf, formOfField, formsOf, found, keysOfForm, wordsOf } from "./settings.js";
import { keysOf } from "./shortcuts.js";

/** The panel that is open: {cell (null: the flow's), form, at}; one at a time. */
export const openSettings = (store, cell, form = null) => store.set("settings", { cell, form, at: Date.now() });
const closeSettings = (store) => store.set("settings", null);

export const isOpenFor = (open, id) => Boolean(open && open.cell === id);

/** What is set on a cell, quietly, each a way to its form. */
export const SettingChips = memo(function SettingChips({ cell }) {
  const store = useStore();
  const chips = chipsOf(cell.kind, cell.settings);
  if (!chips.length) return null;
  return (
    <span className="nb-chips">
      {chips.map((chip) => (
        <button key={chip.form} type="button" className="nb-set-chip" data-form={chip.form} data-tone={chip.form === "mock" || chip.form === "suspend" ? "wait" : undefined} title={chip.title} aria-label={`${chip.words}: change it`} onClick={() => openSettings(store, cell.id, chip.form)}>
          {chip.words}
        </button>
      ))}
    </span>
  );
});

export function SettingsButton({ id, step }) {
  const store = useStore();
  const open = useFact("settings", (at) => isOpenFor(at, id));
  return (
    <button type="button" className="nb-icon" aria-label={`Settings of ${step}`} aria-expanded={open} title={`Settings (${keysOf(id ? "settings" : "flow_settings")})`} onClick={() => (open ? closeSettings(store) : openSettings(store, id))}><Glyph name="sliders" /></button>
  );
}

/** The panel under a cell's head, while it is open for this cell. */
export const CellSettings = memo(function CellSettings({ cell }) {
  const store = useStore();
  const { id } = cell;
  const open = useFact("settings", (at) => isOpenFor(at, id));
  const target = useMemo(() => ({
    id, kind: cell.kind, step: cell.step_id, settings: cell.settings ?? {}, problems: cell.problems ?? [], title: cell.step_id,
    set: (key, value) => store.do({ op: "set_setting", cell: id, key, value }),
    stage: (key, value) => store.stage(`setting:${id}:${key}`, { op: "set_setting", cell: id, key, value }),
    ...lastResult(store, id),
  }), [cell, open]);
  return open ? <Panel target={target} /> : null;
});

/** The result that the cell has, to become the value of its mock. */
const lastResult = (store, id) => ({ result: canPin(store, id), pinResult: () => pin(store, id) });

export const FlowSettings = memo(function FlowSettings() {
  const store = useStore();
  const open = useFact("settings", (at) => isOpenFor(at, null));
  const settings = useKey("flow_settings") ?? {};
  const problems = useKey("problems") ?? [];
  const target = useMemo(() => ({
    id: null, kind: null, step: "the flow", settings, problems: problems.filter((problem) => !problem.step_id), title: "the flow",
    set: (key, value) => store.do({ op: "set_flow_setting", key, value }),
    stage: (key, value) => store.stage(`flow:${key}`, { op: "set_flow_setting", key, value }),
  }), [settings, problems]);
  return open ? <Panel target={target} /> : null;
});

export const FlowChips = memo(function FlowChips() {
  const settings = useKey("flow_settings") ?? {};
  return <SettingChips cell={{ id: null, kind: null, settings }} />;
});

function Panel({ target }) {
  const store = useStore();
  const open = useKey("settings");
  const [query, setQuery] = useState("");
  const [shown, setShown] = useState(() => new Set(open?.form ? [open.form] : []));
  const box = useRef(null);
  useEffect(() => {
    const { form } = open ?? {};
    if (form) setShown(new Set([form]));
    requestAnimationFrame(() => {
      const row = form && box.current?.querySelector(`[data-setting="${form}"]`);
      const field = row ? row.querySelector(".nb-set-form :is(input, textarea, select, button)") ?? row.querySelector("button") : box.current?.querySelector("input[type=search]");
      field?.focus({ preventScroll: true });
      (row ?? box.current)?.scrollIntoView({ block: "nearest" });
    });
  }, [open?.at]);
  const forms = found(formsOf(target.kind, target.settings), target.kind, target.settings, query);
  const groups = [...new Set(forms.map((form) => form.group))];
  const toggle = (id) => setShown((now) => {
    const next = new Set(now);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  const close = () => {
    closeSettings(store);
    if (target.id) select(store, target.id);
    else document.querySelector("[data-input-cell]")?.querySelector("[aria-label='Settings of the flow']")?.focus();
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      event.stopPropagation();
      store.flush();
      close();
    } else if (["ArrowDown", "ArrowUp"].includes(event.key) && event.target.matches("input[type=search], .nb-set-toggle")) {
      const all = [...box.current.querySelectorAll("input[type=search], .nb-set-toggle")];
      all[all.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <section ref={box} className="nb-settings" aria-label={`Settings of ${target.title}, form`} onKeyDown={onKeyDown}>
      <header>
        <label className="nb-find">
          <Glyph name="search" size={13} />
          <input type="search" aria-label="Find a setting" placeholder="Find a setting" value={query} onChange={(event) => setQuery(event.target.value)} onKeyDown={(event) => event.key === "Enter" && forms.length && (event.preventDefault(), setShown((now) => new Set(now).add(forms[0].id)), requestAnimationFrame(() => box.current?.querySelector(`[data-setting="${forms[0].id}"] .nb-set-form :is(input, textarea, select)`)?.focus()))} />
        </label>
        <button type="button" className="nb-icon" aria-label="Close the settings" title="Close (Esc)" onClick={close}><Glyph name="close" /></button>
      </header>
      {!forms.length && <p className="nb-empty">No setting is called “{query}”.</p>}
      {groups.map((group) => (
        <section key={group} aria-label={group}>
          <h3>{group}</h3>
          {forms.filter((form) => form.group === group).map((form) => <FormRow key={form.id} form={form} target={target} open={shown.has(form.id)} onToggle={() => toggle(form.id)} />)}
        </section>
      ))}
    </section>
  );
}

function FormRow({ form, target, open, onToggle }) {
  const Form = FORM_OF[form.id];
  const keys = keysOfForm(form.id, target.kind);
  const words = wordsOf(form.id, target.settings);
  const isMine = (field) => field === form.id || keys.includes(field) || formOfField(field, target.kind) === form.id;
  const problems = target.problems.filter((problem) => isMine(problem.field) || isMine(problem.pointer?.split("/").slice(-1)[0]));
  return (
    <div className="nb-set" data-setting={form.id} data-on={Boolean(words) || undefined} data-open={open || undefined}>
      <button type="button" className="nb-set-toggle" aria-expanded={open} onClick={onToggle}>
        <Glyph name={open ? "collapse" : "expand"} size={12} />
        <b>{form.title}</b>
        <span className="nb-set-words">{words ?? ""}</span>
        {problems.length > 0 && <span className="nb-set-problem"><Glyph name="warn" size={12} /><span className="nb-sr">has a problem</span></span>}
      </button>
      {open && (
        <div className="nb-set-form" role="group" aria-label={form.title}>
          <p className="nb-set-help">{form.help} <code>{keys.join(", ")}</code></p>
          <Form target={target} />
          {problems.map((problem, index) => <p key={index} className="nb-hint" data-tone={problem.severity === "error" ? "bad" : "stale"} role="status"><Glyph name="warn" size={12} /> {problem.message} {problem.hint}</p>)}
        </div>
      )}
    </div>
  );
}
