// The assistant: a question about the flow, or a wish. Changes come as proposals with their difference, taken one by one or not at all.
import { useEffect, useState } from "react";

import { postEvents } from "../api.js";
import { CodeDiff } from "./code_diff.jsx";
import { perform, select } from "./commands.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { EDITORS } from "./reduce.js";
import { useSent } from "./sent.js";

const LINE = 18;
const MOST_LINES = 14;

/** What is asked with one press. `needs` says of the selected cell, and of what the panel is ready to be asked for, whether it makes sense. */
const QUICK = [
  { label: "Fix the error", mode: "edit", text: "Fix the error of this step.", needs: (_cell, state) => state?.kind === "failed" },
  { label: "Explain this cell", mode: "ask", text: "Explain what this step does, and what it gives.", needs: (cell) => Boolean(cell) },
  { label: "Make sample data for this cell", mode: "result", text: "", needs: (cell, _state, asked) => Boolean(cell) && asked !== "result" },
  { label: "Name the cells", mode: "edit", text: "Give every step without a good title a short one." },
];

/** What the panel can be asked for: the words of its switch, of its field and of its button. Sample data may be asked for without words, and
 * are for the flow input or for a cell's result, which becomes a stand-in of the cell. */
const MODES = {
  ask: { label: "Ask", placeholder: "What would you like to know?", go: "Ask" },
  edit: { label: "Propose changes", placeholder: "What should change? Nothing does before you accept it.", go: "Propose" },
  sample: { label: "Sample data", placeholder: "A sample of the flow input: what should it be a case of? May stay empty.", go: "Make sample data", wordless: true },
  result: { placeholder: "A sample of the cell's result: what should it be a case of? May stay empty.", go: "Make sample data", wordless: true },
};

const EMPTY = { text: "", mode: "edit", busy: false, growing: "", stopped: false, answer: null, taken: [], asked: "" };

export function Assistant() {
  const store = useStore();
  const all = useKey("assistant") ?? EMPTY;
  const selected = useKey("selected");
  const cell = useKey(`cell:${selected}`);
  const state = useKey(`state:${selected}`);
  const ask = (instruction, mode) => askModel(store, { instruction, mode, cell: cell?.id ?? "" });
  const set = (part) => change(store, part);
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    ask(all.text, all.mode);
  };
  return (
    <section className="nb-assist" aria-label="Assistant" aria-busy={all.busy}>
      <div className="seg" role="group" aria-label="What the assistant may do">
        {Object.entries(MODES).map(([mode, { label }]) => label && <button key={mode} type="button" aria-pressed={all.mode === mode || (mode === "sample" && all.mode === "result")} onClick={() => set({ mode })}>{label}</button>)}
      </div>
      <textarea data-autofocus="" className="nb-input nb-assist-text" rows={3} maxLength={4000} aria-label="Question or wish" placeholder={MODES[all.mode].placeholder} value={all.text} onChange={(event) => set({ text: event.target.value })} onKeyDown={onKeyDown} />
      <div className="nb-assist-acts">
        {isSample(all.mode) ? <Target cell={cell} mode={all.mode} onChange={(mode) => set({ mode })} /> : <span className="nb-faint">{cell ? <>about <span className="nb-chip nb-chip-fixed">{cell.step_id}</span> and the flow</> : "about the flow"}</span>}
        {all.busy ? (
          <button type="button" className="nb-btn" onClick={() => store.asking?.abort()}><Glyph name="stop" size={12} /> Stop</button>
        ) : (
          <button type="button" className="nb-btn" data-primary disabled={(!all.text.trim() && !MODES[all.mode].wordless) || (all.mode === "result" && !cell)} onClick={() => ask(all.text, all.mode)}>{MODES[all.mode].go}</button>
        )}
      </div>
      {!all.busy && (
        <div className="nb-assist-quick">
          {QUICK.filter(({ needs }) => !needs || needs(cell, state, all.mode)).map(({ label, mode, text }) => <button key={label} type="button" className="nb-btn nb-small" onClick={() => ask(text, mode)}>{label}</button>)}
          <button type="button" className="nb-btn nb-small" onClick={() => perform(store, "connect_flow")}>Connect all inputs</button>
        </div>
      )}
      <Sent key={`${selected} ${all.mode}`} cell={cell} text={all.text} mode={all.mode} />
      {(all.busy || all.stopped) && <Growing {...all} />}
      {all.answer && <Answer asked={all.asked} answer={all.answer} taken={all.taken} onTaken={(taken) => set({ taken })} />}
    </section>
  );
}

