// Every shortcut, once: the key handler, the help dialog and the command palette read this table.
// keys: alternatives, each a sequence ("d d") of presses; "Mod" is Ctrl or ⌘. mode: command (a cell is selected, no text
// has the focus), edit (the focus is in a cell's text or input), any. basic: shown first in the help.

export const SHORTCUTS = [
  { id: "run", keys: ["Shift+Enter"], label: "Run cell, go to the next", group: "Run", mode: "any", basic: true },
  { id: "run_stay", keys: ["Mod+Enter", "e e"], label: "Run cell, stay", group: "Run", mode: "any", basic: true },
  { id: "run_all_stale", keys: ["Mod+Shift+Enter"], label: "Run cell and everything out of date", group: "Run", mode: "any", basic: true },
  { id: "run_old", keys: ["Alt+Shift+Enter"], label: "Run cell on the old results", group: "Run", mode: "any" },
  { id: "run_stale", keys: ["e a"], label: "Run everything out of date", group: "Run", mode: "command", basic: true },
  { id: "run_container", keys: ["e s"], label: "Run the loop or branch around the cell", group: "Run", mode: "command" },
  { id: "run_up_to", keys: ["e u"], label: "Run up to here", group: "Run", mode: "command" },
  { id: "run_from", keys: ["e f"], label: "Run from here", group: "Run", mode: "command" },
  { id: "run_all", keys: [], label: "Run all cells", group: "Run", mode: "any" },
  { id: "forget", keys: ["e r"], label: "Forget the cell's result", group: "Run", mode: "command" },
  { id: "cancel", keys: ["e x"], label: "Cancel what is running", group: "Run", mode: "command", basic: true },

  { id: "edit", keys: ["Enter"], label: "Edit the cell's code", group: "Cells", mode: "command", basic: true },
  { id: "leave", keys: ["Escape"], label: "Leave the text", group: "Cells", mode: "edit", basic: true },
  { id: "next", keys: ["j", "ArrowDown"], label: "Next cell", group: "Cells", mode: "command", basic: true },
  { id: "previous", keys: ["k", "ArrowUp"], label: "Previous cell", group: "Cells", mode: "command", basic: true },
  { id: "first", keys: ["g g"], label: "First cell", group: "Cells", mode: "command" },
  { id: "last", keys: ["G"], label: "Last cell", group: "Cells", mode: "command" },
  { id: "move_down", keys: ["J"], label: "Move cell down", group: "Cells", mode: "command", basic: true },
  { id: "move_up", keys: ["K"], label: "Move cell up", group: "Cells", mode: "command", basic: true },
  { id: "insert_below", keys: ["n"], label: "Insert code below", group: "Cells", mode: "command", basic: true },
  { id: "insert_above", keys: ["N"], label: "Insert code above", group: "Cells", mode: "command", basic: true },
  { id: "note_below", keys: ["m"], label: "Insert a note below", group: "Cells", mode: "command" },
  { id: "note_above", keys: ["M"], label: "Insert a note above", group: "Cells", mode: "command" },
  { id: "loop_below", keys: ["l"], label: "Insert a loop below", group: "Cells", mode: "command" },
  { id: "branch_below", keys: ["b"], label: "Insert a branch below", group: "Cells", mode: "command" },
  { id: "mark_next", keys: ["Shift+ArrowDown"], label: "Mark the next cell too", group: "Cells", mode: "command" },
  { id: "mark_previous", keys: ["Shift+ArrowUp"], label: "Mark the cell before too", group: "Cells", mode: "command" },
  { id: "copy", keys: ["Mod+c"], label: "Copy cells", group: "Cells", mode: "clipboard" },
  { id: "cut", keys: ["Mod+x"], label: "Cut cells", group: "Cells", mode: "clipboard" },
  { id: "paste", keys: ["Mod+v"], label: "Paste cells below", group: "Cells", mode: "clipboard" },
  { id: "pin", keys: ["v"], label: "Pin the cell's result, or let it run again", group: "Cells", mode: "command" },
  { id: "stand_ins", keys: ["V"], label: "Stand-ins of the cell…", group: "Cells", mode: "command" },
  { id: "duplicate", keys: ["y"], label: "Duplicate cell", group: "Cells", mode: "command" },
  { id: "delete", keys: ["d d"], label: "Delete cell", group: "Cells", mode: "command", basic: true },
  { id: "collapse", keys: ["c"], label: "Fold or unfold cell", group: "Cells", mode: "command" },
  { id: "collapse_all", keys: ["C"], label: "Fold or unfold all", group: "Cells", mode: "command" },
  { id: "format", keys: ["Mod+Shift+f"], label: "Format the cell's code", group: "Cells", mode: "any" },
  { id: "title", keys: ["t"], label: "Change the title", group: "Cells", mode: "command" },
  { id: "rename", keys: ["r"], label: "Rename the step id", group: "Cells", mode: "command" },

  { id: "settings", keys: ["s"], label: "Settings of the cell", group: "Cells", mode: "command", basic: true },
  { id: "comment", keys: ["h"], label: "Comments on the cell", group: "Cells", mode: "command", basic: true },
  { id: "take_over", keys: ["T"], label: "Take over a cell that somebody is typing in, or edit it anyway", group: "Cells", mode: "command" },
  { id: "approval_below", keys: ["a"], label: "Insert an approval below", group: "Cells", mode: "command" },
  { id: "while_below", keys: [], label: "Insert a while loop below", group: "Cells", mode: "command" },
  { id: "branches_below", keys: [], label: "Insert branches that all run below", group: "Cells", mode: "command" },
  { id: "trigger_below", keys: [], label: "Insert a trigger below", group: "Cells", mode: "command" },
  { id: "script_below", keys: [], label: "Insert a script from the workspace below…", group: "Cells", mode: "command" },
  { id: "flow_below", keys: [], label: "Insert a flow as a step below…", group: "Cells", mode: "command" },
  { id: "hub_below", keys: [], label: "Insert a script from the hub below…", group: "Cells", mode: "command" },
  { id: "failure", keys: [], label: "Failure handler", group: "Cells", mode: "command" },
  { id: "preprocessor", keys: [], label: "Preprocessor", group: "Cells", mode: "command" },

  { id: "connect", keys: ["w"], label: "Connect inputs: propose wires for the cell", group: "Wires", mode: "command" },
  { id: "connect_flow", keys: ["W"], label: "Connect inputs of the whole flow", group: "Wires", mode: "command" },
  { id: "picker", keys: ["p"], label: "Pick a value for the first missing input", group: "Wires", mode: "command" },

  { id: "assistant", keys: ["A"], label: "Ask the assistant", group: "Notebook", mode: "command" },
  { id: "flow_input", keys: ["i"], label: "Go to the flow's input", group: "Notebook", mode: "command", basic: true },
  { id: "static", keys: ["I"], label: "Go to the static inputs of all cells", group: "Notebook", mode: "command" },
  { id: "comments", keys: ["H"], label: "All comments", group: "Notebook", mode: "command" },
  { id: "flow_settings", keys: ["S"], label: "Settings of the flow", group: "Notebook", mode: "command", basic: true },
  { id: "state", keys: [], label: "State of the draft", group: "Notebook", mode: "any" },
  { id: "undo", keys: ["z"], label: "Undo the last change to the notebook", group: "Notebook", mode: "command", basic: true },
  { id: "redo", keys: ["Z"], label: "Redo", group: "Notebook", mode: "command", basic: true },
  { id: "save", keys: ["Mod+s"], label: "Save now", group: "Notebook", mode: "any" },
  { id: "palette", keys: ["Mod+k"], label: "All commands", group: "Notebook", mode: "any", basic: true },
  { id: "help", keys: ["?"], label: "Keyboard shortcuts", group: "Notebook", mode: "command", basic: true },
  { id: "graph", keys: ["o"], label: "Show the flow as a graph, or as cells", group: "Notebook", mode: "command" },
  { id: "sidebar", keys: ["Mod+b"], label: "Show or hide the side panel", group: "Notebook", mode: "any" },
  { id: "problems", keys: ["!"], label: "Show problems", group: "Notebook", mode: "command" },
  { id: "deploy", keys: [], label: "Deploy…", group: "Notebook", mode: "any" },
  { id: "versions", keys: [], label: "Versions…", group: "Notebook", mode: "any" },
  { id: "bin", keys: [], label: "Bin: deleted cells…", group: "Notebook", mode: "any" },
  { id: "webhook", keys: [], label: "Webhook…", group: "Notebook", mode: "any" },
  { id: "share", keys: [], label: "Share the deployed flow by a link…", group: "Notebook", mode: "any" },
  { id: "fork", keys: [], label: "Fork the deployed flow into my own space", group: "Notebook", mode: "any" },
  { id: "named", keys: [], label: "Variables and resources that the flow names…", group: "Notebook", mode: "any" },
  { id: "run_form", keys: [], label: "Run the deployed version with a form", group: "Notebook", mode: "any" },
  { id: "export_yaml", keys: [], label: "Export as YAML", group: "Notebook", mode: "any" },
  { id: "export_json", keys: [], label: "Export as JSON", group: "Notebook", mode: "any" },
  { id: "export_zip", keys: [], label: "Export as a folder (zip)", group: "Notebook", mode: "any" },
];

