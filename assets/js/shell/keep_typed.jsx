// Asks before a dialog is closed by Escape, by a press beside it or by a button `data-discards` when something was typed into its
// form; Cancel closes it without asking.
import { useEffect, useRef, useState } from "react";

/** Menus and lists of choices that stand outside of the dialog's element and belong to it. */
const FLOATING = "[data-radix-popper-content-wrapper]";
/** Parts of a form that Escape closes by themselves. */
const OWN_ESCAPE = ".nb-field-editor";
const PRESSES = ["pointerdown", "mousedown"];

/** `KeepTyped()`: stands in the form, just before its buttons. */
export function KeepTyped() {
  const place = useRef(null);
  const [asking, setAsking] = useState(null); // the button that is pressed when it may be discarded
  const asked = useRef(null);
  asked.current = asking;
  const answered = useRef(false);
  useEffect(() => {
    const form = place.current?.closest("form");
    const dialog = form?.closest("[role=dialog]");
    if (!dialog) return undefined;
    let typed = false;
    const cancels = () => form.querySelector("[data-cancels]");
    const onTyped = (event) => { typed = typed || event.isTrusted; };
    const onKey = (event) => {
      if (event.key !== "Escape" || event.isComposing || !dialog.contains(event.target) || event.target.closest(OWN_ESCAPE) || !typed) return;
      event.preventDefault(); // the dialog's own handler comes after this one, and leaves alone what is prevented
      setAsking(asked.current ? null : cancels());
    };
    const onPress = (event) => {
      if (!typed || dialog.contains(event.target) || event.target.closest?.(FLOATING)) return;
      event.stopPropagation();
      event.preventDefault(); // of the mouse: the question has the focus, and keeps it
      setAsking(cancels());
    };
    const onClick = (event) => {
      const button = event.target.closest?.("[data-discards]");
      if (!typed || answered.current || !button || !form.contains(button)) return;
      event.stopPropagation();
      setAsking(button);
    };
    form.addEventListener("input", onTyped);
    form.addEventListener("change", onTyped);
    window.addEventListener("keydown", onKey, true);
    window.addEventListener("click", onClick, true);
    for (const kind of PRESSES) window.addEventListener(kind, onPress, true);
    return () => {
      form.removeEventListener("input", onTyped);
      form.removeEventListener("change", onTyped);
      window.removeEventListener("keydown", onKey, true);
      window.removeEventListener("click", onClick, true);
      for (const kind of PRESSES) window.removeEventListener(kind, onPress, true);
    };
  }, []);
  const discard = () => {
    setAsking(null);
    answered.current = true;
    asking.click();
    answered.current = false;
  };
  return (
    <div ref={place} className="keep-typed">
      {asking && <Question onKeep={() => setAsking(null)} onDiscard={discard} />}
    </div>
  );
}

function Question({ onKeep, onDiscard }) {
  const keep = useRef(null);
  useEffect(() => {
    const before = document.activeElement;
    keep.current.focus();
    return () => before?.isConnected && before.focus();
  }, []);
  return (
    <div className="dialog-foot" role="alertdialog" aria-label="Discard what you typed?">
      <p className="keep-typed-words">Discard what you typed?</p>
      <button type="button" className="btn" ref={keep} onClick={onKeep}>Keep editing</button>
      <button type="button" className="btn danger" onClick={onDiscard}>Discard</button>
    </div>
  );
}
