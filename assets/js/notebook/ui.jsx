// Small pieces of furniture: popover, menu, dialog, toasts and the live region. Built on the browser's own top layer
// (popover attribute, <dialog>), so nothing is clipped by a cell and Escape and focus behave as everywhere.
import { Component, useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";

const EDGE = 8;

function place(panel, anchor, align) {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = align === "end" ? at.right - width : at.left;
  const below = at.bottom + 4;
  const fits = below + height <= window.innerHeight - EDGE;
  const top = fits || at.top < height + EDGE ? Math.min(below, Math.max(EDGE, window.innerHeight - height - EDGE)) : at.top - height - 4;
  panel.style.left = `${Math.round(Math.max(EDGE, Math.min(left, window.innerWidth - width - EDGE)))}px`;
  panel.style.top = `${Math.round(top)}px`;
}

/** A panel beside its anchor. `stay(target)` may keep it open for a press outside. Focus returns to the anchor. */
export function Popover({ anchor, onClose, align = "start", label, className = "", role = "dialog", stay, restore = true, children }) {
  const panel = useRef(null);
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const node = panel.current;
    const before = document.activeElement;
    node.showPopover?.();
    node.querySelector("[data-autofocus]")?.focus();
    const fit = () => anchor?.isConnected && place(node, anchor, align);
    fit();
    const resize = new ResizeObserver(fit);
    resize.observe(node);
    window.addEventListener("scroll", fit, true);
    window.addEventListener("resize", fit);
    const outside = (event) => {
      if (node.contains(event.target) || event.target.closest?.("[popover]") || stay?.(event.target)) return;
      close.current(anchor?.contains(event.target) ? "anchor" : "outside");
    };
    document.addEventListener("pointerdown", outside, true);
    return () => {
      resize.disconnect();
      window.removeEventListener("scroll", fit, true);
      window.removeEventListener("resize", fit);
      document.removeEventListener("pointerdown", outside, true);
      if (restore && (node.contains(document.activeElement) || document.activeElement === document.body)) (before?.isConnected ? before : anchor)?.focus?.({ preventScroll: true });
    };
  }, [anchor, align]);
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close.current("escape");
  };
  const root = anchor?.closest("dialog") ?? document.querySelector(".nb") ?? document.body;
  return createPortal(
    <div ref={panel} popover="manual" role={role} aria-label={label} className={`nb-pop ${className}`} onKeyDown={onKeyDown}>
      {children}
    </div>,
    root,
  );
}

/** A button with a menu. `items`: {label, icon, keys, run, tone, checked, disabled, href} or "-" for a line. */
export function MenuButton({ label, icon = "dots", items, align = "end", className = "nb-icon", children, onOpen }) {
  const [open, setOpen] = useState(false);
  const button = useRef(null);
  const toggle = () => {
    if (!open) onOpen?.();
    setOpen(!open);
  };
  const close = useCallback((why) => why !== "anchor" && setOpen(false), []);
  useEffect(() => {
    // the tools of a cell stay in sight while a menu of theirs is open; a rule with :has() would cost at every key typed
    const tools = open ? button.current?.closest(".nb-hd-tools:not([data-always])") : null;
    if (!tools) return undefined;
    tools.setAttribute("data-open", "");
    return () => tools.removeAttribute("data-open");
  }, [open]);
  return (
    <>
      <button ref={button} type="button" className={className} aria-label={children ? undefined : label} title={children ? undefined : label} aria-haspopup="menu" aria-expanded={open} onClick={toggle}>
        {children ?? <Glyph name={icon} />}
      </button>
      {open && <Menu anchor={button.current} label={label} items={typeof items === "function" ? items() : items} align={align} onClose={close} />}
    </>
  );
}

export function Menu({ anchor, label, items, align, onClose }) {
  const list = useRef(null);
  useEffect(() => list.current.querySelector("[role^=menuitem]:not([aria-disabled=true])")?.focus(), []);
  const onKeyDown = (event) => {
    const all = [...list.current.querySelectorAll("[role^=menuitem]:not([aria-disabled=true])")];
    const at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (event.key === "Tab") onClose("tab");
    if (to === undefined) {
      if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
        event.stopPropagation();
        const hit = [...all.slice(at + 1), ...all].find((item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase()));
        hit?.focus();
      }
      return;
    }
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  const pick = (item) => {
    onClose("pick");
    item.run?.();
  };
  return (
    <Popover anchor={anchor} onClose={onClose} align={align} label={label} role="menu" className="nb-menu">
      <div ref={list} role="none" onKeyDown={onKeyDown}>
        {items.filter(Boolean).map((item, index) => {
          if (item === "-") return <hr key={index} />;
          const inner = (
            <>
              <span className="nb-menu-icon">{item.checked ? <Glyph name="check" /> : item.icon && <Glyph name={item.icon} />}</span>
              <span>{item.label}</span>
              {item.keys && <kbd>{item.keys}</kbd>}
            </>
          );
          const common = { tabIndex: -1, "data-tone": item.tone, className: "nb-menu-item" };
          if (item.href) return <a key={index} role="menuitem" {...common} href={item.href} download={item.download} onClick={() => onClose("pick")}>{inner}</a>;
          return (
            <button key={index} type="button" role={item.checked === undefined ? "menuitem" : "menuitemradio"} aria-checked={item.checked} aria-disabled={item.disabled || undefined} {...common} onClick={() => !item.disabled && pick(item)}>
              {inner}
            </button>
          );
        })}
      </div>
    </Popover>
  );
}

