// What a cell is tried on that does not run with the others: a sample error for the failure handler, a sample event for the
// preprocessor, and a sample of what a trigger finds.
import { useStore } from "./context.js";
import { isSingle, run } from "./commands.js";
import { Line, JsonField, Switch } from "./setting_fields.jsx";

const isObject = (value) => (value && typeof value === "object" && !Array.isArray(value) ? null : "An object, such as {}");

export function Trial({ cell }) {
  if (isSingle(cell)) return <SingleTrial cell={cell} />;
  return cell.settings?.is_trigger ? <TriggerTrial cell={cell} /> : null;
}

function SingleTrial({ cell }) {
  const store = useStore();
  const failure = cell.slot === "failure";
  return (
    <div className="nb-in nb-trial" role="group" aria-label={failure ? "Sample error" : "Sample event"}>
      <p className="nb-faint">{failure ? "Runs when a step fails, with the error. Answering {\"recover\": true} lets the flow go on. Here it is tried on a sample." : "Runs before the flow when a trigger or webhook starts it; what it returns becomes the flow's input. Here it is tried on a sample."}</p>
      <Line label={failure ? "sample error" : "sample event"} wide><JsonField label={failure ? "Sample error" : "Sample event"} value={cell.sample} check={isObject} onStage={(value) => store.stage(`sample:${cell.id}`, { op: "set_beside", cell: cell.id, key: "sample", value })} /></Line>
    </div>
  );
}

/** A trigger asks the world what is new. With a sample the flow can be tried when there is nothing new: it is the cell's mock. */
function TriggerTrial({ cell }) {
  const store = useStore();
  const mock = cell.settings.mock;
  const set = (value) => ({ op: "set_setting", cell: cell.id, key: "mock", value });
  return (
    <div className="nb-in nb-trial" role="group" aria-label="Sample event">
      <Switch label="run on a sample instead of asking what is new" value={mock?.enabled === true} onSave={(on) => (store.do(set({ return_value: [], ...mock, enabled: on })), on && run(store, cell.id, "auto"))} />
      {mock && <Line label="sample" wide><JsonField label="Sample of what is new" value={mock.return_value} onStage={(value) => store.stage(`setting:${cell.id}:mock`, set({ ...mock, return_value: value }))} /></Line>}
    </div>
  );
}
