// What failed, in the order a person needs it: what happened, where, what to do; the trace is folded.
import { Icon } from "../icons.jsx";
import { CopyButton } from "./parts.jsx";

// Frames of the person's own code; frames of runtimes and libraries stay plain text.
const OWN_FRAME = /(?:File "(?:[^"]*\/)?(?:main|cell|step|script|inner)\.\w+", line (\d+)|(?:^|[\s(/])(?:main|cell|step|script|inner)\.(?:py|ts|js|sh)(?::| line )(\d+)|^line (\d+):)/;

const HINTS = {
  ExpressionError: "The expression of an input failed. Open its field to see the value it reads.",
  ModuleNotFoundError: "Only the standard library and installed packages can be imported here.",
  TimeoutError: "The step ran longer than it may. Give it more time in its settings, or let it do less.",
  Timeout: "The step ran longer than it may. Give it more time in its settings, or let it do less.",
  MemoryError: "The step needed more memory than it may use.",
  Killed: "The step was stopped from outside, most often because it used too much memory.",
};

/** `ErrorView({error, onLine})`; `error` is {name, message, stack, line, hint}. */
export function ErrorView({ error, onLine }) {
  if (error.name === "Canceled") return <p className="out-note">{cancelled(error)}</p>; // somebody's wish is no fault
  const [first, ...rest] = String(error.message || "No message was given.").split("\n");
  const more = rest.join("\n").trim();
  const hint = error.hint || HINTS[error.name];
  return (
    <div className="error" role="group" aria-label="Error">
      <p className="error-first">
        <Icon name="warn" size={15} />
        <span>{error.name && <b>{error.name}: </b>}{first}</span>
        {error.line ? onLine ? <button type="button" className="link" onClick={() => onLine(error.line)}>line {error.line}</button> : <span className="muted">line {error.line}</span> : null}
      </p>
      {more && <pre className="error-more">{more}</pre>}
      {hint && <p className="error-hint">{hint}</p>}
      {error.stack && (
        <details className="trace">
          <summary>Trace</summary>
          <pre>{String(error.stack).split("\n").map((line, index) => <Frame key={index} line={line} onLine={onLine} />)}</pre>
        </details>
      )}
      <div className="error-foot"><CopyButton label="Copy error" text={() => [`${error.name || "Error"}: ${error.message}`, error.stack].filter(Boolean).join("\n\n")} /></div>
    </div>
  );
}

/** "Cancelled on the run page by ada": who wished it, without the engine's own words. */
export const cancelled = (error) => String(error.message || "").replace(/^Job canceled:?\s*/i, "") || "Cancelled before it gave a result.";

function Frame({ line, onLine }) {
  const match = onLine && OWN_FRAME.exec(line);
  if (!match) return `${line}\n`;
  const at = Number(match[1] || match[2] || match[3]);
  return <>{<button type="button" className="frame" onClick={() => onLine(at)} title={`Go to line ${at} of the cell`}>{line}</button>}{"\n"}</>;
}
