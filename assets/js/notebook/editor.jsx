// Code editors. The text of a cell belongs to the store; an editor is mounted near the viewport, elsewhere the same text
// stands coloured but still, on the same grid, so that mounting moves nothing.
import { memo, useEffect, useRef, useState } from "react";
import { checkTypes, helpEditors } from "./code_help.js";
import { useKey, useStore } from "./context.js";
import { LINE, OPTIONS, PAD, countLines, loadMonaco } from "./monaco.js";
import { applied } from "./shortcuts.js";

const MAX_LINES = 100; // a wheel over code scrolls the page: only text longer than this has a scroll of its own
const NEAR = "300px";
const FAR = "1200px";

const heightOf = (lines, max = MAX_LINES) => Math.min(max, Math.max(1, lines)) * LINE + 2 * PAD;

// one observer per scroller and margin, not one per cell
const observers = new WeakMap();
export function observe(root, margin, node, seen) {
  const byMargin = observers.get(root ?? document) ?? new Map();
  observers.set(root ?? document, byMargin);
  let entry = byMargin.get(margin);
  if (!entry) {
    const targets = new Map();
    const observer = new IntersectionObserver((list) => list.forEach((item) => targets.get(item.target)?.(item.isIntersecting)), { root, rootMargin: margin });
    byMargin.set(margin, (entry = { observer, targets }));
  }
  entry.targets.set(node, seen);
  entry.observer.observe(node);
  return () => {
    entry.targets.delete(node);
    entry.observer.unobserve(node);
  };
}

/** Widgets of the editor (completion, hints) live above all cells, or a cell's own box would cut them off. */
function overflowNode() {
  let node = document.getElementById("nb-editor-widgets");
  if (!node) {
    node = document.createElement("div");
    node.id = "nb-editor-widgets";
    node.className = "monaco-editor nb-editor-widgets";
    document.body.append(node);
  }
  return node;
}

/**
 * Editors are made one per task, in the order asked for: the first one stands while the others are still to come, and the
 * page answers in between. Answers a function that takes the work back.
 */
const turns = [];
function inTurn(work) {
  turns.push(work);
  if (turns.length === 1) setTimeout(nextTurn);
  return () => {
    const at = turns.indexOf(work);
    if (at >= 0) turns.splice(at, 1);
  };
}

function nextTurn() {
  turns.shift()?.();
  if (turns.length) setTimeout(nextTurn);
}

/** Draw what was typed right after the key instead of in the next frame: its letter is there when the frame begins. */
function renderAtOnce(made) {
  let asked = false;
  return made.onDidChangeModelContent(() => {
    if (asked) return;
    asked = true;
    queueMicrotask(() => {
      asked = false;
      if (made.hasTextFocus()) made.render();
    });
  });
}

/** Whether a text can be typed in: not while somebody else does. */
const writing = (lock) => ({ readOnly: Boolean(lock), readOnlyMessage: { value: lock ? `${lock.name} is typing here.` : "" } });

const widgetOpen = (box) => Boolean(document.querySelector("#nb-editor-widgets .visible") || box.querySelector(".find-widget.visible"));

/** Models outlive their editors, so undo in a cell survives scrolling away. */
export function modelOf(monaco, store, id, language) {
  store.models ??= new Map();
  let model = store.models.get(id);
  if (!model) {
    model = monaco.editor.createModel(store.text(id), language);
    model.onDidChangeContent(() => model.silent || store.typed(id, model.getValue()));
    store.models.set(id, model);
  }
  if (model.getLanguageId() !== language) monaco.editor.setModelLanguage(model, language);
  return model;
}

function replaceAll(model, text) {
  if (model.getValue() === text) return;
  model.silent = true;
  model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
  model.silent = false;
}

/**
 * An editor is as high as its text, so it is the page that has to follow the caret: after the frame, and only to another line or
 * where the page was scrolled meanwhile. No key waits for it, and most ask for nothing.
 */
