// Values by key, with subscribers per key. A component that reads one key renders again only when that key changes:
// the event of one cell never touches the list or another cell.

export class Signals {
  #values = new Map();
  #listeners = new Map();

  get(key) {
    return this.#values.get(key);
  }

  /** Store a value and tell its readers; the same value (by identity) tells nobody. */
  set(key, value) {
    if (Object.is(this.#values.get(key), value)) return;
    if (value === undefined) this.#values.delete(key);
    else this.#values.set(key, value);
    const listeners = this.#listeners.get(key);
    if (listeners) for (const listener of [...listeners]) listener();
  }

  /** Store a value unless it reads the same as the one there: keeps identity stable across equal server answers. */
  setEqual(key, value) {
    if (!sameJson(this.#values.get(key), value)) this.set(key, value);
  }

  subscribe(key, listener) {
    let listeners = this.#listeners.get(key);
    if (!listeners) this.#listeners.set(key, (listeners = new Set()));
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (!listeners.size) this.#listeners.delete(key);
    };
  }
}

export function sameJson(a, b) {
  return a === b || (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b));
}
