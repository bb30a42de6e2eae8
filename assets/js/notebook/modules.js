// New cells: what can be inserted, and the OpenFlow module each kind begins as.
import { newId } from "./objects.js";

const STARTERS = {
  python3: "def main():\n    return None\n",
  deno: "export async function main() {\n  return null;\n}\n",
  bash: "# arguments by position: name=\"$1\"\necho \"\"\n",
  go: "package inner\n\nfunc main() (interface{}, error) {\n\treturn nil, nil\n}\n",
  postgresql: "-- database f/folder/name\nSELECT 1 AS one;\n",
  mysql: "-- database f/folder/name\nSELECT 1 AS one;\n",
  duckdb: "SELECT 1 AS one;\n",
  sqlite: "-- database shared/flow.db\nSELECT 1 AS one;\n",
  mssql: "-- database f/folder/name\nSELECT 1 AS one;\n",
  bigquery: "-- database f/folder/name\nSELECT 1 AS one;\n",
  snowflake: "-- database f/folder/name\nSELECT 1 AS one;\n",
  oracledb: "-- database f/folder/name\nSELECT 1 AS one FROM dual;\n",
  graphql: "query {\n  __typename\n}\n",
  rlang: "main <- function() {\n  NULL\n}\n",
  php: "<?php\n\nfunction main() {\n    return null;\n}\n",
};

const APPROVAL = `import wmill


def main(approver: str = ""):
    # the links of the approval page; send them, or answer in the notebook
    urls = wmill.get_resume_urls(approver or None)
    return {**urls, "description": "Please approve", "default_args": {}}
`;

const TRIGGER = `import wmill


def main() -> list:
    # the state is kept between runs: what was seen last time is not new any more
    seen = wmill.get_state() or 0
    rows = [{"id": number} for number in range(seen + 1, seen + 3)]
    if rows:
        wmill.set_state(rows[-1]["id"])
    return rows
`;

const FAILURE = `def main(name: str, message: str, step_id: str):
    # {"recover": True} would let the flow go on as if nothing had failed
    print("Step", step_id, "failed:", name, message)
    return {"handled": name, "recover": False}
`;

const PREPROCESSOR = `def preprocessor(event: dict):
    # what is returned becomes the flow's input
    return event.get("body") or {}
`;

const rawscript = (language, content, inputs = {}) => ({ type: "rawscript", language, content, input_transforms: inputs });
const wire = (expr) => ({ type: "javascript", expr });

const code = (language, label, more = false) => ({
  id: language, label, more, icon: "code",
  module: () => ({ summary: "", value: rawscript(language, STARTERS[language]) }),
});

/** Kinds in the order they are offered. `more`: in the menu behind the first ones. `call`: something has to be chosen first. */
export const KINDS = [
  code("python3", "Python"),
  code("deno", "TypeScript"),
  code("bash", "Bash"),
  {
    id: "loop", label: "Loop", icon: "loop",
    module: () => ({ summary: "", value: { type: "forloopflow", modules: [], iterator: wire(""), skip_failures: false, parallel: false } }),
  },
  {
    id: "branch", label: "Branch", icon: "branch",
    module: () => ({ summary: "", value: { type: "branchone", branches: [{ summary: "", expr: "", modules: [] }], default: [] } }),
  },
  {
    id: "approval", label: "Approval", icon: "pause", opens: "suspend",
    module: () => ({
      summary: "Approval", value: rawscript("python3", APPROVAL),
      suspend: { required_events: 1, timeout: 86400, resume_form: { schema: { type: "object", properties: { comment: { type: "string" } }, required: [], order: ["comment"] } } },
    }),
  },
  { id: "flow", label: "Flow", icon: "flows", call: "flow", module: (path) => ({ summary: "", value: { type: "flow", path, input_transforms: {} } }) },
  { id: "script", label: "Script from the workspace", icon: "code", more: true, call: "script", module: (path, hash) => ({ summary: "", value: { type: "script", path, ...(hash && { hash }), input_transforms: {} } }) },
  { id: "hub", label: "Script from the hub", icon: "code", more: true, call: "script", hub: true, module: (path) => ({ summary: "", value: { type: "script", path, input_transforms: {} } }) },
  {
    id: "while", label: "While loop", icon: "loop", more: true,
    module: () => ({ summary: "", value: { type: "whileloopflow", modules: [], skip_failures: false }, stop_after_if: { expr: "" } }),
  },
  {
    id: "branchall", label: "All branches", icon: "branch", more: true,
    module: () => ({ summary: "", value: { type: "branchall", parallel: true, branches: [{ summary: "", skip_failure: false, modules: [] }] } }),
  },
  {
    id: "agent", label: "AI agent", icon: "sparkle", more: true,
    module: () => ({
      summary: "",
      value: {
        type: "aiagent", tools: [],
        input_transforms: {
          provider: { type: "static", value: { kind: "openai", resource: "$res:", model: "gpt-4o-mini" } },
          user_message: { type: "static", value: null }, output_type: { type: "static", value: "text" },
        },
      },
    }),
  },
  code("postgresql", "PostgreSQL", true),
  code("mysql", "MySQL", true),
  code("duckdb", "DuckDB", true),
  code("sqlite", "SQLite", true),
  code("mssql", "SQL Server", true),
  code("bigquery", "BigQuery", true),
  code("snowflake", "Snowflake", true),
  code("oracledb", "Oracle", true),
  code("graphql", "GraphQL", true),
  code("go", "Go", true),
  code("rlang", "R", true),
  code("php", "PHP", true),
  {
    id: "trigger", label: "Trigger", icon: "flag", more: true,
    module: () => ({
      summary: "What is new", value: { ...rawscript("python3", TRIGGER), is_trigger: true },
      stop_after_if: { expr: "!result || (Array.isArray(result) && result.length == 0)", skip_if_stopped: true },
    }),
  },
];

