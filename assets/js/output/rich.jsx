// Results that ask for a rendering of their own. Nothing here reaches the network, and no HTML of a result runs in our page.
import { lazy, Suspense, useState } from "react";
import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";

import { get, runPath, storedFile, withQuery } from "../api.js";
import { Icon } from "../icons.jsx";
import { bytes } from "../words.js";
import { Chat } from "./chat.jsx";
import { Skeleton } from "./parts.jsx";
import { Table } from "./table.jsx";
import { Tree } from "./tree.jsx";

const Chart = lazy(() => import("./chart.jsx"));

/**
 * `Rich({ws, runId, path, rich, baseExpr, onWire})`; `rich` is {kind, value} or, when too big to travel along,
 * {kind, value: null, url, name, size}; the kind "parts" holds several results, each described like one of its own.
 */
export function Rich({ rich, ...at }) {
  if (!rich) return <p className="out-note">There is nothing to draw.</p>;
  if (rich.kind === "parts") return <Parts rich={rich} at={at} />;
  if (rich.kind === "file") return <FileView rich={rich} value={inner(rich.value, ["file"])} />;
  if (rich.kind === "stored") return <StoredView ws={at.ws} name={rich.name} file={rich.value.key} storage={rich.value.storage} />;
  if (rich.kind === "image") return <ImageView source={rich.url && !rich.value ? rich.url : imageSource(rich.value)} value={rich.value} />;
  if (rich.value === undefined || rich.value === null) return <TooBig {...at} rich={rich} />;
  switch (rich.kind) {
    case "markdown": return <MarkdownView text={String(inner(rich.value, ["markdown", "md"]))} />;
    case "chat": return <Chat value={rich.value} />;
    case "html": return <HtmlView html={String(inner(rich.value, ["html"]))} />;
    case "chart": return <Suspense fallback={<Skeleton lines={5} label="Drawing the chart" />}><Chart spec={inner(rich.value, ["chart"])} /></Suspense>;
    default: return <p className="out-note">A result of the kind “{rich.kind}” cannot be drawn yet. Its data are in the JSON tab.</p>;
  }
}

/** Several results below each other. `part.at` is its path within the whole value. */
function Parts({ rich, at }) {
  const parts = rich.value || [];
  return (
    <>
      {parts.map((part, index) => <section className="part" key={index}><Part part={part} at={at} /></section>)}
      {rich.total > parts.length && <p className="out-note">{rich.total - parts.length} more parts are in the JSON tab.</p>}
    </>
  );
}

function Part({ part, at }) {
  if (part.rich) return <Rich {...at} rich={part.rich} />;
  if (part.table) return <Table {...at} at={part.at} wireAt={part.table.at || part.at} first={part.table} />;
  if (part.type === "string" && !part.node?.cut) return <pre className="text-view">{part.node?.v}</pre>;
  return <Tree {...at} root={part.node} at={part.at} />;
}

function TooBig({ ws, runId, path, rich }) {
  return (
    <div className="out-note">
      <span>This result is too big to be drawn here{rich.size ? ` (${bytes(rich.size)})` : ""}.</span>
      <a className="link" href={rich.url || withQuery(runPath(ws, runId, "raw"), { path })} download>Download it</a>
    </div>
  );
}

/** The value itself, whether it comes bare or still inside its one-key object. */
function inner(value, keys) {
  if (value && typeof value === "object" && !Array.isArray(value)) for (const key of keys) if (key in value) return value[key];
  return value;
}

export function MarkdownView({ text }) {
  return (
    <div className="markdown">
      <Markdown remarkPlugins={[remarkGfm]} skipHtml components={{ a: ({ node: _node, ...props }) => <a {...props} target="_blank" rel="noopener noreferrer nofollow" /> }}>{text}</Markdown>
    </div>
  );
}

