// The inputs of a cell: a row per field with its name, where the value comes from, what it is now, and the plug.
import { memo, useEffect, useId, useRef, useState } from "react";
import { connectField } from "./commands.js";
import { useFact, useKey, useStore } from "./context.js";
import { ExpressionInput } from "./expression.jsx";
import { Glyph } from "./icons.jsx";
import { Picker } from "./picker.jsx";
import { droppable } from "../output/wire_drag.js";
import { References } from "../references.jsx";
import { GrowingText } from "./ui.jsx";
import { asExpression, isExpressionText, isReference, meaningOf, textOf, typeWord, widgetOf } from "./values.js";

export const CellInputs = memo(function CellInputs({ id }) {
  const cell = useKey(`cell:${id}`);
  if (!cell?.inputs?.length) return null;
  return (
    <div className="nb-in" role="group" aria-label={`Inputs of ${cell.step_id}`}>
      {cell.inputs.map((input) => (
        <InputRow key={input.field} cell={id} step={cell.step_id} input={input} problem={worstOf(cell.problems, input.field)} />
      ))}
    </div>
  );
});

const worstOf = (problems = [], field) => problems.find((item) => item.field === field && item.severity === "error") ?? problems.find((item) => item.field === field);

const isMissing = (input) => input.required && (input.type === null || input.type === undefined || (input.type === "javascript" ? !input.expr?.trim() : input.type === "static" && (input.value === undefined || input.value === null)));

const InputRow = memo(function InputRow({ cell, step, input, problem }) {
  const store = useStore();
  const { field, type } = input;
  const expression = type === "javascript";
  const missing = isMissing(input);
  const picker = useFieldPicker(cell, field, expression ? input.expr : "");
  const save = (transform) => store.do({ op: "set_input", cell, field, transform });
  const stage = (transform) => store.stage(`input:${cell}:${field}`, { op: "set_input", cell, field, transform });
  const toggle = () => {
    if (expression) save({ type: "static", value: input.kept?.value ?? null });
    else save({ type: "javascript", expr: input.kept?.expr || asExpression(input.value ?? undefined) });
  };
  const drop = (expr) => {
    if (!store.readersOf(expr).includes(cell)) return store.toast({ text: `${step} cannot read ${expr}`, hint: "A cell reads the results of cells above it.", tone: "bad" });
    save({ type: "javascript", expr });
    store.announce(`${field} of ${step} is now ${expr}`);
  };
  const evaluated = useFact(`evaluated:${cell}`, (all) => JSON.stringify(all?.[field] ?? null));
  const [preview, setPreview] = useState(null);
  useEffect(() => setPreview(null), [evaluated, type]);
  const known = JSON.parse(evaluated);
  const wrong = missing ? null : problem;
  return (
    <div {...droppable(drop)} className="nb-row" data-field={field} data-missing={missing || undefined} data-wrong={wrong?.severity} data-undeclared={input.declared === false || undefined}>
      <span className="nb-field" title={`${field}: ${typeWord(input.schema)}${input.schema?.description ? `. ${input.schema.description}` : ""}`}>
        {field}
        {input.required && !missing && <span className="nb-sr"> (required)</span>}
      </span>
      <span className="nb-source" data-wide={!expression || undefined}>
        {type === "ai" ? (
          <span className="nb-faint">filled by the agent</span>
        ) : expression ? (
          <ExpressionInput cell={cell} field={field} expr={input.expr ?? ""} label={`Expression for ${field} of ${step}`} missing={missing} handle={picker.handle} onStage={(expr) => stage({ type: "javascript", expr })} onPreview={setPreview} />
        ) : (
          <StaticInput input={input} label={`${field} of ${step}`} missing={missing} onStage={(value) => stage({ type: "static", value })} onUnset={() => save(null)} onExpression={(expr) => save({ type: "javascript", expr })} />
        )}
      </span>
      {expression && <Evaluated value={preview ?? known} />}
      <span className="nb-row-tools" data-open={picker.open || undefined}>
        {input.declared === false && (
          <button type="button" className="nb-icon" aria-label={`Remove ${field}, the code does not take it`} title="The code does not take this input. Remove it" onClick={() => save(null)}><Glyph name="trash" size={12} /></button>
        )}
        <button type="button" className="nb-icon" aria-label={expression ? `Make ${field} a fixed value` : `Make ${field} an expression`} title={expression ? "Use a fixed value" : "Use an expression"} aria-pressed={expression} onClick={toggle}>
          <Glyph name={expression ? "text" : "fx"} size={13} />
        </button>
        <button ref={picker.anchor} type="button" className="nb-plug" aria-label={`Connect ${field}`} aria-expanded={picker.open} aria-haspopup="dialog" data-plug={field} onClick={picker.toggle}>
          <Glyph name="plug" size={12} />
          plug
        </button>
      </span>
      {(missing || wrong) && (
        <span className="nb-row-problem">
          <Glyph name="warn" size={12} /> {missing ? `${field} needs a value: type one, or plug in a result` : `${wrong.message} ${wrong.hint}`}
        </span>
      )}
      {picker.open && <Picker cell={cell} field={field} anchor={picker.anchor.current} onConnect={picker.connect(save)} onAppend={expression ? picker.append : null} onPropose={() => (picker.close(), connectField(store, cell, field))} onClose={picker.close} />}
    </div>
  );
});

