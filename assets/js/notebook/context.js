// The store of the open draft, handed to all parts of the page.
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";

export const StoreContext = createContext(null);

export const useStore = () => useContext(StoreContext);

/** Follow one key of the page's store, e.g. "draft" or "state:<cell id>". */
export function useKey(key) {
  const signals = useStore();
  const subscribe = useCallback((listener) => signals.subscribe(key, listener), [signals, key]);
  const read = useCallback(() => signals.get(key), [signals, key]);
  return useSyncExternalStore(subscribe, read, read);
}

/** Follow a small fact derived from one key: renders again only when the fact changes. `derive` must return a primitive. */
export function useFact(key, derive) {
  const store = useStore();
  return useSyncExternalStore(
    useCallback((listener) => store.subscribe(key, listener), [store, key]),
    () => derive(store.get(key)),
  );
}

/** The element that scrolls the cells: what "near the viewport" is measured against. */
export const ScrollerContext = createContext(null);
