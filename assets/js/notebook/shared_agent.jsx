// The agent of a cell as a resource: which one it is, what it decides, and the inputs of its tools that the cell binds.
import { useEffect, useRef, useState } from "react";
import { encoded, get, workspacePath } from "../api.js";
import { ToolInput, withField } from "./agent.jsx";
import { count } from "../words.js";
import { useKey, useStore } from "./context.js";
import { Glyph } from "./icons.jsx";

/** Inputs that such a resource decides (`openflow/agents.py`). */
const DECIDED = ["provider", "system_prompt", "output_type", "output_schema", "temperature", "max_completion_tokens", "memory", "streaming", "max_iterations"];
const WAYS = [["", "as the agent has it"], ["ai", "by the model"], ["static", "fixed"], ["javascript", "expression"]];

/** {paths, failed: ApiError or null}: the agents of the workspace, asked for again when the connection is back. */
function useAgents(ws) {
  const [found, setFound] = useState({ paths: [], failed: null });
  const connected = useKey("link") === "open";
  useEffect(() => {
    if (!connected) return undefined;
    let ended = false;
    get(workspacePath(ws, "resources/list_names/ai_agent")).then((list) => !ended && setFound({ paths: list.map((one) => one.path), failed: null }), (failed) => !ended && setFound((old) => ({ ...old, failed })));
    return () => { ended = true; };
  }, [ws, connected]);
  return found;
}

/** Chooses the resource, and tells of tools of the cell's own that it does not use then. Without any, and without one chosen, there is nothing to see. */
export function AgentChoice({ cell }) {
  const store = useStore();
  const { paths, failed } = useAgents(store.ws);
  const select = useRef(null);
  const path = pathOf(cell);
  const problem = failed && <p className="nb-tool-hd nb-agent-problem" role="alert"><Glyph name="warn" size={13} /> Agents of the workspace: {failed.message}</p>;
  if (!path && paths.length === 0) return problem;
  const choose = (next) => {
    const unused = next ? cell.inputs.filter(({ field }) => DECIDED.includes(field)) : [];
    store.do({ op: "set_setting", cell: cell.id, key: "agent", value: next || null }, ...unused.map(({ field }) => ({ op: "set_input", cell: cell.id, field, transform: null })));
    store.announce(next ? `The agent is ${next}` : "The agent is the step's own");
  };
  return (
    <>
      <div className="nb-in nb-agent-choice">
        <div className="nb-row nb-tool-row">
          <span className="nb-field">agent</span>
          <span className="nb-source" data-wide>
            <select ref={select} className="nb-input nb-select" aria-label={`Agent of ${cell.step_id}`} value={path} onChange={(event) => choose(event.target.value)}>
              <option value="">the step's own</option>
              {[...new Set([...paths, ...(path ? [path] : [])])].map((one) => <option key={one} value={one}>{one}</option>)}
            </select>
          </span>
        </div>
      </div>
      {problem}
      {path && <OwnTools cell={cell} onGone={() => select.current?.focus()} />}
    </>
  );
}

function OwnTools({ cell, onGone }) {
  const store = useStore();
  const own = (cell.settings.tools ?? []).length;
  if (!own) return null;
  const told = `${count(own, "tool")} of its own`;
  const remove = () => {
    onGone(); // before the button goes, and the focus with it
    store.do({ op: "set_setting", cell: cell.id, key: "tools", value: [] });
    store.toastDone({ text: `Removed ${told}` });
  };
  return (
    <p className="nb-tool-hd nb-faint">
      <Glyph name="info" size={13} /> {told} {own === 1 ? "is" : "are"} not used.
      <button type="button" className="nb-link" aria-label={`Remove the tools of ${cell.step_id} that are not used`} onClick={remove}>Remove</button>
    </p>
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
  if (found.problem) return <p className="nb-tool-hd nb-agent-problem" role="alert"><Glyph name="warn" size={13} /> {path}: {found.problem}</p>;
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