/** The state of one field's picker: while it is open, the page is in picking mode for that field. */
export function useFieldPicker(cell, field, expr) {
  const store = useStore();
  const anchor = useRef(null);
  const handle = useRef(null);
  const open = useFact("picking", (picking) => picking?.cell === cell && picking?.field === field);
  const close = () => store.set("picking", null);
  const connect = (save) => (text) => {
    close();
    store.unstage(`input:${cell}:${field}`);
    save({ type: "javascript", expr: text });
    store.announce(`${field} is now ${text}`);
  };
  const append = (text) => {
    close();
    handle.current?.insert(text);
  };
  return { anchor, handle, open, expr, close, connect, append, toggle: () => store.set("picking", open ? null : { cell, field }) };
}

/** What the expression gives now: neutral words when nothing has run, never an alarm for that. */
export function Evaluated({ value }) {
  if (!value) return <span className="nb-now" />;
  return (
    <span className="nb-now" data-ok={value.ok} title={value.text}>
      {value.ok ? `= ${value.text}` : value.text}
    </span>
  );
}

/** A fixed value with the widget its schema asks for. Text stays local while typed and is staged on each change. */
export function StaticInput({ input, label, missing, onStage, onUnset, onExpression, emptyText, compact = false }) {
  const [naming, setNaming] = useState(null); // what is typed into a field of references: an object that comes about meanwhile is no reason for another field
  const schema = input.schema ?? {};
  const widget = widgetOf(schema);
  if (input.truncated && naming === null) return <TruncatedValue input={input} label={label} onStage={onStage} />;
  const resource = resourceOf(schema);
  const empty = input.value === undefined || input.value === null || input.value === "";
  if (naming !== null || input.secret || isReference(input.value) || (resource && empty)) return <ReferenceInput {...{ input, label, resource, missing, onStage, onUnset, onExpression }} text={naming} setText={setNaming} />;
  if (widget === "boolean") {
    return (
      <label className="nb-check">
        <input type="checkbox" aria-label={label} checked={input.value === true} ref={(node) => node && (node.indeterminate = input.value === undefined || input.value === null)} onChange={(event) => onStage(event.target.checked)} />
        <span>{input.value === true ? "yes" : input.value === false ? "no" : "not set"}</span>
      </label>
    );
  }
  if (widget === "enum") {
    const chosen = schema.enum.findIndex((option) => option === input.value);
    return (
      <select className="nb-input nb-select" aria-label={label} value={chosen} data-missing={missing || undefined} onChange={(event) => (event.target.value === "-1" ? onUnset() : onStage(schema.enum[Number(event.target.value)]))}>
        <option value={-1}>{schema.default === undefined ? "not set" : `default: ${JSON.stringify(schema.default)}`}</option>
        {schema.enum.map((option, index) => <option key={index} value={index}>{typeof option === "string" ? option : JSON.stringify(option)}</option>)}
      </select>
    );
  }
  return <TextValue key={widget} {...{ input, schema, widget, label, missing, onStage, onUnset, onExpression, emptyText, compact }} />;
}

