// Which iteration the cells in a loop show: the last one after a run, any other on request. And running one of them by itself.
import { memo, useContext, useEffect, useRef, useState } from "react";
import { ScrollerContext, useFact, useKey, useStore } from "./context.js";
import { observe } from "./editor.jsx";
import { Glyph } from "./icons.jsx";
import { chosen, itemText, optionText, reach } from "./iteration_choice.js";
import { ACTIVE } from "./mirror.js";
import { descendantsOf } from "./reduce.js";

/** The iteration that the cells in a loop ran by themselves, from 0; null where they ran with all others. */
const alone = (store, id) => descendantsOf(store.view.cells, id).map((inner) => store.get(`state:${inner}`)?.iteration).find(Number.isInteger) ?? null;

/**
 * `at`: null for the last iteration, which is what events bring; others are asked of the server when a person chooses, or have
 * just run by themselves. `per`: what one that is run by itself is for, an `item` or an `index`; null where none can be. How many there were, failed and were reused is asked when the bar comes into view.
 */
export const IterationBar = memo(function IterationBar({ id, step, per, expr }) {
  const store = useStore();
  const active = useFact(`state:${id}`, (state) => ACTIVE.has(state?.kind));
  const run = useFact(`state:${id}`, (state) => (state?.run_number && !["queued", "running"].includes(state.kind) ? state.run_number : 0));
  const [known, setKnown] = useState(null);
  const [at, setAt] = useState(null);
  const [problem, setProblem] = useState("");
  const root = useContext(ScrollerContext);
  const bar = useRef(null);
  useEffect(() => {
    setKnown(null);
    setAt(active ? null : alone(store, id));
    setProblem("");
  }, [run, active, store, id]);
  const some = run > 0 || at !== null; // of a loop that never ran, one may have run by itself
  useEffect(() => {
    if (!some || !bar.current) return undefined;
    let gone = false;
    const ask = () => store.query("iterations", { cell: id }).then((found) => gone || setKnown(found), () => {}); // the next press says what fails
    const stop = observe(root, "0px", bar.current, (seen) => seen && (stop?.(), ask()));
    return () => {
      gone = true;
      stop?.();
    };
  }, [run, some, id, root, store]);
  if (!run && !per) return null;
  const list = async () => {
    if (known) return known;
    const found = await store.query("iterations", { cell: id });
    setKnown(found);
    return found;
  };
  const show = async (pick) => {
    try {
      const found = await list();
      const most = reach(found);
      if (!most) return setProblem("No iteration ran");
      const index = Math.max(0, Math.min(most - 1, pick(at ?? found.total - 1)));
      const answer = await store.query("iterations", { cell: id, index });
      store.showIteration(answer.outputs);
      setAt(index);
      store.announce(`Iteration ${index + 1} of ${most} of ${step}`);
      return setProblem("");
    } catch (error) {
      return setProblem(error.message);
    }
  };
  return (
    <div ref={bar} className="nb-iter" role="group" aria-label={`Iteration of ${step}`}>
      {per && <RunOne {...{ id, step, per, expr, at, active, root }} />}
      {some && <Shown {...{ known, at, show, step }} />}
      {problem && <span className="nb-hint" data-tone="bad">{problem}</span>}
    </div>
  );
});

/** The iteration that the cells show, with a way to each other one. */
function Shown({ known, at, show, step }) {
  const total = known?.total;
  const failed = known?.items.filter((item) => item.status === "failure").length;
  const most = known ? reach(known) : 0;
  return (
    <span className="nb-iter-shown">
      <button type="button" className="nb-icon" aria-label="Previous iteration" disabled={at === 0} onClick={() => show((now) => now - 1)}><Glyph name="left" size={13} /></button>
      {at !== null && most > 0 ? (
        <select className="nb-input nb-select" aria-label={`Iteration of ${step} that is shown`} value={at} onChange={({ target: { value } }) => show(() => Number(value))}>
          {known.items.map((item) => <option key={item.index} value={item.index}>{optionText(item)}</option>)}
          {!known.items.some(({ index }) => index === at) && <option value={at}>{at + 1}</option>}
        </select>
      ) : (
        <button type="button" className="nb-link" onClick={() => show((now) => now)}>last iteration</button>
      )}
      {total > 0 && <span className="nb-faint">of {total}{failed ? `, ${failed} failed` : ""}{known.reused ? `, ${known.reused === total ? "all" : known.reused} reused` : ""}</span>}
      <button type="button" className="nb-icon" aria-label="Next iteration" disabled={known ? at === null || at >= most - 1 : true} onClick={() => show((now) => now + 1)}><Glyph name="right" size={13} /></button>
    </span>
  );
}

/** Running one iteration by itself. What its item is, and how many there are, is that of the list on the results there are now; a while loop has none. */
function RunOne({ id, step, per, expr, at, active, root }) {
  const store = useStore();
  const form = useRef(null); // of its own: one node is observed for one purpose
  const [text, setText] = useState("1");
  const [items, setItems] = useState(null);
  const evaluated = useKey(`evaluated:${id}`)?.iterator;
  const isList = evaluated?.ok && evaluated.type === "array";
  const shown = evaluated?.text;
  const typed = useRef(false); // since the last press: what somebody writes while an iteration runs stays
  useEffect(() => {
    if (at !== null && !typed.current) setText(String(at + 1));
  }, [at]);
  useEffect(() => {
    setItems(null);
    if (!isList || !form.current) return undefined;
    let gone = false;
    const ask = () => store.ask("POST", "preview", { json: { cell: id, field: "iterator", expr } }).then((found) => gone || setItems(found.node ?? null), () => {}); // the run says what fails
    const stop = observe(root, "0px", form.current, (seen) => seen && (stop?.(), ask()));
    return () => {
      gone = true;
      stop?.();
    };
  }, [isList, shown, expr, id, root, store]);
  const count = items?.t === "array" ? items.n : null;
  const choice = chosen(text, count);
  const item = itemText(items, choice.index);
  const hint = choice.problem && text.trim() ? `nb-iter-problem-${id}` : undefined;
  const press = (event) => {
    event.preventDefault();
    if (choice.problem) return store.announce(choice.problem);
    if (active) return store.announce(`${step} is running`);
    typed.current = false;
    return store.run([id], "auto", choice.index);
  };
  return (
    <form ref={form} className="nb-iter-run" onSubmit={press}>
      <label className="nb-faint">
        Iteration <input className="nb-input nb-tiny" inputMode="numeric" aria-label={`Iteration of ${step} to run`} aria-invalid={choice.problem ? true : undefined} aria-describedby={hint} value={text} onChange={(event) => ((typed.current = true), setText(event.target.value))} />
      </label>
      {count !== null && !choice.problem && <span className="nb-faint">of {count}{item === null ? "" : ":"}</span>}
      {item !== null && <code className="nb-iter-item" title="The item of this iteration">{item}</code>}
      {hint && <span id={hint} className="nb-hint" data-tone="bad">{choice.problem}</span>}
      <button type="submit" className="nb-btn nb-small" aria-disabled={active || Boolean(choice.problem) || undefined} title={per === "item" ? "Runs the cells in the loop for this item only; the loop keeps its result" : "Runs the cells in the loop for this iteration only, with its number (from 0) as flow_input.iter.index; none before it has to have run, and the loop keeps its result"}>
        <Glyph name="play" size={11} /> Run this iteration
      </button>
    </form>
  );
}
