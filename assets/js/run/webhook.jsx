// How other systems start a flow or script: its address, a call to copy, and a token that starts nothing else.
import { useEffect, useState } from "react";

import { encoded, get, request, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { Dialog } from "../notebook/ui.jsx";
import { CopyButton } from "../output/parts.jsx";
import { CopyField } from "../shell/bits.jsx";
import { callOf, exampleOf, scopeOf } from "./webhook_call.js";

const DAY_MS = 86_400_000;
const LIVES = [["", "never ends"], ["30", "ends in 30 days"], ["90", "ends in 90 days"], ["365", "ends in a year"]];

/** `WebhookDialog({ws, kind, path, schema, onClose})`: `kind` is "flow" or "script", `schema` that of its input: a flow's is looked up. */
export function WebhookDialog({ ws, kind, path, schema: given, onClose }) {
  const [waits, setWaits] = useState(true);
  const [schema, setSchema] = useState(given);
  useEffect(() => {
    if (!given && kind === "flow") get(workspacePath(ws, "flows", "schema", encoded(path))).then((found) => setSchema(found.schema), () => {}); // without it the example is empty
  }, [ws, path]);
  const [token, setToken] = useState("");
  const where = [kind === "flow" ? "f" : "p", encoded(path)];
  const url = `${location.origin}${workspacePath(ws, "jobs", waits ? "run_wait_result" : "run", ...where)}`;
  const call = callOf(url, token, exampleOf(schema));
  const choice = (value, label) => <button type="button" aria-pressed={waits === value} onClick={() => setWaits(value)}>{label}</button>;
  return (
    <Dialog title="Webhook" className="restart webhook" onClose={onClose}>
      <p className="form-help">Whoever calls this address with a token starts <code>{path}</code>. The body of the call is the input.</p>
      <div className="seg" role="group" aria-label="Answer">{choice(true, "Answers the result")}{choice(false, "Answers at once")}</div>
      <CopyField key={url} value={url} label="Address" />
      <div className="webhook-call">
        <div className="webhook-line"><h3>Call it</h3><CopyButton label="Copy the call" text={call} /></div>
        <pre tabIndex={0} aria-label="The call for a shell">{call}</pre>
        <p className="form-help">{waits ? "The answer is the result as JSON, or 500 and the error." : "The answer is 201 and the id of the run."} Where a caller cannot send headers, end the address with <code>?token=…</code></p>
      </div>
      <Token {...{ ws, kind, path, token }} onMade={setToken} />
    </Dialog>
  );
}

function Token({ ws, kind, path, token, onMade }) {
  const [days, setDays] = useState("365");
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState(null);
  const make = async () => {
    setBusy(true);
    setFailed(null);
    try {
      const expiration = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : undefined;
      onMade(await request("POST", "/api/users/tokens/create", { json: { label: `Webhook of ${path}`.slice(0, 200), scopes: [scopeOf(kind, path)], workspace_id: ws, expiration } }));
    } catch (reason) {
      setFailed(reason);
    }
    setBusy(false);
  };
  return (
    <div className="webhook-token">
      <h3>Token</h3>
      {token ? (
        <>
          <CopyField value={token} label="Token" />
          <p className="form-help" role="status"><Icon name="key" size={13} /> It is shown only now. It starts this {kind} in your name and does nothing else; revoke it on the page <a href="/account">Account</a>.</p>
        </>
      ) : (
        <>
          <p className="form-help">Make one for each caller. It starts this {kind} in your name, and nothing else (<code>{scopeOf(kind, path)}</code>).</p>
          <div className="webhook-make">
            <label className="sr" htmlFor="webhook-life">The token</label>
            <select id="webhook-life" className="in-select" value={days} onChange={(event) => setDays(event.target.value)}>{LIVES.map(([value, word]) => <option key={value} value={value}>{word}</option>)}</select>
            <button type="button" className="btn pri" disabled={busy} onClick={make}><Icon name="key" /> {busy ? "Making" : "Make a token"}</button>
          </div>
        </>
      )}
      {failed && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>{failed.message} {failed.hint}</span></p>}
    </div>
  );
}
