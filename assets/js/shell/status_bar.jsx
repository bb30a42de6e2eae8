// The line at the foot of every page: connection, isolation, versions. It also keeps the page's event stream open.
import "../fonts.js";
import { useEffect, useState, useSyncExternalStore } from "react";

import { get, getConnection, onConnection, subscribe } from "../api.js";

const WORDS = { open: "Connected", connecting: "Connecting", idle: "Connecting", lost: "Connection lost, trying again" };
const PATIENCE_MS = 1500; // the page's own body opens the stream; the bar only needs one on pages where nobody does
const SETTLE_MS = 1200; // a short break says nothing that a person needs to read

/** Connection words that do not flicker: trouble is shown once it has lasted. */
function useConnection() {
  const now = useSyncExternalStore(onConnection, getConnection, getConnection);
  const [shown, setShown] = useState(now);
  useEffect(() => {
    if (now.state === "open" || now.signedOut) return setShown(now);
    const timer = setTimeout(() => setShown(now), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return shown;
}

/** `StatusBar({ws, news})`: `news` is the id of the newest entry of the page *What's new*. */
export function StatusBar({ ws, news }) {
  const connection = useConnection();
  const [health, setHealth] = useState(null);
  useEffect(() => subscribe(ws, "server", () => {}, undefined, { patience: PATIENCE_MS }), [ws]);
  useEffect(() => {
    if (!connection.server) return undefined; // once it is known which server this is
    let ended = false;
    get("/api/health").then((found) => !ended && setHealth(found), () => {});
    return () => { ended = true; };
  }, [connection.server]); // a restarted server may be another version
  const lost = connection.state === "lost";
  return (
    <>
      <footer className="statusbar">
        <span role="status" className={lost ? "status-lost" : undefined}><i className={`dot ${connection.state === "open" ? "" : lost ? "lost" : "wait"}`} aria-hidden="true" />{connection.signedOut ? "Signed out" : WORDS[connection.state]}</span>
        {health?.isolation && <span title={isolationDetail(health.isolation)}>Isolation: {String(health.isolation.label || health.isolation.level || health.isolation).split(":")[0].toLowerCase()}</span>}
        {languagesOf(health?.languages)}
        <span className="grow" />
        <News newest={news} />
        {health?.version && <span>Flowapp {/flowapp-(\S+)/.exec(health.version)?.[1] || health.version}</span>}
      </footer>
      {connection.signedOut && <div className="sheet" role="alertdialog" aria-label="Signed out"><span>You are signed out. What you typed is kept in this browser.</span><a className="btn pri" href={`/signin?next=${encodeURIComponent(location.pathname + location.search)}`}>Sign in</a></div>}
    </>
  );
}

const SEEN = "flowapp.news"; // the newest entry that this browser has seen; a new browser has no news

/** Leads to what is new, with a mark as long as there is something that was not looked at. */
function News({ newest }) {
  const [unseen, setUnseen] = useState(false);
  useEffect(() => {
    try {
      if (!localStorage.getItem(SEEN) || window.location.pathname.startsWith("/whats-new")) localStorage.setItem(SEEN, newest);
      setUnseen(localStorage.getItem(SEEN) < newest);
    } catch {
      // a browser that keeps nothing has seen all of it
    }
  }, [newest]);
  return <a className="status-news" href="/whats-new">What's new{unseen && <i className="dot news" role="img" aria-label="Something that you have not seen" />}</a>;
}

function isolationDetail(isolation) {
  const parts = [isolation.label, ...Object.entries(isolation.mechanisms || {}).map(([name, held]) => `${name}: ${held === true ? "yes" : held === false ? "no" : held}`), ...(Array.isArray(isolation.notes) ? isolation.notes : [isolation.notes])];
  return parts.filter(Boolean).join("\n");
}

const NAMES = { python3: "Python", deno: "Deno", bun: "Bun", bash: "Bash" };

/** Languages come as a list or as a map by name; only those that can run are named. */
function languagesOf(given) {
  if (!given) return null;
  const list = Array.isArray(given) ? given : Object.entries(given).map(([name, one]) => ({ name, ...(typeof one === "object" ? one : { version: one }) }));
  const words = list.filter((one) => one.runnable !== false && one.available !== false && !(one.name === "bun" && one.runs_on === "deno") && one.version && NAMES[one.name]).map((one) => `${NAMES[one.name]} ${/^\d+\.\d+/.exec(one.version)?.[0] || one.version}`);
  return words.length ? <span>{words.join(", ")}</span> : null;
}