/** HTML in a frame with an origin of its own; its scripts run only when somebody says so, and never reach a network. */
function HtmlView({ html }) {
  const [scripts, setScripts] = useState(false);
  const has = /<script[\s>]|\son\w+\s*=/i.test(html);
  const policy = `default-src 'none'; img-src data: blob:; media-src data: blob:; font-src data:; style-src 'unsafe-inline'${scripts ? "; script-src 'unsafe-inline'" : ""}`;
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><base target="_blank"><style>:root{color-scheme:light}body{margin:12px;font:13px/1.5 system-ui,sans-serif;color:#1c1d1f;background:#fff}table{border-collapse:collapse}td,th{padding:3px 10px;border-bottom:1px solid #e4e4df;text-align:left}</style>${html}`;
  return (
    <div className="html-view">
      <iframe key={String(scripts)} title="HTML result" sandbox={scripts ? "allow-scripts" : ""} srcDoc={page} referrerPolicy="no-referrer" />
      {has && !scripts && <div className="out-note"><span>The scripts of this result are not running.</span><button type="button" className="link" onClick={() => setScripts(true)}>Run them in the frame</button></div>}
    </div>
  );
}

const IMAGE_TYPES = { png: "image/png", jpeg: "image/jpeg", jpg: "image/jpeg", gif: "image/gif", svg: "image/svg+xml", webp: "image/webp" };

/** The data: address of an image result: {png: base64}, {svg: text}, {type, data}, or a data: address itself. */
export function imageSource(value) {
  if (!value) return null;
  if (typeof value === "string") return value.startsWith("data:image/") ? value : `data:image/png;base64,${value}`;
  for (const [key, type] of Object.entries(IMAGE_TYPES)) {
    const held = value[key];
    if (held === undefined) continue;
    const data = typeof held === "object" && held ? held.base64 || held.content || held.data : held;
    if (typeof data !== "string") return null;
    if (data.startsWith("data:image/")) return data;
    return key === "svg" && data.trimStart().startsWith("<") ? `data:${type};utf8,${encodeURIComponent(data)}` : `data:${type};base64,${data}`;
  }
  const data = value.data || value.base64 || value.content;
  return typeof data === "string" ? `data:${value.media_type || value.mime || IMAGE_TYPES[value.type] || "image/png"};base64,${data}` : null;
}

function ImageView({ source, value }) {
  const [broken, setBroken] = useState(false);
  if (!source || broken) return <p className="out-note">These data are not an image that a browser can show. Look at them in the JSON tab.</p>;
  return (
    <div className="image-view">
      <img src={source} alt={value?.alt || value?.title || "Image result"} onError={() => setBroken(true)} />
    </div>
  );
}

function FileView({ rich, value }) {
  const name = rich.name || value?.filename || value?.name || "result";
  const [failed, setFailed] = useState("");
  const save = () => {
    try {
      const text = typeof value === "string" ? value : value?.content || value?.data || "";
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([decode(text)], { type: "application/octet-stream" }));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    } catch {
      setFailed("The content of this file is not valid base64.");
    }
  };
  const face = <><Icon name="download" /> Download</>;
  return (
    <div className="file-view">
      <Icon name="file" size={20} />
      <span className="mono">{name}</span>
      {rich.size !== undefined && <span className="num">{bytes(rich.size)}</span>}
      {rich.url ? <a className="btn" href={rich.url} download={name}>{face}</a> : <button type="button" className="btn" onClick={save}>{face}</button>}
      {failed && <span className="bad" role="alert">{failed}</span>}
    </div>
  );
}

/** A file that a script keeps and hands on by its name. Pictures are shown. */
function StoredView({ ws, name, file, storage }) {
  const [picture, setPicture] = useState(/\.(png|jpe?g|gif|webp)$/i.test(name));
  const url = storedFile(ws, file, storage);
  return (
    <>
      {picture && <div className="image-view"><img src={url} alt={name} loading="lazy" onError={() => setPicture(false)} /></div>}
      <div className="file-view">
        <Icon name="file" size={20} />
        <span className="mono">{file}</span>
        {storage && <span>in the storage {storage}</span>}
        <a className="btn" href={url} download={name}><Icon name="download" /> Download</a>
      </div>
    </>
  );
}

function decode(base64) {
  const binary = atob(base64.replace(/^data:[^,]*,/, ""));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** A long text result, whole, read on demand. */
export function TextView({ ws, runId, path, node }) {
  const [text, setText] = useState(node?.cut ? null : (node?.v ?? ""));
  const [error, setError] = useState(null);
  const load = () => get(runPath(ws, runId, "raw"), { path }).then((value) => setText(typeof value === "string" ? value : JSON.stringify(value, null, 2)), setError);
  return (
    <div>
      <pre className="text-view" tabIndex={0} aria-label="Text">{text ?? `${node.v}…`}</pre>
      {text === null && <div className="out-note"><span>{(node.n ?? 0).toLocaleString("en")} characters, the first {node.v.length} shown.</span><button type="button" className="link" onClick={load}>Show all</button></div>}
      {error && <p className="out-note bad" role="alert">{error.message}</p>}
    </div>
  );
}
