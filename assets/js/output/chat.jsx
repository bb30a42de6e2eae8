// What an agent gave: its answer, and behind it everything that was said and called.
import { MarkdownView } from "./rich.jsx";

const ROLES = { user: "You", assistant: "Model", tool: "Tool", system: "System" };

/** `Chat({value})`, where `value` is `{output, messages}`. */
export function Chat({ value }) {
  const { output, messages } = value;
  const names = Object.fromEntries(messages.flatMap((message) => (message.tool_calls ?? []).map((call) => [call.id, call.function?.name])));
  return (
    <div className="chat">
      {typeof output === "string" ? <MarkdownView text={output} /> : <pre className="text-view">{JSON.stringify(output, null, 2)}</pre>}
      <Sources messages={messages} />
      <details className="chat-behind">
        <summary>{messages.length} {messages.length === 1 ? "message" : "messages"} behind this answer</summary>
        <ol>{messages.map((message, index) => <Message key={index} message={message} tool={names[message.tool_call_id]} />)}</ol>
      </details>
    </div>
  );
}

/** The pages that the model names, of those that it has searched. */
function Sources({ messages }) {
  const found = messages.flatMap((message) => message.annotations ?? []).map((one) => one?.url_citation).filter((page) => /^https?:\/\//.test(page?.url ?? ""));
  const pages = [...new Map(found.map((page) => [page.url, page])).values()];
  if (pages.length === 0) return null;
  return (
    <ul className="chat-sources" aria-label="Pages that the answer names">
      {pages.map(({ url, title }) => <li key={url}><a href={url} target="_blank" rel="noopener noreferrer nofollow">{title || url}</a></li>)}
    </ul>
  );
}

function Message({ message, tool }) {
  const text = typeof message.content === "string" ? message.content : message.content ? JSON.stringify(message.content) : "";
  return (
    <li data-role={message.role}>
      <span className="chat-who">{tool ?? ROLES[message.role] ?? message.role}</span>
      <div className="chat-said">
        {text && <p>{text}</p>}
        {(message.tool_calls ?? []).map((call) => <code key={call.id}>{call.function?.name}({call.function?.arguments})</code>)}
      </div>
    </li>
  );
}
