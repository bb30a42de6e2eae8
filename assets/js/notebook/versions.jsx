// The deployed versions of a flow: who, when, why, what each changed, how it differs from the draft, and the way back.
import { useEffect, useRef, useState } from "react";
import { encoded, request } from "../api.js";
import { when } from "../words.js";
import { changesBetween, stepsOf } from "./changes.js";
import { useKey, useStore } from "./context.js";
import { CodeDiff } from "./code_diff.jsx";
import { newId } from "./objects.js";
import { EDITORS } from "./reduce.js";
import { Dialog } from "./ui.jsx";

const LINE = 18;
const MOST_LINES = 16;

export function Versions({ onClose }) {
  const store = useStore();
  const draft = useKey("draft");
  const [list, setList] = useState(null);
  const [chosen, setChosen] = useState(null);
  const [failed, setFailed] = useState(null);
  const at = `/api/w/${encodeURIComponent(store.ws)}/flows`;
  useEffect(() => {
    request("GET", `${at}/versions/${encoded(draft.path)}`).then((found) => {
      setList(found);
      if (found.length) setChosen(found[0].version);
    }, (error) => (error.status === 404 ? setList([]) : setFailed(error)));
  }, []);
  const first = useRef(null);
  useEffect(() => first.current?.focus(), [Boolean(list?.length)]); // the list came after the dialog
  const version = list?.find((one) => one.version === chosen);
  return (
    <Dialog title="Versions" onClose={onClose} className="nb-versions">
      {failed && <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>}
      {!list && !failed && <div className="nb-skeleton" aria-label="Loading the versions"><i style={{ width: "70%" }} /><i style={{ width: "50%" }} /></div>}
      {list?.length === 0 && <p className="nb-empty">There are no versions yet. Each <b>Deploy</b> makes one, with your words on what changed.</p>}
      {draft.deployed_version && list?.[0]?.version > draft.deployed_version && (
        <div className="nb-notice merge-behind" data-tone="stale">
          <p>Version {list[0].version} is newer than your draft, which comes from version {draft.deployed_version}.</p>
          <button type="button" className="nb-btn" onClick={() => store.set("dialog", { kind: "merge" })}>Compare and take it in…</button>
        </div>
      )}
      {list?.length > 0 && (
        <div className="nb-versions-body">
          <ol aria-label="Versions, newest first">
            {list.map((one, index) => (
              <li key={one.version}>
                <button ref={index === 0 ? first : undefined} type="button" aria-pressed={one.version === chosen} onClick={() => setChosen(one.version)}>
                  <span><b>v{one.version}</b>{one.version === draft.deployed_version && <span className="nb-faint"> this draft began here</span>}</span>
                  <span>{one.message || <span className="nb-faint">no words</span>}</span>
                  <small>{when(one.created_at, { seconds: true })}, by {one.created_by}</small>
                </button>
              </li>
            ))}
          </ol>
          {version && <Version key={version.version} {...{ at, version, onClose }} />}
        </div>
      )}
    </Dialog>
  );
}

/** What would change in the draft if the version came back. */
function Version({ at, version, onClose }) {
  const store = useStore();
  const [flows, setFlows] = useState(null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    let current = true;
    const read = async () => {
      await store.settled();
      const [old, draft] = await Promise.all([request("GET", `${at}/get/v/${version.id}`), request("GET", `${store.base}/export?format=json`)]);
      return { old, draft: typeof draft === "string" ? JSON.parse(draft) : draft };
    };
    read().then((found) => current && setFlows(found), (error) => current && setFailed(error));
    return () => {
      current = false;
    };
  }, []);
  if (failed) return <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>;
  if (!flows) return <div className="nb-skeleton" aria-label="Loading the version"><i style={{ width: "80%" }} /></div>;
  const changes = changesBetween(flows.draft, flows.old);
  const restore = () => {
    const { summary, description, value, schema } = flows.old;
    store.do({ op: "replace_flow", flow: { summary, description, value, ...(schema && { schema }) }, prefix: newId("c"), label: `Restored version ${version.version}` });
    store.toast({ text: `Version ${version.version} is in the draft again. Nothing is deployed yet.`, tone: "ok", action: { label: "Undo", run: () => store.history("undo") }, ms: 12000 });
    onClose();
  };
  return (
    <section aria-label={`Version ${version.version}`}>
      <header>
        <b>{changes.length ? `Restoring it would change the draft in ${changes.length === 1 ? "one place" : `${changes.length} places`}` : "The draft is the same"}</b>
        <button type="button" className="nb-btn" data-primary disabled={!changes.length} onClick={restore}>Restore into the draft</button>
      </header>
      <ul className="nb-changes">
        {changes.map((change, index) => <li key={index}>{change.step_id && <span className="nb-chip nb-chip-fixed">{change.step_id}</span>} <span>{change.text}</span></li>)}
      </ul>
      {codePairs(flows).map(({ step, before, after, language }) => (
        <article key={step} aria-label={`Code of ${step}`}>
          <h3><span className="nb-chip nb-chip-fixed">{step}</span> code, draft and version {version.version}</h3>
          <CodeDiff original={before} modified={after} language={EDITORS[language] ?? "plaintext"} height={`${Math.min(MOST_LINES, Math.max(...[before, after].map((text) => text.split("\n").length)) + 1) * LINE + 8}px`} />
        </article>
      ))}
    </section>
  );
}

/** The steps that both have with other code. */
function codePairs({ draft, old }) {
  const now = stepsOf(draft.value);
  return [...stepsOf(old.value)].flatMap(([step, { value = {} }]) => {
    const before = now.get(step)?.value?.content;
    return typeof before === "string" && typeof value.content === "string" && before !== value.content ? [{ step, before, after: value.content, language: value.language }] : [];
  });
}
