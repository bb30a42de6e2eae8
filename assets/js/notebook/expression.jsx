// A JavaScript expression in one growing field, with completion of flow_input and results from what has really run.
import { useEffect, useId, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useStore } from "./context.js";
import { GrowingText, Popover } from "./ui.jsx";

const PREVIEW_MS = 150;
const TOKEN = /[A-Za-z_$][\w$]*(?:\??\.[\w$]*|\[(?:\d+\]?|"(?:[^"\\]|\\.)*"?\]?)?)*$/;
const ROOTED = /^(results|flow_input|previous_result)\b/;
const CACHE_MS = 15000;

/** Cached questions about what can be picked for a cell: the same answer serves completion and picker. */
export function pickables(store, cell, field, expr, offset = 0) {
  store.pickCache ??= new Map();
  const key = JSON.stringify([cell, field, expr ?? null, offset, store.get("draft")?.version]);
  const hit = store.pickCache.get(key);
  if (hit && Date.now() - hit.at < CACHE_MS) return hit.answer;
  const answer = expr === undefined ? store.query("picker", { cell, field, q: "" }) : store.query("picker/children", { cell, expr, offset });
  store.pickCache.set(key, { at: Date.now(), answer });
  answer.catch(() => store.pickCache.delete(key));
  if (store.pickCache.size > 200) store.pickCache.delete(store.pickCache.keys().next().value);
  return answer;
}

