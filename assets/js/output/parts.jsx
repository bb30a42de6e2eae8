// Small pieces that every view of an output uses.
import { useEffect, useRef, useState } from "react";

import { Icon } from "../icons.jsx";

/** Grey bars in the place of what is coming. */
export function Skeleton({ lines = 3, label = "Loading" }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, index) => <i key={index} style={{ width: `${[62, 84, 47, 73, 55][index % 5]}%` }} />)}
    </div>
  );
}

/** An error of a request, with its hint and a way to try again. */
export function Problem({ error, retry, what = "This" }) {
  return (
    <div className="out-note bad" role="alert">
      <span>{what} could not be loaded: {error.message} {error.hint}</span>
      {retry && <button type="button" className="link" onClick={retry}>Try again</button>}
    </div>
  );
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // plain http on another machine has no clipboard interface
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** A button that copies and says so. `text` is a string or a function that answers one, perhaps later. */
export function CopyButton({ text, label = "Copy", icon = "copy", className = "tool", short = false, act }) {
  const [said, setSaid] = useState("");
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onClick = async (event) => {
    event.stopPropagation();
    let done = false;
    try {
      done = await copyText(typeof text === "function" ? await text() : text);
    } catch {
      done = false;
    }
    setSaid(done ? "Copied" : "Not copied");
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(""), 1400);
  };
  return (
    <button type="button" className={className} data-act={act} onClick={onClick} title={label} aria-label={short ? label : undefined}>
      <Icon name={said === "Copied" ? "check" : icon} />
      {!short && <span>{said || label}</span>}
      {short && <span className="sr" role="status">{said}</span>}
    </button>
  );
}

/** State that follows a value after it has rested, for search boxes. */
export function useDebounced(value, ms = 250) {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return rested;
}

/** A choice of this browser, e.g. the tab that a cell last showed. */
export function useRemembered(key, initial) {
  const [value, setValue] = useState(() => read(key) ?? initial);
  useEffect(() => setValue(read(key) ?? initial), [key]);
  const set = (next) => {
    setValue(next);
    try {
      if (key) localStorage.setItem(key, next);
    } catch {
      // storage is full or blocked: the choice lasts until the reload
    }
  };
  return [value, set];
}

function read(key) {
  try {
    return key ? localStorage.getItem(key) : null;
  } catch {
    return null;
  }
}
