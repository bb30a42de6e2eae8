// The agent of a cell as a resource: which one it is, what it decides, and the inputs of its tools that the cell binds.
import { useEffect, useState } from "react";
import { encoded, get, workspacePath } from "../api.js";
import { ToolInput, withField } from "./agent.jsx";
import { useStore } from "./context.js";
import { Glyph } from "./icons.jsx";

/** Inputs that such a resource decides (`openflow/agents.py`). */
const DECIDED = ["provider", "system_prompt", "output_type", "output_schema", "temperature", "max_completion_tokens", "memory", "streaming", "max_iterations"];
const WAYS = [["", "as the agent has it"], ["ai", "by the model"], ["static", "fixed"], ["javascript", "expression"]];

/** Chooses the resource. Without any, and without one chosen, there is nothing to see. */
export function AgentChoice({ cell }) {
  const store = useStore();
  const [paths, setPaths] = useState([]);
  const path = pathOf(cell);
  useEffect(() => {
    let ended = false;
    get(workspacePath(store.ws, "resources/list_names/ai_agent")).then((found) => !ended && setPaths(found.map((one) => one.path)), () => {});
    return () => { ended = true; };
  }, [store.ws]);
  if (!path && paths.length === 0) return null;
  const choose = (next) => {
    const unused = next ? cell.inputs.filter(({ field }) => DECIDED.includes(field)) : [];
    store.do({ op: "set_setting", cell: cell.id, key: "agent", value: next || null }, ...unused.map(({ field }) => ({ op: "set_input", cell: cell.id, field, transform: null })));
    store.announce(next ? `The agent is ${next}` : "The agent is the step's own");
  };
  return (
    <div className="nb-row nb-tool-row">
      <span className="nb-field">agent</span>
      <span className="nb-source" data-wide>
        <select className="nb-input nb-select" aria-label={`Agent of ${cell.step_id}`} value={path} onChange={(event) => choose(event.target.value)}>
          <option value="">the step's own</option>
          {[...new Set([...paths, ...(path ? [path] : [])])].map((one) => <option key={one} value={one}>{one}</option>)}
        </select>
      </span>
    </div>
  );
}

export const pathOf = (cell) => (cell.settings.agent ?? "").replace(/^\$res:/, "");

/** What the chosen resource decides, and its tools. */
export function AgentShared({ cell }) {
  const store = useStore();
  const path = pathOf(cell);
  const [found, setFound] = useState({ path: "", value: null, problem: "" });
  useEffect(() => {
    let ended = false;
    const put = (value, problem) => !ended && setFound({ path, value, problem });
    get(workspacePath(store.ws, "resources/get", encoded(path))).then(({ value }) => put(value, ""), (error) => put(null, error.message));
    return () => { ended = true; };
  }, [store.ws, path]);
  if (found.path !== path) return null;
  if (found.problem) return <p className="nb-tool-hd nb-faint">{found.problem}</p>;
  const { provider, system_prompt: prompt, tools } = found.value ?? {};
  return (
    <>
      <p className="nb-tool-hd nb-faint"><Glyph name="sparkle" size={13} /> {[provider?.kind, provider?.model].filter(Boolean).join(" · ") || "no provider"}{prompt ? `: ${prompt}` : ""}</p>
      {(Array.isArray(tools) ? tools : []).map((tool, index) => <BoundTool key={tool.id ?? index} {...{ cell, tool }} identity={tool.id ?? `tool${index}`} />)}
    </>
  );
}

function BoundTool({ cell, tool, identity }) {
  const store = useStore();
  const bindings = cell.settings.tool_inputs ?? {};
  const own = bindings[identity] ?? {};
  const name = tool.summary || identity;
  const operation = (field, transform) => ({ op: "set_setting", cell: cell.id, key: "tool_inputs", value: without(bindings, identity, withField(own, field, transform)) });
  const fields = [...new Set([...Object.keys(tool.value?.input_transforms ?? {}), ...Object.keys(own)])];
  return (
    <section className="nb-tool" aria-label={`Tool ${name}`}>
      <header className="nb-tool-hd">
        <Glyph name={tool.value?.tool_type === "mcp" ? "graph" : "code"} size={13} />
        <span className="nb-tool-name">{name}</span>
        <span className="nb-tool-about">{tool.description ?? ""}</span>
      </header>
      <div className="nb-in">
        {fields.map((field) => <ToolInput key={field} name={name} ways={WAYS} input={{ field }} transform={own[field]} onSave={(transform) => store.do(operation(field, transform))} onStage={(transform) => store.stage(`setting:${cell.id}:tool_inputs`, operation(field, transform))} />)}
      </div>
    </section>
  );
}

/** The bindings with those of one tool; none at all are no setting. */
function without(bindings, identity, own) {
  const { [identity]: _gone, ...rest } = bindings;
  const next = Object.keys(own).length ? { ...rest, [identity]: own } : rest;
  return Object.keys(next).length ? next : null;
}
