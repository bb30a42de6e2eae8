// Results are drawn when they come near, and those that nobody has worked with are put away again far from the view: however many
// cells a notebook has and however far it is scrolled, the page has the results of a few screens.
import { useContext, useEffect, useRef, useState } from "react";
import { ScrollerContext } from "./context.js";
import { observe } from "./editor.jsx";

const NEAR = "1500px";
const FAR = "2200px";

/** A log goes to its end by itself. */
const follows = (one) => one.matches(".logs-body") && one.scrollHeight - one.scrollTop - one.clientHeight < 4;

/** Whether something would be lost: what is open in it, sorted or typed, where it is scrolled to, what is selected, what a frame shows. */
function isTouched(node, worked) {
  if (worked || node.contains(document.activeElement) || node.querySelector("iframe, video, audio")) return true;
  const selection = document.getSelection();
  if (selection && !selection.isCollapsed && selection.containsNode(node, true)) return true;
  return [...node.querySelectorAll("*")].some((one) => (one.scrollTop || one.scrollLeft) && !follows(one));
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
    // its item: what is in one that the browser skips is not seen long before it is far
    return observe(root, FAR, node.closest(".nb-item") ?? node, (seen) => {
      const now = node.offsetHeight; // none: the whole notebook is hidden, behind the graph
      if (seen || !now || isTouched(node, worked.current)) return;
      setHeight(now);
      setNear(false);
    });
  }, [near, active, root]);
  const touch = () => {
    worked.current = true;
  };
  // not when it goes down: a finger may only scroll the page, and then it is never up here
  return { near, mark, height, touched: { onPointerUpCapture: touch, onKeyDownCapture: touch } };
}
