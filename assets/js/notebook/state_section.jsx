// The State section of the side panel: what the draft's cells keep between runs, as user state and as files in ./shared.
import { memo, useCallback, useEffect, useState } from "react";
import { useFact, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { GrowingText } from "./ui.jsx";
import { meaningOf, textOf } from "./values.js";
import { bytes } from "../words.js";

const EMPTY = { states: {}, files: [], more_files: false, shared: false };

/** The state is read when the section is opened, and again when cells have run. */
export const StateSection = memo(function StateSection() {
  const store = useStore();
  const active = useFact("counts", (counts) => counts?.active ?? 0);
  const shares = useFact("flow_settings", (settings) => Boolean(settings?.same_worker));
  const [shown, setShown] = useState(null);
  const [problem, setProblem] = useState("");
  const take = useCallback(async (asked) => {
    try {
      setShown(await asked);
      setProblem("");
    } catch (error) {
      setProblem(`${error.message} ${error.hint ?? ""}`);
    }
  }, []);
  useEffect(() => {
    if (!active) take(store.ask("GET", "state"));
  }, [active, shares, take, store]);
  const put = (key, value) => take(store.ask("POST", "state", { json: { key, value } }));
  const drop = (key) => take(store.ask("DELETE", `state?${new URLSearchParams({ key })}`));
  const { states, files, more_files: more } = shown ?? EMPTY;
  const keys = Object.keys(states);
  const reset = () => take(store.ask("DELETE", "state")).then(() => store.announce("The user state is empty"));
  return (
    <div className="nb-statebox" aria-busy={!shown}>
      {problem && <p className="nb-notice" data-tone="bad" role="alert"><Glyph name="warn" size={13} /> {problem}</p>}
      <section aria-label="User state">
        <header><h2>User state</h2>{keys.length > 0 && <button type="button" className="nb-link" onClick={reset}>Reset all</button>}</header>
        {shown && !keys.length && <p className="nb-empty">Nothing is kept. A cell keeps a value by <code>wmill.set_flow_user_state</code>; a key can also be set here.</p>}
        {keys.map((key) => <Kept key={key} name={key} value={states[key]} onSave={(value) => put(key, value)} onDrop={() => drop(key)} />)}
        <NewKey taken={keys} onAdd={(key) => put(key, null)} />
      </section>
      <section aria-label="Shared folder">
        <header><h2>Shared folder</h2>{files.length > 0 && <button type="button" className="nb-link" onClick={() => take(store.ask("DELETE", "shared"))}>Empty it</button>}</header>
        {files.length ? (
          <ul className="nb-files">
            {files.map((file) => <li key={file.path}><Glyph name="file" size={13} /> <code>./shared/{file.path}</code> <span className="nb-faint">{bytes(file.size)}</span></li>)}
            {more && <li className="nb-faint">and more</li>}
          </ul>
        ) : (
          <p className="nb-empty">{shares ? "No files yet. What cells write to ./shared stays here between runs." : "The cells share no folder. Switch “Shared folder” on in the settings of the flow."}</p>
        )}
      </section>
    </div>
  );
});

function Kept({ name, value, onSave, onDrop }) {
  const [text, setText] = useState(null);
  const meaning = text === null ? {} : meaningOf(text, "json");
  const save = () => {
    if (text !== null && !meaning.problem) onSave(meaning.unset ? null : meaning.value);
    if (!meaning.problem) setText(null);
  };
  return (
    <div className="nb-side-field nb-kept">
      <span className="nb-field" title={name}>{name}</span>
      <span className="nb-kept-value">
        <GrowingText className="nb-input" label={`State ${name}`} value={text ?? textOf(value, "json")} invalid={Boolean(meaning.problem)} onChange={setText} onBlur={save} onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && !event.ctrlKey && (event.preventDefault(), save())} />
        <button type="button" className="nb-icon" aria-label={`Remove the state ${name}`} onClick={onDrop}><Glyph name="trash" size={13} /></button>
        {meaning.problem && <span className="nb-hint" data-tone="bad">{meaning.problem}</span>}
      </span>
    </div>
  );
}

function NewKey({ taken, onAdd }) {
  const [key, setKey] = useState("");
  const name = key.trim();
  const add = (event) => {
    event.preventDefault();
    if (!name || taken.includes(name)) return;
    onAdd(name);
    setKey("");
  };
  return (
    <form className="nb-newkey" onSubmit={add}>
      <input className="nb-input nb-boxed" aria-label="New key" placeholder="new key" spellCheck={false} value={key} onChange={(event) => setKey(event.target.value)} />
      <button type="submit" className="nb-btn nb-small" disabled={!name || taken.includes(name)}><Glyph name="plus" size={12} /> Key</button>
    </form>
  );
}
