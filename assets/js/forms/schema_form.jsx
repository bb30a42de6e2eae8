// A form from a flow's schema, drawn by @rjsf/core with our own theme and a validator that needs no eval.
// The package's entry point also loads its test helpers, which need the eval-based validator: import the one module.
import withTheme from "@rjsf/core/lib/withTheme.js";
import { useMemo, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { dataToSend, formOf } from "./schema_model.js";
import { createValidator } from "./validator.js";
import { StoredFile } from "./stored_file.jsx";
import { BaseInput, Checks, Content, DateTime, FieldFrame, JsonField, Password, Resource, Select, Switch, TextArea } from "./widgets.jsx";

const validator = createValidator();

function FieldTemplate({ id, label, children, rawErrors, rawDescription, required, hidden, schema, uiSchema, displayLabel }) {
  if (hidden) return <div hidden>{children}</div>;
  const type = [schema.type].flat().find((one) => one !== "null");
  if (uiSchema?.["ui:field"] || type === "object") return children; // they frame themselves
  const list = type === "array" && !schema.uniqueItems;
  if (list) return children;
  return <FieldFrame id={id} label={label?.trim()} description={rawDescription} required={required} errors={rawErrors} bare={type === "boolean" || !displayLabel}>{children}</FieldFrame>;
}

function ObjectTemplate({ title, properties, fieldPathId, uiSchema, schema }) {
  const root = fieldPathId.$id === "root";
  const fields = properties.map((one) => <div key={one.name}>{one.content}</div>);
  if (root) return <div className="form-fields">{fields}</div>;
  const description = uiSchema?.["ui:description"] || schema.description;
  return (
    <fieldset className="form-group">
      {(title || "").trim() && <legend>{title}</legend>}
      {description && <p className="form-help">{description}</p>}
      <div className="form-fields">{fields}</div>
    </fieldset>
  );
}

function ArrayTemplate({ title, items, canAdd, onAddClick, uiSchema, schema, rawErrors, fieldPathId, required }) {
  return (
    <fieldset className="form-group list" id={fieldPathId.$id}>
      {(title || "").trim() && <legend>{title}{required ? null : <span className="optional"> optional</span>}</legend>}
      {(uiSchema?.["ui:description"] || schema.description) && <p className="form-help">{uiSchema?.["ui:description"] || schema.description}</p>}
      {items.length ? items : <p className="form-help">Nothing in the list.</p>}
      {canAdd && <button type="button" className="btn" onClick={onAddClick}><Icon name="plus" /> Add</button>}
      {rawErrors?.length ? <p className="form-error" role="alert"><Icon name="warn" size={13} /> {[...new Set(rawErrors)].join(" ")}</p> : null}
    </fieldset>
  );
}

function ArrayItem({ children, buttonsProps: { hasRemove, hasMoveUp, hasMoveDown, onRemoveItem, onMoveUpItem, onMoveDownItem, disabled }, index }) {
  return (
    <div className="form-item">
      <div>{children}</div>
      <span className="form-item-acts">
        {hasMoveUp && <button type="button" className="tool" aria-label={`Move item ${index + 1} up`} onClick={onMoveUpItem} disabled={disabled}><Icon name="up" /></button>}
        {hasMoveDown && <button type="button" className="tool" aria-label={`Move item ${index + 1} down`} onClick={onMoveDownItem} disabled={disabled}><Icon name="down" /></button>}
        {hasRemove && <button type="button" className="tool" aria-label={`Remove item ${index + 1}`} onClick={onRemoveItem} disabled={disabled}><Icon name="trash" /></button>}
      </span>
    </div>
  );
}

const Nothing = () => null;
const ThemedForm = withTheme({
  widgets: { TextWidget: BaseInput, TextareaWidget: TextArea, PasswordWidget: Password, SelectWidget: Select, CheckboxesWidget: Checks, CheckboxWidget: Switch, DateTimeWidget: DateTime, EmailWidget: BaseInput, URLWidget: BaseInput, DateWidget: BaseInput, TimeWidget: BaseInput, resource: Resource, content: Content },
  fields: { json: JsonField, stored: StoredFile },
  templates: { BaseInputTemplate: BaseInput, FieldTemplate, ObjectFieldTemplate: ObjectTemplate, ArrayFieldTemplate: ArrayTemplate, ArrayFieldItemTemplate: ArrayItem, ErrorListTemplate: Nothing, FieldErrorTemplate: Nothing, DescriptionFieldTemplate: Nothing, ButtonTemplates: { SubmitButton: Nothing } },
});

/**
 * `SchemaForm({schema, values, onData, onSubmit, submitLabel, busyLabel, icon, busy, footer, disabled, what})`: `onSubmit(args)` gets the checked values, empty
 * fields left out, `onData(values)` what is there after each change, checked or not; `what` takes the input ("flow"). Errors stand beside their fields; the first one gets the focus.
 */
export function SchemaForm({ schema: given, values = {}, onData, onSubmit, submitLabel = "Run", busyLabel = "Starting", icon = "play", busy = false, footer, disabled = false, what = "flow" }) {
  const { schema, uiSchema } = useMemo(() => formOf(given), [given]);
  const [data, setData] = useState(values);
  const [tried, setTried] = useState(0);
  const box = useRef(null);
  const none = !Object.keys(schema.properties).length;
  const onError = (errors) => {
    setTried(errors.length);
    requestAnimationFrame(() => box.current?.querySelector("[aria-invalid='true'], .invalid input, .invalid button")?.focus());
  };
  return (
    <div className="schema-form" ref={box}>
      <ThemedForm schema={schema} uiSchema={uiSchema} formData={data} validator={validator} noHtml5Validate showErrorList={false} disabled={disabled || busy} liveValidate={tried ? "onChange" : false} onChange={(event) => { setData(event.formData); if (tried) setTried(event.errors.length); onData?.(event.formData); }} onSubmit={(event) => { setTried(0); onSubmit?.(dataToSend(event.formData ?? {})); }} onError={onError} experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipEmptyDefaults" }}>
        {none && <p className="form-help">This {what} takes no input.</p>}
        <div className="form-foot">
          {footer}
          <span className="grow" />
          {tried ? <span className="form-error" role="status">{tried === 1 ? "1 field needs a look." : `${tried} fields need a look.`}</span> : null}
          <button type="submit" className="btn pri" disabled={disabled || busy}>{busy ? <><Icon name="running" /> {busyLabel}</> : <><Icon name={icon} /> {submitLabel}</>}</button>
        </div>
      </ThemedForm>
    </div>
  );
}
