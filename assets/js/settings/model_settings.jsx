// Which model the workspace asks: a form for its admins, and a test that says in words what is wrong. The key goes in, and never comes back.
import { useEffect, useMemo, useRef, useState } from "react";

import { get, post, workspacePath } from "../api.js";
import { SchemaForm } from "../forms/schema_form.jsx";
import { Icon } from "../icons.jsx";
import { Skeleton } from "../output/parts.jsx";
import { changeOf, resultOf, rolesToTest, schemaOf, valuesOf } from "./model_form.js";

/** `ModelSettings({ws})` */
export function ModelSettings({ ws }) {
  const [settings, setSettings] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let ended = false;
    get(workspacePath(ws, "assistant", "settings")).then((found) => !ended && setSettings(found), (reason) => !ended && setError(reason));
    return () => { ended = true; };
  }, [ws]);
  return (
    <section className="page-part settings" aria-labelledby="model-settings">
      <div className="list-head"><h2 id="model-settings">The assistant’s model</h2></div>
      {error ? <Closed error={error} /> : settings ? <Model ws={ws} settings={settings} onChange={setSettings} /> : <div className="card facts"><Skeleton lines={7} label="Loading the settings" /></div>}
    </section>
  );
}

function Closed({ error }) {
  const refused = error.status === 403;
  return <div className="card empty"><b>{refused ? "The settings are for admins" : error.message}</b><p>{refused ? "Ask an admin of the workspace." : error.hint}</p></div>;
}

function Model({ ws, settings, onChange }) {
  const [saves, setSaves] = useState(0); // a form for each: what was saved is where the next one begins
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState(null);
  const box = useRef(null);
  const typed = useRef(valuesOf(settings));
  const schema = useMemo(() => schemaOf(settings), [settings]);
  const values = useMemo(() => valuesOf(settings), [settings]);
  useEffect(() => {
    if (saves) box.current?.querySelector("button[type=submit]")?.focus();
  }, [saves]);
  const store = async (body) => {
    setBusy(true);
    setSaid(null);
    try {
      const found = await post(workspacePath(ws, "assistant", "settings"), body);
      const forgotten = settings.key_set && !found.key_set && !("key" in body);
      typed.current = valuesOf(found);
      onChange(found);
      setSaid({ text: forgotten ? "Saved. The key belonged to another server and was forgotten: type the new one’s." : "Saved." });
      setSaves((count) => count + 1);
    } catch (reason) {
      setSaid({ failed: true, text: `${reason.message} ${reason.hint}`.trim() });
    }
    setBusy(false);
  };
  return (
    <div ref={box} className="card facts model-form">
      <p className="form-help">{aboutServer(settings)} Something is sent only when a person presses a button, and can be read before.</p>
      <SchemaForm
        key={saves} schema={schema} values={values} onData={(data) => (typed.current = data)} onSubmit={(args) => store(changeOf(args))} busy={busy} submitLabel="Save" busyLabel="Saving" icon="check"
        footer={<>
          <Test ws={ws} settings={settings} read={() => typed.current} />
          {settings.key_set && <button type="button" className="btn" disabled={busy} onClick={() => store({ key: "" })}>Forget the key</button>}
          <span className={`model-said ${said?.failed ? "form-error" : "form-said"}`} role="status">{said?.text ?? ""}</span>
        </>}
      />
    </div>
  );
}

/** Tries what the form says at that moment, saved or not. */
function Test({ ws, settings, read }) {
  const [results, setResults] = useState(null); // null, "busy", or a list
  const stop = useRef(null);
  useEffect(() => () => stop.current?.abort(), []);
  const test = async () => {
    const abort = (stop.current = new AbortController());
    setResults("busy");
    const body = changeOf(read() ?? {});
    const tries = rolesToTest(body, settings).map(({ role, label }) => post(workspacePath(ws, "assistant", "test"), { ...body, role }, { signal: abort.signal }).then((found) => resultOf(found, label), (reason) => ({ ok: false, text: `${reason.message} ${reason.hint ?? ""}`.trim() })));
    const found = await Promise.all(tries);
    if (!abort.signal.aborted) setResults(found);
  };
  return (
    <>
      <div className="model-test" role="status" aria-label="Result of the test">
        {results === "busy" && <p className="form-help"><Icon name="running" size={13} /> The model is asked one tiny question…</p>}
        {Array.isArray(results) && results.map((one, index) => <p key={index} className={one.ok ? "form-said ok" : "form-error"}><Icon name={one.ok ? "check" : "warn"} size={13} /> <span>{one.text}</span></p>)}
      </div>
      <button type="button" className="btn" onClick={test} disabled={results === "busy"}><Icon name="plug" /> Test connection</button>
    </>
  );
}

function aboutServer({ defaults }) {
  if (!defaults.configured) return "This server has no model of its own: without an address or a key here, nobody can ask one.";
  return `What is left empty comes from this server: ${defaults.model} at ${defaults.base_url}${defaults.key_set ? ", with its key" : ""}.`;
}
