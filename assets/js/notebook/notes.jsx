// A note between cells: Markdown, shown rendered, edited as text. Never run; kept in the exported file.
import { memo, useEffect, useRef, useState } from "react";
import ReactMarkdown from "react-markdown";
import remarkGfm from "remark-gfm";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { GrowingText } from "./ui.jsx";

const PLUGINS = [remarkGfm];
const heading = (level) => ({ children }) => <h2 data-level={level}>{children}</h2>;
// one level of headings for readers of the page: notes stand side by side, whatever their authors' levels
const PARTS = { h1: heading(1), h2: heading(2), h3: heading(3), h4: heading(3), h5: heading(3), h6: heading(3), a: ({ href, title, children }) => <a href={href} title={title} target="_blank" rel="noreferrer noopener">{children}</a> };

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
    store.toastDone({ text: "Deleted a note" });
  };
  const move = (by) => {
    const order = store.get("order") ?? [];
    const at = order.indexOf(note.after) + by; // -1: above the first cell
    if (at < -1 || at >= order.length) return;
    store.do({ op: "move_note", note: id, after: at === -1 ? null : order[at] });
    requestAnimationFrame(() => document.querySelector(`[data-note="${id}"]`)?.focus());
  };
  const onKeyDown = (event) => {
    if (editing) {
      if (event.key === "Escape" || (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey))) {
        event.preventDefault();
        event.stopPropagation();
        done();
        box.current.focus();
      }
    } else if (event.target === box.current && ["Enter", "J", "K", "Delete"].includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Enter") edit();
      else if (event.key === "Delete") remove();
      else move(event.key === "J" ? 1 : -1);
    }
  };
  return (
    <section ref={box} className="nb-note" data-note={id} data-editing={editing || undefined} tabIndex={0} aria-label={`Note: ${note.text.slice(0, 60)}`} onKeyDown={onKeyDown} onDoubleClick={() => !editing && edit()} onFocus={(event) => event.target === box.current && store.set("selected", id)}>
      {editing ? (
        <GrowingText inputRef={area} className="nb-note-text" label="Note in Markdown" value={text} placeholder="Markdown. Esc when done" maxRows={40} onChange={change} onBlur={done} />
      ) : note.text.trim() ? (
        <div className="nb-md"><ReactMarkdown remarkPlugins={PLUGINS} components={PARTS}>{note.text}</ReactMarkdown></div>
      ) : (
        <p className="nb-empty">An empty note</p>
      )}
      {!editing && (
        <span className="nb-note-tools">
          <button type="button" className="nb-icon" aria-label="Move note up" title="Move up (K)" onClick={() => move(-1)}><Glyph name="up" /></button>
          <button type="button" className="nb-icon" aria-label="Move note down" title="Move down (J)" onClick={() => move(1)}><Glyph name="down" /></button>
          <button type="button" className="nb-icon" aria-label="Edit note" title="Edit note" onClick={edit}><Glyph name="pencil" /></button>
          <button type="button" className="nb-icon" aria-label="Delete note" title="Delete note" onClick={remove}><Glyph name="trash" /></button>
        </span>
      )}
    </section>
  );
});
