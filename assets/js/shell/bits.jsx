// Small pieces for lists that Reflex draws: times in the reader's own zone, states, a file that becomes text, a live signal.
import { useEffect, useRef, useState } from "react";

import { subscribe } from "../api.js";
import { Icon } from "../icons.jsx";
import { ago, bytes, duration, stateOf, when } from "../words.js";

export { KeepTyped } from "./keep_typed.jsx"; // through here: a list asks for one file less

/** `When({iso, prefix, relative})`: a time, exact on hover. */
export function When({ iso, prefix = "", relative = true }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 60000);
    return () => clearInterval(timer);
  }, []);
  if (!iso) return null;
  return <time className="num" dateTime={iso} title={when(iso, { seconds: true })}>{prefix ? `${prefix} ` : ""}{relative ? ago(iso) : when(iso)}</time>;
}

/** `Took({ms})` */
export const Took = ({ ms }) => (ms === null || ms === undefined || ms < 0 ? null : <span className="num">{duration(ms)}</span>);

/** `State({status, text})` */
export function State({ status, text }) {
  if (!status) return null;
  const state = stateOf(status);
  return <span className={`badge ${state.tone}`}><Icon name={state.icon} size={13} />{text || state.word}</span>;
}

/** `Glyph({name})`: one of the line icons. */
export const Glyph = ({ name, size = 16 }) => <Icon name={name} size={size} />;

/** `CopyField({value, label})`: a text to take away. Where the browser lets no page copy, it is selected for Ctrl+C. */
export function CopyField({ value, label }) {
  const field = useRef(null);
  const [said, setSaid] = useState("");
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(value);
      setSaid("Copied");
    } catch {
      setSaid("Press Ctrl+C to copy");
    }
  };
  return (
    <div className="copy-field">
      <input ref={field} className="in-text mono" readOnly value={value} aria-label={label} onFocus={(event) => event.target.select()} />
      <button type="button" className="btn" onClick={copy}><Icon name="copy" size={14} /> Copy</button>
      <span className="muted" role="status">{said}</span>
    </div>
  );
}

/**
 * `FilterField({value, name, placeholder, type, list, options})`: a field that shows the filter in force; with `options`,
 * `[[value, word], …]`, a choice. Another one comes into it, but never over what somebody types: a field that has the focus keeps its text.
 */
export function FilterField({ value = "", name, placeholder, type = "search", list, options }) {
  const field = useRef(null);
  useEffect(() => {
    if (field.current !== document.activeElement) field.current.value = value;
  }, [value]);
  if (!options) return <input ref={field} {...{ name, type, placeholder, list }} defaultValue={value} />;
  return <select ref={field} name={name} defaultValue={value}>{options.map(([key, word]) => <option key={key} value={key}>{word}</option>)}</select>;
}

const MOST = 900_000; // what fits the page's websocket

/** `SignOut()`: a plain form, so that the server answers with its own page. Reflex's forms never reach the server by themselves. */
export function SignOut() {
  return <form method="post" action="/signout"><button type="submit"><Icon name="leave" size={18} /><span>Sign out</span></button></form>;
}

const PACKED_MOST = Math.floor(MOST * 3 / 4); // base64 takes four characters for three bytes

/**
 * `FileText({target, archive, accept})`: reads a chosen or dropped file into the textarea named `target` of the same form; a
 * zip archive in base64 into its own hidden field named `archive`. Either one empties the other.
 */
export function FileText({ target = "text", archive = "archive", accept = ".yaml,.yml,.json,.zip" }) {
  const chooser = useRef(null);
  const packed = useRef(null);
  const [said, setSaid] = useState({ text: "", bad: false });
  const area = () => chooser.current.closest("form")?.elements.namedItem(target);
  useEffect(() => {
    const typed = () => packed.current.value && (packed.current.value = "", setSaid({ text: "", bad: false }));
    const field = area();
    field?.addEventListener("input", typed);
    return () => field?.removeEventListener("input", typed);
  }, []);
  const take = async (file) => {
    if (!file) return;
    const zip = await isZip(file);
    const most = zip ? PACKED_MOST : MOST;
    if (file.size > most) return setSaid({ bad: true, text: `${file.name} has ${bytes(file.size)}. This page takes ${zip ? "archives" : "flows"} up to ${bytes(most)}.` });
    const field = area();
    if (!field) return;
    field.value = zip ? "" : await file.text();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    packed.current.value = zip ? await base64(file) : "";
    setSaid({ bad: false, text: `${file.name}, ${bytes(file.size)}` });
  };
  return (
    <div className="drop" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); take(event.dataTransfer.files[0]); }}>
      <input ref={chooser} type="file" className="sr" tabIndex={-1} aria-hidden="true" accept={accept} onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
      <input ref={packed} type="hidden" name={archive} />
      <button type="button" className="btn" onClick={() => chooser.current.click()}><Icon name="upload" /> Choose a file</button>
      <span className={said.bad ? "bad" : "muted"} role="status">{said.text || "or drop a YAML, JSON or zip file here"}</span>
    </div>
  );
}

/** By its first bytes: names and types of files say little. */
const isZip = async (file) => (await file.slice(0, 2).text()) === "PK";

const base64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(reader.result.split(",")[1] ?? "");
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

/**
 * `ServerPages({paths})`: addresses that the server answers itself with a page of its own. Reflex's redirects stay in the browser
 * and so would end on the page for unknown addresses: from there, ask the server.
 */
export function ServerPages({ paths = [] }) {
  useEffect(() => {
    if (paths.includes(location.pathname.replace(/\/$/, ""))) location.replace(location.href);
  }, []);
  return null;
}

/** `Tick({checked, label, onToggle})`: a checkbox that shows the press at once; the server's state follows, and has the last word. */
export function Tick({ checked, label, onToggle }) {
  const [on, setOn] = useState(checked);
  useEffect(() => setOn(checked), [checked]);
  const toggle = (event) => {
    setOn(event.target.checked);
    onToggle(event.target.checked);
  };
  return <input type="checkbox" aria-label={label} checked={on} onChange={toggle} />;
}

/** `Signal({ws, topic, onChange})`: tells Reflex, at most once a second, that something of the topic changed. */
export function Signal({ ws, topic, onChange }) {
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    let timer = null;
    const unsubscribe = subscribe(ws, topic, (event) => {
      if (event.type === "hello" && !event.resumed) return;
      timer ??= setTimeout(() => { timer = null; latest.current?.(); }, 1000);
    });
    return () => { clearTimeout(timer); unsubscribe(); };
  }, [ws, topic]);
  return null;
}
