// All fixed values by cell. Read from the cells themselves, so an edit here and an edit in the cell are the same edit.
import { memo, useState } from "react";
import { connectField, select } from "./commands.js";
import { duplicates, fixedFor, sameElsewhere, toFixed, toFlowConstant, toFlowInput } from "./constants.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { StaticInput } from "./inputs.jsx";
import { MenuButton } from "./ui.jsx";
import { isReference, textOf } from "./values.js";

export function StaticInputs() {
  const order = useKey("order") ?? [];
  const [query, setQuery] = useState("");
  const wanted = query.trim().toLowerCase();
  return (
    <>
      <label className="nb-find">
        <Glyph name="search" size={13} />
        <input type="search" data-autofocus="" aria-label="Find an input" placeholder="Find an input" value={query} onChange={(event) => setQuery(event.target.value)} />
      </label>
      <FindDuplicates />
      {order.map((id) => <StaticGroup key={id} id={id} query={wanted} />)}
      <FromTheFlow query={wanted} />
      <p className="nb-empty nb-pad nb-only-empty">{query ? `No fixed value is called “${query}”.` : "No fixed values. When an input of a cell is typed in rather than connected, it is listed here."}</p>
    </>
  );
}

const matches = (query, cell, input, text) => !query || `${input.field} ${cell.step_id} ${cell.title} ${text}`.toLowerCase().includes(query);

const isFixed = (input) => input.type === "static" || input.type === null || input.type === undefined;

const Title = ({ cell }) => {
  const store = useStore();
  return <h2><button type="button" onClick={() => select(store, cell.id)}><span className="nb-chip nb-chip-fixed">{cell.step_id}</span><span>{cell.title || "Untitled"}</span></button></h2>;
};

const StaticGroup = memo(function StaticGroup({ id, query }) {
  const cell = useKey(`cell:${id}`);
  const inputs = (cell?.inputs ?? []).filter(isFixed);
  const shown = inputs.filter((input) => matches(query, cell, input, textFor(input.value)));
  if (!shown.length) return null;
  return (
    <section className="nb-group" aria-label={`${cell.step_id} ${cell.title}`}>
      <Title cell={cell} />
      {shown.map((input) => <StaticField key={input.field} cell={cell} input={input} />)}
    </section>
  );
});

function StaticField({ cell, input }) {
  const store = useStore();
  const [together, setTogether] = useState(null); // the places that change along with this one
  const { field } = input;
  const secret = input.secret || isReference(input.value);
  const here = { cell: cell.id, field };
  const stage = (value) => {
    for (const place of [here, ...(together ?? [])]) store.stage(`input:${place.cell}:${place.field}`, { op: "set_input", ...place, transform: { type: "static", value } });
  };
  return (
    <div className="nb-side-field" data-menu="">
      <span className="nb-field" title={field}>{field}{secret && <span className="nb-secret" title="A reference: the value itself is never shown"> ref</span>}</span>
      <span className="nb-side-value">
        <StaticInput input={input} label={`${field} of ${cell.step_id}`} missing={input.required && input.value == null} onStage={stage} onUnset={() => store.do({ op: "set_input", ...here, transform: null })} onExpression={(expr) => store.do({ op: "set_input", ...here, transform: { type: "javascript", expr } })} />
        {together && <span className="nb-hint">Changes {together.map((place) => `${store.cell(place.cell)?.step_id}.${place.field}`).join(", ")} too</span>}
      </span>
      <MenuButton label={`More for ${cell.step_id}.${field}`} items={() => fieldMenu(store, here, input, secret, together, setTogether)} />
    </div>
  );
}

function fieldMenu(store, here, input, secret, together, setTogether) {
  const same = together ?? sameElsewhere(store, here.cell, input);
  const unset = input.value === undefined || input.value === null;
  const turn = (make, places) => () => {
    setTogether(null);
    const expr = make(store, input, places);
    store.toastDone({ text: `${input.field} is now ${expr}` });
  };
  const cannot = secret || unset || input.truncated;
  return [
    { label: "Propose wires for this field", icon: "plug", run: () => connectField(store, here.cell, here.field) },
    { label: "Make it an input of the flow", icon: "down", disabled: cannot, run: turn(toFlowInput, [here]) },
    { label: "Make it a constant of the flow", icon: "pin", disabled: cannot, run: turn(toFlowConstant, [here]) },
    same.length > 0 && "-",
    same.length > 0 && { label: `Change all ${same.length + 1} with this value together`, checked: Boolean(together), run: () => setTogether(together ? null : same) },
    same.length > 0 && { label: `One input of the flow for all ${same.length + 1}`, icon: "down", disabled: cannot, run: turn(toFlowInput, [here, ...same]) },
    same.length > 0 && { label: `One constant of the flow for all ${same.length + 1}`, icon: "pin", disabled: cannot, run: turn(toFlowConstant, [here, ...same]) },
  ];
}

