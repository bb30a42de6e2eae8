// What is wrong with the flow: the list in the side panel, the rule behind each problem, and the mark of a folded cell.
import { memo, useEffect, useState } from "react";
import { request } from "../api.js";
import { cellNode, perform, select } from "./commands.js";
import { useFact, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { openSettings } from "./settings.jsx";
import { formOfField } from "./settings.js";

const toneOf = (severity) => (severity === "error" ? "bad" : "stale");
const isOfCode = (problem) => Boolean(problem.line) && !problem.field && problem.pointer?.endsWith("/content");

/** The problems that a line of a cell's own code has. */
export const codeProblems = (cell) => (cell.problems ?? []).filter(isOfCode);

export function Problems({ problems }) {
  const store = useStore();
  if (!problems.length) return <p className="nb-empty nb-pad">No problems. Wires, ids and code are checked as you type.</p>;
  const sorted = [...problems].sort((a, b) => (a.severity === "error" ? 0 : 1) - (b.severity === "error" ? 0 : 1));
  return (
    <ul className="nb-problems">
      {sorted.map((problem) => (
        <li key={`${problem.rule} ${problem.pointer} ${problem.message}`}>
          <button type="button" className="nb-problem" onClick={() => jump(store, problem)}>
            <span className="nb-problem-icon" data-tone={toneOf(problem.severity)}><Glyph name={problem.severity === "error" ? "cross" : "warn"} size={13} /><span className="nb-sr">{problem.severity}</span></span>
            <span>
              {problem.step_id && <span className="nb-chip nb-chip-fixed">{problem.step_id}</span>} {problem.message}
              {problem.hint && <small>{problem.hint}</small>}
            </span>
          </button>
          <Rule ws={store.ws} rule={problem.rule} />
        </li>
      ))}
    </ul>
  );
}

/** To the place of a problem: its field, its line, its form of settings, or its cell. Folded cells around it are unfolded. */
function jump(store, problem) {
  const id = problem.step_id && store.cellOfStep(problem.step_id);
  store.set("sidebar", { ...store.get("sidebar"), open: false });
  const own = id ? null : formOfField(problem.field, null);
  if (own) openSettings(store, null, own);
  if (!id) return document.querySelector("[data-input-cell]")?.scrollIntoView({ block: "start" });
  unfold(store, id);
  select(store, id);
  const form = formOfField(problem.field, store.cell(id)?.kind);
  if (form) return openSettings(store, id, form);
  const look = () => {
    if (isOfCode(problem)) cellNode(id)?.querySelector(".nb-code")?.dispatchEvent(new CustomEvent("nb-focus", { detail: { line: problem.line } }));
    else if (problem.field) cellNode(id)?.querySelector(`[data-field="${CSS.escape(problem.field)}"] :is(textarea, input, select)`)?.focus();
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
  return undefined;
}

function unfold(store, id) {
  const folded = [];
  for (let cell = store.cell(id); cell; cell = cell.parent && store.cell(cell.parent)) if (cell.collapsed) folded.push(cell.id);
  if (folded.length) store.do(...folded.map((cell) => ({ op: "set_beside", cell, key: "collapsed", value: false })));
}

// ---------------------------------------------------------------- rules

const texts = new Map(); // by rule: they are the same for everybody, and change with the version only

/** The id of a rule; opened, it says why and what to do, in the words of the documentation. */
function Rule({ ws, rule }) {
  const [open, setOpen] = useState(false);
  const known = rule.startsWith("assistant.") ? null : rule;
  if (!known) return <small className="nb-rule">{rule}</small>;
  return (
    <>
      <button type="button" className="nb-rule" aria-expanded={open} title="What this rule says" onClick={() => setOpen(!open)}>
        <Glyph name={open ? "down" : "info"} size={11} /> {rule}
      </button>
      {open && <RuleText ws={ws} rule={rule} />}
    </>
  );
}

function RuleText({ ws, rule }) {
  const [text, setText] = useState(texts.get(rule) ?? null);
  const [failed, setFailed] = useState("");
  useEffect(() => {
    if (text) return undefined;
    const asked = new AbortController();
    request("GET", `/api/w/${encodeURIComponent(ws)}/lint_rules/${encodeURIComponent(rule)}`, { signal: asked.signal }).then(
      (found) => (texts.set(rule, found.text), setText(found.text)),
      (error) => asked.signal.aborted || setFailed(error.message),
    );
    return () => asked.abort();
  }, [rule]);
  return (
    <div className="nb-rule-text" role="region" aria-label={`Rule ${rule}`} aria-busy={!text && !failed}>
      {text?.split("\n\n").map((paragraph, index) => <p key={index}>{marked(paragraph)}</p>)}
      {failed && <p>{failed}</p>}
    </div>
  );
}

const MARKS = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)]+\))/;

/** The few marks of Markdown that the texts use; a link is its words, since it leads to a file beside the documentation. */
function marked(text) {
  return text.split(MARKS).map((part, index) => {
    if (part.startsWith("`")) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <b key={index}>{part.slice(2, -2)}</b>;
    if (part.startsWith("*")) return <em key={index}>{part.slice(1, -1)}</em>;
    return part.startsWith("[") ? part.slice(1, part.indexOf("]")) : part;
  });
}

// ---------------------------------------------------------------- folded cells

/** How many problems a folded cell hides, those of the cells in it included. */
export const FoldedProblems = memo(function FoldedProblems({ id, step }) {
  const store = useStore();
  const found = useFact("problems", (problems) => hidden(store, id, problems ?? []));
  if (!found) return null;
  const [tone, count] = found.split(" ");
  const words = `${count} ${count === "1" ? "problem" : "problems"} in ${step}`;
  return (
    <button type="button" className="nb-folded-problems" data-tone={tone} aria-label={words} title={words} onClick={() => perform(store, "problems")}>
      <Glyph name={tone === "bad" ? "cross" : "warn"} size={12} /> {count}
    </button>
  );
});

function hidden(store, id, problems) {
  const inside = problems.filter((problem) => problem.step_id && isInside(store, store.cellOfStep(problem.step_id), id));
  if (!inside.length) return "";
  return `${inside.some((problem) => problem.severity === "error") ? "bad" : "stale"} ${inside.length}`;
}

function isInside(store, cell, id) {
  for (let here = cell; here; here = store.cell(here)?.parent) if (here === id) return true;
  return false;
}
