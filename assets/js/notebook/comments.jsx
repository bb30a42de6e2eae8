// Comments on cells: a mark at the head with a panel, and all of them in the side panel. Plain text, by mouse and by keys.
import { memo, useCallback, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { count, when } from "../words.js";
import { select } from "./commands.js";
import { inCellOrder, onOtherSteps } from "./comments.js";
import { useFact, useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { keysOf, spoken } from "./shortcuts.js";
import { GrowingText, MenuButton, Popover } from "./ui.jsx";

const LONG = 420; // characters, or LONG_LINES lines: more is folded until it is asked for
const LONG_LINES = 8;
const MOST = 4000;

/** How many open threads a cell has, and the panel with them. Without any it is a tool among the others. */
export const CommentMark = memo(function CommentMark({ id, step }) {
  const store = useStore();
  const open = useFact(`comments:${id}`, (of) => of?.open.length ?? 0);
  const shown = useFact("commenting", (cell) => cell === id);
  const button = useRef(null);
  const close = useCallback((why) => why !== "anchor" && store.set("commenting", null), [store]);
  const words = open ? count(open, "open comment") : "Comment";
  return (
    <span className="nb-comment-mark" data-open={open > 0 || shown || undefined}>
      <button ref={button} type="button" className="nb-comment-button" aria-label={`${words} on ${step}`} aria-haspopup="dialog" aria-expanded={shown} title={`${words} (${keysOf("comment")})`} onClick={() => store.set("commenting", shown ? null : id)}>
        <Glyph name="comment" />{open > 0 && <span aria-hidden="true">{open}</span>}
      </button>
      {shown && <CellComments id={id} step={step} anchor={button.current} onClose={close} />}
    </span>
  );
});

function CellComments({ id, step, anchor, onClose }) {
  const store = useStore();
  useEffect(() => () => {
    if (store.get("commenting") === id) store.set("commenting", null); // somebody deleted the cell: undone, it comes back without the panel
  }, [store, id]);
  const { open, resolved } = useKey(`comments:${id}`) ?? { open: [], resolved: [] };
  const list = useRef(null);
  useEffect(() => {
    list.current.scrollTop = list.current.scrollHeight; // the newest stands above the field, which the eyes are on
  }, [open.length]);
  return (
    <Popover anchor={anchor} onClose={onClose} align="end" label={`Comments on ${step}`} className="nb-comments-pop">
      <div ref={list} className="nb-comments-all">
        <Threads threads={open} />
        <Resolved threads={resolved} />
      </div>
      <NewComment cell={id} step={step} autofocus />
      <Readers id={id} />
    </Popover>
  );
}

/** Who will read it, where that is not only who may open the draft. */
function Readers({ id }) {
  const flow = useKey("comments_flow");
  if (!flow) return null;
  return <p className="nb-comments-readers">{flow.cells.includes(id) ? `Whoever may read ${flow.path} sees this.` : "Stays in this draft until the cell is deployed."}</p>;
}

const Threads = ({ threads }) => threads.map((thread) => <Thread key={thread.id} thread={thread} />);

function Resolved({ threads }) {
  if (!threads.length) return null;
  return (
    <details className="nb-resolved">
      <summary>{threads.length} resolved</summary>
      <Threads threads={threads} />
    </details>
  );
}

/** Do something to a comment; where the server refuses, its words are shown. */
function useTold() {
  const store = useStore();
  return (work) => work.catch((error) => store.toast({ text: error.message, hint: error.hint, tone: "bad" }));
}

function Thread({ thread }) {
  const store = useStore();
  const told = useTold();
  const { resolved } = thread;
  return (
    <article className="nb-thread" data-resolved={Boolean(resolved) || undefined} aria-label={`Thread of ${thread.comments[0].name}`}>
      {thread.comments.map((comment) => <Comment key={comment.id} comment={comment} />)}
      <footer>
        {resolved && <span className="nb-faint">Resolved by {resolved.name}, {when(resolved.at)}</span>}
        <Reply thread={thread} />
        <button type="button" className="nb-btn nb-small" onClick={() => told(store.comments.resolve(thread.id, !resolved))}>{resolved ? "Reopen" : "Resolve"}</button>
      </footer>
    </article>
  );
}

function Comment({ comment }) {
  const store = useStore();
  const told = useTold();
  const [editing, setEditing] = useState(store.comments.unsent.has(`comment ${comment.id}`));
  const { name, may } = comment;
  if (comment.deleted) return <p className="nb-comment nb-faint">A comment of {name} was deleted.</p>;
  const items = [
    may.edit && { label: "Edit", icon: "pencil", run: () => setEditing(true) },
    may.delete && { label: "Delete", icon: "trash", tone: "bad", run: () => told(store.comments.remove(comment.id)) },
  ].filter(Boolean);
  return (
    <div className="nb-comment">
      <header>
        <b>{name}</b>
        <time dateTime={comment.created_at} title={new Date(comment.created_at).toLocaleString()}>{when(comment.created_at)}{comment.edited_at && ", edited"}</time>
        {items.length > 0 && <MenuButton label={`More for the comment of ${name}`} items={items} />}
      </header>
      {editing ? (
        <Writing place={`comment ${comment.id}`} initial={comment.text} label="Other words" verb="Save" autofocus onSend={(text) => store.comments.edit(comment.id, text)} onDone={() => setEditing(false)} />
      ) : (
        <Words text={comment.text} />
      )}
    </div>
  );
}

function Words({ text }) {
  const long = text.length > LONG || text.split("\n").length > LONG_LINES;
  const [all, setAll] = useState(false);
  return (
    <>
      <p className="nb-comment-text" data-folded={(long && !all) || undefined}>{text}</p>
      {long && <button type="button" className="nb-link" aria-expanded={all} onClick={() => setAll(!all)}>{all ? "Show less" : "Show all"}</button>}
    </>
  );
}

function Reply({ thread }) {
  const store = useStore();
  const place = `thread ${thread.id}`;
  const [open, setOpen] = useState(store.comments.unsent.has(place));
  if (!open) return <button type="button" className="nb-btn nb-small" onClick={() => setOpen(true)}>Reply</button>;
  return <Writing place={place} label={`Reply to ${thread.comments[0].name}`} verb="Reply" autofocus onSend={(text) => store.comments.answer(thread.id, text)} onDone={() => setOpen(false)} />;
}

function NewComment({ cell, step, autofocus }) {
  const store = useStore();
  return <Writing place={`cell ${cell}`} label={`Comment on ${step}`} verb="Comment" autofocus={autofocus} onSend={(text) => store.comments.write(cell, text)} />;
}

/** A text on its way to be a comment. It outlives the panel that it is written in; `onDone` says that it is sent or dropped. */
function Writing({ place, initial = "", label, verb, autofocus, onSend, onDone }) {
  const store = useStore();
  const { unsent } = store.comments;
  const [text, setText] = useState(unsent.get(place) ?? initial);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(null);
  const box = useRef(null);
  const field = useRef(null);
  useEffect(() => {
    if (!autofocus) return;
    field.current.focus();
    field.current.setSelectionRange(field.current.value.length, field.current.value.length);
  }, [autofocus]);
  const change = (next) => {
    if (next === initial) unsent.delete(place);
    else unsent.set(place, next);
    setText(next);
  };
  const done = () => {
    unsent.delete(place);
    // the field goes, and the keyboard must not fall off the panel with it
    const around = box.current?.closest("article, .nb-comments-pop") ?? null;
    if (!onDone) return;
    flushSync(onDone); // an answer of the server came: else it is drawn at some later time
    if (document.activeElement === document.body) around?.querySelector("footer button, button")?.focus();
  };
  const send = async () => {
    if (!text.trim() || busy) return;
    setBusy(true);
    setRefused(null);
    try {
      await onSend(text);
      setText(onDone ? text : "");
      done();
    } catch (error) {
      setRefused(error);
    }
    setBusy(false);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && onDone && (text === initial || !text.trim())) {
      event.preventDefault();
      event.stopPropagation();
      done();
    }
  };
  const left = MOST - text.length;
  return (
    <div ref={box} className="nb-writing">
      <GrowingText inputRef={field} className="nb-input" label={label} placeholder={label} value={text} maxRows={10} invalid={left < 0} onChange={change} onKeyDown={onKeyDown} />
      {refused && <p className="nb-hint" data-tone="bad" role="alert">{refused.message} {refused.hint}</p>}
      <footer>
        {left < 200 && <span className="nb-faint" data-tone={left < 0 ? "bad" : undefined}>{left < 0 ? `${count(-left, "character")} too many` : `${left} left`}</span>}
        {onDone && <button type="button" className="nb-btn nb-small" onClick={done}>Cancel</button>}
        <button type="button" className="nb-btn nb-small" data-primary disabled={busy || !text.trim() || left < 0} title={spoken("Mod+Enter")} onClick={send}>{busy ? "Sending…" : verb}</button>
      </footer>
    </div>
  );
}

// ---------------------------------------------------------------- the side panel

/** How many threads are open, of cells that are there. */
export function OpenComments() {
  const threads = useKey("comments");
  const cells = new Set(useKey("order") ?? []);
  const open = threads.filter((thread) => !thread.resolved && cells.has(thread.cell)).length;
  return open > 0 && <span className="nb-count">{open}</span>;
}

/** Open threads of all cells in their order; resolved ones folded. */
export function CommentList() {
  const threads = useKey("comments");
  const order = useKey("order") ?? [];
  const failed = useKey("comments_error");
  const open = inCellOrder(threads.filter((thread) => !thread.resolved), order);
  const resolved = inCellOrder(threads.filter((thread) => thread.resolved), order);
  const others = onOtherSteps(threads, order);
  return (
    <section className="nb-commentlist" aria-label="Comments">
      {failed && <p className="nb-notice" data-tone="stale"><Glyph name="warn" size={13} /> The comments could not be read: {failed}</p>}
      {!open.length && !failed && <p className="nb-empty">No open comments. Select a cell and press {keysOf("comment")}, or use the bubble at its head.</p>}
      <Groups groups={open} />
      {resolved.length > 0 && (
        <details className="nb-resolved">
          <summary>{resolved.flatMap((group) => group.threads).length} resolved</summary>
          <Groups groups={resolved} />
        </details>
      )}
      {others.length > 0 && (
        <details className="nb-resolved">
          <summary>{others.flatMap((group) => group.threads).length} on steps that this draft does not have</summary>
          {others.map(({ step, threads: of }) => (
            <section key={step} className="nb-comment-group" aria-label={`Comments on ${step}`}>
              <h2><span className="nb-chip nb-chip-fixed">{step}</span></h2>
              <Threads threads={of} />
            </section>
          ))}
        </details>
      )}
    </section>
  );
}

const Groups = ({ groups }) => groups.map(({ cell, threads }) => <Group key={cell} id={cell} threads={threads} />);

function Group({ id, threads }) {
  const store = useStore();
  const cell = useKey(`cell:${id}`);
  if (!cell) return null;
  const go = () => {
    store.set("sidebar", { ...store.get("sidebar"), open: false });
    select(store, id);
  };
  return (
    <section className="nb-comment-group" aria-label={`Comments on ${cell.step_id}`}>
      <h2><button type="button" title="Go to the cell" onClick={go}><span className="nb-chip nb-chip-fixed">{cell.step_id}</span><span>{cell.title || "Untitled"}</span></button></h2>
      <Threads threads={threads} />
    </section>
  );
}
