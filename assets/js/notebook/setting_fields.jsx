// The fields that forms of settings are made of. Text is staged as it is typed and saved when the person leaves the field.
import { useEffect, useState } from "react";
import { useStore } from "./context.js";
import { ExpressionInput } from "./expression.jsx";
import { Glyph } from "./icons.jsx";
import { Evaluated, useFieldPicker } from "./inputs.jsx";
import { Picker } from "./picker.jsx";
import { expressionOf, numberOf } from "./settings.js";
import { GrowingText } from "./ui.jsx";
import { meaningOf, textOf } from "./values.js";

/** One line of a form: its name, its field, and what is wrong with it. */
export function Line({ label, unit, problem, children, wide }) {
  return (
    <div className="nb-set-line" data-wide={wide || undefined}>
      <span className="nb-field">{label}</span>
      <span className="nb-set-control">{children}{unit && <span className="nb-faint">{unit}</span>}</span>
      {problem && <span className="nb-hint" data-tone="bad" role="alert">{problem}</span>}
    </div>
  );
}

export function Switch({ label, value, onSave }) {
  return (
    <label className="nb-check nb-set-switch">
      <input type="checkbox" checked={value === true} onChange={(event) => onSave(event.target.checked)} /> {label}
    </label>
  );
}

/** Text that is staged while typed: `onStage(text)` may answer a problem, which is shown instead of saved. */
function Staged({ label, value, placeholder, onStage, className = "", inputMode, rows }) {
  const store = useStore();
  const [text, setText] = useState(null);
  const [problem, setProblem] = useState(null);
  const change = (next) => {
    setText(next);
    setProblem(onStage(next) || null);
  };
  const leave = () => {
    if (!problem) setText(null);
    store.flush();
  };
  const onKeyDown = (event) => event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey && !rows && (event.preventDefault(), leave());
  const common = { label, placeholder, invalid: Boolean(problem), value: text ?? value, onChange: change, onBlur: leave, onKeyDown };
  return (
    <>
      <GrowingText {...common} className={`nb-input nb-boxed ${className}`} inputMode={inputMode} maxRows={rows ?? 4} />
      {problem && <span className="nb-hint" data-tone="bad">{problem}</span>}
    </>
  );
}

/** A number, or nothing. */
export function NumberField({ label, value, onStage, placeholder = "none", whole = false }) {
  const stage = (text) => {
    const meaning = meaningOf(text, "number", { type: whole ? "integer" : "number" });
    if (meaning.problem) return meaning.problem;
    onStage(meaning.unset ? null : meaning.value);
    return null;
  };
  return <Staged label={label} className="nb-set-number" inputMode="decimal" value={value === undefined || value === null ? "" : String(value)} placeholder={placeholder} onStage={stage} />;
}

export function TextField({ label, value, onStage, placeholder = "" }) {
  return <Staged label={label} value={value ?? ""} placeholder={placeholder} onStage={(text) => onStage(text === "" ? null : text)} />;
}

/** Any JSON value. */
export function JsonField({ label, value, onStage, placeholder = "null", check }) {
  const stage = (text) => {
    const meaning = meaningOf(text, "json");
    const problem = meaning.problem ?? check?.(meaning.unset ? null : meaning.value);
    if (problem) return problem;
    onStage(meaning.unset ? null : meaning.value);
    return null;
  };
  return <Staged label={label} rows={14} value={value === undefined || value === null ? "" : textOf(value, "json")} placeholder={placeholder} onStage={stage} />;
}

/** An expression with completion, the picker and the value it gives now; of the flow itself (no cell) a plain one. */
export function ExpressionField({ target, field, label, expr, placeholder, onStage }) {
  if (!target.id) return <Staged label={label} className="nb-expr" value={expr ?? ""} placeholder={placeholder} onStage={(text) => onStage(text)} />;
  return <CellExpression {...{ target, field, label, placeholder, onStage }} expr={expr ?? ""} />;
}

/** Asked when the step has run, of its result: before that there is no value to show. */
const AFTER_RUN = new Set(["stop_after_if", "stop_after_all_iters_if", "retry_if", "sleep", "user_groups_required"]);

function CellExpression({ target, field, label, expr, placeholder, onStage }) {
  const store = useStore();
  const picker = useFieldPicker(target.id, field, expr);
  const [preview, setPreview] = useState(null); // {of: the expression, value}
  useEffect(() => setPreview((before) => (before?.of === expr ? before : null)), [expr]); // saved is no reason to go
  const connect = (text) => {
    picker.close();
    onStage(text);
    store.flush();
  };
  return (
    <span className="nb-set-expr" data-field={field}>
      <span className="nb-set-exprline">
        <ExpressionInput cell={target.id} field={field} expr={expr} label={label} placeholder={placeholder} handle={picker.handle} onStage={onStage} onPreview={AFTER_RUN.has(field) ? undefined : (value, of) => setPreview({ of, value })} />
        <button ref={picker.anchor} type="button" className="nb-plug" aria-label={`Connect ${label}`} aria-expanded={picker.open} aria-haspopup="dialog" onClick={picker.toggle}><Glyph name="plug" size={12} /> plug</button>
      </span>
      {preview && <Evaluated value={preview.value} />}
      {picker.open && <Picker cell={target.id} field={field} anchor={picker.anchor.current} onConnect={connect} onAppend={picker.append} onClose={picker.close} />}
    </span>
  );
}

/** A fixed value or an expression, as OpenFlow's input transforms: {type: "static", value} or {type: "javascript", expr}. */
export function TransformField({ target, field, label, value, onStage, onSave, children, unit }) {
  const expr = expressionOf(value);
  const toggle = () => onSave(expr === null ? { type: "javascript", expr: numberOf(value) === undefined || numberOf(value) === null ? "" : JSON.stringify(numberOf(value)) } : null);
  return (
    <>
      {expr === null ? children(numberOf(value), (next) => onStage(next === null ? null : { type: "static", value: next })) : <ExpressionField target={target} field={field} label={label} expr={expr} placeholder="an expression" onStage={(text) => onStage({ type: "javascript", expr: text })} />}
      {unit && <span className="nb-faint">{unit}</span>}
      <button type="button" className="nb-icon" aria-label={expr === null ? `Make ${label} an expression` : `Make ${label} a fixed value`} aria-pressed={expr !== null} onClick={toggle}><Glyph name={expr === null ? "fx" : "text"} size={13} /></button>
    </>
  );
}