/** Show the panel ready to be asked for a sample of the flow input, or of a cell's result. Nothing is sent yet, and proposals that nobody has decided stay. */
export function askForSample(store, cell) {
  if (cell) select(store, cell, { focus: false });
  if (!store.get("assistant")?.busy) change(store, { mode: cell ? "result" : "sample", stopped: false });
  perform(store, "assistant");
}

const isSample = (mode) => mode === "sample" || mode === "result";

/** What the sample is for. The selected cell is one of two; without one there is no choice but to select one. */
function Target({ cell, mode, onChange }) {
  if (!cell) return <span className="nb-faint">{mode === "result" ? "Select the cell that it is for." : "for the flow input"}</span>;
  return (
    <label className="nb-faint nb-assist-for">for
      <select className="nb-input nb-select nb-boxed" aria-label="Sample data for" value={mode} onChange={(event) => onChange(event.target.value)}>
        <option value="sample">the flow input</option>
        <option value="result">the result of {cell.step_id}</option>
      </select>
    </label>
  );
}

function change(store, part) {
  store.set("assistant", { ...(store.get("assistant") ?? EMPTY), ...part });
}

/** Ask, and show the message while it grows. What is under way belongs to the page, not to the panel, which may be closed meanwhile. */
async function askModel(store, { instruction, mode, cell }) {
  if ((!instruction.trim() && !MODES[mode].wordless) || (mode === "result" && !cell)) return;
  store.asking?.abort();
  const abort = (store.asking = new AbortController());
  const mine = () => abort === store.asking;
  const failed = (message) => change(store, { busy: false, answer: { message: "", proposals: [], notice: message } });
  change(store, { busy: true, growing: "", stopped: false, answer: null, taken: [], asked: instruction || MODES[mode].go, mode });
  let answer = null;
  try {
    await store.settled();
    await postEvents(`${store.base}/assist`, { instruction, mode, cell, stream: true }, (event) => {
      if (event.type === "answer") answer = event;
      else if (event.type === "text" && mine()) change(store, { growing: store.get("assistant").growing + event.text });
    }, { signal: abort.signal });
    if (!mine()) return;
    if (!answer) failed("The answer broke off: the server stopped. Try again.");
    else change(store, { answer, busy: false, ...(answer.message || answer.proposals.length ? { text: "" } : {}) });
  } catch (error) {
    if (!mine()) return;
    if (error.name === "AbortError") change(store, { busy: false, stopped: true });
    else failed(`${error.message} ${error.hint ?? ""}`.trim());
  }
}

