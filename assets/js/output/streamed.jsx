// What a step streams as its result, while it runs: text that grows, and what an agent calls meanwhile.
import { useEffect, useMemo, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { follow } from "./growing.js";
import { MarkdownView } from "./rich.jsx";
import { ending, streamed } from "./streamed_text.js";

const MOST = 32 * 1024; // characters that are drawn
const AT_END = 30;
const STATES = { running: { icon: "running", word: "runs" }, done: { icon: "check", word: "done" }, failed: { icon: "warn", word: "failed" } };

/** The text so far. `heard` characters are known to be there. */
function useStream({ ws, runId, path, live, topic, heard }) {
  const [text, setText] = useState("");
  useEffect(() => {
    let ended = false;
    let whole = "";
    setText("");
    const stop = follow({
      ws, runId, path, live, topic, heard, stream: true,
      take: (piece) => (whole += piece),
      anew: () => (whole = ""),
      changed: () => !ended && setText(whole),
    });
    return () => {
      ended = true;
      stop();
    };
  }, [ws, runId, path, live, topic]);
  return text;
}

/**
 * `Streamed({ws, runId, path, live, topic, heard, markdown, maxHeight})`: nothing until something is streamed. An agent's
 * answer is drawn as Markdown; other text as it is, unless `markdown` says so.
 */
export function Streamed({ ws, runId, path, live = true, topic, heard = 0, markdown = false, maxHeight = 320 }) {
  const whole = useStream({ ws, runId, path, live, topic, heard });
  const box = useRef(null);
  const [following, setFollowing] = useState(true);
  const { text, tools } = useMemo(() => streamed(whole), [whole]);
  const end = ending(text, MOST);
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [whole, following]);
  if (!whole) return null;
  const onScroll = ({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => setFollowing(scrollHeight - scrollTop - clientHeight < AT_END);
  return (
    <div className="streamed" data-live={live || undefined}>
      {tools?.length > 0 && (
        <ul className="streamed-tools" aria-label="Tools">
          {tools.map((tool) => <li key={tool.id} data-state={tool.state}><Icon name={STATES[tool.state].icon} size={12} /> <span className="mono">{tool.name}</span><span className="muted"> {STATES[tool.state].word}</span></li>)}
        </ul>
      )}
      {text && (
        <div ref={box} className="streamed-text" style={{ maxHeight }} onScroll={onScroll} role="log" aria-label="Streamed result" aria-live="off" tabIndex={0}>
          {end.before > 0 && <p className="muted">… {end.before.toLocaleString("en")} characters before</p>}
          {markdown || tools ? <MarkdownView text={end.text} /> : <div className="streamed-plain">{end.text}</div>}
        </div>
      )}
    </div>
  );
}
