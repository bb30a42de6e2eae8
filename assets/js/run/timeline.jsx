// The timeline of a run: a row for each step, bars on one axis, long waits as narrow bands.
import { useMemo, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { clock, duration, stateOf } from "../words.js";
import { isKnown } from "../output/progress.jsx";
import { isKept } from "./places.js";
import { drawnBands } from "./scale.js";
import { axisOf, barOf, labelAt, timelineRows, withPercent } from "./timeline.js";
import { LIVE, isLive } from "./use_run.js";

const WAITS = { sleep: "sleep", approval: "approval", queue: "queued", wait: "waiting" };
const SAID = 3; // bands that the line below tells one by one

/** `Timeline({run, steps, requests, now, path, choose})`: `requests` for approval, as the run's page gets them. */
export function Timeline({ run, steps, requests, now, path, choose }) {
  const [open, setOpen] = useState(() => new Map());
  const rows = useMemo(() => timelineRows(steps, open, now), [steps, open, now]);
  const axis = useMemo(() => axisOf(run, steps, now, requests), [run, steps, now, requests]);
  const drawn = useMemo(() => drawnBands(axis.bands), [axis]);
  const list = useRef(null);
  const onKeyDown = (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move || !event.target.classList.contains("tl-main")) return;
    event.preventDefault();
    const all = [...list.current.querySelectorAll(".tl-main")];
    all[all.indexOf(event.target) + move]?.focus();
  };
  const toggle = (row) => setOpen((old) => new Map(old).set(row.key, !row.open));
  return (
    <section className="card tl" aria-label="Timeline" style={drawn.mask ? { "--tl-bands": drawn.mask } : undefined}>
      <div className="tl-axis" aria-hidden="true"><span /><span className="tl-track">{axis.ticks.map((tick) => <i key={tick.ms} style={{ left: `${tick.at * 100}%` }}><b>{tick.label}</b></i>)}<Bands drawn={drawn} />{axis.bands.filter((band) => band.said).map((band) => <b key={band.from} className="tl-said" style={{ left: `calc(${(band.left + band.width) * 100}% + 4px)` }}>{duration(band.to - band.from)}</b>)}</span></div>
      <ul ref={list} onKeyDown={onKeyDown}>
        <li className={`tl-row whole ${path === "" ? "on" : ""}`}>
          <span className="tl-fold" />
          <button type="button" className="tl-main" aria-pressed={path === ""} onClick={() => choose("")}>
            <span className="tl-name"><StateIcon status={run.status} /><b>Whole run</b></span>
            <Bar row={{ from: axis.from, to: axis.to, status: run.status, progress: isLive(run) ? run.progress : undefined }} axis={axis} drawn={drawn} time={isLive(run) ? withPercent(clock(now - axis.from), run.progress) : duration(run.duration_ms)} />
          </button>
        </li>
        {rows.map((row) => (
          <li key={row.key} className={`tl-row ${row.kind} ${path === row.key ? "on" : ""}`} style={{ "--depth": row.depth }}>
            {row.foldable ? <button type="button" className="tl-fold" aria-expanded={row.open} aria-label={`${row.open ? "Fold" : "Unfold"} ${row.step ? row.step.title || row.step.step_id : row.label}`} onClick={() => toggle(row)}><Icon name={row.open ? "down" : "right"} size={12} /></button> : <span className="tl-fold" />}
            <button type="button" className="tl-main" aria-pressed={row.kind === "step" ? path === row.key : undefined} onClick={() => (row.kind === "step" ? choose(row.key) : toggle(row))}>
              <span className="tl-name"><StateIcon status={row.step?.reused || isKept(run, row.step) ? "reused" : row.status} />{row.step && <span className="tl-id">{row.step.step_id}</span>}<span className="tl-title">{row.step ? row.step.title || row.step.step_id : row.label}</span>{row.note && <span className="faint">{row.note}</span>}</span>
              <Bar row={isKept(run, row.step) ? { ...row, from: null, earlier: [] } : row} axis={axis} drawn={drawn} time={timeOf(row, now, run, axis)} asked={askedAfter(row, axis)} />
            </button>
          </li>
        ))}
        {!steps.length && <li className="out-note">{isLive(run) ? "No step has started yet." : "No step ran."}</li>}
      </ul>
      <Legend axis={axis} rows={rows} />
    </section>
  );
}