const isMac = () => typeof navigator !== "undefined" && /Mac|iP(hone|ad)/.test(navigator.platform);

/** One press as it is written in the table. */
export function pressOf(event) {
  const { key } = event;
  if (["Shift", "Control", "Alt", "Meta", "AltGraph", "Dead"].includes(key)) return null;
  const letter = key.length === 1;
  const mod = event.ctrlKey || event.metaKey;
  const name = letter && mod ? key.toLowerCase() : key;
  const parts = [mod && "Mod", event.altKey && "Alt", event.shiftKey && (!letter || mod) && "Shift", name];
  return parts.filter(Boolean).join("+");
}

const CHORD_MS = 1000;

/** Follows presses in command mode; answers a shortcut's id when one is complete. */
export class Chords {
  #pressed = [];
  #at = 0;

  press(event) {
    const press = pressOf(event);
    if (!press) return null;
    const now = event.timeStamp;
    this.#pressed = now - this.#at < CHORD_MS ? [...this.#pressed, press] : [press];
    this.#at = now;
    for (const sequence of [this.#pressed.join(" "), press]) {
      const hit = SHORTCUTS.find((item) => item.mode !== "edit" && item.mode !== "clipboard" && item.keys.includes(sequence));
      if (hit) {
        this.#pressed = [];
        return hit.id;
      }
    }
    const begun = this.#pressed.join(" ");
    if (SHORTCUTS.some((item) => item.keys.some((keys) => keys.startsWith(`${begun} `)))) return "…";
    this.#pressed = [press];
    return SHORTCUTS.some((item) => item.keys.some((keys) => keys.startsWith(`${press} `))) ? "…" : null;
  }
}

/** The shortcut a single press means while text has the focus. */
export function applied(mode, event) {
  const press = pressOf(event);
  if (!press) return null;
  const hit = SHORTCUTS.find((item) => (item.mode === mode || item.mode === "any") && item.keys.includes(press));
  return hit?.id ?? null;
}

const NAMES = { ArrowDown: "↓", ArrowUp: "↑", Escape: "Esc", Enter: "↵" };

/** Keys as people read them. */
export function spoken(keys) {
  return keys
    .split(" ")
    .map((press) => press.split("+").map((part) => (part === "Mod" ? (isMac() ? "⌘" : "Ctrl") : part === "s" || part === "k" || part === "b" ? (press.includes("+") ? part.toUpperCase() : part) : NAMES[part] ?? part)).join(press.length > 1 ? "+" : ""))
    .join(" ");
}

export const keysOf = (id) => {
  const keys = SHORTCUTS.find((item) => item.id === id)?.keys[0];
  return keys ? spoken(keys) : "";
};
