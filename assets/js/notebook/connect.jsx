// Proposed wires: for one field, for a cell, or for all cells of the flow. Nothing changes before a row is accepted.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { acceptance, acceptText, groupsOf, isAwaited, isSound, keyOf, rowsOf, stateOf } from "./connect_rows.js";
import { Sent } from "./connect_sent.jsx";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { typeWord } from "./values.js";

export function Connect() {
  const store = useStore();
  const side = useKey("sidebar");
  const selected = useKey("selected");
  const id = side.cell && store.cell(side.cell) ? side.cell : selected;
  const cell = useKey(`cell:${id}`);
  useEffect(() => {
    if (side.cell && side.cell !== selected) store.set("sidebar", { ...store.get("sidebar"), cell: null, field: "" });
  }, [selected]);
  const field = cell?.inputs?.some((input) => input.field === side.field) ? side.field : "";
  const show = (more) => store.set("sidebar", { ...store.get("sidebar"), whole: false, field: "", ...more });
  return (
    <>
      <div className="seg nb-connect-scope" role="group" aria-label="What to connect">
        {field && !side.whole && <button type="button" aria-pressed="true"><code>{field}</code></button>}
        <button type="button" aria-pressed={!side.whole && !field} disabled={!cell} onClick={() => show({ cell: id })}>{cell ? <>Cell <code>{cell.step_id}</code></> : "Cell"}</button>
        <button type="button" aria-pressed={Boolean(side.whole)} onClick={() => show({ whole: true })}>Whole flow</button>
      </div>
      {side.whole ? (
        <Proposals key="flow" scope={WHOLE} asked={side.at} />
      ) : cell?.inputs?.length ? (
        <OfCell key={`${id} ${field}`} cell={cell} field={field} asked={side.at} />
      ) : (
        <p className="nb-empty nb-pad">{cell ? `${cell.step_id} takes no inputs.` : "Select a cell to see what its inputs could be connected to."}</p>
      )}
    </>
  );
}

const WHOLE = { whole: true };

function OfCell({ cell, field, asked }) {
  const scope = useMemo(() => (field ? { cell: cell.id, field } : { cell: cell.id }), [cell.id, field]);
  return <Proposals scope={scope} of={cell} asked={asked} />;
}