/** Offered where there is a fixed value, and as long as what it found is in sight. */
function FindDuplicates() {
  const store = useStore();
  const [equal, setEqual] = useState(false);
  useKey("counts"); // comes with each edit
  const any = (useKey("order") ?? []).some((id) => store.cell(id)?.inputs?.some(isFixed));
  if (!any && !equal) return null;
  return (
    <>
      <button type="button" className="nb-btn nb-find-equal" aria-expanded={equal} onClick={() => setEqual(!equal)}><Glyph name="copy" size={12} /> Find duplicates</button>
      {equal && <Duplicates />}
    </>
  );
}

/** Values that stand in several places: one press makes each of them one value of the flow. */
function Duplicates() {
  const store = useStore();
  useKey("order");
  useKey("input");
  useKey("flow_settings");
  useKey("counts"); // comes with each edit
  const found = duplicates(store);
  const turn = (make, { input, places }) => () => {
    const expr = make(store, input, places);
    document.querySelector(".nb-find-equal")?.focus(); // what was pressed is gone
    store.toastDone({ text: `${places.length} inputs are now ${expr}` });
  };
  return (
    <section className="nb-group nb-equal" aria-label="Duplicates">
      <h2>Duplicates</h2>
      {!found.length && <p className="nb-faint" role="status">No value stands in two places. Short ones, such as true, 10 or an empty text, are not counted.</p>}
      {found.map((each) => {
        const text = textFor(each.input.value);
        return (
          <div key={text} className="nb-equal-value" role="group" aria-label={`${text.slice(0, 80)}, in ${each.places.length} places`}>
            <code title={text.slice(0, 2000)}>{text.slice(0, 200)}</code>
            <p className="nb-faint">{each.places.map(({ cell, field }, index) => <span key={`${cell}:${field}`}>{index > 0 && ", "}<button type="button" className="nb-link" onClick={() => select(store, cell)}>{store.cell(cell).step_id}.{field}</button></span>)}</p>
            <div className="nb-actions">
              <button type="button" className="nb-btn" title="Who runs the flow is asked for it; this is its default" onClick={turn(toFlowInput, each)}>One input of the flow</button>
              <button type="button" className="nb-btn" title="Nobody who runs the flow is asked for it" onClick={turn(toFlowConstant, each)}>One constant</button>
            </div>
          </div>
        );
      })}
    </section>
  );
}

/** What only hands on an input or a constant of the flow: it can be made a fixed value again. */
function FromTheFlow({ query }) {
  const store = useStore();
  const order = useKey("order") ?? [];
  useKey("input");
  useKey("flow_settings");
  useKey("counts"); // comes with each edit
  const rows = order.flatMap((id) => (store.cell(id).inputs ?? []).map((input) => ({ cell: store.cell(id), input, fixed: fixedFor(store, input) })))
    .filter(({ cell, input, fixed }) => fixed && matches(query, cell, input, input.expr));
  if (!rows.length) return null;
  return (
    <section className="nb-group" aria-label="From the flow">
      <h2>From the flow</h2>
      {rows.map(({ cell, input, fixed }) => (
        <div key={`${cell.id}:${input.field}`} className="nb-side-field" data-menu="">
          <span className="nb-field" title={input.field}>{cell.step_id}.{input.field}</span>
          <code className="nb-wire" title={`= ${textOf(fixed.value, "json")}`}>{input.expr}</code>
          <button type="button" className="nb-icon" aria-label={`Make ${cell.step_id}.${input.field} a fixed value`} title={`Make it a fixed value: ${textOf(fixed.value, "json") || "nothing"}`} onClick={() => toFixed(store, cell.id, input.field, fixed.value)}><Glyph name="text" size={13} /></button>
        </div>
      ))}
    </section>
  );
}

const textFor = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? "");
