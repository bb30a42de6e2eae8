// Somebody deployed a version after the one that the draft comes from: both are brought together, and where both changed the
// same thing a person says whose goes on. Nothing is deployed here, and undo takes it back.
import { useEffect, useState } from "react";

import { ago, count } from "../words.js";
import { Change } from "./change.jsx";
import { useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { sentence, shown, subject, takenWords } from "./merge_words.js";
import { Dialog } from "./ui.jsx";

/** What is compared, the choices made so far, and taking it in: {seen, choices, failed, outdated, busy, choose, takeIn}. */
function useMerge(store, onDone) {
  const [seen, setSeen] = useState(null);
  const [choices, setChoices] = useState({});
  const [failed, setFailed] = useState(null);
  const [outdated, setOutdated] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async () => {
    await store.settled();
    const found = await store.ask("GET", "merge");
    const ids = new Set(found.conflicts.map(({ id }) => id));
    setChoices((before) => Object.fromEntries(Object.entries(before).filter(([id]) => ids.has(id))));
    setSeen(found);
  };
  useEffect(() => {
    look().catch(setFailed);
  }, []);
  const takeIn = async () => {
    setBusy(true);
    setFailed(null);
    try {
      await store.takeIn({ version: seen.theirs.version, draft_version: seen.draft_version, choices });
      onDone(seen.theirs);
    } catch (error) {
      if (error.code !== "draft.merge_outdated") setFailed(error);
      else await look().then(() => setOutdated(error.message), setFailed);
      setBusy(false);
    }
  };
  return { seen, choices, failed, outdated, busy, takeIn, choose: (more) => setChoices((before) => ({ ...before, ...more })) };
}

export function Merge({ onClose }) {
  const store = useStore();
  const done = ({ version }) => {
    store.toastDone({ text: `Version ${version} is in the draft. Nothing is deployed yet.`, tone: "ok", ms: 12000 });
    onClose();
  };
  const { seen, choices, failed, outdated, busy, choose, takeIn } = useMerge(store, done);
  const theirs = seen?.theirs;
  const conflicts = seen?.conflicts ?? [];
  const open = conflicts.filter(({ id }) => !choices[id]).length;
  useEffect(() => {
    document.querySelector(".merge input[type=radio], .merge footer [data-primary]")?.focus(); // it came after the dialog
  }, [Boolean(theirs)]);
  const footer = theirs && (
    <>
      <span className="merge-count" role="status">{conflicts.length > 0 && (open ? `${count(open, "choice")} to make` : "All decided")}</span>
      <button type="button" className="nb-btn" onClick={onClose}>Cancel</button>
      <button type="button" className="nb-btn" data-primary disabled={busy || open > 0} onClick={takeIn}>{busy ? "Taking it in…" : "Take it into the draft"}</button>
    </>
  );
  return (
    <Dialog title={theirs ? `Version ${theirs.version} and your draft` : "A newer version"} onClose={onClose} className="merge" footer={footer}>
      {failed && <p className="nb-notice" data-tone="bad" role="alert"><Glyph name="cross" size={13} /> {failed.message} {failed.hint}</p>}
      {outdated && <p className="nb-notice" data-tone="stale" role="alert"><Glyph name="warn" size={13} /> {outdated} It is compared anew here.</p>}
      {!seen && !failed && <div className="nb-skeleton" aria-label="Comparing"><i style={{ width: "70%" }} /><i style={{ width: "50%" }} /></div>}
      {seen && !theirs && <p className="nb-empty">There is no newer version: the draft holds the newest one.</p>}
      {theirs && <About {...{ seen, theirs, conflicts, choose }} />}
      {conflicts.map((conflict) => <Card key={conflict.id} conflict={conflict} who={theirs.by} version={theirs.version} choice={choices[conflict.id]} onChoose={(choice) => choose({ [conflict.id]: choice })} />)}
      {theirs && <Taken seen={seen} />}
    </Dialog>
  );
}

function About({ seen, theirs, conflicts, choose }) {
  const all = (side) => choose(Object.fromEntries(conflicts.map(({ id }) => [id, side])));
  return (
    <div className="merge-about">
      <p><b>{theirs.by}</b> deployed version {theirs.version} {ago(theirs.at)}{theirs.message && <>: “{theirs.message}”</>}. Your draft comes from version {seen.base}.</p>
      <p className="nb-muted">{conflicts.length ? `Both changed ${conflicts.length === 1 ? "one thing" : `${conflicts.length} things`}, each in another way. Choose whose goes on.` : "Both changed different things, so they go together."} What comes of it is in your draft only, until you deploy, and Undo takes it back.</p>
      {conflicts.length > 1 && (
        <p className="merge-all">
          <button type="button" className="nb-btn nb-small" onClick={() => all("theirs")}>Take all of theirs</button>
          <button type="button" className="nb-btn nb-small" onClick={() => all("mine")}>Keep all of mine</button>
        </p>
      )}
    </div>
  );
}

function Card({ conflict, who, version, choice, onChoose }) {
  const about = subject(conflict);
  const did = (side) => `${conflict[side] === "removed" ? "Removed" : conflict[side] === "added" ? "Added" : "Changed"}`;
  const sides = [["theirs", "Take theirs", `${who}, version ${version}`], ["mine", "Keep mine", "your draft"]];
  return (
    <fieldset className="merge-card" data-decided={choice || undefined}>
      <legend>
        {about.kind} {about.name && <span className="nb-chip nb-chip-fixed">{about.name}</span>} <b>{conflict.title}</b>
      </legend>
      <p className="nb-muted">{sentence(conflict, version)}</p>
      <div className="merge-sides">
        {sides.map(([side, label, whose]) => (
          <section key={side} data-chosen={choice === side || choice === "both" || undefined} aria-label={`${side === "theirs" ? "Theirs" : "Mine"}, ${about.kind} ${about.name}: ${did(side).toLowerCase()}`}>
            <label>
              <input type="radio" name={conflict.id} checked={choice === side} onChange={() => onChoose(side)} />
              <b>{label}</b> <span className="nb-muted">{whose}</span>
            </label>
            <div className="merge-changes">{shown(conflict, side).map((one, index) => <Change key={index} change={one} />)}</div>
          </section>
        ))}
      </div>
      {conflict.choices.includes("both") && (
        <label className="merge-both" data-chosen={choice === "both" || undefined}>
          <input type="radio" name={conflict.id} checked={choice === "both"} onChange={() => onChoose("both")} />
          <b>Keep both</b> <span className="nb-muted">yours gets another name, also where your cells read it</span>
        </label>
      )}
    </fieldset>
  );
}

function Taken({ seen }) {
  const { taken, theirs } = seen;
  if (!taken.length) return null;
  const groups = [["theirs", `From version ${theirs.version}`], ["mine", "From your draft"]];
  return (
    <details className="merge-taken" open={!seen.conflicts.length}>
      <summary>{count(taken.length, "more change")} {taken.length === 1 ? "is" : "are"} taken as {taken.length === 1 ? "it is" : "they are"}</summary>
      {groups.map(([side, title]) => {
        const list = taken.filter((one) => one.side === side).map(takenWords);
        return list.length > 0 && (
          <section key={side}>
            <h3>{title}</h3>
            <ul className="nb-changes">{list.map(({ step, text }, index) => <li key={index}>{step && <span className="nb-chip nb-chip-fixed">{step}</span>} <span>{text}</span></li>)}</ul>
          </section>
        );
      })}
    </details>
  );
}
