// Asks before a dialog is closed by Escape or a press beside it when something was typed into its form; Cancel closes it without asking.
import { useEffect, useRef, useState } from "react";

/** Menus and lists of choices that stand outside of the dialog's element and belong to it. */
const FLOATING = "[data-radix-popper-content-wrapper]";
/** Parts of a form that Escape closes by themselves. */
const OWN_ESCAPE = ".nb-field-editor";
const PRESSES = ["pointerdown", "mousedown"];

/** `KeepTyped()`: stands in the form, just before its buttons. */
export function KeepTyped() {
  const place = useRef(null);
  const [asking, setAsking] = useState(false);
  const asked = useRef(false);
  asked.current = asking;
  useEffect(() => {
    const form = place.current?.closest("form");
    const dialog = form?.closest("[role=dialog]");
    if (!dialog) return undefined;
    let typed = false;
    const onTyped = (event) => { typed = typed || event.isTrusted; };
    const onKey = (event) => {
      if (event.key !== "Escape" || event.isComposing || !dialog.contains(event.target) || event.target.closest(OWN_ESCAPE) || !typed) return;
      event.preventDefault(); // the dialog's own handler comes after this one, and leaves alone what is prevented
      setAsking(!asked.current);
    };
    const onPress = (event) => {
      if (!typed || dialog.contains(event.target) || event.target.closest?.(FLOATING)) return;
      event.stopPropagation();
      event.preventDefault(); // of the mouse: the question has the focus, and keeps it
      setAsking(true);
    };
    form.addEventListener("input", onTyped);
    form.addEventListener("change", onTyped);
    window.addEventListener("keydown", onKey, true);
    for (const kind of PRESSES) window.addEventListener(kind, onPress, true);
    return () => {
      form.removeEventListener("input", onTyped);
      form.removeEventListener("change", onTyped);
      window.removeEventListener("keydown", onKey, true);
      for (const kind of PRESSES) window.removeEventListener(kind, onPress, true);
    };
  }, []);
  return (
    <div ref={place} className="keep-typed">
      {asking && <Question place={place} onKeep={() => setAsking(false)} />}
    </div>
  );
}

function Question({ place, onKeep }) {
  const keep = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    keep.current.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  const discard = () => place.current.closest("form").querySelector("[data-cancels]").click();
  return (
    <div className="dialog-foot" role="alertdialog" aria-label="Discard what you typed?">
      <p className="keep-typed-words">Discard what you typed?</p>
      <button type="button" className="btn" ref={keep} onClick={onKeep}>Keep editing</button>
      <button type="button" className="btn danger" onClick={discard}>Discard</button>
    </div>
  );
}
