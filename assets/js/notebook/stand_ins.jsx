// Stand-ins of a cell: values by name ("empty list", "two rows") that it hands on instead of running. One is in force, or none.
import { useEffect, useState } from "react";
import { ago, bytes, stateOf } from "../words.js";
import { askForSample } from "./assistant.jsx";
import { useKey, useStore } from "./context.js";
import { canPin, isPinned, unpin } from "./pins.js";
import { choiceOf, LONGEST_NAME, MOST, planOf, sourceOf } from "./stand_in_form.js";
import { Dialog } from "./ui.jsx";

export function StandIns({ id, onClose }) {
  const store = useStore();
  const cell = useKey(`cell:${id}`);
  const [changed, setChanged] = useState(null); // the stand-in in the form; null: a new one
  if (!cell) return null;
  const kept = cell.stand_ins ?? [];
  return (
    <Dialog title={`Stand-ins of ${cell.step_id}`} onClose={onClose} className="nb-stand-ins">
      <p className="nb-muted">The one in force is handed on, and the cell does not run. Cells that read from it see the difference.</p>
      <Choice {...{ id, cell, kept }} onChange={setChanged} />
      <Form key={changed?.name ?? ""} {...{ id, cell, kept, changed }} onDone={() => setChanged(null)} onSample={() => (onClose(), askForSample(store, id))} />
    </Dialog>
  );
}

function Choice({ id, cell, kept, onChange }) {
  const store = useStore();
  const pinned = isPinned(store, id);
  const nameless = pinned && !kept.some((item) => item.in_force);
  const use = (name) => {
    store.do({ op: "use_stand_in", cell: id, name });
    store.announce(`${cell.step_id} hands on ${name}`);
  };
  const drop = (name) => {
    store.do({ op: "drop_stand_in", cell: id, name });
    store.announce(`${name} is forgotten`);
  };
  return (
    <div className="nb-stand-in-list" role="radiogroup" aria-label="In force">
      <Row name="None" label="the cell runs" checked={!pinned} focus={!pinned && kept.length > 0} onChoose={() => unpin(store, id)} />
      {kept.map((item) => (
        <Row key={item.name} name={item.name} label={<code>{item.preview}</code>} checked={pinned && item.in_force} focus={pinned && item.in_force} onChoose={() => use(item.name)}>
          <button type="button" className="nb-link" aria-label={`Change ${item.name}`} onClick={() => onChange(item)}>Change</button>
          <button type="button" className="nb-link" data-tone="bad" aria-label={`Forget ${item.name}`} onClick={() => drop(item.name)}>Forget</button>
        </Row>
      ))}
      {nameless && <Row name="A value without a name" label={<code>{JSON.stringify(cell.settings.mock.return_value ?? null).slice(0, 160)}</code>} checked focus onChoose={() => {}} />}
    </div>
  );
}

function Row({ name, label, checked, focus, onChoose, children }) {
  return (
    <div className="nb-stand-in">
      <label><input type="radio" name="stand-in" aria-label={name} checked={checked} data-autofocus={focus ? "" : undefined} onChange={onChoose} /><span title={name}><b>{name}</b> {label}</span></label>
      {children}
    </div>
  );
}

