// The flow's input, on top of the notebook: its fields (a JSON Schema, edited in place) and the values the cells run with.
import { memo, useEffect, useRef, useState } from "react";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { StaticInput } from "./inputs.jsx";
import { SamplesMenu } from "./samples.jsx";
import { FieldEditor, orderOf, useFieldKeys, withNewField } from "./schema_editor.jsx";
import { FlowChips, FlowSettings, SettingsButton } from "./settings.jsx";
import { Dialog } from "./ui.jsx";
import { typeWord } from "./values.js";
import { bytes } from "../words.js";

const BIG = 64 * 1024;
const SAMPLE_EXAMPLE = JSON.stringify({ currency: "EUR", threshold: 10000 });
const TEXT_PAGE = 4000;
export const FlowInput = memo(function FlowInput() {
  const store = useStore();
  const input = useKey("input");
  const [open, setOpen] = useState(null);
  const [sampling, setSampling] = useState(false);
  const [fresh, setFresh] = useState(null);
  const keys = useFieldKeys();
  const schema = input?.schema ?? { type: "object", properties: {} };
  const names = orderOf(schema);
  const values = Object.fromEntries((input?.values ?? []).map((value) => [value.name, value]));
  const save = (next) => store.do({ op: "set_schema", schema: next });
  const add = () => {
    const [next, name] = withNewField(schema);
    save(next);
    setOpen(name);
    setFresh(name);
  };
  return (
    <section className="nb-cell nb-flow-input" data-input-cell aria-label="Flow input">
      <header className="nb-hd">
        <span className="nb-chip nb-chip-fixed">input</span>
        <span className="nb-title nb-title-fixed">Flow input</span>
        <FlowChips />
        <span className="nb-space" />
        <span className="nb-hd-tools" data-always>
          {names.length > 0 && <SamplesMenu />}
          <button type="button" className="nb-btn nb-small" onClick={() => setSampling(true)}>From a sample</button>
          <button type="button" className="nb-btn nb-small" onClick={add}><Glyph name="plus" size={12} /> Field</button>
          <SettingsButton id={null} step="the flow" />
        </span>
      </header>
      <FlowSettings />
      {names.length ? (
        <div className="nb-in">
          {names.map((name, index) => (
            <Field key={keys.of(name)} name={name} keys={keys} index={index} names={names} schema={schema} value={values[name]} open={open === name} fresh={fresh === name} onOpen={(to) => (setOpen(to), setFresh(null))} onSave={save} />
          ))}
        </div>
      ) : (
        <p className="nb-empty nb-pad">No input yet. Add a field for each thing a run should be given: a file, a threshold, a name.</p>
      )}
      {sampling && <SampleDialog schema={schema} onClose={() => setSampling(false)} />}
    </section>
  );
});