/** What the model has written so far: only words. Changes are shown when they are checked. */
function Growing({ asked, growing, stopped, mode }) {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    if (stopped) return undefined;
    const timer = setInterval(() => setSeconds((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [stopped]);
  return (
    <>
      <p className="nb-assist-asked">{asked}</p>
      {growing && <p className="nb-assist-says" data-growing={!stopped || undefined}>{growing}</p>}
      {stopped ? (
        <p className="nb-notice" role="status"><Glyph name="stop" size={12} /> <span>Stopped. {growing ? "What stands above is not the whole answer." : "Nothing was answered yet."} {mode !== "ask" && "Nothing has changed."}</span></p>
      ) : (
        <>
          {!growing && <div className="nb-skeleton"><i style={{ width: "85%" }} /><i style={{ width: "60%" }} /></div>}
          <p className="nb-faint nb-assist-cost"><span role="status">{growing ? ({ ask: "Writing", edit: "Writing; changes come when they are checked", sample: "Writing; the sample comes when it is checked", result: "Writing; the sample comes when it is checked" }[mode]) : "The model is at work"}</span> <span className="num" aria-hidden="true">{seconds} s</span></p>
        </>
      )}
    </>
  );
}

/** Everything that would leave for the model, word by word, before anything does. */
function Sent({ cell, text, mode }) {
  const store = useStore();
  const [open, setOpen] = useState(false);
  const json = { instruction: text.trim() || (MODES[mode].wordless ? "" : "…"), mode, cell: cell?.id ?? "", dry: true };
  const sent = useSent(open, (signal) => store.ask("POST", "assist", { json, signal }), (error) => ({ sent: error.message }), JSON.stringify(json));
  return (
    <details className="nb-assist-sent" onToggle={(event) => setOpen(event.target.open)}>
      <summary>What is sent{sent?.model ? ` to ${sent.model} at ${sent.server}, about ${sent.tokens.toLocaleString("en")} tokens` : ""}</summary>
      {sent && <pre tabIndex={0}>{sent.sent}</pre>}
    </details>
  );
}

function Answer({ asked, answer, taken, onTaken }) {
  const store = useStore();
  const open = answer.proposals.map((_, index) => index).filter((index) => !taken.includes(index));
  const sound = open.filter((index) => !answer.proposals[index].problems.some((problem) => problem.severity === "error"));
  const accept = (indexes) => {
    store.do(...indexes.flatMap((index) => answer.proposals[index].ops));
    onTaken([...taken, ...indexes]);
    const { step, label } = answer.proposals[indexes.at(-1)];
    store.announce(indexes.length > 1 ? `${indexes.length} changes made` : label);
    if (step) store.settled().then(() => select(store, store.cellOfStep(step), { focus: false }));
  };
  return (
    <>
      <p className="nb-assist-asked">{asked}</p>
      {answer.message && <p className="nb-assist-says" role="status">{answer.message}</p>}
      {answer.notice && <p className="nb-notice" role="alert"><Glyph name="info" size={13} /> <span>{answer.notice}{answer.model === null && <> <a href="/settings">Settings</a></>}</span></p>}
      {answer.proposals.map((proposal, index) => !taken.includes(index) && <Proposal key={index} proposal={proposal} onAccept={() => accept([index])} onRefuse={() => onTaken([...taken, index])} />)}
      {answer.proposals.length > 0 && !open.length && <p className="nb-empty">All proposals are decided.</p>}
      {answer.model && (answer.message || answer.proposals.length > 0) && <p className="nb-faint nb-assist-cost">{costOf(answer)}</p>}
      {sound.length > 1 && <footer><button type="button" className="nb-btn" data-primary onClick={() => accept(sound)}>Accept all {sound.length}{sound.length < open.length ? " without errors" : ""}</button></footer>}
    </>
  );
}

/** Who answered, how long it took, and what it cost where the server says so. */
function costOf({ model, ms, tokens }) {
  return [model, `${(ms / 1000).toFixed(1)} s`, ...(tokens ? [`${tokens.toLocaleString("en")} tokens`] : [])].join(" · ");
}

function Proposal({ proposal, onAccept, onRefuse }) {
  const { label, why, before, after, language, inputs, problems } = proposal;
  const [old, fresh] = [before, after].map((text) => (text ? text.split("\n").length : 0));
  const lines = Math.min(MOST_LINES, (language === "json" ? old + fresh : Math.max(old, fresh)) + 1); // values differ in every line
  return (
    <article className="nb-assist-card" aria-label={label}>
      <header>
        <b>{label}</b>
        <span className="nb-yn">
          <button type="button" className="nb-yes" aria-label={`Accept: ${label}`} title="Accept" onClick={onAccept}><Glyph name="check" /></button>
          <button type="button" className="nb-no" aria-label={`Refuse: ${label}`} title="Refuse" onClick={onRefuse}><Glyph name="cross" /></button>
        </span>
      </header>
      {why && <p className="nb-why">{why}</p>}
      {after !== null && <CodeDiff original={before ?? ""} modified={after} language={EDITORS[language] ?? (language === "json" ? "json" : "plaintext")} height={`${lines * LINE + 8}px`} />}
      {inputs.map(({ field, expr }) => <p key={field} className="nb-proposal"><code>{field}</code> <span aria-label="from">←</span> <code className="nb-wire">{expr}</code></p>)}
      {problems.map((problem, index) => <p key={index} className="nb-row-problem"><Glyph name="warn" size={12} /> {problem.message}</p>)}
    </article>
  );
}
