// The controls of a form: plain HTML in our tokens, each labelled and described by its field.
import { ariaDescribedByIds, enumOptionsIndexForValue, enumOptionsValueForIndex } from "@rjsf/utils";
import { useId, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { References } from "../references.jsx";
import { instantOf, LATEST, localTime } from "../times.js";
import { bytes } from "../words.js";
import { tabWorkspace } from "../workspace.js";

const aria = (props) => ({ "aria-describedby": `${ariaDescribedByIds(props.id)} ${props.id}-error`, "aria-invalid": props.rawErrors?.length ? true : undefined, "aria-required": props.required || undefined });
const INPUT_TYPES = { email: "email", uri: "url", date: "date", time: "time", "date-time": "datetime-local" };

/** A text of several lines gets an area: a line would drop its breaks. */
export function BaseInput(props) {
  const [long] = useState(() => typeof props.value === "string" && props.value.includes("\n"));
  return long ? <TextArea {...props} /> : <Line {...props} />;
}

function Line(props) {
  const { id, value, schema, onChange, onBlur, onFocus, disabled, readonly, placeholder, type, htmlName, name } = props;
  const kind = [schema.type].flat()[0];
  const numeric = kind === "number" || kind === "integer";
  const fallback = schema.default !== undefined && typeof schema.default !== "object" ? String(schema.default) : undefined;
  return (
    <input
      id={id} name={htmlName || name} className={`in-text ${numeric ? "num" : ""}`} type={type || INPUT_TYPES[schema.format] || "text"} inputMode={numeric ? (kind === "integer" ? "numeric" : "decimal") : undefined}
      value={value ?? ""} placeholder={placeholder || schema.examples?.[0] || fallback} disabled={disabled} readOnly={readonly} list={schema.examples ? `${id}-list` : undefined}
      onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)} onBlur={(event) => onBlur(id, event.target.value)} onFocus={(event) => onFocus(id, event.target.value)} autoComplete="off" spellCheck={false} {...aria(props)}
    />
  );
}

export function TextArea(props) {
  const { id, value, onChange, disabled, readonly, className = "in-area" } = props;
  return <textarea id={id} className={className} rows={5} value={value ?? ""} disabled={disabled} readOnly={readonly} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)} {...aria(props)} />;
}

/** A secret; a long one, such as a private key, is masked in an area. */
export function Password(props) {
  const [long] = useState(() => props.options.long || (typeof props.value === "string" && props.value.includes("\n")));
  return long ? <TextArea {...props} className="in-area mono masked" /> : <Line {...props} type="password" />;
}

/** A date and time in the browser's own picker; the value is ISO 8601 with the offset of the person's place. */
export function DateTime(props) {
  const { id, value, onChange, disabled, readonly } = props;
  return <input id={id} className="in-text" type="datetime-local" step="1" max={`${LATEST}:59`} value={localTime(value)} disabled={disabled} readOnly={readonly} onChange={(event) => onChange(instantOf(event.target.value) || undefined)} {...aria(props)} />;
}

export function Select(props) {
  const { id, value, options, multiple, onChange, disabled, required, schema } = props;
  const list = options.enumOptions || [];
  const index = enumOptionsIndexForValue(value, list, multiple);
  if (multiple) return <Checks {...props} />;
  return (
    <select id={id} className="in-select" value={index ?? ""} disabled={disabled} onChange={(event) => onChange(enumOptionsValueForIndex(event.target.value, list, undefined))} {...aria(props)}>
      {(!required || schema.default === undefined) && <option value="">{required ? "Choose" : "None"}</option>}
      {list.map((option, at) => <option key={at} value={String(at)}>{option.label}</option>)}
    </select>
  );
}

export function Checks(props) {
  const { id, value = [], options, onChange, disabled } = props;
  const held = Array.isArray(value) ? value : [];
  return (
    <div className="checks" role="group" {...aria(props)}>
      {(options.enumOptions || []).map((option, at) => (
        <label key={at} className="check">
          <input type="checkbox" id={`${id}-${at}`} checked={held.includes(option.value)} disabled={disabled} onChange={(event) => onChange(event.target.checked ? [...held, option.value] : held.filter((one) => one !== option.value))} />
          <span>{option.label}</span>
        </label>
      ))}
    </div>
  );
}

/** Yes or no, as a switch with its own words. */
export function Switch(props) {
  const { id, value, label, onChange, disabled } = props;
  return (
    <label className="check">
      <input type="checkbox" role="switch" id={id} checked={value === true} disabled={disabled} onChange={(event) => onChange(event.target.checked)} {...aria(props)} />
      <span>{label}</span>
    </label>
  );
}

/** A resource is named by its path; the value is the reference that a flow resolves when it runs. */
export function Resource(props) {
  const { id, value, onChange, disabled, options } = props;
  const list = useId();
  const path = typeof value === "string" ? value.replace(/^\$res:/, "") : "";
  return (
    <div className="prefixed">
      <span aria-hidden="true">$res:</span>
      <References id={list} ws={tabWorkspace()} type={options.resource} />
      <input id={id} list={list} className="in-text mono" value={path} disabled={disabled} placeholder={`path of a ${options.resource} resource`} onChange={(event) => onChange(event.target.value ? `$res:${event.target.value.trim()}` : undefined)} spellCheck={false} autoComplete="off" {...aria(props)} />
    </div>
  );
}

const MOST_BYTES = 50 * 1024 * 1024;
const MOST_SHOWN = 20000;

