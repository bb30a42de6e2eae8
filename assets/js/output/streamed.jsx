// What a step streams as its result, while it runs: text that grows, and what an agent calls meanwhile.
import { useEffect, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { follow } from "./growing.js";
import { MarkdownView } from "./rich.jsx";
import { ending, StreamedText } from "./streamed_text.js";

const MOST = 32 * 1024; // characters that are drawn
const AT_END = 30;
const DRAW_MS = 50; // pieces come faster than anybody reads
const STATES = { running: { icon: "running", word: "runs" }, done: { icon: "check", word: "done" }, failed: { icon: "warn", word: "failed" } };

/** What is there so far: `{text, tools}`. `heard` characters are known to be there. */
function useStream({ ws, runId, path, live, topic, heard }) {
  const [shown, setShown] = useState({ text: "", tools: null });
  useEffect(() => {
    let stream = new StreamedText();
    let timer = null;
    const draw = () => {
      timer = null;
      setShown({ text: stream.text, tools: stream.tools });
    };
    draw();
    const stop = follow({
      ws, runId, path, live, topic, heard, stream: true,
      take: (piece) => stream.append(piece),
      anew: () => (stream = new StreamedText()),
      changed: () => (timer ??= setTimeout(draw, DRAW_MS)),
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [ws, runId, path, live, topic]);
  return shown;
}

/**
 * `Streamed({ws, runId, path, live, topic, heard, markdown, maxHeight})`: nothing until something is streamed. An agent's
 * answer is drawn as Markdown; other text as it is, unless `markdown` says so.
 */
export function Streamed({ ws, runId, path, live = true, topic, heard = 0, markdown = false, maxHeight = 320 }) {
  const { text, tools } = useStream({ ws, runId, path, live, topic, heard });
  const box = useRef(null);
  const [following, setFollowing] = useState(true);
  const end = ending(text, MOST);
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text, following]);
  if (!text && !tools?.length) return null;
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
