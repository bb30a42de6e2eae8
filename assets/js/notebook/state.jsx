// How a cell says what state it is in: an icon, words, and on request the reasons with a way to each of them.
import { memo, useEffect, useRef, useState } from "react";
import { perform, run, select } from "./commands.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { canPin, isPinned } from "./pins.js";
import { keysOf } from "./shortcuts.js";
import { Popover } from "./ui.jsx";
import { isKnown } from "../output/progress.jsx";
import { ago, clock, when } from "../words.js";

/** Icon and tone of each state. */
export const LOOKS = {
  never: { icon: "never", tone: "none" },
  queued: { icon: "queued", tone: "reused" },
  running: { icon: "running", tone: "run" },
  fresh: { icon: "check", tone: "ok" },
  reused: { icon: "reused", tone: "reused" },
  stale: { icon: "stale", tone: "stale" },
  pinned: { icon: "pin", tone: "wait" },
  failed: { icon: "cross", tone: "bad" },
  waiting: { icon: "pause", tone: "wait" },
  skipped: { icon: "skip", tone: "reused" },
  blocked: { icon: "pause", tone: "stale" },
};

const NEVER = { kind: "never", text: "Not run", causes: [], runs_first: [] };

export const isActive = (state) => state?.kind === "queued" || state?.kind === "running" || state?.kind === "waiting";

/** Seconds since a moment, counting while mounted. */
function Elapsed({ since }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return <span className="nb-clock">{clock(now - new Date(since).getTime())}</span>;
}

export const StateBadge = memo(function StateBadge({ id }) {
  const state = useKey(`state:${id}`) ?? NEVER;
  const look = LOOKS[state.kind] ?? LOOKS.never;
  const [open, setOpen] = useState(false);
  const button = useRef(null);
  const words = state.kind === "running" ? "Running" : state.text;
  return (
    <>
      <button ref={button} type="button" className="nb-state" data-tone={look.tone} data-kind={state.kind} aria-expanded={open} aria-haspopup="dialog" onClick={() => setOpen(!open)}>
        <Glyph name={look.icon} size={13} />
        <span><Emphasis text={words} word={state.kind === "stale" ? state.causes?.[0]?.field : null} /></span>
        {state.kind === "running" && state.since && <Elapsed since={state.since} />}
        {state.kind === "running" && isKnown(state.progress) && <span className="nb-clock">{state.progress} %</span>}
      </button>
      {open && <Why id={id} state={state} anchor={button.current} onClose={(why) => why !== "anchor" && setOpen(false)} />}
    </>
  );
});

/** The words with the one that matters in bold: which input made the cell out of date. */
function Emphasis({ text = "", word }) {
  const at = word ? text.indexOf(word) : -1;
  if (at < 0) return text;
  return <>{text.slice(0, at)}<b>{word}</b>{text.slice(at + word.length)}</>;
}

/** Which cells the run would take with it, said before the press. */
export const RunsFirst = memo(function RunsFirst({ id }) {
  const first = useKey(`state:${id}`)?.runs_first;
  if (!first?.length) return null;
  const shown = first.length > 3 ? `${first.slice(0, 2).join(", ")} and ${first.length - 2} more` : first.join(", ");
  return <span className="nb-first">runs {shown} first</span>;
});

/** A run by its number, and the way to its page where its id is known. */
const Run = ({ number, id, first = false }) => (id ? <a href={`/runs/${id}`}>{first ? "Run" : "run"} #{number}</a> : <>{first ? "Run" : "run"} #{number}</>);

/** Which run a result comes from, and why it was computed in it or taken from an earlier one. */
function Origin({ state }) {
  if (!state.run_number) return null;
  const from = ["reused", "stale"].includes(state.kind) && state.reused_from;
  const alone = Number.isInteger(state.iteration) && `, which ran iteration ${state.iteration + 1} by itself`;
  if (from)
    return (
      <p className="nb-faint">
        Computed in <Run number={from.run_number} id={from.run_id} />, <time dateTime={from.at} title={when(from.at)}>{ago(from.at)}</time>. <Run number={state.run_number} id={state.ran_in} first />{alone}{alone && ","} took it from there: code, packages and inputs were the same.
      </p>
    );
  return (
    <>
      <p className="nb-faint">From <Run number={state.run_number} id={state.ran_in} />{alone}</p>
      {state.ran_because?.length > 0 && <p className="nb-faint">Computed and not reused: {state.ran_because.join("; ")}.</p>}
    </>
  );
}

function Why({ id, state, anchor, onClose }) {
  const store = useStore();
  const act = (work) => () => {
    onClose("act");
    work();
  };
  return (
    <Popover anchor={anchor} align="end" label="State of the cell" className="nb-why-pop" onClose={onClose}>
      <p><strong>{state.text}</strong></p>
      {state.causes?.length > 0 && (
        <ul>
          {state.causes.map((cause, index) => (
            <li key={index}>
              {cause.cell && cause.cell !== id ? <button type="button" className="nb-link" onClick={act(() => select(store, cause.cell))}>{cause.text}</button> : cause.text}
            </li>
          ))}
        </ul>
      )}
      {state.runs_first?.length > 0 && <p className="nb-faint">A run takes {state.runs_first.join(", ")} first.</p>}
      <Origin state={state} />
      <div className="nb-actions">
        {isActive(state) ? (
          <button type="button" className="nb-btn" onClick={act(() => perform(store, "cancel"))}>Cancel</button>
        ) : (
          <>
            <button type="button" className="nb-btn" data-primary onClick={act(() => run(store, id, "auto"))}>{state.kind === "reused" ? "Compute again" : "Run"} <kbd>{keysOf("run_stay")}</kbd></button>
            {state.kind === "failed" && <button type="button" className="nb-btn" onClick={act(() => (select(store, id), perform(store, "assistant")))}><Glyph name="sparkle" size={12} /> Ask the assistant</button>}
            {(isPinned(store, id) || canPin(store, id)) && <button type="button" className="nb-btn" onClick={act(() => perform(store, "pin", id))}>{isPinned(store, id) ? "Unpin" : "Pin this result"}</button>}
            {(isPinned(store, id) || canPin(store, id) || state.kind === "failed") && <button type="button" className="nb-btn" onClick={act(() => perform(store, "stand_ins", id))}>Stand-ins…</button>}
            {state.runs_first?.length > 0 && <button type="button" className="nb-btn" onClick={act(() => run(store, id, "old_results"))}>Run on the old results</button>}
            {state.run_number && state.kind !== "pinned" && <button type="button" className="nb-btn" title="The next run computes it, also where equal work was kept" onClick={act(() => perform(store, "forget", id))}>Forget the result</button>}
          </>
        )}
      </div>
    </Popover>
  );
}
