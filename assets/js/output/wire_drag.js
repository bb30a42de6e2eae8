// A value that is dragged out of a result onto an input. What is pressed instead of dragged does the same, and so does a key.
const WIRE = "application/x-flowapp-wire";

/** Attributes of what is dragged. */
export function dragged(expr) {
  if (!expr) return undefined;
  const onDragStart = (event) => {
    event.stopPropagation();
    event.dataTransfer.setData(WIRE, expr);
    event.dataTransfer.setData("text/plain", expr); // into a text, or another window
    event.dataTransfer.effectAllowed = "copyLink";
  };
  return { draggable: true, onDragStart };
}

/** Attributes of where it can be dropped; `put` gets the expression. Before an editor in there sees it. */
export function droppable(put) {
  const carries = (event) => event.dataTransfer?.types.includes(WIRE);
  const mark = (event, on) => event.currentTarget.toggleAttribute("data-drop", on);
  return {
    onDragOverCapture: (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      event.stopPropagation();
      event.dataTransfer.dropEffect = "link";
      mark(event, true);
    },
    onDragLeave: (event) => event.currentTarget.contains(event.relatedTarget) || mark(event, false),
    onDropCapture: (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      event.stopPropagation();
      mark(event, false);
      put(event.dataTransfer.getData(WIRE));
    },
  };
}
