// Kept inputs: sets of sample values by name, to run the cells on one case or another. They stay in the draft, and out of the document.
import { useState } from "react";
import { askForSample } from "./assistant.jsx";
import { Captured } from "./captured.jsx";
import { useKey, useStore } from "./context.js";
import { Dialog, MenuButton } from "./ui.jsx";

export function SamplesMenu() {
  const store = useStore();
  const names = useKey("input")?.samples ?? [];
  const [keeping, setKeeping] = useState(false);
  const [calls, setCalls] = useState(false);
  const use = (name) => {
    store.do({ op: "use_sample", name });
    store.announce(`The input is now ${name}`);
  };
  const items = () => [
    ...names.map((name) => ({ label: name, icon: "play", run: () => use(name) })),
    names.length > 0 && "-",
    { label: "Keep the present input as…", icon: "plus", run: () => setKeeping(true) },
    { label: "Make sample data…", icon: "sparkle", run: () => askForSample(store) },
    { label: "From a call by webhook…", icon: "download", run: () => setCalls(true) },
    ...names.map((name) => ({ label: `Forget ${name}`, icon: "trash", tone: "bad", run: () => store.do({ op: "drop_sample", name }) })),
  ];
  return (
    <>
      <MenuButton className="nb-btn nb-small" label="Kept inputs" items={items}>Kept{names.length > 0 && <span className="nb-number">{names.length}</span>}</MenuButton>
      {keeping && <Keep names={names} onClose={() => setKeeping(false)} />}
      {calls && <Captured onClose={() => setCalls(false)} />}
    </>
  );
}

function Keep({ names, onClose }) {
  const store = useStore();
  const [name, setName] = useState("");
  const there = names.includes(name.trim());
  const keep = (event) => {
    event.preventDefault();
    store.do({ op: "keep_sample", name: name.trim() });
    onClose();
  };
  return (
    <Dialog title="Keep the present input" onClose={onClose}>
      <form className="nb-form" onSubmit={keep}>
        <label>Name<input className="nb-input nb-boxed" data-autofocus="" required maxLength={60} value={name} placeholder="two customers, one without orders" onChange={(event) => setName(event.target.value)} /></label>
        {there && <p className="nb-hint">Replaces the input that is kept under this name.</p>}
        <footer><button type="button" className="nb-btn" onClick={onClose}>Cancel</button><button type="submit" className="nb-btn" data-primary disabled={!name.trim()}>{there ? "Replace" : "Keep"}</button></footer>
      </form>
    </Dialog>
  );
}