function followCaret(made, host) {
  const page = host.closest(".nb-main");
  let known = 0; // the line that the page shows for sure
  const forget = () => (known = 0);
  const follow = () => {
    const caret = made.hasTextFocus() && made.getScrolledVisiblePosition(made.getPosition());
    if (!caret) return;
    const view = page.getBoundingClientRect();
    const top = host.getBoundingClientRect().top + caret.top;
    const above = top - view.top - LINE;
    const below = top + caret.height - view.bottom + LINE;
    if (above < 0) page.scrollBy(0, above);
    else if (below > 0) page.scrollBy(0, below);
  };
  page?.addEventListener("scroll", forget, { passive: true });
  const moves = made.onDidChangeCursorPosition(({ position, source }) => {
    if (!page || position.lineNumber === known) return;
    known = position.lineNumber;
    if (source !== "mouse") requestAnimationFrame(follow); // a pointer is where the eyes are
  });
  return { dispose: () => (moves.dispose(), page?.removeEventListener("scroll", forget)) };
}

function useColours(box, text, language, off, root) {
  const [html, setHtml] = useState(null);
  useEffect(() => {
    if (off) return undefined;
    let gone = false;
    const stop = observe(root, "700px", box.current, (near) => {
      if (!near) return;
      stop();
      loadMonaco().then((monaco) => monaco.editor.colorize(text, language, { tabSize: 4 })).then((coloured) => !gone && setHtml({ text, coloured }));
    });
    return () => {
      gone = true;
      stop();
    };
  }, [text, language, off, root]);
  return html?.text === text ? html.coloured : null;
}

/**
 * The code of one cell. `error` (of the last run) and `problems` (of the text as it is) mark lines. The event `nb-focus` on its node ({line}?) puts the cursor into it.
 * `onKey(command)` is called with "run", "run_stay", "run_all_stale", "run_old", "leave".
 */
