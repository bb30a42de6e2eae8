// Small pieces for lists that Reflex draws: times in the reader's own zone, states, a file that becomes text, a live signal.
import { useEffect, useRef, useState } from "react";

import { subscribe } from "../api.js";
import { Icon } from "../icons.jsx";
import { ago, bytes, duration, stateOf, when } from "../words.js";

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

const MOST = 900_000; // what fits the page's websocket

/** `SignOut()`: a plain form, so that the server answers with its own page. Reflex's forms never reach the server by themselves. */
export function SignOut() {
  return <form method="post" action="/signout"><button type="submit"><Icon name="leave" size={18} /><span>Sign out</span></button></form>;
}

/** `FileText({target, accept})`: reads a chosen or dropped file into the textarea named `target` of the same form. */
export function FileText({ target = "text", accept = ".yaml,.yml,.json" }) {
  const chooser = useRef(null);
  const [said, setSaid] = useState({ text: "", bad: false });
  const take = async (file) => {
    if (!file) return;
    if (file.size > MOST) return setSaid({ bad: true, text: `${file.name} has ${bytes(file.size)}. This page takes flows up to ${bytes(MOST)}.` });
    const area = chooser.current.closest("form")?.elements.namedItem(target);
    if (!area) return;
    area.value = await file.text();
    area.dispatchEvent(new Event("input", { bubbles: true }));
    setSaid({ bad: false, text: `${file.name}, ${bytes(file.size)}` });
  };
  return (
    <div className="drop" onDragOver={(event) => event.preventDefault()} onDrop={(event) => { event.preventDefault(); take(event.dataTransfer.files[0]); }}>
      <input ref={chooser} type="file" className="sr" tabIndex={-1} aria-hidden="true" accept={accept} onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} />
      <button type="button" className="btn" onClick={() => chooser.current.click()}><Icon name="upload" /> Choose a file</button>
      <span className={said.bad ? "bad" : "muted"} role="status">{said.text || "or drop a YAML or JSON file here"}</span>
    </div>
  );
}

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
