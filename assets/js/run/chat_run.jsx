// A flow that is a chat: each message is a run of it, its result is the answer. The address names the conversation; the server keeps it.
import { useEffect, useRef, useState } from "react";
import { Link, useSearchParams } from "react-router";

import { encoded, get, request, runPath, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Problem, Skeleton, useRemembered } from "../output/parts.jsx";
import { ago, count } from "../words.js";
import { ChatAnswer } from "./chat_answer.jsx";
import { OtherInputs, ready } from "./chat_inputs.jsx";
import { isLive } from "./use_run.js";

const MESSAGE = "user_message";
/** An id that nobody else has. On plain http of another machine there is no `crypto.randomUUID`. */
const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The messages of a conversation: `{turns, more, error, load, add, put}`; `turns` is `[{message, run}]`, null until they are there. */
function useConversation(ws, path, id) {
  const [state, setState] = useState({ id: null, turns: null, more: false, error: null });
  const load = () => {
    if (!id || (state.id === id && state.turns)) return undefined; // begun on this page: what was said in it is known
    const stop = new AbortController();
    get(workspacePath(ws, "chats", "messages", encoded(path)), { conversation: id }, { signal: stop.signal }).then(({ messages, more }) => setState({ id, turns: messages, more, error: null }), (error) => error.name !== "AbortError" && setState({ id, turns: null, more: false, error }));
    return () => stop.abort();
  };
  useEffect(load, [ws, path, id]);
  const here = state.id === id;
  const add = (conversation, turn) => setState((old) => ({ id: conversation, more: id ? old.more : false, error: null, turns: [...((id && old.turns) || []), turn] }));
  const put = (run) => setState((old) => ({ ...old, turns: old.turns?.map((turn) => (turn.run.id === run.id ? { ...turn, run: { ...turn.run, ...run } } : turn)) ?? null }));
  return { turns: id ? (here ? state.turns : null) : [], more: here && state.more, error: here ? state.error : null, load, add, put };
}

/** `ChatRun({ws, path, flow})`: `flow` is what a run form gets. */
export function ChatRun({ ws, path, flow }) {
  const [params, setParams] = useSearchParams();
  const id = params.get("chat") ?? "";
  const chat = useConversation(ws, path, id);
  const [text, setText] = useRemembered(`flowapp:chat:${ws}:${path}`, "");
  const [others, setOthers] = useState(() => ready(flow.schema));
  const [failed, setFailed] = useState(null);
  const [sending, setSending] = useState(false);
  const end = useRef(null);
  const field = useRef(null);
  const turns = chat.turns ?? [];
  const live = turns.find((turn) => isLive(turn.run));
  useEffect(() => {
    end.current?.scrollIntoView({ block: "end" }); // newer browsers answer a promise, which is no way to end an effect
  }, [turns.length, live]);
  useEffect(() => {
    const last = chat.turns?.at(-1);
    if (!last || others) return;
    // what the last message was sent with; where that is gone, it is filled in again
    get(runPath(ws, last.run.id, "raw"), { path: "", side: "args" }).then(({ [MESSAGE]: _, ...given }) => setOthers((now) => now ?? given), () => {});
  }, [chat.turns]);
  const send = async (event) => {
    event?.preventDefault();
    const words = text.trim();
    if (!words || sending || live || !others || !chat.turns) return;
    setSending(true);
    setFailed(null);
    const conversation = id || newId();
    try {
      const answer = await request("POST", `${workspacePath(ws, "jobs", "run", "f", encoded(path))}`, { json: { ...others, [MESSAGE]: words }, query: { memory_id: conversation } });
      chat.add(conversation, { message: words, run: { id: String(answer).replaceAll('"', "").trim(), status: "queued" } });
      setText("");
      if (!id) setParams((now) => new URLSearchParams([...now, ["chat", conversation]]), { replace: true });
    } catch (reason) {
      setFailed(reason);
    }
    setSending(false);
    field.current?.focus();
  };
  const stop = () => request("POST", workspacePath(ws, "jobs_u", "queue", "cancel", live.run.id), { json: { reason: "Stopped in the chat" } }).catch(setFailed);
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  return (
    <section className="chat-run" aria-label="Chat">
      <Conversations ws={ws} path={path} current={id} turns={turns.length} />
      <div className="chat-turns" role="log" aria-label="Conversation" aria-busy={Boolean(live)}>
        {chat.error && <Problem error={chat.error} what="The conversation" retry={chat.load} />}
        {!chat.turns && !chat.error && <Skeleton lines={4} label="Loading the conversation" />}
        {chat.more && <p className="form-help">Earlier messages are among the <a href={`/runs?path=${encodeURIComponent(path)}`}>runs</a> of the flow.</p>}
        {chat.turns?.length === 0 && <p className="chat-empty">Say something: each message runs the flow, and its result is the answer.</p>}
        {turns.map((turn) => (
          <article key={turn.run.id} className="chat-turn" aria-label={turn.message ?? "A message"}>
            <p className="chat-mine"><span className="sr">You: </span>{turn.message ?? <i>The message is deleted.</i>}</p>
            <ChatAnswer ws={ws} run={turn.run} onRun={chat.put} />
          </article>
        ))}
        <span ref={end} />
      </div>
      {flow.may_run ? (
        <div className="chat-compose">
          <OtherInputs key={others ? "given" : "none"} schema={flow.schema} values={others} onValues={(given) => (setOthers(given), field.current?.focus())} />
          {failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>Not sent: {failed.message} {failed.hint}</span></p>}
          <form className="chat-line" onSubmit={send}>
            <textarea ref={field} className="in-area" rows={2} aria-label="Message" placeholder="Message" maxLength={100000} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} />
            {live ? <button type="button" className="btn" onClick={stop}><Icon name="stop" /> Stop</button> : <button type="submit" className="btn pri" disabled={!text.trim() || sending || !others}>Send</button>}
          </form>
          {!others && <p className="form-help">The flow needs its other inputs first.</p>}
        </div>
      ) : (
        <p className="form-help"><Icon name="eye" size={13} /> You may look at this flow and not run it.</p>
      )}
    </section>
  );
}

/** One's own conversations with the flow, and the way to a new one. */
function Conversations({ ws, path, current, turns }) {
  const [all, setAll] = useState([]);
  useEffect(() => {
    get(workspacePath(ws, "chats", "list", encoded(path))).then(setAll, () => setAll([])); // the chat goes on without the list
  }, [ws, path, current, turns]);
  const others = all.filter((one) => one.id !== current);
  if (!current && !others.length) return null;
  return (
    <div className="chat-head">
      {current && <Link className="btn" to="?"><Icon name="plus" /> New conversation</Link>}
      {others.length > 0 && (
        <details className="chat-earlier">
          <summary>{count(others.length, "earlier conversation")}</summary>
          <ul>{others.map((one) => <li key={one.id}><Link to={`?chat=${encodeURIComponent(one.id)}`}><span>{one.title || "Without a message"}</span><span className="muted">{count(one.messages, "message")}, {ago(one.last_at)}</span></Link></li>)}</ul>
        </details>
      )}
    </div>
  );
}
