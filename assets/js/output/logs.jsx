// Logs of one step: paged in from the server, then live; colours, redrawn lines, find, follow. Only visible lines exist.
import Anser from "anser";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { runPath } from "../api.js";
import { Icon } from "../icons.jsx";
import { count } from "../words.js";
import { follow } from "./growing.js";
import { LogBuffer, plain } from "./log_buffer.js";
import { CopyButton, Skeleton } from "./parts.jsx";

const LINE = 18;
const AT_END = 30;

/** The log text of (run, path, attempt), growing. `live` subscribes to `topic` (default the run's) and asks again on any gap. */
function useLog({ ws, runId, path, attempt, live, topic }) {
  const [state, setState] = useState({ status: "loading", version: 0 });
  const buffer = useRef(null);
  useEffect(() => {
    const log = (buffer.current = new LogBuffer());
    let ended = false;
    setState({ status: "loading", version: 0 });
    const changed = (status, error) => !ended && setState((old) => ({ status: error && old.version ? "ready" : status, version: old.version + 1, ...(error && { error }) }));
    const stop = follow({ ws, runId, path, of: attempt, live, topic, take: (text) => log.append(text), changed });
    return () => {
      ended = true;
      stop();
    };
  }, [ws, runId, path, attempt, live, topic]);
  return [buffer.current, state];
}

/** `Logs({ws, runId, path, attempt, live, topic, maxHeight})`: of the step's last attempt where none is named. */
export function Logs({ ws, runId, path, attempt = 0, live = false, topic, maxHeight = 320 }) {
  const [log, state] = useLog({ ws, runId, path, attempt, live, topic });
  const [wrap, setWrap] = useState(false);
  const [follow, setFollow] = useState(true);
  const [find, setFind] = useState("");
  const scroller = useRef(null);
  const total = log?.lines.length || 0;
  const shown = useMemo(() => (find && log ? log.find(find) : null), [find, state.version, log]);
  const rows = shown ? shown.length : total;
  const virtual = useVirtualizer({ count: rows, getScrollElement: () => scroller.current, estimateSize: () => LINE, overscan: 30 });

  useEffect(() => virtual.measure(), [wrap]);
  useEffect(() => {
    if (follow && rows && !find) virtual.scrollToIndex(rows - 1, { align: "end" });
  }, [rows, state.version, follow, find]);
  const onScroll = useCallback((event) => {
    const box = event.currentTarget;
    setFollow(box.scrollHeight - box.scrollTop - box.clientHeight < AT_END);
  }, []);

  if (state.status === "loading" && !total) return <Skeleton lines={3} label="Reading the log" />;
  if (state.status === "error") return <p className="out-note bad" role="alert">The log could not be read: {state.error.message}</p>;
  if (!total) return <p className="out-note">{live ? "Nothing printed yet. Lines appear here as they are printed." : attempt ? "This attempt printed nothing." : "This step printed nothing."}</p>;
  return (
    <div className="logs">
      <div className="logs-bar">
        <label className="find"><Icon name="search" /><span className="sr">Find in log</span><input value={find} onChange={(event) => setFind(event.target.value)} placeholder="Find in log" spellCheck={false} /></label>
        <span className="muted num" role="status">{shown ? `${count(shown.length, "line")} of ${total.toLocaleString("en")}` : count(total, "line")}</span>
        <span className="grow" />
        {live && <span className="live"><i aria-hidden="true" />Live</span>}
        <button type="button" className="tool" aria-pressed={wrap} onClick={() => setWrap(!wrap)} title="Wrap long lines"><Icon name="wrap" /><span>Wrap</span></button>
        <CopyButton label="Copy log" text={() => log.lines.map(plain).join("\n")} />
        <a className="tool" href={`${runPath(ws, runId, "logs")}?path=${encodeURIComponent(path)}${attempt ? `&attempt=${attempt}` : ""}&download=1`} download title="Download the log"><Icon name="download" /><span>Log</span></a>
      </div>
      <div ref={scroller} className={`logs-body ${wrap ? "wrap" : ""}`} style={{ maxHeight }} onScroll={onScroll} tabIndex={0} role="log" aria-label="Log" aria-live="off">
        <div style={{ height: virtual.getTotalSize(), position: "relative", minWidth: "100%", width: wrap ? "100%" : "max-content" }}>
          {virtual.getVirtualItems().map((item) => {
            const index = shown ? shown[item.index] : item.index;
            return (
              <div key={item.key} data-index={item.index} ref={wrap ? virtual.measureElement : undefined} className="logs-line" style={{ transform: `translateY(${item.start}px)` }}>
                <span className="n" aria-hidden="true">{index + 1}</span>
                <Line text={log.styled(index)} />
              </div>
            );
          })}
        </div>
      </div>
      {!follow && !find && <button type="button" className="to-end" onClick={() => setFollow(true)}><Icon name="down" /> Follow the end</button>}
    </div>
  );
}

function Line({ text }) {
  if (!text.includes("\u001b")) return <span className="t">{text || " "}</span>;
  return (
    <span className="t">
      {Anser.ansiToJson(text, { use_classes: true, remove_empty: true }).map((part, index) => (
        <span key={index} className={[part.fg && `${part.fg}-fg`, part.bg && `${part.bg}-bg`, ...(part.decorations || []).map((one) => `ansi-${one}`)].filter(Boolean).join(" ")}>{part.content}</span>
      ))}
    </span>
  );
}