/** Keeps another one, or changes one that is there. */
function Form({ id, cell, kept, changed, onDone, onSample }) {
  const store = useStore();
  const pinned = isPinned(store, id);
  const own = canPin(store, id) ? store.get(`output:${id}`) : null;
  const results = useResults(id);
  const [name, setName] = useState(changed?.name ?? "");
  const [picked, setPicked] = useState(changed ? (changed.value === undefined ? "same" : "json") : own ? "own" : "json");
  const [text, setText] = useState(changed?.value === undefined ? "" : JSON.stringify(changed.value, null, 2));
  const [failed, setFailed] = useState(null);
  const [busy, setBusy] = useState(false);
  const from = sourceOf(picked, { changed, own, pinned, results: results.list }); // what was picked may go meanwhile
  const there = kept.some((item) => item.name === name.trim() && item.name !== changed?.name);
  const full = !changed && !there && kept.length >= MOST;
  const chosen = results.list.find((item) => choiceOf(item) === from);
  const keep = async (use) => {
    const plan = planOf({ id, name, from, text, use, changed, own, results: results.list, mock: cell.settings.mock });
    setFailed(plan.problem ? { message: plan.problem } : null);
    if (plan.problem) return;
    setBusy(true);
    try {
      if (plan.operations.length) store.do(...plan.operations);
      if (plan.result) await store.keepResult(plan.result);
      store.announce(`${name.trim()} is kept`);
      setName("");
      setText("");
      onDone();
    } catch (error) {
      setFailed(error);
    }
    setBusy(false);
  };
  return (
    <form className="nb-form" aria-label={changed ? `Change ${changed.name}` : "Keep a stand-in"} onSubmit={(event) => (event.preventDefault(), keep(event.nativeEvent.submitter?.value === "use"))}>
      <h3>{changed ? `Change “${changed.name}”` : "Keep another"}</h3>
      {!changed && <p className="nb-muted">From a result, or as JSON. <button type="button" className="nb-link" onClick={onSample}>Make sample data…</button> asks the assistant for a plausible one.</p>}
      <label>Name<input aria-label="Name" className="nb-input nb-boxed" data-autofocus={kept.length || pinned ? undefined : ""} autoFocus={Boolean(changed)} required maxLength={LONGEST_NAME} value={name} placeholder="empty list" onChange={(event) => setName(event.target.value)} /></label>
      <label>Value
        <select className="nb-input nb-select nb-boxed" aria-label="Value" value={from} onChange={(event) => setPicked(event.target.value)}>
          {changed && <option value="same">The value that it has</option>}
          {own && <option value="own">The present result</option>}
          {pinned && <option value="mock">The value in force</option>}
          <option value="json">Typed as JSON</option>
          <Results of="draft" label="Result of a run in this notebook" list={results.list} />
          <Results of="flow" label="Result of a run of the deployed flow" list={results.list} />
        </select>
      </label>
      {results.failed ? <p className="nb-hint" data-tone="bad" role="alert">The earlier runs could not be read: {results.failed.message}</p> : results.loading && <p className="nb-hint" role="status">Looking for earlier runs…</p>}
      {chosen && <code className="nb-stand-in-preview">{chosen.preview}{chosen.size > chosen.preview.length ? "…" : ""}</code>}
      {from === "json" && <label>JSON<textarea aria-label="JSON" className="nb-input nb-boxed nb-mono" rows={4} spellCheck={false} value={text} placeholder='[{"city": "Oslo", "rows": 3}]' onChange={(event) => (setText(event.target.value), setFailed(null))} /></label>}
      {there && <p className="nb-hint">Replaces the stand-in of this name.</p>}
      {full && <p className="nb-hint" data-tone="bad">The cell has {MOST} stand-ins. Forget one of them first.</p>}
      {failed && <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>}
      <footer>
        {changed && <button type="button" className="nb-btn" onClick={onDone}>Cancel</button>}
        <button type="submit" value="keep" className="nb-btn" disabled={!name.trim() || full || busy}>{changed ? "Save" : "Keep"}</button>
        <button type="submit" value="use" className="nb-btn" data-primary disabled={!name.trim() || full || busy}>{changed ? "Save and use" : "Keep and use"}</button>
      </footer>
    </form>
  );
}

function Results({ of, label, list }) {
  const found = list.filter((item) => item.of === of);
  if (!found.length) return null;
  return (
    <optgroup label={label}>
      {found.map((item) => <option key={choiceOf(item)} value={choiceOf(item)} disabled={!item.fits}>{wordsOf(item)}</option>)}
    </optgroup>
  );
}

const wordsOf = (item) => [`Run #${item.run_number}`, /[.[/]/.test(item.path) && item.path, stateOf(item.status).word, ago(item.at), item.fits ? item.preview.slice(0, 40) : `${bytes(item.size)}, too large`].filter(Boolean).join(" · ");

function useResults(id) {
  const store = useStore();
  const [found, setFound] = useState({ list: [], loading: true, failed: null });
  useEffect(() => {
    let gone = false;
    const tell = (news) => !gone && setFound({ list: [], loading: false, failed: null, ...news });
    store.query("results", { cell: id }).then((list) => tell({ list }), (failed) => tell({ failed }));
    return () => { gone = true; };
  }, [id]);
  return found;
}
