// What a schedule runs, with which arguments, and what is done about its runs, in the dialog of the page Schedules. The fields are there
// at once, for whoever goes on by keyboard; the forms of the arguments are loaded meanwhile.
import { lazy, Suspense, useId, useState } from "react";

import { Skeleton } from "../output/parts.jsx";
import { instantOf, LATEST, localTime, MINUTES } from "../times.js";
import { handlerOf, targetOf } from "./use_inputs.js";

const LazyArguments = lazy(() => import("./arguments.jsx").then((module) => ({ default: module.Arguments })));
const Arguments = (props) => <Suspense fallback={<><input type="hidden" name={props.name} value={props.text} /><Skeleton lines={3} label="Loading the form" /></>}><LazyArguments {...props} /></Suspense>;

/** Options that stand in a fold of their own. */
const LATER = ["paused_until", "retry", "tag"];
/** What the server gives to every handler, and to each of them. */
const GIVEN = ["path", "is_flow", "schedule_path", "workspace_id", "job_id"];
const HANDLERS = [
  { name: "on_failure", label: "After a failure", times: "Failures in a row", exact: "Only then, and not after each further one", given: ["error", "started_at", "failed_times"] },
  { name: "on_recovery", label: "After a recovery", times: "Successes in a row", given: ["error", "error_started_at", "success_result", "success_times", "success_started_at"] },
  { name: "on_success", label: "After each success", given: ["success_result", "success_started_at"] },
];

/**
 * `ScheduleFields({ws, runs, text, targets, options})`: `runs` is what a stored one keeps ("flow f/a/b"), "" of a new one; `targets` may be chosen;
 * `options` is the JSON text of what the schedule says beside. Sent as `runs`, `value`, and each option by its name.
 */
export function ScheduleFields({ ws, runs: kept, text, targets, options: stored }) {
  const [runs, setRuns] = useState(kept);
  const [options] = useState(() => JSON.parse(stored || "{}"));
  const list = useId();
  const target = kept || (targets.includes(runs.trim()) || /^script hub\/\S+\/\S+$/.test(runs.trim()) ? runs.trim() : "");
  return (
    <div className="stored-fields">
      {kept ? <p className="form-help">Runs <code>{kept}</code></p> : (
        <div className="field">
          <label htmlFor="stored-runs">Runs</label>
          <input id="stored-runs" name="runs" className="in-text" list={list} value={runs} required placeholder="flow f/folder/name" autoComplete="off" spellCheck={false} onChange={(event) => setRuns(event.target.value)} />
          <datalist id={list}>{targets.map((one) => <option key={one} value={one} />)}</datalist>
        </div>
      )}
      <Arguments ws={ws} target={target} name="value" label="Arguments" text={text} fresh={!kept} none={runs.trim() ? "Nothing that is deployed is called so." : "Choose what it runs, and its inputs stand here."} />
      <details className="schedule-more" open={Object.keys(options).some((name) => !LATER.includes(name))}>
        <summary>Overlap, skipping and handlers</summary>
        <div className="stored-fields">
          <label className="check-line"><input type="checkbox" name="no_flow_overlap" defaultChecked={options.no_flow_overlap === true} /><span>Skip a time while the one before has not ended</span></label>
          <Runnable name="dynamic_skip" label="Ask a script whether to go on" given={options.dynamic_skip ?? ""} targets={targets.filter((one) => one.startsWith("script ")).map((one) => one.slice(7))} help="It is given scheduled_for; where it returns anything but true, the time is skipped." />
          {HANDLERS.map((one) => <Handler key={one.name} ws={ws} {...one} options={options} targets={targets} />)}
        </div>
      </details>
      <details className="schedule-more" open={Object.keys(options).some((name) => LATER.includes(name))}>
        <summary>Pause, retries and tag</summary>
        <div className="stored-fields">
          <PausedUntil stored={options.paused_until ?? ""} />
          <Retries stored={options.retry ?? {}} />
          <div className="field">
            <label htmlFor="stored-tag">Tag</label>
            <input id="stored-tag" name="tag" className="in-text mono" defaultValue={options.tag ?? ""} placeholder="none" autoComplete="off" spellCheck={false} aria-describedby="stored-tag-help" />
            <p className="form-help" id="stored-tag-help">Its runs go to workers that take this tag.</p>
          </div>
        </div>
      </details>
    </div>
  );
}