function TextValue({ input, schema, widget, label, missing, onStage, onUnset, onExpression, emptyText }) {
  const store = useStore();
  const [text, setText] = useState(null);
  const problemId = useId();
  const unset = (input.value ?? null) === null && (missing || !input.type || input.wired === false); // a null that somebody gave is shown
  const shown = text ?? (unset ? "" : textOf(input.value, widget));
  const meaning = text === null ? {} : meaningOf(text, widget, schema);
  const change = (next) => {
    setText(next);
    const result = meaningOf(next, widget, schema);
    if ("value" in result) onStage(result.value);
  };
  const blur = () => {
    if (meaning.unset && input.value !== undefined && input.value !== null) onUnset();
    if (!meaning.problem) setText(null);
    store.flush();
  };
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey) return;
    if (event.altKey) document.execCommand("insertText", false, "\n");
    else if (widget === "json" && shown.includes("\n")) return;
    else store.flush();
    event.preventDefault();
  };
  const placeholder = schema.default !== undefined ? `default: ${JSON.stringify(schema.default)}` : missing ? "" : schema.examples?.[0] !== undefined ? String(schema.examples[0]) : (emptyText ?? "");
  return (
    <>
      <GrowingText className="nb-input" label={label} value={shown} placeholder={placeholder} type={widget === "date" ? "date" : undefined} inputMode={widget === "number" ? "decimal" : undefined} invalid={Boolean(meaning.problem)} describedBy={meaning.problem ? problemId : undefined} missing={missing} onChange={change} onBlur={blur} onKeyDown={onKeyDown} />
      {meaning.problem && <span id={problemId} className="nb-hint" data-tone="bad">{meaning.problem}</span>}
      <AsExpression text={shown} onUse={onExpression && ((expr) => (setText(null), onExpression(expr)))} />
    </>
  );
}

/** What was typed where a fixed value goes reads like an expression: one press makes it one. */
function AsExpression({ text, onUse }) {
  if (!onUse || !isExpressionText(text)) return null;
  return <button type="button" className="nb-hint nb-link" onMouseDown={(event) => event.preventDefault()} onClick={() => onUse(text.trim())}>Use as an expression</button>;
}

function TruncatedValue({ input, label, onStage }) {
  const [replacing, setReplacing] = useState(false);
  if (replacing) return <StaticInput input={{ ...input, truncated: false, value: undefined }} label={label} onStage={onStage} onUnset={() => setReplacing(false)} />;
  return (
    <span className="nb-truncated">
      <code>{String(input.value)}…</code>
      <button type="button" className="nb-link" onClick={() => setReplacing(true)}>Replace</button>
    </span>
  );
}

/** Secrets and resources are named, never shown: only the reference is text. A resource may also be written out as JSON. */
function ReferenceInput({ input, label, resource, missing, onStage, onUnset, onExpression, text, setText }) {
  const store = useStore();
  const list = useId();
  const shown = String(text ?? input.value ?? "");
  const written = (typed) => (resource ? objectIn(typed) : undefined);
  const bad = Boolean(text) && !isReference(text) && !written(text);
  const change = (next) => {
    setText(next);
    const meant = isReference(next) ? next : written(next);
    if (meant) onStage(meant);
  };
  const blur = () => {
    if (text === "" && input.value) onUnset?.();
    if (!bad) setText(null);
    store.flush();
  };
  return (
    <>
      <GrowingText type="text" combobox={{ list }} className="nb-input nb-reference" label={`${label}, a reference`} value={shown} placeholder={resource ? `$res:path of a ${resource} resource` : "$var:u/admin/name or $res:f/team/database"} invalid={bad} missing={missing} onChange={change} onBlur={blur} />
      <References id={list} ws={store.ws} type={resource} prefix="$res:" />
      {bad && <span className="nb-hint" data-tone="bad">{resource ? "Name a resource as $res:path, or write one as a JSON object" : "A secret is named, not typed: $var:path or $res:path"}</span>}
      <AsExpression text={shown} onUse={onExpression && ((expr) => (setText(null), onExpression(expr)))} />
    </>
  );
}

/** The type of resource that a field takes; "" where it takes none. */
const resourceOf = ({ format = "" }) => (format.startsWith("resource-") && format !== "resource-s3_object" ? format.slice(9) : "");

function objectIn(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
