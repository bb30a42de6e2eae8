// A field that may name a stored value instead of holding one: `$var:path` and `$res:path`, picked from a list, and a secret
// that is made on the spot. What is stored is the reference; it is replaced when something reads the value.
import { useId, useRef, useState } from "react";
import { flushSync } from "react-dom";

import { post, workspacePath } from "../api.js";
import { Icon } from "../icons.jsx";
import { isReference } from "../notebook/values.js";
import { References } from "../references.jsx";
import { tabWorkspace } from "../workspace.js";
import { createValidator } from "./validator.js";
import { passes } from "./value_model.js";
import { FieldFrame } from "./widgets.jsx";

const isSecret = (uiSchema) => uiSchema?.["ui:widget"] === "password";

const nowhere = () => "";
const storedValidator = createValidator(passes);

/**
 * Which fields of a form take references: `refers(uiSchema)`; `secretPath(name)`, where a new secret is put ("" for anywhere); and the
 * validator that lets them pass.
 */
export const NOTHING_REFERS = { refers: () => false, secretPath: nowhere, validator: createValidator() };
export const SECRETS_REFER = { refers: isSecret, secretPath: nowhere, validator: createValidator(isReference) };
export const allRefer = (secretPath = nowhere) => ({ refers: () => true, secretPath, validator: storedValidator });

/**
 * `Referable({field, context, framed})`: the field's own control in its frame, or, where its value is a reference, the path of
 * it. `framed(acts)` draws the first one with buttons that lead to the second.
 */
export function Referable({ field, context, framed }) {
  const { id, formData, fieldPathId, onChange, disabled, uiSchema, label } = field;
  const [named, setNamed] = useState(() => isReference(formData));
  const [making, setMaking] = useState(false);
  const secret = isSecret(uiSchema);
  const name = label?.trim() || "this field";
  const set = (value) => onChange(value, fieldPathId.path);
  // drawn at once: after an answer of the server React draws when it has time, and the next frame may come before that
  const focusAfter = (change) => {
    flushSync(change);
    document.getElementById(id)?.focus();
  };
  const refer = (on, value) => focusAfter(() => {
    setNamed(on);
    setMaking(false);
    set(value);
  });
  const make = secret && <button type="button" className="link" disabled={disabled} aria-expanded={making} onClick={() => setMaking(!making)}>New secret<span className="sr"> for {name}</span></button>;
  const maker = making && <NewSecret name={fieldPathId.path.at(-1)} typed={named || typeof formData !== "string" ? "" : formData} path={context.secretPath(fieldPathId.path.at(-1))} onMade={(path) => refer(true, `$var:${path}`)} onClose={() => focusAfter(() => setMaking(false))} />;
  if (!named) {
    const acts = <>{make}<button type="button" className="link" disabled={disabled} onClick={() => refer(true, isReference(formData) ? formData : undefined)}>{secret ? "Use a secret" : "Use a variable"}<span className="sr"> for {name}</span></button></>;
    return <>{framed(acts)}{maker}</>;
  }
  const back = <>{make}<button type="button" className="link" disabled={disabled} onClick={() => refer(false, undefined)}>Type it here<span className="sr">: {name}</span></button></>;
  return <><Named field={field} acts={back} onValue={set} />{maker}</>;
}

function Named({ field, acts, onValue }) {
  const { id, label, rawDescription, required, rawErrors, formData, disabled } = field;
  const list = useId();
  const text = typeof formData === "string" ? formData : "";
  const unfinished = text !== "" && !/^\$(var|res|jsonvar):\S/.test(text) ? ["Write $var: and the path of a variable, or $res: and that of a resource."] : [];
  const errors = unfinished.length ? unfinished : rawErrors;
  return (
    <FieldFrame id={id} label={label?.trim()} description={rawDescription} required={required} errors={errors} acts={acts}>
      <References id={list} ws={tabWorkspace()} />
      <input id={id} list={list} className="in-text mono" value={text} disabled={disabled} placeholder="$var:u/name/password" data-unfinished={unfinished.length ? "" : undefined} onChange={(event) => onValue(event.target.value.trim() || undefined)} spellCheck={false} autoComplete="off" aria-invalid={errors?.length ? true : undefined} aria-describedby={`${id}__description ${id}-error`} aria-required={required || undefined} />
    </FieldFrame>
  );
}

/** Makes a secret variable. It stands inside of another form: its fields have no names, and Enter is its own. */
function NewSecret({ name, typed, path, onMade, onClose }) {
  const [at, setAt] = useState(path);
  const [value, setValue] = useState(typed);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const id = useId();
  const first = useRef(null);
  const make = async () => {
    if (busy) return;
    if (!value) {
      setProblem("Type the secret first.");
      return first.current?.focus();
    }
    setBusy(true);
    setProblem("");
    try {
      await post(workspacePath(tabWorkspace(), "variables/create"), { path: at.trim(), value, is_secret: true, description: "" });
      onMade(at.trim());
    } catch (reason) {
      setProblem(`${reason.message} ${reason.hint}`.trim());
      setBusy(false);
    }
  };
  const keys = (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT") return;
    event.preventDefault();
    make();
  };
  return (
    <div className="new-secret" role="group" aria-label={`New secret for ${name}`} onKeyDown={keys}>
      <label htmlFor={`${id}-value`}>Secret</label>
      <input ref={first} id={`${id}-value`} type="password" className="in-text" value={value} autoFocus={!typed} autoComplete="new-password" onChange={(event) => setValue(event.target.value)} />
      <label htmlFor={`${id}-path`}>Kept as the variable</label>
      <input id={`${id}-path`} className="in-text mono" value={at} placeholder="u/name/secret" autoFocus={Boolean(typed)} spellCheck={false} autoComplete="off" onChange={(event) => setAt(event.target.value)} />
      {problem && <p className="form-error" role="alert"><Icon name="warn" size={13} /> <span>{problem}</span></p>}
      <span className="form-acts">
        <button type="button" className="btn" onClick={onClose}>Cancel</button>
        <button type="button" className="btn" disabled={busy} onClick={make}><Icon name="key" size={14} /> Make the secret</button>
      </span>
    </div>
  );
}
