// A form from a flow's schema, drawn by @rjsf/core with our own theme and a validator that needs no eval.
// The package's entry point also loads its test helpers, which need the eval-based validator: import the one module.
import withTheme from "@rjsf/core/lib/withTheme.js";
import { dotNotationNameGenerator } from "@rjsf/utils";
import { useId, useImperativeHandle, useMemo, useRef, useState } from "react";

import { Icon } from "../icons.jsx";
import { isReference } from "../notebook/values.js";
import { NOTHING_REFERS, Referable } from "./reference.jsx";
import { dataToSend, formOf } from "./schema_model.js";
import { StoredFile } from "./stored_file.jsx";
import { BaseInput, Checks, Content, DateTime, FieldFrame, JsonField, Password, Resource, Select, Switch, TextArea } from "./widgets.jsx";

function FieldTemplate(field) {
  const { id, label, children, rawErrors, rawDescription, required, hidden, schema, uiSchema, displayLabel, formData, registry } = field;
  if (hidden) return <div hidden>{children}</div>;
  const type = [schema.type].flat().find((one) => one !== "null");
  const context = registry.formContext;
  const frames = uiSchema?.["ui:field"] || type === "object" || (type === "array" && !schema.uniqueItems); // they frame themselves
  const bare = type === "boolean" || !displayLabel;
  const framed = (acts) => (frames ? children : <FieldFrame id={id} label={label?.trim()} description={rawDescription} required={required} errors={rawErrors} bare={bare} acts={acts}>{children}</FieldFrame>);
  // a resource's path is a reference by itself; a field without a line for its label offers none, and shows one that is there
  const may = context.refers(uiSchema) && field.fieldPathId.path.length > 0 && uiSchema?.["ui:widget"] !== "resource";
  if (!may || ((frames || bare) && !isReference(formData))) return framed(undefined);
  return <Referable field={field} context={context} framed={framed} />;
}

function ObjectTemplate({ title, properties, fieldPathId, uiSchema, schema }) {
  const root = fieldPathId.path.length === 0;
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

/** The first field with an error gets the focus, when it is drawn. */
export const focusWrong = (box) => requestAnimationFrame(() => box?.querySelector("[aria-invalid='true'], .invalid input, .invalid button:not(.form-acts *)")?.focus());

/** What both kinds of form have in common: the fields, and errors that stay with them once somebody has tried to send them. */
function useFields({ given, asJson, values, context = NOTHING_REFERS, box }) {
  const { schema, uiSchema } = useMemo(() => formOf(given, asJson), [given]);
  const [data, setData] = useState(values);
  const [tried, setTried] = useState(0);
  const onError = (errors) => setTried(errors.length);
  const unfinished = () => Boolean(box.current?.querySelector("[data-unfinished]"));
  const props = { schema, uiSchema, formData: data, formContext: context, validator: context.validator, noHtml5Validate: true, showErrorList: false, liveValidate: tried ? "onChange" : false, onError };
  const take = (event) => {
    setData(event.formData);
    if (tried) setTried(event.errors.length);
  };
  return { schema, props, take, tried, setTried, unfinished };
}

/**
 * `SchemaForm({schema, values, onData, onSubmit, submitLabel, busyLabel, icon, busy, footer, disabled, what, context})`: `onSubmit(args)` gets the checked values, empty
 * fields left out, `onData(values)` what is there after each change, checked or not; `what` takes the input ("flow"). Errors stand beside their fields; the first one gets the focus.
 * `context` says which fields may refer to stored values (`reference.jsx`): none without it.
 */
export function SchemaForm({ schema: given, values = {}, onData, onSubmit, submitLabel = "Run", busyLabel = "Starting", icon = "play", busy = false, footer, disabled = false, what = "flow", context }) {
  const box = useRef(null);
  const { schema, props, take, tried, setTried, unfinished } = useFields({ given, values, context, box });
  const none = !Object.keys(schema.properties).length;
  const submit = (event) => {
    if (unfinished()) return focusWrong(box.current);
    setTried(0);
    onSubmit?.(dataToSend(event.formData ?? {}));
  };
  return (
    <div className="schema-form" ref={box}>
      <ThemedForm {...props} disabled={disabled || busy} onChange={(event) => (take(event), onData?.(event.formData))} onSubmit={submit} onError={(errors) => (props.onError(errors), focusWrong(box.current))} experimental_defaultFormStateBehavior={{ emptyObjectFields: "skipEmptyDefaults" }}>
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

/**
 * `SchemaFields({schema, values, asJson, defaults, context, onData, handle})`: the same fields inside of another form, which sends them.
 * `defaults` is false for values that are stored: they get nothing that nobody put there, and need none that has a default. `handle.current.check()` is whether all is
 * right, and shows what is not; `handle.current.data()` is what the fields say. Their ids and names are their own: a field may be
 * called as one of the form around it is.
 */
export function SchemaFields({ schema: given, values, asJson, defaults, context, onData, handle }) {
  const box = useRef(null);
  const form = useRef(null);
  const prefix = useId();
  const asked = useMemo(() => (defaults ? given : { ...given, required: (given.required ?? []).filter((name) => given.properties?.[name]?.default === undefined) }), [given, defaults]);
  const { props, take, unfinished } = useFields({ given: asked, asJson, values, context, box });
  useImperativeHandle(handle, () => ({
    check: () => form.current.validateForm() && !unfinished(),
    data: () => dataToSend(form.current.state.formData ?? {}),
  }));
  return (
    <div className="schema-form" ref={box}>
      <ThemedForm {...props} ref={form} tagName="div" idPrefix={prefix} nameGenerator={dotNotationNameGenerator} onChange={(event) => (take(event), onData(dataToSend(event.formData ?? {})))} experimental_defaultFormStateBehavior={{ emptyObjectFields: defaults ? "skipEmptyDefaults" : "skipDefaults" }} />
    </div>
  );
}