/** A time in the reader's own zone, sent as one that says its zone; what was stored is sent as it was while nobody changes it. */
function PausedUntil({ stored }) {
  const [first] = useState(() => localTime(stored, MINUTES));
  const [local, setLocal] = useState(first);
  const chosen = local === first ? stored : instantOf(local);
  return (
    <div className="field">
      <label htmlFor="stored-paused">Paused until</label>
      <input id="stored-paused" type="datetime-local" max={LATEST} className="in-text" value={local} aria-describedby="stored-paused-help" onChange={(event) => setLocal(event.target.value)} />
      <input type="hidden" name="paused_until" value={chosen} />
      <p className="form-help" id="stored-paused-help">In your time. Times before it are left out, and not made up for.</p>
    </div>
  );
}

/** How often a failed run is tried again, after a constant time. Other ways, which only files and HTTP set, are told and stay. */
function Retries({ stored }) {
  const { attempts = 0, seconds = 0 } = stored.constant ?? {};
  const others = stored.retry_if || stored.exponential?.attempts > 0;
  if (others) return <p className="form-help">A failed run is tried again in a way that was set by a file or over HTTP. It stays.</p>;
  return (
    <div className="two">
      <div className="field">
        <label htmlFor="stored-retries">Retries after a failure</label>
        <input id="stored-retries" name="retry_attempts" className="in-text num" inputMode="numeric" placeholder="none" defaultValue={attempts || ""} autoComplete="off" />
      </div>
      <div className="field">
        <label htmlFor="stored-retry-seconds">Seconds before each</label>
        <input id="stored-retry-seconds" name="retry_seconds" className="in-text num" inputMode="numeric" placeholder="0" defaultValue={attempts ? seconds : ""} autoComplete="off" />
      </div>
    </div>
  );
}

function Handler({ ws, name, label, times, exact, given, options, targets }) {
  const [path, setPath] = useState(options[name] ?? "");
  const target = targetOf(path);
  const known = targets.includes(target) || target.startsWith("script hub/") || path === options[name];
  return (
    <div className="field schedule-handler" role="group" aria-label={label}>
      <Runnable name={name} label={label} given={path} targets={targets.map(handlerOf)} onChange={setPath} />
      {path.trim() && times && (
        <div className="field">
          <label htmlFor={`stored-${name}_times`}>{times}</label>
          <input id={`stored-${name}_times`} name={`${name}_times`} className="in-text num" inputMode="numeric" placeholder="1" defaultValue={options[`${name}_times`] ?? ""} autoComplete="off" />
        </div>
      )}
      {path.trim() && exact && <label className="check-line"><input type="checkbox" name={`${name}_exact`} defaultChecked={options[`${name}_exact`] === true} /><span>{exact}</span></label>}
      {path.trim() && <Arguments ws={ws} target={known ? target : ""} name={`${name}_extra_args`} label="Further arguments" text={JSON.stringify(options[`${name}_extra_args`] ?? {}, null, 2)} given={[...GIVEN, ...given]} none="Nothing that is deployed is called so." />}
    </div>
  );
}

/** The path of a script or flow, with a list to pick from. */
function Runnable({ name, label, given, targets, onChange, help }) {
  const list = useId();
  return (
    <div className="field">
      <label htmlFor={`stored-${name}`}>{label}</label>
      <input id={`stored-${name}`} name={name} className="in-text mono" list={list} defaultValue={given} placeholder="none" autoComplete="off" spellCheck={false} aria-describedby={help ? `stored-${name}-help` : undefined} onChange={(event) => onChange?.(event.target.value)} />
      <datalist id={list}>{targets.map((one) => <option key={one} value={one} />)}</datalist>
      {help && <p className="form-help" id={`stored-${name}-help`}>{help}</p>}
    </div>
  );
}
