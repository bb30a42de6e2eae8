// The insides of loops and branches: what decides, and the nested cells.
import { memo, useEffect, useState, useSyncExternalStore } from "react";
import { useFact, useStore } from "./context.js";
import { ExpressionInput } from "./expression.jsx";
import { Glyph } from "./icons.jsx";
import { Evaluated, useFieldPicker } from "./inputs.jsx";
import { IterationBar } from "./iterations.jsx";
import { Picker } from "./picker.jsx";
import { descendantsOf } from "./reduce.js";
import { Slot } from "./slot.jsx";
import { EditInPlace } from "./ui.jsx";

export const LoopBody = memo(function LoopBody({ cell }) {
  const store = useStore();
  const { id, settings } = cell;
  const set = (key, value) => store.do({ op: "set_setting", cell: id, key, value });
  const loop = cell.kind === "forloopflow";
  return (
    <>
      <div className="nb-in nb-loop" role="group" aria-label={`Settings of ${cell.step_id}`}>
        {loop && <Decider cell={cell} field="iterator" name="for each of" expr={settings.iterator?.expr ?? ""} wrap={(expr) => ({ type: "javascript", expr })} placeholder="a list, such as results.a.rows" />}
        {!loop && <Decider cell={cell} field="stop_after_if" name="until" expr={settings.stop_after_if?.expr ?? ""} wrap={(expr) => ({ ...settings.stop_after_if, expr })} placeholder="a condition on the last result, such as result.done" optional={stopsInside(store, id)} />}
        <div className="nb-row nb-switches">
          {loop && (
            <label className="nb-check">
              <input type="checkbox" checked={Boolean(settings.parallel)} onChange={(event) => set("parallel", event.target.checked)} /> in parallel
            </label>
          )}
          {loop && settings.parallel && <Parallelism value={settings.parallelism} onSave={(value) => set("parallelism", value)} />}
          <label className="nb-check">
            <input type="checkbox" checked={Boolean(settings.skip_failures)} onChange={(event) => set("skip_failures", event.target.checked)} /> go on when an item fails
          </label>
        </div>
      </div>
      <IterationBar id={id} step={cell.step_id} per={cell.parent ? null : loop ? "item" : "index"} expr={settings.iterator?.expr ?? ""} />
      <div className="nb-nest">
        <Slot parent={id} slot="modules" empty="Cells put here run for each item, as flow_input.iter.value" />
      </div>
    </>
  );
});

/** Whether a cell in a while loop stops it: then the loop needs no condition of its own. */
const stopsInside = (store, id) => descendantsOf(store.view.cells, id).some((inner) => store.cell(inner)?.settings?.stop_after_if?.expr);

function Parallelism({ value, onSave }) {
  const number = typeof value === "object" && value !== null ? value.value ?? "" : value ?? "";
  const [text, setText] = useState(String(number));
  useEffect(() => setText(String(number)), [number]);
  const save = () => text !== String(number) && onSave(text.trim() && Number(text) > 0 ? Math.floor(Number(text)) : null);
  return (
    <label className="nb-check">
      at most <input className="nb-input nb-tiny" inputMode="numeric" aria-label="At most this many at once" placeholder="all" value={text} onChange={(event) => setText(event.target.value)} onBlur={save} onKeyDown={(event) => event.key === "Enter" && !event.shiftKey && save()} /> at once
    </label>
  );
}

/** An expression that decides something: the list of a loop, the condition of a branch. Same field as an input's. */
function Decider({ cell, field, name, expr, wrap, placeholder, optional = false }) {
  const store = useStore();
  const { id } = cell;
  const picker = useFieldPicker(id, field, expr);
  const known = useFact(`evaluated:${id}`, (all) => JSON.stringify(all?.[field] ?? null));
  const [preview, setPreview] = useState(null);
  useEffect(() => setPreview(null), [known]);
  const key = field === "iterator" ? "iterator" : field;
  const op = (text) => ({ op: "set_setting", cell: id, key, value: wrap(text) });
  const connect = (text) => {
    picker.close();
    store.unstage(`setting:${id}:${key}`);
    store.do(op(text));
  };
  const problem = cell.problems?.find((item) => item.field === field || (field === "iterator" && item.rule?.startsWith("loop.")));
  const missing = !expr.trim() && !optional;
  const asks = field !== "stop_after_if"; // the result that it is asked of is there only after the run
  return (
    <div className="nb-row" data-field={field} data-missing={missing || undefined} data-wrong={problem?.severity}>
      <span className="nb-field">{name}</span>
      <span className="nb-source">
        <ExpressionInput cell={id} field={field} expr={expr} label={`${name}, ${cell.step_id}`} placeholder={placeholder} missing={missing} handle={picker.handle} onStage={(text) => store.stage(`setting:${id}:${key}`, op(text))} onPreview={asks ? setPreview : undefined} />
      </span>
      <Evaluated value={preview ?? JSON.parse(known)} />
      <span className="nb-row-tools" data-open={picker.open || undefined}>
        <button ref={picker.anchor} type="button" className="nb-plug" data-plug={field} aria-label={`Connect ${name}`} aria-expanded={picker.open} aria-haspopup="dialog" onClick={picker.toggle}>
          <Glyph name="plug" size={12} />
          plug
        </button>
      </span>
      {(missing || problem) && (
        <span className="nb-row-problem"><Glyph name="warn" size={12} /> {missing ? (field === "iterator" ? "Say what to loop over: an expression that gives a list" : field === "stop_after_if" ? "Say when the loop ends, or set a stop condition on a cell in it" : "Say when this branch is taken: an expression that is true or false") : problem.message}</span>
      )}
      {picker.open && <Picker cell={id} field={field} anchor={picker.anchor.current} onConnect={connect} onAppend={picker.append} onClose={picker.close} />}
    </div>
  );
}