export const CellEditor = memo(function CellEditor({ id, language, label, error, problems, root, onKey }) {
  const store = useStore();
  const box = useRef(null);
  const host = useRef(null);
  const editor = useRef(null);
  const focusAt = useRef(null);
  const [live, setLive] = useState(false);
  const [ready, setReady] = useState(false);
  const [shown, setShown] = useState(() => store.text(id));
  const [lines, setLines] = useState(() => countLines(shown));
  const keys = useRef(onKey);
  keys.current = onKey;
  const replaced = useKey(`text:${id}`);
  const lock = useKey(`lock:${id}`);

  useEffect(() => {
    if (!replaced) return;
    const model = store.models?.get(id);
    if (model) replaceAll(model, replaced.text);
    setShown(replaced.text);
    setLines(countLines(replaced.text));
  }, [replaced]);

  useEffect(() => observe(root, NEAR, box.current, (near) => near && setLive(true)), [root]);
  useEffect(() => observe(root, FAR, box.current, (near) => {
    if (near || editor.current?.hasWidgetFocus()) return;
    setShown(store.text(id));
    setLive(false);
  }), [root, id]);

  useEffect(() => {
    if (!live) return undefined;
    let gone = false;
    let resize;
    let followers = [];
    let takeBack = () => {};
    const make = (monaco) => {
      if (gone || !host.current) return;
      helpEditors(monaco, store.ws);
      const model = modelOf(monaco, store, id, language);
      const made = monaco.editor.create(host.current, { ...OPTIONS, model, ariaLabel: label, tabIndex: -1, overflowWidgetsDomNode: overflowNode(), ...writing(store.get(`lock:${id}`)), ...(isNarrow() && { lineNumbers: "off" }), scrollbar: { ...OPTIONS.scrollbar, vertical: model.getLineCount() > MAX_LINES ? "auto" : "hidden" } });
      editor.current = made;
      let tall = model.getLineCount() > MAX_LINES;
      const count = () => {
        const now = model.getLineCount();
        setLines(now);
        if (now > MAX_LINES === tall) return;
        tall = !tall;
        made.updateOptions({ scrollbar: { vertical: tall ? "auto" : "hidden" } });
      };
      followers = [model.onDidChangeContent(count), made.onDidFocusEditorWidget(() => store.set("editing", id)), made.onDidBlurEditorWidget(() => (store.flush(), store.get("editing") === id && store.set("editing", null))), renderAtOnce(made), followCaret(made, host.current), { dispose: checkTypes(monaco, made) }];
      count();
      resize = new ResizeObserver(() => made.layout());
      resize.observe(host.current);
      setReady(true);
      markError(monaco, made, error);
      markProblems(monaco, made, problems);
      if (focusAt.current) focusNow(made, focusAt);
      else made.render();
    };
    loadMonaco().then((monaco) => {
      if (focusAt.current) make(monaco); // somebody waits for this one
      else if (!gone) takeBack = inTurn(() => make(monaco));
    });
    return () => {
      gone = true;
      takeBack();
      resize?.disconnect();
      followers.forEach((follower) => follower.dispose());
      editor.current?.dispose();
      editor.current = null;
      setReady(false);
    };
  }, [live, id]);

  useEffect(() => {
    if (store.models?.get(id)) loadMonaco().then((monaco) => modelOf(monaco, store, id, language));
  }, [language]);

  useEffect(() => {
    if (editor.current) loadMonaco().then((monaco) => editor.current && markError(monaco, editor.current, error));
  }, [error?.line, error?.message]);

  useEffect(() => {
    if (editor.current) loadMonaco().then((monaco) => editor.current && markProblems(monaco, editor.current, problems));
  }, [problems]);

  useEffect(() => editor.current?.updateOptions({ ariaLabel: label }), [label]);
  useEffect(() => editor.current?.updateOptions(writing(lock)), [lock]);

  const wake = (at) => {
    focusAt.current = at ?? {};
    if (editor.current) focusNow(editor.current, focusAt);
    else setLive(true);
  };
  useEffect(() => {
    const node = box.current;
    const focus = (event) => wake(event.detail ?? {});
    node.addEventListener("nb-focus", focus);
    return () => node.removeEventListener("nb-focus", focus);
  });

  const onKeyDownCapture = (event) => {
    const command = applied("edit", event);
    if (!command || (command === "leave" && (widgetOpen(box.current) || (editor.current?.getSelections()?.length ?? 0) > 1))) return;
    event.preventDefault();
    event.stopPropagation();
    keys.current(command);
  };
  const coloured = useColours(box, shown, language, live, root);
  const height = heightOf(lines);
  return (
    <div ref={box} className="nb-code" data-live={ready || undefined} style={{ height }} data-code={id} onKeyDownCapture={onKeyDownCapture}>
      {live ? <div ref={host} className="nb-code-live" /> : null}
      {!ready && <StaticCode text={shown} html={coloured} lines={lines} onWake={wake} behind={live} error={error} problems={problems} />}
    </div>
  );
});

function StaticCode({ text, html, lines, onWake, behind, error, problems }) {
  const onMouseDown = (event) => {
    if (event.button !== 0) return;
    event.preventDefault(); // the browser would put the focus on the cell after the editor took it
    onWake({ x: event.clientX, y: event.clientY });
  };
  const shown = Math.min(lines, 400);
  return (
    <div className="nb-static" aria-hidden={behind || undefined} onMouseDown={onMouseDown}>
      {error?.line && <i className="nb-error-line" style={{ top: PAD + (error.line - 1) * LINE }} />}
      {problems.filter(({ line }) => line <= shown).map(({ line, message, severity }) => <i key={`${line} ${message}`} className={gutterMark(severity)} title={message} style={{ top: PAD + (line - 1) * LINE }} />)}
      <div className="nb-gutter" aria-hidden="true">{Array.from({ length: shown }, (_, i) => i + 1).join("\n")}</div>
      {html ? <pre dangerouslySetInnerHTML={{ __html: html }} /> : <pre>{text}</pre>}
    </div>
  );
}

