// Results are drawn when they come near, and those that nobody has worked with are put away again far from the view: however many
// cells a notebook has and however far it is scrolled, the page has the results of a few screens.
import { useContext, useEffect, useRef, useState } from "react";
import { ScrollerContext } from "./context.js";
import { observe } from "./editor.jsx";

const NEAR = "1500px";
const FAR = "4500px";

const SCROLLERS = ".table-body, .tree-body, .logs-body";

/** Whether something would be lost: what is open in it, sorted or typed, where it is scrolled to, what a frame shows. */
function isTouched(node, worked) {
  if (worked || node.contains(document.activeElement) || node.querySelector("iframe, video, audio")) return true;
  return [...node.querySelectorAll(SCROLLERS)].some((one) => one.scrollTop || one.scrollLeft);
}

/**
 * Whether an output is to be drawn: `mark` is the ref of its element in both cases, `height` what it had, which keeps everything
 * else in its place, `touched` the handlers that notice that somebody works with it.
 */
export function useNear(active) {
  const root = useContext(ScrollerContext);
  const mark = useRef(null);
  const worked = useRef(false);
  const [near, setNear] = useState(false);
  const [height, setHeight] = useState(undefined);
  useEffect(() => {
    const node = mark.current;
    if (!active || !node) return undefined;
    if (!near) return observe(root, NEAR, node, (seen) => seen && setNear(true));
    return observe(root, FAR, node, (seen) => {
      if (seen || isTouched(node, worked.current)) return;
      setHeight(node.offsetHeight || undefined);
      setNear(false);
    });
  }, [near, active, root]);
  const touch = () => {
    worked.current = true;
  };
  return { near, mark, height, touched: { onPointerDownCapture: touch, onKeyDownCapture: touch } };
}
