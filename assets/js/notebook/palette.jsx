// Every command by name (Ctrl/⌘ K), and the table of keys (?). Both read shortcuts.js.
import { Command } from "cmdk";
import { useState } from "react";
import { needsCell, perform, select } from "./commands.js";
import { useKey, useStore } from "./context.js";
import { usePointerMoves } from "./pointer.js";
import { SHORTCUTS, spoken } from "./shortcuts.js";
import { Dialog } from "./ui.jsx";

const HIDDEN = new Set(["palette", "leave", "next", "previous"]);

export function Palette({ onClose }) {
  const store = useStore();
  const order = useKey("order") ?? [];
  const selected = store.cell(store.get("selected"));
  const offered = SHORTCUTS.filter((item) => !HIDDEN.has(item.id) && (selected || !needsCell(item.id)));
  const groups = [...new Set(offered.map((item) => item.group))];
  const moves = usePointerMoves();
  const act = (work) => () => {
    onClose();
    setTimeout(work, 0); // the dialog gives the focus back first
  };
  return (
    <Dialog onClose={onClose} className="nb-palette">
      <Command label="Commands" loop>
        <Command.Input placeholder={selected ? `Command for ${selected.step_id}, or a cell` : "Command, or a cell"} data-autofocus="" />
        <Command.List {...moves}>
          <Command.Empty>Nothing is called that</Command.Empty>
          {groups.map((group) => (
            <Command.Group key={group} heading={group}>
              {offered.filter((item) => item.group === group).map((item) => (
                <Command.Item key={item.id} value={`${item.label} ${item.id}`} onSelect={act(() => perform(store, item.id, selected?.id))}>
                  <span>{item.label}</span>
                  {item.keys.slice(0, 1).map((keys) => <kbd key={keys}>{spoken(keys)}</kbd>)}
                </Command.Item>
              ))}
            </Command.Group>
          ))}
          <Command.Group heading="Go to">
            {order.map((id) => {
              const cell = store.cell(id);
              return cell && (
                <Command.Item key={id} value={`go to ${cell.step_id} ${cell.title} ${id}`} onSelect={act(() => select(store, id))}>
                  <span className="nb-chip nb-chip-fixed">{cell.step_id}</span> <span>{cell.title || "Untitled"}</span>
                </Command.Item>
              );
            })}
          </Command.Group>
        </Command.List>
      </Command>
    </Dialog>
  );
}

export function Help({ onClose }) {
  const [all, setAll] = useState(false);
  const shown = SHORTCUTS.filter((item) => item.keys.length && (all || item.basic));
  const groups = [...new Set(shown.map((item) => item.group))];
  return (
    <Dialog title="Keyboard" onClose={onClose} className="nb-help" footer={<button type="button" className="nb-btn" onClick={() => setAll(!all)}>{all ? "Show the basic ones" : "Show all"}</button>}>
      <p className="nb-muted">Esc leaves the text of a cell; then single keys act on the selected cell. Enter goes back into the text.</p>
      <div className="nb-help-groups">
        {groups.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {shown.filter((item) => item.group === group).map((item) => (
                <div key={item.id}>
                  <dt>{item.keys.map((keys) => <kbd key={keys}>{spoken(keys)}</kbd>)}</dt>
                  <dd>{item.label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
