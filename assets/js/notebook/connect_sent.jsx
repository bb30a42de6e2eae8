// Everything that would leave for the model, word by word, before anything does: the server makes it with what sends it.
import { useState } from "react";
import { useStore } from "./context.js";
import { useSent } from "./sent.js";

export function Sent({ scope }) {
  const store = useStore();
  const [open, setOpen] = useState(false);
  const json = { ...scope, dry: true };
  const failed = (error) => ({ requests: [], notice: `${error.message} ${error.hint ?? ""}`.trim() });
  const sent = useSent(open, (signal) => store.ask("POST", "connect", { json, signal }), failed, JSON.stringify(json));
  const to = sent?.requests.length ? ` to ${sent.model} at ${sent.server}, about ${sent.tokens.toLocaleString("en")} tokens` : "";
  return (
    <details className="nb-assist-sent" onToggle={(event) => setOpen(event.target.open)}>
      <summary>Show what will be sent{to}</summary>
      {sent?.notice && <p className="nb-faint">{sent.notice}</p>}
      {sent?.requests.map((request) => <Request key={request.cell} {...request} many={sent.requests.length > 1} />)}
    </details>
  );
}

/** The texts as they are, since as a part of JSON nobody could read them; the rest of the request as JSON. */
function Request({ step, title, body, problem, many }) {
  const { messages, ...rest } = body ?? {};
  return (
    <section aria-label={`Sent for ${step}`}>
      {many && <h3><span className="nb-chip nb-chip-fixed">{step}</span> {title}</h3>}
      {problem && <p className="nb-faint">{problem}</p>}
      {messages?.map(({ role, content }) => <figure key={role}><figcaption>{role}</figcaption><pre tabIndex={0}>{content}</pre></figure>)}
      {body && <figure><figcaption>and the form of the answer</figcaption><pre tabIndex={0}>{JSON.stringify(rest, null, 2)}</pre></figure>}
    </section>
  );
}
