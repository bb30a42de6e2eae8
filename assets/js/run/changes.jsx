// What differs in one step of two runs: its result, input or code, line by line.
import { diffLines } from "diff";
import { useEffect, useState } from "react";

import { get, getShort, runPath } from "../api.js";
import { Problem, Skeleton } from "../output/parts.jsx";

const LONGEST = 200_000; // bytes of a side; beyond that a comparison by line takes seconds
const TOO_LONG = Symbol("too long to be shown");
const AROUND = 3; // lines shown before and after a change

const KINDS = [["result", "Result"], ["args", "Input"], ["code", "Code"]];

export function Changes({ ws, step, a, b }) {
  const both = step.a && step.b;
  const [kind, setKind] = useState(() => KINDS.find(([name]) => step.same[name] === false)?.[0] ?? "result");
  const kinds = KINDS.filter(([name]) => name !== "code" || (step.path && step.same.code !== null));
  const onKeyDown = (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = kinds.findIndex(([name]) => name === kind);
    const [next] = kinds[(at + by + kinds.length) % kinds.length];
    setKind(next);
    event.currentTarget.querySelector(`[data-kind=${next}]`).focus();
  };
  return (
    <>
      <div className="seg" role="tablist" aria-label="What to compare" onKeyDown={onKeyDown}>
        {kinds.map(([name, label]) => <button key={name} type="button" role="tab" data-kind={name} aria-selected={name === kind} tabIndex={name === kind ? 0 : -1} onClick={() => setKind(name)}>{label}{step.same[name] === true ? " =" : ""}</button>)}
      </div>
      <Texts key={kind} {...{ ws, step, kind, both, a, b }} />
    </>
  );
}

async function textOf(ws, run, step, kind) {
  if (kind === "code") return codeText(await get(runPath(ws, run, "code"), { step: step.step_id }));
  try {
    const value = await getShort(runPath(ws, run, "raw"), { path: step.path, side: kind }, LONGEST);
    if (value === undefined) return TOO_LONG;
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  } catch (error) {
    if (error.status === 404) return ""; // nothing was kept
    throw error;
  }
}

/** A module as text: its code first, as it is written, then its settings. */
function codeText({ value: { content, ...value } = {}, ...module }) {
  const settings = JSON.stringify({ ...module, value }, null, 2);
  return content ? `${content.replace(/\n?$/, "\n")}\n${settings}` : settings;
}

function Texts({ ws, step, kind, both, a, b }) {
  const [got, setGot] = useState(null);
  const [error, setError] = useState(null);
  useEffect(() => {
    let current = true;
    const ask = (run, there) => (there ? textOf(ws, run, step, kind) : Promise.resolve(null));
    Promise.all([ask(a, step.a), ask(b, step.b)]).then((texts) => current && setGot(texts), (reason) => current && setError(reason));
    return () => {
      current = false;
    };
  }, []);
  if (error) return <Problem error={error} what="One side" />;
  if (!got) return <Skeleton lines={3} label="Loading both sides" />;
  if (got.includes(TOO_LONG)) return <p className="out-note">{both && step.same[kind] ? "Both are the same, and" : "It is"} too long to be shown here. Open the step in {step.a && <a href={`/runs/${a}#step=${encodeURIComponent(step.path)}`}>A</a>}{both && " and "}{step.b && <a href={`/runs/${b}#step=${encodeURIComponent(step.path)}`}>B</a>}.</p>;
  if (!both) return <pre className="cmp-text"><Lines text={got[0] ?? got[1]} /></pre>;
  if (got[0] === got[1]) return <><p className="out-note">Both are the same.</p><pre className="cmp-text"><Lines text={got[0]} /></pre></>;
  return <Difference before={got[0]} after={got[1]} label="Differences: lines with − are A's, lines with + are B's" />;
}

/** Two texts that differ, line by line; long equal stretches are folded. */
export function Difference({ before, after, label }) {
  return <pre className="cmp-text" tabIndex={0} aria-label={label}>{folded(diffLines(before, after)).map((part, index) => <Part key={index} {...part} />)}</pre>;
}

const Lines = ({ text }) => (text || "Nothing.").slice(0, LONGEST);

const MARKS = { removed: "−", added: "+", same: " " };

function Part({ kind, lines, hidden }) {
  if (hidden) return <span className="cmp-hidden">{`⋯ ${hidden} equal ${hidden === 1 ? "line" : "lines"}\n`}</span>;
  return <span className={`cmp-${kind}`}>{lines.map((line) => `${MARKS[kind]} ${line}\n`).join("")}</span>;
}

/** The parts of a difference, with long equal stretches cut down to what is around changes. */
function folded(parts) {
  return parts.flatMap(({ value, added, removed }, index) => {
    const lines = value.replace(/\n$/, "").split("\n");
    if (added || removed) return [{ kind: added ? "added" : "removed", lines }];
    const head = index === 0 ? 0 : AROUND;
    const tail = index === parts.length - 1 ? 0 : AROUND;
    if (lines.length <= head + tail + 1) return [{ kind: "same", lines }];
    return [
      ...(head ? [{ kind: "same", lines: lines.slice(0, head) }] : []),
      { hidden: lines.length - head - tail },
      ...(tail ? [{ kind: "same", lines: lines.slice(-tail) }] : []),
    ];
  });
}
