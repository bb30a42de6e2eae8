// The page's two doors to the server: JSON requests, and one event stream that all components of the page share.

/** An answer that is not a success. `code` is stable; `message` and `hint` are sentences for people. */
export class ApiError extends Error {
  constructor(status, { code = "http.error", message = "", hint = "", ...rest } = {}) {
    super(message || `The server answered ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.problems = rest.problems || [];
    this.details = rest;
  }
}

const OFFLINE = { code: "net.offline", message: "The server cannot be reached.", hint: "Your text is kept in this browser. It is sent when the server is back." };

const SLOW = { code: "net.timeout", message: "The server did not answer in time.", hint: "Try again." };

/**
 * Ask the server. `json` is sent as a JSON body, `body` as it is; `query` drops keys that are undefined, null or "".
 * `timeout` is in ms; `keepalive` lets the request outlive the page. Answers the parsed JSON, or text for any other
 * type, or null for an empty body. Throws ApiError; its status is 0 when no answer came.
 */
export async function request(method, path, { json, body, query, headers, signal, keepalive, timeout } = {}) {
  let response;
  try {
    response = await fetch(withQuery(path, query), {
      method,
      keepalive,
      signal: timeout ? AbortSignal.any([AbortSignal.timeout(timeout), ...(signal ? [signal] : [])]) : signal,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(json !== undefined && { "Content-Type": "application/json" }), ...headers },
      body: json !== undefined ? JSON.stringify(json) : body,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, error.name === "TimeoutError" ? SLOW : OFFLINE);
  }
  const type = response.headers.get("content-type") || "";
  const content = response.status === 204 ? null : type.includes("json") ? await response.json().catch(() => null) : await response.text();
  if (response.ok) return content;
  if (response.status === 401) setConnection({ signedOut: true });
  throw new ApiError(response.status, errorOf(content));
}

const BROKEN_OFF = { code: "net.cut", message: "The connection was cut before the answer was whole.", hint: "Try again." };

/**
 * A POST that is answered by events (`data: {…}`), each given to `onEvent` as it comes. It ends with them; aborting it closes the
 * connection, by which the server learns that nobody waits. Throws ApiError for a refusal, and where the connection is cut.
 */
export async function postEvents(path, json, onEvent, { signal } = {}) {
  try {
    const response = await fetch(path, { method: "POST", signal, credentials: "same-origin", headers: { Accept: "text/event-stream, application/json", "Content-Type": "application/json" }, body: JSON.stringify(json) });
    if (response.status === 401) setConnection({ signedOut: true });
    if (!response.ok) throw new ApiError(response.status, errorOf(await response.json().catch(() => null)));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const events = (rest + read.value).split("\n\n");
      rest = events.pop();
      for (const event of events) if (event.startsWith("data: ")) onEvent(JSON.parse(event.slice(6)));
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    throw new ApiError(0, BROKEN_OFF);
  }
}

/** The JSON at an address, or undefined where it is longer than `most` bytes: then it is not read. Throws ApiError. */
export async function getShort(path, query, most) {
  const abort = new AbortController();
  const response = await fetch(withQuery(path, query), { credentials: "same-origin", headers: { Accept: "application/json" }, signal: abort.signal });
  if (!response.ok) throw new ApiError(response.status, errorOf(await response.json().catch(() => null)));
  if (Number(response.headers.get("content-length")) <= most) return response.json();
  abort.abort();
  return undefined;
}

export const get = (path, query, options) => request("GET", path, { query, ...options });
export const post = (path, json = {}, options) => request("POST", path, { json, ...options });

function errorOf(content) {
  if (content && typeof content === "object") return content.error && typeof content.error === "object" ? content.error : { message: content.detail || content.message };
  return { message: typeof content === "string" && content.length < 300 && !content.startsWith("<") ? content : "" };
}

/** `path` with the query's values; objects and arrays travel as JSON text. */
export function withQuery(path, query) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query || {})) {
    if (value === undefined || value === null || value === "") continue;
    params.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  const text = params.toString();
  return text ? `${path}${path.includes("?") ? "&" : "?"}${text}` : path;
}

export const workspacePath = (ws, ...parts) => ["/api/w", encodeURIComponent(ws), ...parts].join("/");
/** A path of the workspace (u/me/name) as a part of an address. */
export const encoded = (path) => path.split("/").map(encodeURIComponent).join("/");
export const runPath = (ws, runId, ...parts) => workspacePath(ws, "runs", encodeURIComponent(runId), ...parts);
/** Where the content of a file is that a script keeps. */
export const storedFile = (ws, key, storage) => withQuery(workspacePath(ws, "job_helpers/download_s3_file"), { file_key: key, storage });

// ---------------------------------------------------------------- connection state

/** `state`: "idle" nothing subscribed, "connecting", "open", "lost". `server` changes when the server restarts. */
let connection = { state: "idle", server: null, signedOut: false };
const connectionListeners = new Set();

export const getConnection = () => connection;
export function onConnection(listener) {
  connectionListeners.add(listener);
  return () => connectionListeners.delete(listener);
}
function setConnection(change) {
  const next = { ...connection, ...change };
  if (Object.keys(next).every((key) => next[key] === connection[key])) return;
  connection = next;
  for (const listener of [...connectionListeners]) listener(connection);
}

// ---------------------------------------------------------------- events

const RETRY_MS = [500, 1000, 2000, 4000, 8000, 15000];
const NOTEBOOK_MS = 15000; // so long a stream that nobody is in a hurry for waits for the notebook that the page is still loading
const SILENCE_MS = 45000; // the server pings every 15 s; a stream that stays dumb this long is dead, whatever the socket says

const subscriptions = new Set(); // {ws, topics: Set, onEvent, onStatus, live: stream | null, was: bool, patient: bool}
let stream = null; // {ws, source, topics: string, heard: ms, server}
let scheduled = null;
let due = 0;
let failures = 0;

/**
 * Listen to topics such as "draft:ID" or "run:ID" of a workspace. `onEvent` gets every event `{topic, type, …}` of them, and
 * also `{type: "hello", server, resumed}` when its topics are live: fetch the snapshot then, and again when `resumed` is
 * true, because events may have been missed. `onStatus` gets "open" and "lost". Answers a function that ends it.
 * With `patience` (ms) it waits for a stream that somebody else opens first, and joins that one; longer while the notebook
 * that early.js asked for has not come to take its answer.
 *
 * A page listens to one workspace at a time: the newest subscription's.
 */
export function subscribe(ws, topics, onEvent, onStatus, { patience = 0 } = {}) {
  const subscription = { ws, topics: new Set([topics].flat()), onEvent, onStatus, live: null, was: false, patient: patience > 0 };
  subscriptions.add(subscription);
  schedule(patience);
  return () => {
    subscriptions.delete(subscription);
    schedule(250); // a component that only re-mounts must not cost a reconnect
  };
}

/** What the page's stream has to carry. "server" is always in it: the bar of every page joins the stream later, and must not cost another one. */
function wanted() {
  const ws = [...subscriptions].at(-1)?.ws;
  const topics = [...subscriptions].filter((one) => one.ws === ws).flatMap((one) => [...one.topics]);
  return { ws, topics: topics.length ? [...new Set([...topics, "server"])].sort().join(",") : "" };
}

function schedule(delay) {
  if (typeof EventSource === "undefined") return;
  const at = Date.now() + delay;
  if (scheduled !== null && due <= at) return; // something sooner is planned already, and looks at everybody
  clearTimeout(scheduled);
  due = at;
  scheduled = setTimeout(reconcile, delay);
}

function reconcile() {
  scheduled = null;
  const { ws, topics } = wanted();
  if (!topics) {
    close(stream);
    stream = null;
    setConnection({ state: "idle" });
    return;
  }
  if (stream && stream.ws === ws && covers(stream.topics, topics) && stream.source.readyState !== 2) {
    if (stream.server) greet(stream);
    return;
  }
  if (!stream && notebookComes() && [...subscriptions].every((one) => one.patient)) return schedule(500);
  open(ws, topics);
}

/** Whether a notebook is on its way that will open a stream: on a slow machine its scripts take longer than a bar is patient. */
const notebookComes = () => Boolean(globalThis.flowappEarly) && performance.now() < NOTEBOOK_MS;

const covers = (have, need) => {
  const held = new Set(have.split(","));
  return need.split(",").every((topic) => held.has(topic)) && held.size <= need.split(",").length + 8;
};

function open(ws, topics) {
  const older = stream ? [stream, ...stream.older] : [];
  const next = { ws, topics, older, heard: Date.now(), server: null, source: new EventSource(withQuery(workspacePath(ws, "events"), { topics })) };
  stream = next;
  if (connection.state !== "open") setConnection({ state: "connecting" });
  next.source.onmessage = (message) => {
    next.heard = Date.now();
    let event;
    try {
      event = JSON.parse(message.data);
    } catch {
      return;
    }
    if (event.type === "hello") hello(next, event);
    else deliver(event);
  };
  next.source.addEventListener("ping", () => (next.heard = Date.now()));
  next.source.onerror = () => lost(next);
}

function hello(current, event) {
  failures = 0;
  current.server = event.server || "unknown";
  for (const old of current.older) {
    close(old); // only now: nothing falls between the two streams, so whoever was live stays so and has missed nothing
    for (const one of subscriptions) if (one.live === old && old.ws === current.ws) one.live = current;
  }
  current.older = [];
  setConnection({ state: "open", server: current.server, signedOut: false });
  greet(current);
}

/** Tell each subscription, once per stream, that its topics are live now. */
function greet(current) {
  const held = new Set(current.topics.split(","));
  for (const one of [...subscriptions]) {
    if (one.live === current || one.ws !== current.ws || ![...one.topics].every((topic) => held.has(topic))) continue;
    const resumed = one.was;
    one.live = current;
    one.was = true;
    safely(one.onEvent, { type: "hello", server: current.server, resumed });
    if (one.onStatus) safely(one.onStatus, "open");
  }
}

function deliver(event) {
  const topic = event.topic?.startsWith("runs:") ? "runs" : event.topic;
  for (const one of [...subscriptions]) if (!topic || hears(one, topic)) safely(one.onEvent, event);
}

/** What is told of a flow comes with the drafts of it, whose listeners know which flow is theirs. */
const hears = ({ topics }, topic) => topics.has(topic) || (topic.startsWith("flow:") && [...topics].some((one) => one.startsWith("draft:")));

function safely(listener, event) {
  try {
    listener(event);
  } catch (error) {
    reportError(error); // one component's fault must not starve the others
  }
}

function lost(current) {
  [current, ...current.older].forEach(close);
  if (stream !== current) return;
  stream = null;
  failures += 1;
  setConnection({ state: "lost" });
  for (const one of [...subscriptions]) if (one.onStatus) safely(one.onStatus, "lost");
  const wait = RETRY_MS[Math.min(failures - 1, RETRY_MS.length - 1)];
  schedule(wait * (0.8 + Math.random() * 0.4));
}

function close(one) {
  if (!one) return;
  one.source.onmessage = one.source.onerror = null;
  one.source.close();
}

if (typeof window !== "undefined") {
  // EventSource does not show comment pings, so silence alone is no proof of death while nothing happens: ask instead.
  const check = async () => {
    if (!stream || document.hidden || Date.now() - stream.heard < SILENCE_MS) return;
    const current = stream;
    try {
      await fetch("/api/version", { cache: "no-store" });
      current.heard = Date.now();
      if (current.source.readyState === 2 && stream === current) lost(current);
    } catch {
      if (stream === current) lost(current);
    }
  };
  setInterval(check, 15000);
  document.addEventListener("visibilitychange", check);
  window.addEventListener("online", () => stream === null && subscriptions.size && schedule(0));
}
