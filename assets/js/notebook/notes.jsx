// A note between cells: Markdown, shown rendered, edited as text. Never run; kept in the exported file.
import { memo, useEffect, useRef, useState } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { GrowingText } from "./ui.jsx";

const PLUGINS = [remarkGfm];
const LINKS = { a: ({ node, ...props }) => <a {...props} target="_blank" rel="noreferrer noopener" /> };

export const Note = memo(function Note({ id }) {
  const store = useStore();
  const note = useKey(`note:${id}`);
  const [text, setText] = useState(null);
  const box = useRef(null);
  const area = useRef(null);
  const edit = () => setText(note?.text ?? "");
  useEffect(() => {
    const node = box.current;
    node?.addEventListener("nb-edit", edit);
    return () => node?.removeEventListener("nb-edit", edit);
  });
  const editing = text !== null;
  useEffect(() => {
    if (editing) area.current?.focus();
  }, [editing]);
  if (!note) return null;
  const change = (next) => {
    setText(next);
    store.stage(`note:${id}`, { op: "set_note", note: id, text: next });
  };
  const done = () => {
    setText(null);
    store.flush();
  };
  const remove = () => {
    store.do({ op: "delete_note", note: id });
    store.toast({ text: "Deleted a note", action: { label: "Undo", run: () => store.history("undo") } });
  };
  const onKeyDown = (event) => {
    if (editing) {
      if (event.key === "Escape" || (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey))) {
        event.preventDefault();
        event.stopPropagation();
        done();
        box.current.focus();
      }
    } else if (event.key === "Enter" && event.target === box.current) {
      event.preventDefault();
      edit();
    }
  };
  return (
    <section ref={box} className="nb-note" data-note={id} data-editing={editing || undefined} tabIndex={0} aria-label={`Note: ${note.text.slice(0, 60)}`} onKeyDown={onKeyDown} onDoubleClick={() => !editing && edit()} onFocus={(event) => event.target === box.current && store.set("selected", id)}>
      {editing ? (
        <GrowingText inputRef={area} className="nb-note-text" label="Note in Markdown" value={text} placeholder="Markdown. Esc when done" maxRows={40} onChange={change} onBlur={done} />
      ) : note.text.trim() ? (
        <div className="nb-md"><ReactMarkdown remarkPlugins={PLUGINS} components={LINKS}>{note.text}</ReactMarkdown></div>
      ) : (
        <p className="nb-empty">An empty note</p>
      )}
      {!editing && (
        <span className="nb-note-tools">
          <button type="button" className="nb-icon" aria-label="Edit note" title="Edit note" onClick={edit}><Glyph name="pencil" /></button>
          <button type="button" className="nb-icon" aria-label="Delete note" title="Delete note" onClick={remove}><Glyph name="trash" /></button>
        </span>
      )}
    </section>
  );
});