export const BranchBody = memo(function BranchBody({ cell }) {
  const store = useStore();
  const { id, settings } = cell;
  const branches = settings.branches ?? [];
  const one = cell.kind === "branchone";
  const taken = useTaken(cell, one);
  const add = () => store.do({ op: "add_branch", cell: id, index: branches.length, branch: { summary: "", ...(one ? { expr: "" } : { skip_failure: false }), modules: [] } });
  const set = (key, value) => store.do({ op: "set_setting", cell: id, key, value });
  return (
    <div className="nb-branches">
      {!one && (
        <div className="nb-in nb-loop" role="group" aria-label={`How ${cell.step_id} runs`}>
          <label className="nb-check"><input type="checkbox" checked={settings.parallel !== false} onChange={(event) => set("parallel", event.target.checked)} /> in parallel</label>
        </div>
      )}
      {branches.map((branch, index) => (
        <Branch key={index} cell={cell} branch={branch} index={index} one={one} taken={taken === String(index)} />
      ))}
      <button type="button" className="nb-add" onClick={add}><Glyph name="plus" size={12} /> Add a branch</button>
      {one && (
        <div className="nb-branch" data-taken={taken === "default" || undefined}>
          <div className="nb-branch-hd">
            {taken === "default" && <Glyph name="check" size={12} />}
            <span className="nb-branch-name">otherwise</span>
            <Taken on={taken === "default"} />
          </div>
          <div className="nb-nest"><Slot parent={id} slot="default" empty="Runs when no condition is true. May stay empty" /></div>
        </div>
      )}
    </div>
  );
});

/**
 * The branch that the last run took: the only one with steps of that very run. Null while that cannot be told: before a run,
 * inside a loop whose items went different ways, or when the branch taken is empty.
 */
function useTaken({ id, settings }, one) {
  const store = useStore();
  const slots = [...(settings.branches ?? []).map((_, index) => `branches/${index}`), "default"];
  const read = () => {
    const run = one && store.get(`state:${id}`)?.run_number;
    if (!run) return null;
    const went = slots.filter((slot) => (store.get(`slot:${id}:${slot}`) ?? []).some((child) => ranIn(store.get(`state:${child}`), run)));
    return went.length === 1 ? went[0].replace("branches/", "") : null;
  };
  const follow = (listener) => {
    const children = slots.flatMap((slot) => store.get(`slot:${id}:${slot}`) ?? []);
    const stops = [id, ...children].map((cell) => store.subscribe(`state:${cell}`, listener));
    return () => stops.forEach((stop) => stop());
  };
  return useSyncExternalStore(follow, read);
}

const ranIn = (state, run) => state?.run_number === run && state.kind !== "never" && state.kind !== "skipped";

const Taken = ({ on }) => (on ? <span className="nb-taken">taken</span> : null);

function Branch({ cell, branch, index, one, taken }) {
  const store = useStore();
  const { id } = cell;
  const drop = () => {
    store.do({ op: "remove_branch", cell: id, index });
    store.toastDone({ text: `Deleted the branch ${branch.summary || index + 1}` });
  };
  return (
    <div className="nb-branch" data-taken={taken || undefined}>
      <div className="nb-branch-hd">
        {taken && <Glyph name="check" size={12} />}
        <EditInPlace className="nb-branch-name" label={`Name of branch ${index + 1} of ${cell.step_id}`} value={branch.summary ?? ""} placeholder={`Branch ${index + 1}`} onSave={(summary) => store.do({ op: "set_setting", cell: id, key: `branches/${index}/summary`, value: summary })} />
        <Taken on={taken} />
        <span className="nb-space" />
        {!one && <label className="nb-check"><input type="checkbox" aria-label={`Go on when ${branch.summary || `branch ${index + 1}`} fails`} checked={branch.skip_failure === true} onChange={(event) => store.do({ op: "set_setting", cell: id, key: `branches/${index}/skip_failure`, value: event.target.checked })} /> go on when it fails</label>}
        <button type="button" className="nb-icon nb-quiet" aria-label={`Delete branch ${branch.summary || index + 1}`} title="Delete branch" onClick={drop}><Glyph name="trash" size={13} /></button>
      </div>
      {one && (
        <div className="nb-in">
          <Decider cell={cell} field={`branches/${index}/expr`} name="when" expr={branch.expr ?? ""} wrap={(expr) => expr} placeholder="a condition, such as results.a.total > 100" />
        </div>
      )}
      <div className="nb-nest"><Slot parent={id} slot={`branches/${index}`} empty={one ? "Cells put here run when the condition is true" : "Cells put here run beside the other branches"} /></div>
    </div>
  );
}