/** A text or a file: drop or choose a file, or paste. Base64 where the schema asks for it. */
export function Content(props) {
  const { id, value, onChange, disabled, options } = props;
  const binary = options.encoding === "base64";
  const [file, setFile] = useState(null);
  const [over, setOver] = useState(false);
  const [error, setError] = useState("");
  const [paste, setPaste] = useState(false);
  const chooser = useRef(null);
  const hint = useId();
  const take = async (chosen) => {
    if (!chosen) return;
    if (chosen.size > MOST_BYTES) return setError(`${chosen.name} has ${bytes(chosen.size)}. A form takes files up to ${bytes(MOST_BYTES)}.`);
    setError("");
    onChange(binary ? await base64Of(chosen) : await chosen.text());
    setFile({ name: chosen.name, size: chosen.size });
    setPaste(false);
  };
  const clear = () => {
    setFile(null);
    onChange(undefined);
    setTimeout(() => document.getElementById(id)?.focus());
  };
  const text = typeof value === "string" ? value : "";
  if (file || (text && (binary || text.length > MOST_SHOWN))) {
    return (
      <div className="chosen">
        <Icon name="file" size={16} />
        <span className="name">{file?.name || "Content from before"}</span>
        <span className="muted num">{bytes(file?.size ?? (binary ? Math.floor(text.length * 0.75) : text.length))}</span>
        <span className="grow" />
        <button type="button" id={id} className="btn quiet" onClick={clear} disabled={disabled}>Remove</button>
      </div>
    );
  }
  if (!binary && (paste || text)) {
    return (
      <div className="pasted">
        <textarea id={id} className="in-area mono" rows={6} value={text} disabled={disabled} autoFocus={paste && !text} placeholder={`Paste ${mediaName(options.media)} here`} onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)} {...aria(props)} />
        <button type="button" className="link" onClick={() => { setPaste(false); clear(); }}>Use a file instead</button>
      </div>
    );
  }
  return (
    <div className={`drop ${over ? "over" : ""}`} onDragOver={(event) => { event.preventDefault(); setOver(true); }} onDragLeave={() => setOver(false)} onDrop={(event) => { event.preventDefault(); setOver(false); take(event.dataTransfer.files[0]); }}>
      <input ref={chooser} type="file" className="sr" tabIndex={-1} aria-hidden="true" accept={options.media === "text/plain" ? undefined : options.media || undefined} onChange={(event) => { take(event.target.files[0]); event.target.value = ""; }} disabled={disabled} />
      <button type="button" id={id} className="btn" disabled={disabled} onClick={() => chooser.current.click()} aria-label={`Choose a file for ${props.label}`} aria-describedby={aria(props)["aria-describedby"]}><Icon name="upload" /> Choose a file</button>
      {!binary && <button type="button" className="btn quiet" disabled={disabled} onClick={() => setPaste(true)}>Paste text</button>}
      <span className="muted" id={hint}>or drop {binary ? "it" : mediaName(options.media)} here</span>
      {error && <p className="bad" role="alert">{error}</p>}
    </div>
  );
}

const mediaName = (media) => ({ "text/csv": "CSV", "application/json": "JSON", "text/markdown": "Markdown", "text/html": "HTML" })[media] || "text";

function base64Of(file) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result).split(",", 2)[1] || "");
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(file);
  });
}

/** A value of any shape, as JSON text: kept as typed, taken over when it is whole. */
export function JsonField(props) {
  const { fieldPathId, formData, onChange, schema, uiSchema, disabled, readonly, required, rawErrors, name } = props;
  const id = fieldPathId?.$id || props.id;
  const kind = uiSchema?.["ui:options"]?.kind;
  const shown = formData === undefined ? "" : JSON.stringify(formData, null, 2);
  const [typed, setTyped] = useState(null);
  const [error, setError] = useState("");
  const path = fieldPathId?.path;
  const set = (text) => {
    setTyped(text);
    if (text.trim() === "") {
      setError("");
      return onChange(undefined, path);
    }
    try {
      onChange(JSON.parse(text), path);
      setError("");
    } catch {
      setError(kind === "any" ? "Not JSON yet. Put texts in double quotes." : "Not JSON yet.");
    }
  };
  return (
    <FieldFrame id={id} label={uiSchema?.["ui:title"] || schema.title || name} description={uiSchema?.["ui:description"]} required={required} errors={error ? [error] : rawErrors}>
      <textarea id={id} className="in-area mono" rows={4} value={typed ?? shown} placeholder={{ object: "{ }", array: "[ ]" }[kind] || "JSON"} disabled={disabled || readonly} onChange={(event) => set(event.target.value)} onBlur={() => !error && setTyped(null)} spellCheck={false} data-unfinished={error ? "" : undefined} aria-invalid={error || rawErrors?.length ? true : undefined} aria-describedby={`${id}__description ${id}-error`} />
    </FieldFrame>
  );
}

/** Label, control, description and errors of one field, tied together for screen readers. `acts` stand at the end of the label's line. */
export function FieldFrame({ id, label, description, required, errors, children, acts, bare = false }) {
  return (
    <div className={`form-field ${errors?.length ? "invalid" : ""}`}>
      {!bare && label && <label htmlFor={id}>{label}{required ? null : <span className="optional"> optional</span>}</label>}
      {acts && <span className="form-acts">{acts}</span>}
      {bare && children}
      {description && <p className="form-help" id={`${id}__description`}>{description}</p>}
      {!bare && children}
      {errors?.length ? <p className="form-error" id={`${id}-error`} role="alert"><Icon name="warn" size={13} /> {[...new Set(errors)].join(" ")}</p> : null}
    </div>
  );
}
