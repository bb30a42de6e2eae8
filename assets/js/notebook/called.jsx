// Cells that call a script or a flow of the workspace, or a script of the hub: what is called, and which version.
import { useEffect, useState } from "react";
import { encoded, request } from "../api.js";
import { useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { Line, TextField } from "./setting_fields.jsx";
import { Dialog } from "./ui.jsx";

/** What can be called: [{path, summary}]. Scripts are listed where the server lists them; any path can be typed all the same. */
export async function listCallable(ws, kind) {
  const base = `/api/w/${encodeURIComponent(ws)}`;
  if (kind === "flow") return (await request("GET", `${base}/flows`)).filter((flow) => flow.version).map(({ path, summary }) => ({ path, summary }));
  const answer = await request("GET", `${base}/scripts/list`);
  return (Array.isArray(answer) ? answer : []).filter((script) => !script.archived).map(({ path, summary, hash }) => ({ path, summary, hash }));
}

/** What the hub offers. */
async function listHub() {
  const { asks } = await request("GET", "/api/scripts/hub/top", { query: { limit: 200 } });
  return asks.filter((script) => script.kind !== "approval").map(({ path, summary }) => ({ path, summary }));
}

/** The inputs of what is called, as a JSON Schema; null where the server knows none. */
export async function schemaOfCalled(ws, kind, path) {
  const base = `/api/w/${encodeURIComponent(ws)}`;
  if (!path) return null;
  if (kind === "flow") return (await request("GET", `${base}/flows/schema/${encoded(path)}`)).schema ?? null;
  if (path.startsWith("hub/")) return (await request("GET", `/api/scripts/hub/get_full/${encoded(path)}`)).schema ?? null;
  return (await request("GET", `${base}/scripts/get/p/${encoded(path)}`)).schema ?? null;
}

const usable = (schema) => (schema?.properties && Object.keys(schema).length ? schema : null);

/** Point a cell at a path, and take over the inputs of what is there. Answers what to tell the person, or nothing. */
export async function callPath(store, cell, kind, path) {
  store.do({ op: "set_setting", cell, key: "path", value: path });
  try {
    const schema = usable(await schemaOfCalled(store.ws, kind, path));
    store.do({ op: "set_beside", cell, key: "schema", value: schema });
    return schema ? "" : "Its inputs are not known; add them by name.";
  } catch (error) {
    return error.status === 404 ? `There is no ${kind} ${path} yet.` : error.message;
  }
}

/** The form of the setting: path, pinned version, and the inputs read again. */
export function ChooseCalled({ target }) {
  const store = useStore();
  const [choosing, setChoosing] = useState(false);
  const [said, setSaid] = useState("");
  const { id, kind, settings } = target;
  const read = async () => setSaid((await callPath(store, id, kind, settings.path ?? "")) || "The inputs are up to date.");
  return (
    <>
      <Line label="Path" wide><TextField label={`Path of the ${kind}`} value={settings.path} placeholder={kind === "flow" ? "f/team/flow" : "f/team/script or hub/12/app/name"} onStage={(path) => target.stage("path", path ?? "")} /></Line>
      {kind === "script" && <Line label="Pinned version" wide><TextField label="Pinned version" value={settings.hash === undefined || settings.hash === null ? "" : String(settings.hash)} placeholder="none: always the latest" onStage={(hash) => target.stage("hash", hash)} /></Line>}
      <span className="nb-set-buttons">
        <button type="button" className="nb-btn nb-small" onClick={() => setChoosing(true)}>Choose…</button>
        <button type="button" className="nb-btn nb-small" disabled={!settings.path} onClick={read}>Read its inputs again</button>
      </span>
      {said && <p className="nb-hint" role="status">{said}</p>}
      {choosing && <CallDialog kind={kind} onClose={() => setChoosing(false)} onChoose={async (path, hash) => {
        setChoosing(false);
        if (kind === "script" && hash !== undefined) target.set("hash", hash);
        setSaid(await callPath(store, id, kind, path));
      }} />}
    </>
  );
}

/** Choose a script or a flow from the workspace, or type any path. */
export function CallDialog({ kind, hub = false, onChoose, onClose }) {
  const store = useStore();
  const [all, setAll] = useState(null);
  const [problem, setProblem] = useState("");
  const [query, setQuery] = useState("");
  const [pin, setPin] = useState(false);
  useEffect(() => {
    (hub ? listHub() : listCallable(store.ws, kind)).then(setAll, (error) => (setAll([]), error.status === 404 || setProblem(error.message)));
  }, [kind, hub]);
  const wanted = query.trim().toLowerCase();
  const shown = (all ?? []).filter((item) => `${item.path} ${item.summary ?? ""}`.toLowerCase().includes(wanted)).slice(0, 50);
  const isPath = /^(u|f|g|hub)\/[^/\s]+\/\S+$/.test(query.trim());
  const choose = (item) => onChoose(item.path, kind === "script" ? (pin && item.hash ? item.hash : null) : undefined);
  const submit = (event) => {
    event.preventDefault();
    if (shown.length && !isPath) choose(shown[0]);
    else if (isPath) choose(shown.find((item) => item.path === query.trim()) ?? { path: query.trim() });
  };
  return (
    <Dialog title={hub ? "Script from the hub" : kind === "flow" ? "Flow to run as a step" : "Script from the workspace"} onClose={onClose}>
      <form className="nb-form" onSubmit={submit}>
        <input className="nb-input nb-boxed nb-mono" aria-label={`Path or name of the ${kind}`} data-autofocus="" value={query} spellCheck={false} placeholder={hub ? "Name, or path such as hub/12/slack/send_message" : "Name, or path such as f/team/name"} onChange={(event) => setQuery(event.target.value)} />
        {problem && <p className="nb-notice" data-tone="bad"><Glyph name="warn" size={13} /> {problem}</p>}
        <ul className="nb-wire-list">
          {shown.map((item) => (
            <li key={item.path}><button type="button" onClick={() => choose(item)}><b>{item.summary || item.path.split("/").pop()}</b> <span className="nb-faint">{item.path}</span></button></li>
          ))}
        </ul>
        {all && !shown.length && <p className="nb-empty">{isPath ? "A path that is not in the list: it is taken as it is." : all.length ? `Nothing is called “${query}”.` : hub ? "The hub lists nothing. A path can be typed all the same: hub/number/app/name." : `No ${kind} is deployed yet. A path can be typed all the same.`}</p>}
        {kind === "script" && !hub && <label className="nb-check"><input type="checkbox" checked={pin} onChange={(event) => setPin(event.target.checked)} /> pin the present version</label>}
        <footer><button type="button" className="nb-btn" onClick={onClose}>Cancel</button><button type="submit" className="nb-btn" data-primary disabled={!isPath && !shown.length}>Insert</button></footer>
      </form>
    </Dialog>
  );
}