function focusNow(editor, at) {
  const { x, y, line } = at.current;
  at.current = null;
  if (line) {
    editor.setPosition({ lineNumber: line, column: 1 });
    editor.revealLineInCenterIfOutsideViewport(line);
  } else if (x !== undefined) {
    const target = editor.getTargetAtClientPoint(x, y);
    if (target?.position) editor.setPosition(target.position);
  }
  editor.focus();
}

function markError(monaco, editor, error) {
  const model = editor.getModel();
  const line = error?.line && error.line <= model.getLineCount() ? error.line : null;
  const range = line && { startLineNumber: line, endLineNumber: line, startColumn: model.getLineFirstNonWhitespaceColumn(line) || 1, endColumn: model.getLineMaxColumn(line) };
  monaco.editor.setModelMarkers(model, "run", range ? [{ ...range, severity: 8, message: error.message }] : []);
  editor.errorMarks ??= editor.createDecorationsCollection();
  editor.errorMarks.set(range ? [{ range: new monaco.Range(line, 1, line, 1), options: { isWholeLine: true, className: "nb-error-line", linesDecorationsClassName: "nb-error-mark" } }] : []);
}

const gutterMark = (severity) => `nb-problem-mark ${severity === "error" ? "nb-problem-bad" : "nb-problem-stale"}`;

/** What the checks say of lines: in the gutter, and under the text where no checker of types says it too. */
function markProblems(monaco, editor, problems) {
  const model = editor.getModel();
  const found = problems.filter(({ line }) => line <= model.getLineCount());
  const range = (line) => ({ startLineNumber: line, endLineNumber: line, startColumn: model.getLineFirstNonWhitespaceColumn(line) || 1, endColumn: model.getLineMaxColumn(line) });
  const markers = found.map(({ line, message, rule, severity }) => ({ ...range(line), severity: severity === "error" ? 8 : 4, message, code: rule }));
  monaco.editor.setModelMarkers(model, "lint", model.getLanguageId() === "typescript" ? [] : markers);
  editor.problemMarks ??= editor.createDecorationsCollection();
  editor.problemMarks.set(found.map(({ line, message, severity }) => ({ range: new monaco.Range(line, 1, line, 1), options: { linesDecorationsClassName: gutterMark(severity), linesDecorationsTooltip: message } })));
}

const isNarrow = () => window.matchMedia("(max-width: 700px)").matches;

/** A free-standing editor with the props of reflex-monaco's MonacoEditor, loaded from the bundle. `help`: the workspace that helps its writer. */
export function CodeEditor({ value, defaultValue = "", language, defaultLanguage = "plaintext", line, width, height, onChange, readOnly = false, label, tabIndex = 0, help }) {
  const host = useRef(null);
  const editor = useRef(null);
  const changed = useRef(onChange);
  changed.current = onChange;
  useEffect(() => {
    let gone = false;
    let unchecked = () => {};
    loadMonaco().then((monaco) => {
      if (gone) return;
      const made = monaco.editor.create(host.current, { ...OPTIONS, value: value ?? defaultValue, language: language ?? defaultLanguage, readOnly, automaticLayout: true, ariaLabel: label, tabIndex });
      made.onDidChangeModelContent(() => changed.current?.(made.getValue()));
      if (line) made.revealLineInCenter(line);
      if (help) {
        helpEditors(monaco, help);
        unchecked = checkTypes(monaco, made);
      }
      editor.current = made;
    });
    return () => {
      gone = true;
      unchecked();
      editor.current?.getModel()?.dispose();
      editor.current?.dispose();
      editor.current = null;
    };
  }, [language]);
  useEffect(() => {
    const made = editor.current;
    if (made && value !== undefined && value !== made.getValue() && !made.hasTextFocus()) made.setValue(value);
  }, [value]);
  return <div ref={host} style={{ width: width ?? "100%", height: height ?? "240px" }} />;
}
