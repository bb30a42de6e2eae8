// Somebody stored a version while this page had other text: both are shown, and a person says which one goes on.
import { Icon } from "../icons.jsx";
import { Difference } from "../run/changes.jsx";
import { ago } from "../words.js";
import { otherChanges, short } from "./versions.js";

/** `Conflict({script})`: `script` is what `useScript` answers, with `theirs`. */
export function Conflict({ script }) {
  const { theirs, text, busy } = script;
  const same = theirs.content === text.content;
  return (
    <section className="notice script-conflict" aria-label="Two versions" role="alert">
      <b><Icon name="warn" size={13} /> {theirs.created_by} saved version {short(theirs.hash)} {ago(theirs.created_at)}, after the one that your text comes from.</b>
      <p className="muted">Nothing is written over. Lines with − are only in that version, lines with + only in your text; go on editing below to bring both together.</p>
      {otherChanges(theirs, text).map((line) => <p key={line} className="muted">{line}</p>)}
      {same ? <p className="muted">The code is the same.</p> : <Difference before={theirs.content} after={text.content} label="Differences: lines with − are the saved version's, lines with + are yours" />}
      <div className="run-acts">
        <button type="button" className="btn pri" disabled={Boolean(busy)} onClick={() => script.save("mine")}>{busy ? "Saving" : "Save mine as the next version"}</button>
        <button type="button" className="btn" disabled={Boolean(busy)} onClick={script.discard}>Take the saved version</button>
      </div>
    </section>
  );
}