const Field = memo(function Field({ name, keys, index, names, schema, value, open, fresh, onOpen, onSave }) {
  const store = useStore();
  const field = schema.properties[name] ?? {};
  const required = (schema.required ?? []).includes(name);
  const picking = useFact("picking", Boolean);
  const [dropping, setDropping] = useState(false);
  const [problem, setProblem] = useState(null);
  const missing = required && (value?.value === undefined || value.value === null) && !value?.blob && !(value?.given && value.preview) && field.default === undefined;
  const row = useRef(null);
  // a text of another size has another look: the keyboard goes along
  const keepFocus = () => requestAnimationFrame(() => document.activeElement === document.body && row.current?.querySelector(".nb-source :is(button, textarea)")?.focus());
  const upload = async (file, as) => {
    setProblem(null);
    setDropping("busy");
    try {
      await store.upload(name, file, file.type || (as?.endsWith(".csv") ? "text/csv" : "text/plain"), as);
      store.announce(`${name}: ${as ?? "text"} uploaded`);
    } catch (error) {
      setProblem(`${error.message} ${error.hint ?? ""}`);
    }
    setDropping(false);
    keepFocus();
  };
  const drop = {
    onDragOver: (event) => event.dataTransfer.types.includes("Files") && (event.preventDefault(), dropping || setDropping("over")),
    onDragLeave: () => dropping === "over" && setDropping(false),
    onDrop: (event) => {
      if (!event.dataTransfer.files[0]) return;
      event.preventDefault();
      upload(event.dataTransfer.files[0], event.dataTransfer.files[0].name);
    },
  };
  const pick = picking ? () => store.wire("flow_input", [name]) : undefined;
  return (
    <>
      <div ref={row} className="nb-row" data-missing={missing || undefined} data-drop={dropping || undefined} data-open={open || undefined} {...drop}>
        {pick ? (
          <button type="button" className="nb-field nb-pickable" data-pickable onClick={pick}>{name}</button>
        ) : (
          <span className="nb-field" title={field.description || `${name}: ${typeWord(field)}`}>{name}</span>
        )}
        <span className="nb-source"><Value name={name} field={field} value={value} missing={missing} onUpload={upload} onReplaced={keepFocus} /></span>
        <span className="nb-now nb-plain">{value?.blob ? bytes(value.blob.size) : typeWord(field)}</span>
        <span className="nb-row-tools" data-open={open || undefined}>
          {(!field.type || field.type === "string") && !field.enum && <UploadButton name={name} onFile={upload} />}
          <button type="button" className="nb-icon" aria-label={`Change the field ${name}`} title="Name, type, default" aria-expanded={open} onClick={() => onOpen(open ? null : name)}><Glyph name="pencil" size={13} /></button>
        </span>
        {(problem || missing || dropping === "busy") && (
          <span className="nb-row-problem" data-quiet={dropping === "busy" || undefined}>{dropping === "busy" ? "Uploading…" : <><Glyph name="warn" size={12} /> {problem ?? `${name} needs a value for the cells to run with`}</>}</span>
        )}
      </div>
      {open && <FieldEditor {...{ name, index, names, schema, field, required, keys, onOpen, onSave }} begin={fresh} files onRename={(to) => store.do({ op: "rename_flow_input", name, to })} note={<Uses name={name} />} />}
    </>
  );
});

function UploadButton({ name, onFile }) {
  const file = useRef(null);
  return (
    <>
      <input ref={file} type="file" hidden aria-hidden="true" tabIndex={-1} onChange={(event) => event.target.files[0] && (onFile(event.target.files[0], event.target.files[0].name), (event.target.value = ""))} />
      <button type="button" className="nb-icon" aria-label={`Upload a file for ${name}`} title="Upload a file, or drop one on the row" onClick={() => file.current.click()}><Glyph name="upload" size={13} /></button>
    </>
  );
}

function Value({ name, field, value, missing, onUpload, onReplaced }) {
  const store = useStore();
  if (value?.blob || (value?.given && value.value === undefined && value.preview)) return <BigText name={name} value={value} onReplace={() => (store.do({ op: "set_sample", name, value: null, remove: true }), onReplaced())} />;
  const stage = (next) => {
    if (typeof next === "string" && next.length > BIG) {
      store.unstage(`sample:${name}`);
      onUpload(new Blob([next], { type: "text/plain" }), null);
    } else store.stage(`sample:${name}`, { op: "set_sample", name, value: next });
  };
  return <StaticInput input={{ field: name, value: value?.given === false ? undefined : value?.value, schema: field, type: "static" }} label={`Value of ${name}`} missing={missing} emptyText="no value" onStage={stage} onUnset={() => store.do({ op: "set_sample", name, value: null, remove: true })} />;
}