function Proposals({ scope, of, asked }) {
  const store = useStore();
  const [answer, setAnswer] = useState(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(() => new Set());
  const decidedNow = useRef(done);
  decidedNow.current = done;
  const turn = useRef(0);
  const waiting = useRef(null);
  useKey("order");
  useEffect(() => () => waiting.current?.abort(), []); // who leaves the panel waits for no model
  const ask = useCallback(async (useModel) => {
    const mine = (turn.current += 1);
    waiting.current?.abort();
    const { signal } = (waiting.current = new AbortController());
    setBusy(useModel ? "model" : "matcher");
    const before = decidedNow.current;
    try {
      await store.settled();
      const found = await store.ask("POST", "connect", { json: { ...scope, use_model: useModel }, signal });
      const order = store.get("order") ?? [];
      if (mine === turn.current) setAnswer({ notice: found.notice, items: rowsOf(found, (item) => order.indexOf(item.cell)) }), setDone((now) => new Set([...now].filter((key) => !before.has(key)))); // what was decided meanwhile stays so
    } catch (error) {
      if (mine === turn.current && !signal.aborted) setAnswer({ items: [], notice: `${error.message} ${error.hint ?? ""}` });
    }
    if (mine === turn.current) setBusy(false);
  }, [scope]);
  useEffect(() => {
    ask(false);
  }, [ask, asked]);
  const stop = () => {
    turn.current += 1;
    waiting.current?.abort();
    setBusy(false);
  };
  const open = (answer?.items ?? []).filter((item) => !done.has(keyOf(item)) && store.cell(item.cell));
  const box = useRef(null);
  useEffect(() => {
    // the keyboard came here for the proposals, or stood on one that is decided now
    const panel = box.current.closest("[role=tabpanel]");
    const here = document.activeElement === panel || (done.size > 0 && document.activeElement === document.body);
    if (here) (box.current.querySelector(".nb-yes:not(:disabled)") ?? panel).focus();
  }, [answer, done]);
  // the button that was pressed goes with its choice; the row stays, and so does the keyboard
  const chooseIn = (row, item, expr) => {
    choose(item, expr);
    requestAnimationFrame(() => row.querySelector(".nb-yes")?.focus());
  };
  const decided = (items) => setDone(new Set([...done, ...items.map(keyOf)]));
  const accept = (items) => {
    const { ops, refused } = acceptance(items, store.get("input")?.schema);
    const taken = items.filter((item) => !refused.includes(item));
    if (refused.length) store.toast({ text: `The flow has another input called ${refused[0].input.name} by now`, hint: "Ask again for proposals.", tone: "bad" });
    if (!taken.length) return;
    store.do(...ops);
    decided(taken);
    store.announce(`Connected ${taken.map((item) => item.field).join(", ")}`);
  };
  const choose = (item, expr) => {
    const chosen = { ...item, kind: "wire", expr, evaluated: null, pending: true, why: "your choice", source: "", input: undefined };
    const put = (from, to) => setAnswer((now) => now && { ...now, items: now.items.map((other) => (other === from ? to : other)) });
    put(item, chosen);
    const settle = (evaluated) => put(chosen, { ...chosen, evaluated, valid: evaluated.ok ? !evaluated.problem : evaluated.fails ? false : null, pending: false });
    store.ask("POST", "preview", { json: { cell: item.cell, field: item.field, expr } }).then(settle, (error) => settle({ ok: false, text: `Not evaluated: ${error.message}` }));
  };
  const sound = open.filter(isSound);
  const names = [...new Set(sound.filter((item) => item.kind === "input").map((item) => item.input.name))].filter((name) => !(name in (store.get("input")?.schema?.properties ?? {})));
  const name = scope.whole ? "the whole flow" : `${scope.field ? `${scope.field} of ` : ""}${of.step_id}`;
  return (
    <section ref={box} className="nb-connect" aria-busy={Boolean(busy)} aria-label={`Proposed wires for ${name}`}>
      {answer?.notice && <p className="nb-notice"><Glyph name="info" size={13} /> {answer.notice}</p>}
      {!answer && <div className="nb-skeleton" aria-hidden="true"><i style={{ width: "80%" }} /><i style={{ width: "60%" }} /></div>}
      {answer && !open.length && (done.size > 0 || !answer.notice) && <p className="nb-empty">{done.size ? "All proposals are decided." : "Nothing earlier fits by name and type."}</p>}
      {groupsOf(open).map((group) => (
        <section key={group.cell} aria-label={`${group.step} ${group.title}`}>
          <h2><span className="nb-chip nb-chip-fixed">{group.step}</span><span>{group.title || "Untitled"}</span></h2>
          <ul className="nb-proposals">
            {group.items.map((item) => <Row key={item.field} item={item} of={scope.whole ? ` of ${item.step}` : ""} onAccept={() => accept([item])} onRefuse={() => decided([item])} onChoose={(row, expr) => chooseIn(row, item, expr)} />)}
          </ul>
        </section>
      ))}
      <footer>
        {sound.length > 0 && <button type="button" className="nb-btn" data-primary onClick={() => accept(sound)}>{acceptText(sound.length, open.length)}</button>}
        {busy === "model" ? (
          <button type="button" className="nb-btn" onClick={stop}><Glyph name="stop" size={12} /> Stop</button>
        ) : (
          <button type="button" className="nb-btn" disabled={Boolean(busy)} onClick={() => ask(true)}>Ask the model</button>
        )}
        {names.length > 0 && sound.length > 1 && <span className="nb-faint">with {names.length === 1 ? `the new flow input ${names[0]}` : `${names.length} new flow inputs: ${names.join(", ")}`}</span>}
      </footer>
      <Sent scope={scope} />
    </section>
  );
}

const SAID = { valid: "valid", wrong: "does not fit", unknown: "not known before a run" };
const MARKS = { valid: "check", wrong: "cross", unknown: "info" };

function Row({ item, of, onAccept, onRefuse, onChoose }) {
  const cell = useKey(`cell:${item.cell}`);
  const schema = useKey("input")?.schema;
  const old = presentOf(cell?.inputs?.find((input) => input.field === item.field));
  const state = stateOf(item);
  const fresh = item.kind === "input";
  const there = fresh && item.input.name in (schema?.properties ?? {}); // accepted with another row
  const what = `${item.field}${of}${fresh ? `, new flow input ${item.input.name}` : ""}`;
  return (
    <li data-kind={fresh ? "input" : "wire"} data-state={state}>
      <span className="nb-proposal">
        <code>{item.field}</code>
        <span className="nb-old-new">
          {old && old !== item.expr ? <del title="what it is now">{old}</del> : <span className="nb-faint">not set</span>}
          <span aria-label="becomes">→</span>
          {fresh ? <span><span className="nb-fresh">{there ? "flow input" : "new flow input"}</span> <code className="nb-wire">{item.input.name}</code></span> : item.expr ? <code className="nb-wire">{item.expr}</code> : <span className="nb-faint">which one?</span>}
        </span>
      </span>
      <span className="nb-yn">
        <button type="button" className="nb-yes" aria-label={`Accept ${what}`} title="Accept" disabled={!item.expr} onClick={onAccept}><Glyph name="check" /></button>
        <button type="button" className="nb-no" aria-label={`Refuse ${what}`} title="Refuse" onClick={onRefuse}><Glyph name="cross" /></button>
      </span>
      <span className="nb-why">
        {MARKS[state] && <span className="nb-valid" data-state={state} title={SAID[state]}><Glyph name={MARKS[state]} size={11} /><span className="nb-sr">{SAID[state]}: </span></span>}
        {(fresh || isAwaited(item)) && <span>{fresh ? `${typeWord(item.input.schema)}; ` : ""}asked for when the flow runs</span>}
        {item.evaluated && <span className="nb-now" data-ok={item.evaluated.ok && !item.evaluated.problem}>{item.evaluated.ok ? `= ${item.evaluated.text}` : item.evaluated.text}</span>}
        {item.evaluated?.problem && <span className="nb-misfit">{item.evaluated.problem}</span>}
        {item.why && <span>{item.why}</span>}
        {item.source === "model" && <span className="nb-by"><Glyph name="sparkle" size={11} /> model</span>}
      </span>
      {item.alternatives?.length > 0 && (
        <span className="nb-alternatives">
          {item.expr ? "or" : ""} {item.alternatives.filter((expr) => expr !== item.expr).slice(0, 4).map((expr) => <button key={expr} type="button" className="nb-link" onClick={(event) => onChoose(event.currentTarget.closest("li"), expr)}><code>{expr}</code></button>)}
        </span>
      )}
    </li>
  );
}

/** What a field has now, as text; "" where that is nothing. */
function presentOf(input) {
  if (input?.type === "javascript") return input.expr;
  return input?.value !== undefined && input?.value !== null ? JSON.stringify(input.value) : "";
}
