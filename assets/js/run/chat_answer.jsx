// What a run answers in a chat: what it does while it lives, then its result in the plainest form, or why it failed.
import { useEffect, useState } from "react";

import { get, runPath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Chat } from "../output/chat.jsx";
import { ErrorView } from "../output/error.jsx";
import { Output } from "../output/output.jsx";
import { Problem, Skeleton } from "../output/parts.jsx";
import { MarkdownView } from "../output/rich.jsx";
import { Streamed } from "../output/streamed.jsx";
import { stateOf } from "../words.js";
import { isLive, useRun } from "./use_run.js";

const LONGEST_TEXT = 64 * 1024;
const MOST_AT_ONCE = 4;

/** `ChatAnswer({ws, run, onRun})`: `run` has at least `{id, status}`; `onRun` hears of it when it is over. */
export function ChatAnswer({ ws, run, onRun }) {
  return (
    <div className="chat-theirs">
      {isLive(run) ? <Under ws={ws} run={run} onRun={onRun} /> : <Result ws={ws} run={run} />}
      <p className="chat-foot"><a href={`/runs/${run.id}`}>{run.number ? `Run #${run.number}` : "The run"}</a></p>
    </div>
  );
}

/** A run under way: what it does now. */
function Under({ ws, run: { id }, onRun }) {
  const { run, steps, error, load } = useRun(ws, id);
  useEffect(() => {
    if (run && !isLive(run)) onRun(run);
  }, [run?.status]);
  if (error && !run) return <Problem error={error} what="The run" retry={load} />;
  const state = stateOf(run?.status ?? "queued");
  const running = steps.filter((step) => step.status === "running");
  const now = running.at(-1);
  const speaking = running.filter((step) => step.kind !== "model").slice(-MOST_AT_ONCE); // turns of an agent are streamed by the agent
  return (
    <>
      <p role="status"><span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{state.word}</span>{now && <span className="muted"> {now.title || now.step_id}</span>}</p>
      {speaking.map((step) => <Streamed key={step.path} ws={ws} runId={id} path={step.path} markdown maxHeight={480} />)}
      {run?.waits?.approvals?.length > 0 && <p className="form-help">It waits for an answer, on the page of the run.</p>}
    </>
  );
}

function Result({ ws, run }) {
  const [got, setGot] = useState(null); // {output, text?} or {error}
  const load = () => {
    const stop = new AbortController();
    const ask = async () => {
      const output = await get(runPath(ws, run.id, "output"), { path: "" }, { signal: stop.signal });
      const short = output.kind === "value" && output.type === "string" && output.size <= LONGEST_TEXT;
      return { output, text: short ? await get(runPath(ws, run.id, "raw"), { path: "", side: "result" }, { signal: stop.signal }) : null };
    };
    ask().then(setGot, (error) => error.name !== "AbortError" && setGot({ error }));
    return () => stop.abort();
  };
  useEffect(load, [ws, run.id]);
  if (!got) return <Skeleton lines={2} label="Loading the answer" />;
  if (got.error) return <Problem error={got.error} what="The answer" retry={load} />;
  const { output, text } = got;
  if (output.kind === "error") return <ErrorView error={output.error || { message: output.title_text }} />;
  if (text) return <MarkdownView text={text} />;
  if (output.rich?.kind === "chat") return <Chat value={output.rich.value} />;
  return <Output ws={ws} output={output} memory="chat" baseExpr="result" maxHeight={360} />;
}
