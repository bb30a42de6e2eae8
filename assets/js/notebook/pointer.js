// Lists that follow both the pointer and the arrow keys.
import { useRef } from "react";

/**
 * Props for such a list: its rows see a pointer's move only if it moved. Browsers also send one when rows scroll under a
 * pointer that rests, which would take the choice back from the key that scrolled. The first place is only remembered: a
 * list may open under the pointer.
 */
export function usePointerMoves() {
  const last = useRef({});
  const guard = (event) => {
    const before = last.current[event.type];
    last.current[event.type] = { x: event.clientX, y: event.clientY };
    if (!before || (before.x === event.clientX && before.y === event.clientY)) event.stopPropagation();
  };
  return { onMouseMoveCapture: guard, onPointerMoveCapture: guard };
}