/** A modal dialog: the browser's own, so focus stays inside and Escape closes. */
export function Dialog({ title, onClose, children, footer, className = "" }) {
  const dialog = useRef(null);
  const heading = useId();
  useEffect(() => {
    const node = dialog.current;
    const before = document.activeElement;
    if (!node.open) node.showModal();
    node.querySelector("[data-autofocus]")?.focus(); // the browser gives it to the first control, a close button
    return () => before?.isConnected && before.focus?.({ preventScroll: true });
  }, []);
  return createPortal(
    <dialog ref={dialog} className={`nb-dialog ${className}`} aria-labelledby={title ? heading : undefined} onCancel={(event) => (event.preventDefault(), onClose())} onClick={(event) => event.target === dialog.current && onClose()}>
      <div className="nb-dialog-body">
        {title && (
          <header>
            <h2 id={heading}>{title}</h2>
            <button type="button" className="nb-icon" aria-label="Close" onClick={onClose}><Glyph name="close" /></button>
          </header>
        )}
        {children}
        {footer && <footer>{footer}</footer>}
      </div>
    </dialog>,
    document.querySelector(".nb") ?? document.body,
  );
}

/** What just happened, with a way back. Reaches screen readers through the live regions below. */
export function Toasts() {
  const store = useStore();
  const toasts = useKey("toasts");
  const said = useKey("announce");
  return (
    <>
      <div className="nb-sr" aria-live="polite" role="status">{said?.text}</div>
      <div className="nb-toasts" aria-live="polite" aria-relevant="additions">
        {toasts.map((toast) => (
          <div key={toast.id} className="nb-toast" data-tone={toast.tone}>
            {toast.tone === "bad" && <Glyph name="warn" />}
            <span>
              {toast.text}
              {toast.hint && <small>{toast.hint}</small>}
            </span>
            {toast.action && (
              <button type="button" className="nb-btn" onClick={() => (store.dismiss(toast.id), toast.action.run())}>{toast.action.label}</button>
            )}
            <button type="button" className="nb-icon" aria-label="Dismiss" onClick={() => store.dismiss(toast.id)}><Glyph name="close" /></button>
          </div>
        ))}
      </div>
    </>
  );
}

/**
 * Text edited in place: looks like text, becomes an input on click or Enter. Keeps its size in both looks. `stay`: Enter and
 * Escape leave the focus where it is, as in a form; otherwise the cell around gets it. `proposed` (or null) is a text that was
 * typed and is not decided on: it is shown, and gone on with when the field gets the focus again.
 */
export function EditInPlace({ value, proposed = null, label, placeholder, onSave, className = "", mono = false, check, stay = false }) {
  const [text, setText] = useState(null);
  const input = useRef(null);
  const shown = text ?? proposed ?? value;
  const bad = text !== null && check?.(text);
  const finish = (save) => {
    if (save && text !== null && text.trim() !== value && !check?.(text.trim())) onSave(text.trim());
    setText(null);
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      if (stay) return finish(true);
      input.current.blur(); // which saves, once
      input.current.closest("[data-cell]")?.focus();
    }
    if (event.key === "Escape" && !(stay && text === null)) {
      event.stopPropagation();
      setText(null);
      if (!stay) requestAnimationFrame(() => (input.current?.blur(), input.current?.closest("[data-cell]")?.focus()));
    }
  };
  return (
    <span className={`nb-inplace ${className}`} data-mono={mono || undefined} data-bad={bad || undefined}>
      <span aria-hidden="true">{shown || placeholder}</span>
      <input ref={input} aria-label={label} aria-invalid={bad ? true : undefined} title={bad || undefined} placeholder={placeholder} value={shown} spellCheck={false} size={1} onFocus={(event) => (setText(proposed), event.target.select())} onChange={(event) => setText(event.target.value)} onBlur={() => finish(true)} onKeyDown={onKeyDown} />
    </span>
  );
}

/** A text field as high as its text, up to a limit: one line looks like an input. */
export function GrowingText({ value, label, onChange, onBlur, onFocus, onKeyDown, className, placeholder, invalid, describedBy, missing, type, inputMode, inputRef, combobox, maxRows = 10 }) {
  const own = useRef(null);
  const node = inputRef ?? own;
  const common = {
    ref: node, className, "aria-label": label, "aria-invalid": invalid || undefined, "aria-describedby": describedBy, "data-missing": missing || undefined,
    value, placeholder, spellCheck: false, autoComplete: "off", inputMode, onBlur, onFocus, onKeyDown, ...combobox,
  };
  if (type) return <input type={type} {...common} onChange={(event) => onChange(event.target.value)} />;
  return (
    <span className="nb-grow" data-number={inputMode === "decimal" || undefined} data-lacks={missing || undefined} data-invalid={invalid || undefined} style={{ "--rows": maxRows }}>
      <span aria-hidden="true" className={className}>{value + (value.endsWith("\n") || !value ? " " : "")}</span>
      <textarea rows={1} {...common} onChange={(event) => onChange(event.target.value, event.target)} />
    </span>
  );
}

/** A fault in drawing one part must not take the rest, and the unsaved text in it, off the page. */
export class Boundary extends Component {
  state = { error: null };

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="nb-notice" data-tone="bad" role="alert">
        <Glyph name="warn" size={13} /> {this.props.what ?? "This part"} could not be drawn: {String(error.message)}
        <button type="button" className="nb-link" onClick={() => this.setState({ error: null })}>Try again</button>
      </div>
    );
  }
}