/** What is being written before the cursor: {token, base, part}; base null means a name at the top. */
export function tokenBefore(text, cursor) {
  const token = text.slice(0, cursor).match(TOKEN)?.[0] ?? "";
  const cut = Math.max(token.lastIndexOf("."), token.lastIndexOf("["));
  if (cut === -1) return { token, base: null, part: token };
  return { token, base: token.slice(0, cut).replace(/\?$/, ""), part: token.slice(cut + 1).replace(/["\]]/g, "") };
}

async function completions(store, cell, field, { token, base, part }) {
  const wanted = part.toLowerCase();
  if (base === null) {
    const { groups } = await pickables(store, cell, field);
    const all = groups.filter((group) => group.name !== "Suggested").flatMap((group) => group.items);
    return unique([...rootsOf(all), ...all]).filter((item) => item.expr.toLowerCase().includes(wanted) && item.expr !== token).sort((a, b) => rank(a, wanted) - rank(b, wanted)).slice(0, 40);
  }
  if (!ROOTED.test(base)) return []; // only what begins at a result or an input has known members
  const { groups } = await pickables(store, cell, field);
  const top = groups.flatMap((group) => group.items).filter((item) => parentOf(item.expr) === base);
  const bare = base === "results" || base === "flow_input";
  const children = bare ? top : (await pickables(store, cell, field, base)).items;
  return unique(children).filter((item) => lastPart(item.expr).toLowerCase().includes(wanted)).sort((a, b) => rank(a, wanted) - rank(b, wanted)).slice(0, 60);
}

const rootsOf = (items) => ["flow_input", "results"].filter((root) => items.some((item) => item.expr.startsWith(`${root}.`) || item.expr.startsWith(`${root}[`))).map((root) => ({ expr: root, label: root, type: "object", children: true }));
const unique = (items) => [...new Map(items.map((item) => [item.expr, item])).values()];
const lastPart = (expr) => expr.match(/(?:\.([\w$]+)|\[("?)(.*?)\2\])$/)?.slice(1).filter(Boolean).pop() ?? expr;
const parentOf = (expr) => expr.replace(/(\.[\w$]+|\[[^\]]*\])$/, "");
const rank = (item, wanted) => (lastPart(item.expr).toLowerCase().startsWith(wanted) ? 0 : 1);

/**
 * `onStage(expr)` on each change; `onPreview(result, expr)` with the value the server computes while typing.
 * `handle.current.insert(text)` puts text at the last cursor.
 */
export function ExpressionInput({ cell, field, expr, label, placeholder = "an expression, such as results.a", missing, onStage, onPreview, handle }) {
  const store = useStore();
  const node = useRef(null);
  const cursor = useRef(null);
  const [text, setText] = useState(null);
  const [list, setList] = useState(null); // {items, at, token}
  const listId = useId();
  const shown = text ?? expr;
  const asked = useRef(0);

  const preview = useRef(null);
  useEffect(() => {
    if (text === null || !onPreview) return undefined;
    const abort = new AbortController();
    preview.current = setTimeout(() => {
      const say = (value) => onPreview(value, text);
      if (!text.trim()) return say({ ok: false, text: "" });
      return store.ask("POST", "preview", { json: { cell, field, expr: text }, signal: abort.signal }).then(say, (error) => error.name !== "AbortError" && say({ ok: false, text: error.status === 0 ? "" : error.message }));
    }, PREVIEW_MS);
    return () => {
      clearTimeout(preview.current);
      abort.abort();
    };
  }, [text]);

  const suggest = (value, at, forced = false) => {
    const token = tokenBefore(value, at);
    if (!forced && !token.token) return setList(null);
    const turn = (asked.current += 1);
    return completions(store, cell, field, token).then(
      (items) => turn === asked.current && document.activeElement === node.current && setList(items.length ? { items, at: 0, token: token.token } : null),
      () => setList(null),
    );
  };
  const change = (next, input) => {
    setText(next);
    onStage(next);
    cursor.current = input?.selectionStart ?? next.length;
    suggest(next, cursor.current);
  };
  const put = (start, end, value) => {
    const next = shown.slice(0, start) + value + shown.slice(end);
    // at once, not in the next frame: what is typed before it would come out of order
    flushSync(() => setText(next));
    node.current?.focus();
    node.current?.setSelectionRange(start + value.length, start + value.length);
    cursor.current = start + value.length;
    onStage(next);
    return next;
  };
  const accept = (item) => {
    const at = node.current.selectionStart;
    const next = put(at - list.token.length, at, item.expr);
    if (item.children && (item.expr === "results" || item.expr === "flow_input")) {
      const end = at - list.token.length + item.expr.length;
      suggest(`${next.slice(0, end)}.`, end + 1);
    } else setList(null);
  };
  useEffect(() => {
    if (handle) handle.current = { insert: (value) => put(cursor.current ?? shown.length, cursor.current ?? shown.length, value), focus: () => node.current?.focus() };
  });
  const onKeyDown = (event) => {
    if (event.ctrlKey && event.key === " ") {
      event.preventDefault();
      suggest(shown, event.target.selectionStart, true);
      return;
    }
    if (list && ["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key) && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      if (event.key === "Escape") setList(null);
      else if (event.key === "Enter" || event.key === "Tab") accept(list.items[list.at]);
      else setList({ ...list, at: (list.at + (event.key === "ArrowDown" ? 1 : -1) + list.items.length) % list.items.length });
      return;
    }
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      store.flush();
      setList(null);
    }
    if (event.key === "." && list) setList(null);
  };
  const onBlur = (event) => {
    cursor.current = event.target.selectionStart;
    setList(null);
    setText(null);
    store.flush();
  };
  return (
    <>
      <GrowingText
        inputRef={node} className="nb-input nb-expr" label={label} value={shown} placeholder={placeholder} missing={missing} onChange={change} onBlur={onBlur} onKeyDown={onKeyDown}
        combobox={{ role: "combobox", "aria-autocomplete": "list", "aria-expanded": Boolean(list), "aria-controls": list ? listId : undefined, "aria-activedescendant": list ? `${listId}-${list.at}` : undefined }}
      />
      {list && node.current && (
        <Popover anchor={node.current} label="Completions" role="listbox" className="nb-complete" restore={false} onClose={() => setList(null)} stay={(target) => target === node.current}>
          <Completions id={listId} list={list} onPick={accept} />
        </Popover>
      )}
    </>
  );
}

function Completions({ id, list, onPick }) {
  const box = useRef(null);
  useEffect(() => {
    box.current?.children[list.at]?.scrollIntoView({ block: "nearest" });
  }, [list.at]);
  return (
    <div id={id} ref={box} role="presentation">
      {list.items.map((item, index) => (
        <div key={item.expr} id={`${id}-${index}`} role="option" aria-selected={index === list.at} className="nb-option" onMouseDown={(event) => (event.preventDefault(), onPick(item))}>
          <code>{item.expr}</code>
          <span className="nb-type">{item.type}</span>
          <span className="nb-sample">{item.sample}</span>
        </div>
      ))}
    </div>
  );
}