/** A text too big for the page: its first lines here, more from the server on request, page by page. */
function BigText({ name, value, onReplace }) {
  const store = useStore();
  const [page, setPage] = useState(null);
  const show = async (offset) => {
    try {
      const answer = await store.query(`input/${encodeURIComponent(name)}/text`, { offset, limit: TEXT_PAGE });
      setPage({ offset, ...answer });
    } catch (error) {
      setPage({ offset: 0, total: 0, text: error.message });
    }
  };
  return (
    <span className="nb-big">
      <span className="nb-big-line">
        <Glyph name="file" size={13} />
        <b>{value.blob?.name || value.preview.slice(0, 80)}</b>
        <button type="button" className="nb-link" aria-expanded={Boolean(page)} onClick={() => (page ? setPage(null) : show(0))}>{page ? "Hide" : "Look inside"}</button>
        <button type="button" className="nb-link" onClick={onReplace}>Remove</button>
      </span>
      {page && (
        <>
          <pre tabIndex={0} aria-label={`Text of ${name}`}>{page.text}</pre>
          {page.total > TEXT_PAGE && (
            <span className="nb-big-pages">
              <button type="button" className="nb-icon" aria-label="Earlier" disabled={!page.offset} onClick={() => show(Math.max(0, page.offset - TEXT_PAGE))}><Glyph name="left" size={13} /></button>
              {bytes(page.offset)} to {bytes(Math.min(page.total, page.offset + TEXT_PAGE))} of {bytes(page.total)}
              <button type="button" className="nb-icon" aria-label="Later" disabled={page.offset + TEXT_PAGE >= page.total} onClick={() => show(page.offset + TEXT_PAGE)}><Glyph name="right" size={13} /></button>
            </span>
          )}
        </>
      )}
    </span>
  );
}

function Uses({ name }) {
  const uses = usesOf(useStore(), name);
  if (!uses.length) return null;
  return <p className="nb-wide nb-faint">Used by {uses.slice(0, 4).join(", ")}{uses.length > 4 ? ` and ${uses.length - 4} more` : ""}. A new name is written into their expressions.</p>;
}

/** Ids of the steps whose expressions read this field, as far as its plain name shows. */
function usesOf(store, name) {
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const reads = new RegExp(`flow_input(\\?\\.${quoted}(?![\\w$])|\\s*\\[\\s*["'\`]${quoted}["'\`]|\\.${quoted}(?![\\w$]))`);
  return [...store.view.cells.values()].filter((cell) => reads.test(JSON.stringify([cell.inputs?.map((input) => input.expr), cell.settings]).replaceAll('\\"', '"'))).map((cell) => cell.step_id);
}

/** Paste an example of the input: the server reads the schema off it, and its values become the values to run with. */
function SampleDialog({ schema, onClose }) {
  const store = useStore();
  const [text, setText] = useState("");
  const [found, setFound] = useState(null);
  const turn = useRef(0);
  useEffect(() => {
    if (!text.trim()) return setFound(null);
    const mine = (turn.current += 1);
    const timer = setTimeout(async () => {
      try {
        const sample = JSON.parse(text);
        if (typeof sample !== "object" || sample === null || Array.isArray(sample)) throw new Error('Give an object, such as {"threshold": 10}');
        const answer = await store.ask("POST", "infer_schema", { json: { sample } });
        if (mine === turn.current) setFound({ sample, schema: answer.schema });
      } catch (error) {
        if (mine === turn.current) setFound({ problem: error.message });
      }
    }, 250);
    return () => clearTimeout(timer);
  }, [text]);
  const use = () => {
    const properties = { ...schema.properties, ...found.schema.properties };
    const names = [...new Set([...orderOf(schema), ...Object.keys(found.schema.properties ?? {})])];
    store.do({ op: "set_schema", schema: { type: "object", ...schema, properties, order: names } }, ...Object.entries(found.sample).map(([name, value]) => ({ op: "set_sample", name, value })));
    onClose();
  };
  const fields = Object.entries(found?.schema?.properties ?? {});
  return (
    <Dialog title="Fields from a sample" onClose={onClose} footer={<><button type="button" className="nb-btn" onClick={onClose}>Cancel</button><button type="button" className="nb-btn" data-primary disabled={!fields.length} onClick={use}>{fields.length ? `Use ${fields.length} field${fields.length === 1 ? "" : "s"}` : "Use"}</button></>}>
      <p className="nb-muted">Paste one example of what a run is given, as JSON. Fields that exist keep their place.</p>
      <textarea className="nb-input nb-boxed nb-paste" aria-label="Sample as JSON" rows={8} value={text} spellCheck={false} data-autofocus="" placeholder={SAMPLE_EXAMPLE} onChange={(event) => setText(event.target.value)} />
      <div className="nb-sample-found" aria-live="polite">
        {found?.problem && <p className="nb-hint" data-tone="bad">{found.problem}</p>}
        {fields.map(([name, field]) => <span key={name} className="nb-sample-field"><code>{name}</code> {typeWord(field)}</span>)}
      </div>
    </Dialog>
  );
}
