// The tools of an agent cell: what the model may call, by name, with the inputs that it fills in and those that are fixed.
import { memo, useState } from "react";
import { useStore } from "./context.js";
import { Glyph } from "./icons.jsx";
import { TOOLS } from "./modules.js";
import { AgentChoice, AgentShared, pathOf } from "./shared_agent.jsx";
import { EditInPlace, GrowingText, MenuButton } from "./ui.jsx";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const WAYS = [["ai", "by the model"], ["static", "fixed"], ["javascript", "expression"], ["", "left out"]];

export const AgentBody = memo(function AgentBody({ cell }) {
  const store = useStore();
  const tools = cell.settings.tools ?? [];
  const save = (value) => store.do({ op: "set_setting", cell: cell.id, key: "tools", value });
  // typed text is kept at once and sent when the person pauses, as that of cells is
  const stage = (index, part) => store.stage(`setting:${cell.id}:tools`, { op: "set_setting", cell: cell.id, key: "tools", value: tools.map((tool, at) => (at === index ? { ...tool, ...part } : tool)) });
  const change = (index, part) => save(tools.map((tool, at) => (at === index ? { ...tool, ...part } : tool)));
  const put = (kind, value) => {
    const number = freeNumber(store, tools);
    save([...tools, { id: `tool${number}`, summary: ["mcp", "websearch"].includes(kind.id) ? undefined : `${kind.name}_${number}`, value }]);
    store.announce(`${kind.label} added as a tool`);
  };
  const add = (kind) => (kind.call ? store.set("dialog", { kind: "call", called: kind.call, choose: (path) => put(kind, kind.value(path)) }) : put(kind, kind.value()));
  const drop = (index) => {
    save(tools.filter((_, at) => at !== index));
    store.toastDone({ text: `Removed the tool ${nameOf(tools[index])}` });
  };
  if (pathOf(cell)) {
    return <div className="nb-tools" role="group" aria-label={`Tools of ${cell.step_id}`}><AgentChoice cell={cell} /><AgentShared cell={cell} /></div>;
  }
  return (
    <div className="nb-tools" role="group" aria-label={`Tools of ${cell.step_id}`}>
      <AgentChoice cell={cell} />
      {tools.map((tool, index) => <Tool key={tool.id ?? index} {...{ tool, tools }} known={cell.tools?.[index]} onChange={(part) => change(index, part)} onStage={(part) => stage(index, part)} onDrop={() => drop(index)} />)}
      <MenuButton className="nb-add" label={`Add a tool to ${cell.step_id}`} align="start" items={TOOLS.map((kind) => ({ label: kind.label, run: () => add(kind) }))}>
        <Glyph name="plus" size={12} /> Add a tool
      </MenuButton>
    </div>
  );
});

const nameOf = (tool) => tool.summary || tool.id || "tool";

/** The first number of which no step and no tool has the id. */
function freeNumber(store, tools) {
  let number = tools.length + 1;
  while (store.cellOfStep(`tool${number}`) || tools.some((tool) => tool.id === `tool${number}`)) number += 1;
  return number;
}

function Tool({ tool, tools, known, onChange, onStage, onDrop }) {
  const store = useStore();
  const { value } = tool;
  const name = nameOf(tool);
  const mcp = value.tool_type === "mcp";
  const given = mcp || value.tool_type === "websearch"; // by somebody else, with names of their own
  const setValue = (part) => onChange({ value: { ...value, ...part } });
  const stageValue = (part) => onStage({ value: { ...value, ...part } });
  const check = (text) => (!NAME.test(text) ? "Letters, digits, _ and -" : tools.some((other) => other !== tool && nameOf(other) === text) ? "Another tool has this name" : "");
  const names = (text) => text.split(",").map((part) => part.trim()).filter(Boolean);
  return (
    <section className="nb-tool" aria-label={`Tool ${name}`}>
      <header className="nb-tool-hd">
        <Glyph name={mcp ? "graph" : "code"} size={13} />
        {given ? <span className="nb-tool-name">{name}</span> : <EditInPlace stay mono className="nb-tool-name" label={`Name of the tool ${name}`} value={name} placeholder="name" check={check} onSave={(summary) => onChange({ summary })} />}
        {!given && <EditInPlace stay className="nb-tool-about" label={`What ${name} is for`} value={tool.description ?? ""} placeholder="What it is for: the model reads this" onSave={(description) => onChange({ description: description || undefined })} />}
        <span className="nb-space" />
        <span className="nb-lang">{known?.label ?? ""}</span>
        <button type="button" className="nb-icon" aria-label={`Remove the tool ${name}`} title="Remove this tool" onClick={onDrop}><Glyph name="trash" size={13} /></button>
      </header>
      <div className="nb-in">
      {mcp && <Line label="resource" name={`Resource of ${name}`} value={value.resource_path ?? ""} placeholder="u/me/server, a resource with url and token" missing={!value.resource_path} onStage={(text) => stageValue({ resource_path: text.replace(/^\$res:/, "") })} />}
      {mcp && <Line label="only" name={`Only these tools of ${name}`} value={(value.include_tools ?? []).join(", ")} placeholder="all of its tools" onStage={(text) => stageValue({ include_tools: names(text) })} />}
      {mcp && <Line label="but not" name={`Not these tools of ${name}`} value={(value.exclude_tools ?? []).join(", ")} placeholder="none" onStage={(text) => stageValue({ exclude_tools: names(text) })} />}
      {value.path !== undefined && <Line label="path" name={`Path of ${name}`} value={value.path ?? ""} placeholder="f/folder/name" missing={!value.path} onStage={(path) => stageValue({ path })} />}
      {value.type === "rawscript" && <ToolCode name={name} code={value.content ?? ""} onStage={(content) => stageValue({ content })} onLeave={() => store.flush()} />}
      {known?.inputs.map((input) => <ToolInput key={input.field} name={name} input={input} transform={value.input_transforms?.[input.field]} onSave={(transform) => setValue({ input_transforms: withField(value.input_transforms, input.field, transform) })} onStage={(transform) => stageValue({ input_transforms: withField(value.input_transforms, input.field, transform) })} />)}
      {["script", "flow"].includes(value.type) && <Line label="input" name={`Another input of ${name}`} value="" placeholder="name of another input" onSave={(field) => field && setValue({ input_transforms: { ...value.input_transforms, [field]: { type: "ai" } } })} />}
      </div>
    </section>
  );
}

