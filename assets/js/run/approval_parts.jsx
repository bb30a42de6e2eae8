// Parts of a request for approval: until when, what it says, what happened so far, handing the vote on, its page.
import { useEffect, useId, useState } from "react";

import { get, post, runPath, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { left, when } from "../words.js";

export const CLOSED = {
  approved: { tone: "ok", icon: "check", word: "Approved" },
  disapproved: { tone: "bad", icon: "cross", word: "Denied" },
  timed_out: { tone: "stale", icon: "clock", word: "Timed out" },
  canceled: { tone: "reused", icon: "stop", word: "Closed" },
};

/** How long there is to answer, the moment itself, and what happens then. */
export function Deadline({ request }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  if (!request.timeout_at) return null;
  const seconds = Math.floor((new Date(request.timeout_at).getTime() - now) / 1000);
  return <p className={`approval-due ${seconds > 0 ? "" : "over"}`}><b className="num">{seconds > 0 ? left(seconds) : "The time to answer is over"}</b><span>until {when(request.timeout_at)}. After that {request.goes_on ? "the flow goes on without an answer" : "the run fails"}.</span></p>;
}

/** What the step says about its request. */
export function Description({ value }) {
  if (value === null || value === undefined) return null;
  if (typeof value === "object" && !Array.isArray(value)) return <dl className="approval-facts">{Object.entries(value).map(([name, one]) => <div key={name}><dt>{name}</dt><dd>{textOf(one)}</dd></div>)}</dl>;
  return <p className="approval-text">{textOf(value)}</p>;
}

const textOf = (value) => (typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value, null, 2) : String(value));

/** What happened so far, as the server tells it, and what is missing. */
export function Trail({ request }) {
  return (
    <ul className="approval-trail" aria-label="So far">
      {request.required > 1 && <li><b>{request.approvals} of {request.required} approvals</b></li>}
      {request.trail.map((entry, index) => (
        <li key={`${index} ${entry.at}`} className={entry.tone}>
          <Icon name={entry.icon} size={13} />
          <span><b>{entry.who}</b>{entry.did ? ` ${entry.did}` : ""}{entry.at ? `, ${when(entry.at)}` : ""}{entry.comment ? `: “${entry.comment}”` : ""}{entry.said.length > 0 && <span className="faint"> {entry.said.map((one) => (one.label ? `${one.label}: ${one.text}` : one.text)).join("; ")}</span>}</span>
        </li>
      ))}
    </ul>
  );
}

/** Handing the vote to another member, or taking it back. */
export function HandOn({ ws, request, reload }) {
  const [to, setTo] = useState("");
  const [names, setNames] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const listId = useId();
  const open = (event) => event.currentTarget.open && names === null && get(workspacePath(ws, "users", "list_usernames")).then(setNames, () => setNames([]));
  const send = async (whom) => {
    setBusy(true);
    setError(null);
    try {
      await post(runPath(ws, request.run_id, "approvals", "hand_on"), { path: request.path, to: whom });
      await reload?.();
    } catch (reason) {
      setError(reason);
    }
    setBusy(false);
  };
  const problem = error && <p className="form-error" role="alert"><Icon name="warn" size={13} /> {error.message} {error.hint}</p>;
  if (request.handed_to) return <>{request.can_hand_on && <p className="approval-hand"><button type="button" className="btn" disabled={busy} onClick={() => send("")}>Take my vote back</button></p>}{problem}</>;
  if (!request.can_hand_on) return null;
  return (
    <details className="approval-hand" onToggle={open}>
      <summary>Hand my vote to somebody else</summary>
      <form onSubmit={(event) => { event.preventDefault(); send(to); }}>
        <label htmlFor={`${listId}-to`}>Member</label>
        <span className="approval-hand-row"><input id={`${listId}-to`} className="in-text" list={listId} required autoComplete="off" value={to} onChange={(event) => setTo(event.target.value)} /><button type="submit" className="btn" disabled={busy || !to.trim()}>{busy ? "Handing on" : "Hand on"}</button></span>
        <datalist id={listId}>{(names || []).map((name) => <option key={name} value={name} />)}</datalist>
        <p className="form-help">They answer in your place, until you take the vote back.</p>
        {problem}
      </form>
    </details>
  );
}

/** The page of the request, for somebody who is not signed in here. */
export function CopyLink({ path }) {
  const [done, setDone] = useState(false);
  const url = `${location.origin}${path}`;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setDone(true);
      setTimeout(() => setDone(false), 2000);
    } catch {
      window.prompt("The link of the approval page", url);
    }
  };
  return <p className="approval-link"><button type="button" className="btn quiet" onClick={copy}><Icon name="copy" size={13} /> {done ? "Copied" : "Copy link"}</button><a href={path} target="_blank" rel="noreferrer">Open its page</a></p>;
}