/** The wait for people after a step; one that is a row of its own has its bar already. */
const askedAfter = (row, axis) => (row.wait ? undefined : axis.asked.find((one) => one.path === row.key));

function timeOf(row, now, run, axis) {
  if (row.step?.reused) return "reused";
  if (isKept(run, row.step)) return "kept";
  if (row.from !== null && row.from < axis.from) return duration(row.to - axis.from); // taken over in the middle of its work
  if (row.from === null) return stateOf(row.status).word.toLowerCase();
  const time = LIVE.has(row.status) ? withPercent(clock(now - row.from), row.step?.progress) : duration(row.step?.duration_ms ?? row.to - row.from);
  return row.wait ? `${WAITS[row.wait]} ${time}` : time;
}

function StateIcon({ status }) {
  const state = stateOf(status);
  return <span className={`tl-state ${state.tone}`} title={state.word}><Icon name={state.icon} size={13} /><span className="sr">{state.word}</span></span>;
}

const placed = (bar) => ({ left: `${bar.left}%`, width: `${bar.width}%` });

function Bar({ row, axis, drawn, time, asked }) {
  const bar = barOf(row, axis);
  const wait = asked && { ...barOf(asked, axis), time: duration(asked.to - asked.from) };
  const end = wait || bar;
  const percent = LIVE.has(row.status) ? row.progress ?? row.step?.progress : undefined;
  const tone = row.step?.reused ? "reused" : stateOf(row.status).tone;
  return (
    <span className="tl-track">
      {axis.ticks.map((tick) => <i key={tick.ms} style={{ left: `${tick.at * 100}%` }} />)}
      {(row.earlier || []).map((one) => <span key={one.attempt} className={`tl-bar ${stateOf(one.status).tone}`} title={`Attempt ${one.attempt}: ${duration(one.to - one.from)}`} style={placed(barOf(one, axis))}><span className="sr">{`attempt ${one.attempt}: ${duration(one.to - one.from)}, `}</span></span>)}
      {bar && <span className={`tl-bar ${row.wait ? "waits" : tone}${isKnown(percent) ? " part" : ""}`} style={isKnown(percent) ? { ...placed(bar), "--done": `${percent}%` } : placed(bar)} />}
      {wait && <span className="tl-bar waits" title={`Waiting for approval: ${wait.time}`} style={placed(wait)} />}
      <Bands drawn={drawn} />
      <span className="tl-time num" style={{ "--at": end ? labelAt(end, axis) / 100 : 0 }}><span>{time}{wait && <><span aria-hidden="true"> + {wait.time}</span><span className="sr">, then waiting for approval {wait.time}</span></>}</span></span>
    </span>
  );
}

/** Where the axis is broken. */
function Bands({ drawn }) {
  if (drawn.mask) return <span className="tl-band all" aria-hidden="true" />;
  return drawn.each.map((band) => <span key={band.from} className="tl-band" aria-hidden="true" title={band.words} style={{ left: `${band.left * 100}%`, width: `${band.width * 100}%` }} />);
}

/** What the patterns stand for, and the bands in words: on a phone there is no axis to read them from. */
function Legend({ axis, rows }) {
  const waits = axis.asked.length > 0 || rows.some((row) => row.wait && row.from !== null);
  if (!waits && !axis.bands.length) return null;
  const longest = [...axis.bands].sort((a, b) => b.to - b.from - (a.to - a.from)).slice(0, SAID);
  const shown = axis.bands.filter((band) => longest.includes(band)).map((band) => band.words);
  const more = axis.bands.length - shown.length;
  return (
    <p className="tl-legend">
      {waits && <span><span className="tl-bar waits" /> Waiting</span>}
      {shown.length > 0 && <span><span className="tl-band" /> Not to scale: {shown.join("; ")}{more > 0 ? `; and ${more} more` : ""}</span>}
    </p>
  );
}
