// Calls by webhook that the deployed flow has had: what one brought becomes the sample of the flow's input with one press.
import { useEffect, useState } from "react";
import { get, runPath, workspacePath } from "../api.js";
import { StateBadge } from "../run/run_view.jsx";
import { ago } from "../words.js";
import { useKey, useStore } from "./context.js";
import { Dialog } from "./ui.jsx";

const LOOKED_AT = 100; // of the newest runs
const SHOWN = 8;
const PREVIEW = 160; // characters

async function callsOf(ws, path) {
  const runs = await get(workspacePath(ws, "runs"), { path, per_page: LOOKED_AT });
  const calls = runs.filter((run) => run.trigger === "webhook" && run.kind === "flow").slice(0, SHOWN);
  const args = await Promise.all(calls.map((run) => get(runPath(ws, run.id, "raw"), { path: "", side: "args" }).catch(() => null))); // may be cleared away
  return calls.map((run, index) => ({ run, args: args[index] })).filter((call) => call.args && typeof call.args === "object");
}

export function Captured({ onClose }) {
  const store = useStore();
  const draft = useKey("draft");
  const known = Object.keys(useKey("input")?.schema?.properties ?? {});
  const [calls, setCalls] = useState(null);
  const [failed, setFailed] = useState(null);
  useEffect(() => {
    callsOf(store.ws, draft.path).then(setCalls, setFailed);
  }, [draft.path]);
  const use = ({ run, args }) => {
    store.do(...known.map((name) => (Object.hasOwn(args, name) ? { op: "set_sample", name, value: args[name] } : { op: "set_sample", name, value: null, remove: true })));
    store.announce(`The input is now that of run ${run.number}`);
    onClose();
  };
  return (
    <Dialog title="Calls by webhook" onClose={onClose}>
      {failed ? <p className="nb-notice" data-tone="bad" role="alert">{failed.message} {failed.hint}</p> : !calls ? <p className="nb-muted" role="status">Looking…</p> : !calls.length ? <p className="nb-muted">{draft.deployed_version ? <>Nobody has called <code>{draft.path}</code> by webhook lately. <i>Webhook…</i> in the menu of the bar on top says how.</> : "The flow is not deployed yet. A deployed flow has a webhook."}</p> : (
        <ul className="nb-calls">
          {calls.map((call) => {
            const fits = known.some((name) => Object.hasOwn(call.args, name));
            return (
              <li key={call.run.id}>
                <span className="nb-calls-head"><a href={`/runs/${call.run.id}`}>Run #{call.run.number}</a><StateBadge status={call.run.status} /><span className="nb-faint">{ago(call.run.created_at)}</span></span>
                <code>{JSON.stringify(call.args).slice(0, PREVIEW)}</code>
                <button type="button" className="nb-btn" disabled={!fits} title={fits ? undefined : "It has none of the flow's inputs"} aria-label={`Take the input of run ${call.run.number}`} onClick={() => use(call)}>Take</button>
              </li>
            );
          })}
        </ul>
      )}
    </Dialog>
  );
}
