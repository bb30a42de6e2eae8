// Calls by webhook that the deployed flow has had: what one brought becomes the sample of the flow's input with one press, under a name
// if it has one. Where a preprocessor makes the input, that is what it made, and the call itself becomes the event it is tried on.
import { useEffect, useState } from "react";
import { StateBadge } from "../run/run_view.jsx";
import { ago } from "../words.js";
import { callsOf, isObject } from "./calls.js";
import { useKey, useStore } from "./context.js";
import { Dialog } from "./ui.jsx";

const PREVIEW = 160; // characters
const LONGEST_NAME = 60;

export function Captured({ onClose }) {
  const store = useStore();
  const draft = useKey("draft");
  const input = useKey("input");
  const known = Object.keys(input?.schema?.properties ?? {});
  const preprocessor = store.singleOf("preprocessor");
  const [calls, setCalls] = useState(null);
  const [failed, setFailed] = useState(null);
  const [name, setName] = useState("");
  useEffect(() => {
    callsOf(store.ws, draft.path).then(setCalls, setFailed);
  }, [draft.path]);
  const keep = name.trim();
  const use = ({ run, args }) => {
    const set = known.map((field) => (Object.hasOwn(args, field) ? { op: "set_sample", name: field, value: args[field] } : { op: "set_sample", name: field, value: null, remove: true }));
    store.do(...set, ...(keep ? [{ op: "keep_sample", name: keep }] : []));
    store.announce(keep ? `The input is now that of run ${run.number}, kept as ${keep}` : `The input is now that of run ${run.number}`);
    onClose();
  };
  const trial = ({ run, event }) => {
    store.do({ op: "set_beside", cell: preprocessor, key: "sample", value: event });
    store.announce(`The preprocessor is tried on the call of run ${run.number}`);
    onClose();
  };
  return (
    <Dialog title="Calls by webhook" onClose={onClose}>
      {failed ? <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p> : !calls ? <p className="nb-muted" role="status">Looking…</p> : !calls.length ? <p className="nb-muted">{draft.deployed_version ? <>Nobody has called <code>{draft.path}</code> by webhook lately. <i>Webhook…</i> in the menu of the bar on top says how.</> : "The flow is not deployed yet. A deployed flow has a webhook."}</p> : (
        <>
          <label className="nb-calls-name">Keep what is taken as<input className="nb-input nb-boxed" maxLength={LONGEST_NAME} value={name} placeholder="a name, if you want to come back to it" onChange={(event) => setName(event.target.value)} /></label>
          {keep && input?.samples?.includes(keep) && <p className="nb-hint">Replaces the input that is kept under this name.</p>}
          <ul className="nb-calls">{calls.map((call) => <Call key={call.run.id} {...{ call, known, preprocessor, use, trial }} />)}</ul>
        </>
      )}
    </Dialog>
  );
}

function Call({ call, known, preprocessor, use, trial }) {
  const { run, args, event } = call;
  const fits = isObject(args) && known.some((name) => Object.hasOwn(args, name));
  const why = fits ? undefined : event && !args ? "The preprocessor made no input of it" : "It has none of the flow's inputs";
  return (
    <li>
      <span className="nb-calls-head"><a href={`/runs/${run.id}`}>Run #{run.number}</a><StateBadge status={run.status} /><span className="nb-faint">{ago(run.created_at)}</span></span>
      <span className="nb-calls-what">
        {event && <code title="The call">{short(event.body ?? event)}</code>}
        {args && <code title={event ? "What the flow got" : undefined}>{event && "→ "}{short(args)}</code>}
      </span>
      <span className="nb-calls-do">
        <button type="button" className="nb-btn" disabled={!fits} title={why} aria-label={`Take the input of run ${run.number}`} onClick={() => use(call)}>Take</button>
        {event && preprocessor && <button type="button" className="nb-btn" aria-label={`Try the preprocessor on the call of run ${run.number}`} title="Becomes the sample event that the preprocessor is tried on" onClick={() => trial(call)}>As event</button>}
      </span>
    </li>
  );
}

const short = (value) => JSON.stringify(value).slice(0, PREVIEW);
