// Which iteration the cells in a loop show: the last one after a run, any other on request.
import { memo, useContext, useEffect, useRef, useState } from "react";
import { ScrollerContext, useFact, useStore } from "./context.js";
import { observe } from "./editor.jsx";
import { Glyph } from "./icons.jsx";

/**
 * `at`: null for the last iteration, which is what events bring; others are asked of the server when a person chooses.
 * How many there were, failed and were reused is asked when the bar comes into view.
 */
export const IterationBar = memo(function IterationBar({ id, step }) {
  const store = useStore();
  const run = useFact(`state:${id}`, (state) => (state && state.run_number && !["queued", "running"].includes(state.kind) ? state.run_number : 0));
  const [known, setKnown] = useState(null);
  const [at, setAt] = useState(null);
  const [problem, setProblem] = useState("");
  const root = useContext(ScrollerContext);
  const bar = useRef(null);
  useEffect(() => {
    setKnown(null);
    setAt(null);
    setProblem("");
  }, [run]);
  useEffect(() => {
    if (!run || !bar.current) return undefined;
    let gone = false;
    const ask = () => store.query("iterations", { cell: id }).then((found) => gone || setKnown(found), () => {}); // the next press says what fails
    const stop = observe(root, "0px", bar.current, (seen) => seen && (stop?.(), ask()));
    return () => {
      gone = true;
      stop?.();
    };
  }, [run, id, root]);
  if (!run) return null;
  const list = async () => {
    if (known) return known;
    const found = await store.query("iterations", { cell: id });
    setKnown(found);
    return found;
  };
  const show = async (pick) => {
    try {
      const found = await list();
      if (!found.total) return setProblem("No iteration ran");
      const index = Math.max(0, Math.min(found.total - 1, pick(at ?? found.total - 1)));
      const answer = await store.query("iterations", { cell: id, index });
      store.showIteration(answer.outputs);
      setAt(index);
      store.announce(`Iteration ${index + 1} of ${found.total} of ${step}`);
      return setProblem("");
    } catch (error) {
      return setProblem(error.message);
    }
  };
  const total = known?.total;
  const failed = known?.items.filter((item) => item.status === "failure").length;
  return (
    <div ref={bar} className="nb-iter" role="group" aria-label={`Iteration of ${step}`}>
      <button type="button" className="nb-icon" aria-label="Previous iteration" disabled={at === 0} onClick={() => show((now) => now - 1)}><Glyph name="left" size={13} /></button>
      {at !== null && total > 0 ? (
        <select className="nb-input nb-select" aria-label={`Iteration of ${step} that is shown`} value={at} onChange={({ target: { value } }) => show(() => Number(value))}>
          {known.items.map(({ index, status }) => <option key={index} value={index}>{index + 1}{status === "failure" ? ", failed" : ""}</option>)}
          {at >= known.items.length && <option value={at}>{at + 1}</option>}
        </select>
      ) : (
        <button type="button" className="nb-link" onClick={() => show((now) => now)}>last iteration</button>
      )}
      {total > 0 && <span className="nb-faint">of {total}{failed ? `, ${failed} failed` : ""}{known.reused ? `, ${known.reused === total ? "all" : known.reused} reused` : ""}</span>}
      <button type="button" className="nb-icon" aria-label="Next iteration" disabled={known ? at === null || at >= total - 1 : true} onClick={() => show((now) => now + 1)}><Glyph name="right" size={13} /></button>
      {problem && <span className="nb-hint" data-tone="bad">{problem}</span>}
    </div>
  );
});