/** Cells that a flow has at most one of, at places of their own. */
export const SINGLES = {
  failure: {
    id: "failure", slot: "failure", label: "Failure handler", icon: "warn",
    module: () => ({ id: "failure", summary: "", value: rawscript("python3", FAILURE, { name: wire("error.name"), message: wire("error.message"), step_id: wire("error.step_id") }) }),
  },
  preprocessor: {
    id: "preprocessor", slot: "preprocessor", label: "Preprocessor", icon: "down",
    module: () => ({ id: "preprocessor", summary: "", value: rawscript("python3", PREPROCESSOR) }),
  },
};

const TOOL = "def main(name: str):\n    return name\n";

/** Tools that an agent may get: the OpenFlow value each begins as. `names` are ids that are taken. */
export const TOOLS = [
  { id: "python3", label: "Python", name: "tool", value: () => ({ tool_type: "flowmodule", ...rawscript("python3", TOOL, { name: { type: "ai" } }) }) },
  { id: "script", label: "Script from the workspace…", name: "script", call: "script", value: (path) => ({ tool_type: "flowmodule", type: "script", path, input_transforms: {} }) },
  { id: "flow", label: "Flow from the workspace…", name: "flow", call: "flow", value: (path) => ({ tool_type: "flowmodule", type: "flow", path, input_transforms: {} }) },
  { id: "mcp", label: "MCP server", name: "server", value: () => ({ tool_type: "mcp", resource_path: "", include_tools: [], exclude_tools: [] }) },
  { id: "websearch", label: "Web search by the provider", name: "search", value: () => ({ tool_type: "websearch" }) },
];

export const NOTE = { id: "note", label: "Note", icon: "note" };

export const kindOf = (id) => KINDS.find((kind) => kind.id === id);

/** Put a new cell at a place {parent, slot, index}; answers its id. */
export function insertCell(store, kind, place, module = kindOf(kind).module()) {
  const cell = newId("c");
  store.do({ op: "insert_cell", cell, parent: place.parent, slot: place.slot, index: place.index, module });
  store.announce(`${kindOf(kind).label} inserted`);
  return cell;
}

/** Put the failure handler or the preprocessor of the flow in; answers its id, or that of the one that is there. */
export function insertSingle(store, name) {
  const there = store.singleOf(name);
  if (there) return there;
  const cell = newId("c");
  store.do({ op: "insert_cell", cell, parent: null, slot: name, index: 0, module: SINGLES[name].module() });
  store.announce(`${SINGLES[name].label} inserted`);
  return cell;
}

export function insertNote(store, after) {
  const note = newId("n");
  store.do({ op: "insert_note", note, after, text: "" });
  return note;
}

/** Where a cell is, as a place for inserting: 0 before it, 1 after it. Beside a single cell: at that end of the flow. */
export function placeOf(store, id, offset) {
  const cell = store.cell(id);
  if (cell.slot === "preprocessor") return { parent: null, slot: "modules", index: 0 };
  if (cell.slot === "failure") return { parent: null, slot: "modules", index: store.topCells().length };
  return { parent: cell.parent, slot: cell.slot, index: cell.index + offset };
}
