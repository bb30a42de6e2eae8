// The deployed versions of a flow: who, when, why, how each differs from the draft, from the one before, or any other; and the way back.
import { useEffect, useRef, useState } from "react";
import { encoded, request } from "../api.js";
import { when } from "../words.js";
import { Change } from "./change.jsx";
import { changesBetween } from "./changes.js";
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
  const [against, setAgainst] = useState(DRAFT);
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
  const other = against === String(chosen) ? BEFORE : against; // a version is not compared with itself
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
          {version && (
            <section aria-label={`Version ${version.version}`}>
              <Against {...{ list, version, value: other, onChange: setAgainst }} />
              <Version key={`${version.version} ${other}`} {...{ at, list, version, against: other, onClose }} />
            </section>
          )}
        </div>
      )}
    </Dialog>
  );
}

const DRAFT = "draft";
const BEFORE = "before";

/** What the version is compared with: the draft into which it could come back, the version before it, or any other one. */
function Against({ list, version, value, onChange }) {
  const older = list.filter((one) => one.version < version.version);
  const others = list.filter((one) => one.version !== version.version);
  return (
    <label className="nb-against">
      Compared with
      <select className="in-select" value={value} onChange={(event) => onChange(event.target.value)}>
        <option value={DRAFT}>your draft</option>
        <option value={BEFORE}>{older.length ? `the version before, v${older[0].version}` : "no version: it is the first"}</option>
        {others.map((one) => <option key={one.version} value={one.version}>v{one.version}{one.message && `: ${one.message}`}</option>)}
      </select>
    </label>
  );
}

const EMPTY = { summary: "", value: { modules: [] } };

/** The two documents to compare, and the draft. */
async function read(store, at, list, version, against) {
  const wanted = against === BEFORE ? list.find((one) => one.version < version.version) : list.find((one) => String(one.version) === against);
  const get = (one) => request("GET", `${at}/get/v/${one.id}`);
  await store.settled();
  const [own, draft, other] = await Promise.all([get(version), request("GET", `${store.base}/export?format=json`), wanted ? get(wanted) : EMPTY]);
  const parsed = typeof draft === "string" ? JSON.parse(draft) : draft;
  return { own, draft: parsed, other: against === DRAFT ? parsed : other, name: against === DRAFT ? "the draft" : wanted ? `version ${wanted.version}` : null };
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
const places = (number) => (number === 1 ? "in one place" : `in ${number} places`);

/** What a version changed, or would change in the draft if it came back. */
function Version({ at, list, version, against, onClose }) {
  const store = useStore();
  const [flows, setFlows] = useState(null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    let current = true;
    read(store, at, list, version, against).then((found) => current && setFlows(found), (error) => current && setFailed(error));
    return () => {
      current = false;
    };
  }, []);
  if (failed) return <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p>;
  if (!flows) return <div className="nb-skeleton" aria-label="Loading the version"><i style={{ width: "80%" }} /></div>;
  const changes = changesBetween(flows.other, flows.own);
  const restores = against === DRAFT;
  const differs = restores ? changes.length > 0 : changesBetween(flows.draft, flows.own).length > 0;
  const restore = () => {
    const { summary, description, value, schema } = flows.own;
    store.do({ op: "replace_flow", flow: { summary, description, value, ...(schema && { schema }) }, prefix: newId("c"), label: `Restored version ${version.version}` });
    store.toastDone({ text: `Version ${version.version} is in the draft again. Nothing is deployed yet.`, tone: "ok", ms: 12000 });
    onClose();
  };
  const title = restores ? `Restoring it would change the draft ${places(changes.length)}` : flows.name ? `Differs from ${flows.name} ${places(changes.length)}` : "The first version, in full";
  return (
    <>
      <header>
        <b role="status">{changes.length || !flows.name ? title : `${capital(flows.name)} is the same`}</b>
        <button type="button" className="nb-btn" data-primary disabled={!differs} title={differs ? undefined : "The draft is the same"} onClick={restore}>Restore into the draft</button>
      </header>
      {changes.map((change, index) => <OneChange key={index} {...{ change, flows, version }} />)}
    </>
  );
}

function OneChange({ change: { step_id: step, text, rows, code }, flows, version }) {
  return (
    <div className="nb-change">
      <p>{step && <span className="nb-chip nb-chip-fixed">{step}</span>} <b>{text}</b></p>
      {rows.length > 0 && <div className="merge-changes">{rows.map((one, index) => <Change key={index} change={one} of={flows.name ?? undefined} />)}</div>}
      {code && (
        <article aria-label={`Code of ${step}`}>
          <h3>Code of <code>{step}</code>{flows.name && <>, {flows.name} and version {version.version}</>}</h3>
          <CodeDiff original={code.before} modified={code.after} language={EDITORS[code.language] ?? "plaintext"} height={`${Math.min(MOST_LINES, Math.max(...[code.before, code.after].map((text) => text.split("\n").length)) + 1) * LINE + 8}px`} />
        </article>
      )}
    </div>
  );
}