export function withField(transforms, field, transform) {
  const { [field]: _gone, ...rest } = transforms ?? {};
  return transform ? { ...rest, [field]: transform } : rest;
}

/** One line of text: kept while it is typed (`onStage`), or saved when it is left (`onSave`), where half a text would mean something else. */
function Line({ label, name, value, placeholder, missing, onStage, onSave }) {
  const store = useStore();
  const [text, setText] = useState(null);
  const change = (next) => {
    setText(next);
    onStage?.(next.trim());
  };
  const finish = () => {
    if (onSave && text !== null && text.trim() !== value) onSave(text.trim());
    if (onStage) store.flush();
    setText(null);
  };
  return (
    <div className="nb-row nb-tool-row" data-missing={missing || undefined}>
      <span className="nb-field">{label}</span>
      <span className="nb-source" data-wide>
        <GrowingText className="nb-input" label={name} value={text ?? value} placeholder={placeholder} missing={missing} onChange={change} onBlur={finish} onKeyDown={(event) => event.key === "Enter" && (event.preventDefault(), finish())} />
      </span>
    </div>
  );
}

function ToolCode({ name, code, onStage, onLeave }) {
  const [text, setText] = useState(null);
  const change = (next) => {
    setText(next);
    onStage(next);
  };
  const leave = () => {
    onLeave();
    setText(null);
  };
  return (
    <div className="nb-tool-code">
      <GrowingText className="nb-input nb-tool-text" label={`Code of the tool ${name}`} value={text ?? code} maxRows={24} onChange={change} onBlur={leave} />
    </div>
  );
}

/** An input of a tool: who fills it in, and with what where it is not the model. */
export function ToolInput({ name, input, transform, onSave, onStage, ways = WAYS }) {
  const store = useStore();
  const { field, declared } = input;
  const type = transform?.type ?? (transform === undefined ? "" : "static");
  const choose = (way) => onSave(way === "" ? null : way === "ai" ? { type: "ai" } : way === "static" ? { type: "static", value: transform?.value ?? null } : { type: "javascript", expr: transform?.expr ?? "" });
  const shown = type === "static" ? textOf(transform.value) : type === "javascript" ? transform.expr ?? "" : null;
  const [text, setText] = useState(null);
  const change = (next) => {
    setText(next);
    onStage(type === "static" ? { type, value: valueOf(next) } : { type, expr: next });
  };
  const finish = () => {
    store.flush();
    setText(null);
  };
  return (
    <div className="nb-row nb-tool-row" data-field={field} data-undeclared={declared === false || undefined}>
      <span className="nb-field" title={declared === false ? "The code does not take this input" : undefined}>{field}</span>
      <span className="nb-source" data-wide>
        <select className="nb-input nb-select nb-tool-way" aria-label={`Who fills in ${field} of ${name}`} value={type} onChange={(event) => choose(event.target.value)}>
          {ways.map(([way, words]) => <option key={way} value={way}>{words}</option>)}
        </select>
        {shown !== null && <GrowingText className="nb-input" label={`${field} of ${name}`} value={text ?? shown} placeholder={type === "static" ? "a value" : "an expression, such as results.a"} onChange={change} onBlur={finish} />}
      </span>
    </div>
  );
}

const textOf = (value) => (typeof value === "string" ? value : value === null || value === undefined ? "" : JSON.stringify(value));

/** Numbers, true, false, lists and objects are JSON; everything else is a text. */
function valueOf(text) {
  if (!/^(-?\d|true$|false$|[[{])/.test(text.trim())) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
