// What is said of the steps of a deployed flow, for who reads the flow and has no draft of it. It is written, answered and resolved in drafts.
import { useEffect, useState } from "react";

import { encoded, get, workspacePath } from "../api.js";
import { ago, when } from "../words.js";

/** `FlowComments({ws, path})`: nothing where nothing is said. */
export function FlowComments({ ws, path }) {
  const [threads, setThreads] = useState([]);
  useEffect(() => {
    let ended = false;
    setThreads([]);
    get(workspacePath(ws, "flows", "comments", encoded(path))).then((found) => !ended && setThreads(found.threads), () => {});
    return () => { ended = true; };
  }, [ws, path]);
  if (!threads.length) return null;
  const open = threads.filter((thread) => !thread.resolved);
  const resolved = threads.filter((thread) => thread.resolved);
  return (
    <section className="flow-comments" aria-label="Comments on the steps">
      <h2>Comments on the steps</h2>
      <Threads threads={open} />
      {resolved.length > 0 && <details><summary>{resolved.length} resolved</summary><Threads threads={resolved} /></details>}
    </section>
  );
}

const Threads = ({ threads }) => (
  <ul>
    {threads.map((thread) => (
      <li key={thread.id}>
        <p className="flow-comments-step">Step <code>{thread.step}</code>{thread.resolved && `, resolved by ${thread.resolved.name}`}</p>
        {thread.comments.map((comment) => <Said key={comment.id} comment={comment} />)}
      </li>
    ))}
  </ul>
);

function Said({ comment }) {
  if (comment.deleted) return <p className="muted">A comment of {comment.name} was deleted.</p>;
  return (
    <div className="flow-comment">
      <p className="form-help"><b>{comment.name}</b> <time dateTime={comment.created_at} title={when(comment.created_at)}>{ago(comment.created_at)}</time>{comment.edited_at && ", edited"}</p>
      <p className="flow-comment-text">{comment.text}</p>
    </div>
  );
}
