// The store of the open draft, handed to all parts of the page.
import { createContext, useCallback, useContext, useSyncExternalStore } from "react";
import { useSignal } from "./signals.js";

export const StoreContext = createContext(null);

export const useStore = () => useContext(StoreContext);

/** Follow one key of the page's store, e.g. "draft" or "state:<cell id>". */
export function useKey(key) {
  return useSignal(useStore(), key);
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
