// Completion, hovers, signatures, type checks and formatting of cells: asked of the server, which reads the code and never runs it.
// Without an answer everything goes on as before, with the words of the text to complete.
import { request } from "../api.js";

const SOON_MS = 200;
const CHECK_AFTER_MS = 1000;
const REST_MS = 15000; // after a failure: a server that does not answer is not asked at every word

const KINDS = { method: "Method", function: "Function", class: "Class", module: "Module", variable: "Variable", property: "Property", field: "Field", interface: "Interface", enum: "Enum", constant: "Constant", keyword: "Keyword" };
const HELPED = new Map([["python", "python3"], ["typescript", "deno"]]); // editor's language → the server's

/** The languages of cells that can be formatted. */
export const FORMATTED_LANGUAGES = new Set(["python3", "deno", "bun", "nativets", "bunnative", "bash"]);

let restUntil = 0;
let workspace = null;

/** One question about a model's text; null where there is no answer. */
async function ask(action, model, position, token) {
  const language = HELPED.get(model.getLanguageId());
  if (!language || !workspace || Date.now() < restUntil) return null;
  const abort = new AbortController();
  token?.onCancellationRequested(() => abort.abort());
  const json = { language, code: model.getValue(), line: position?.lineNumber ?? 1, column: position?.column ?? 1 };
  try {
    return await request("POST", `/api/w/${encodeURIComponent(workspace)}/code/${action}`, { json, signal: abort.signal });
  } catch (error) {
    if (error.name !== "AbortError" && (error.status === 0 || error.status >= 500 || error.status === 429)) restUntil = Date.now() + REST_MS;
    return null;
  }
}

/** Have the editors of the page helped; a second call does nothing. */
export function helpEditors(monaco, ws) {
  if (workspace) return;
  workspace = ws;
  const languages = [...HELPED.keys()];
  monaco.languages.registerCompletionItemProvider(languages, {
    triggerCharacters: ["."],
    async provideCompletionItems(model, position, _context, token) {
      const answer = await ask("complete", model, position, token);
      if (!answer?.items.length) return null;
      const word = model.getWordUntilPosition(position);
      const range = new monaco.Range(position.lineNumber, word.startColumn, position.lineNumber, position.column);
      const kind = (name) => monaco.languages.CompletionItemKind[KINDS[name] ?? "Text"];
      return { suggestions: answer.items.map((item, index) => ({ label: item.label, kind: kind(item.kind), detail: item.detail, insertText: item.label, range, sortText: String(index).padStart(4, "0") })) };
    },
  });
  monaco.languages.registerHoverProvider(languages, {
    async provideHover(model, position, token) {
      const answer = await ask("hover", model, position, token);
      return answer?.text ? { contents: [{ value: answer.text }] } : null;
    },
  });
  monaco.languages.registerSignatureHelpProvider(languages, {
    signatureHelpTriggerCharacters: ["(", ","],
    signatureHelpRetriggerCharacters: [")"],
    async provideSignatureHelp(model, position, token) {
      const answer = await ask("signature", model, position, token);
      if (!answer?.signatures.length) return null;
      const signatures = answer.signatures.map(({ label, parameters, doc }) => ({ label, documentation: doc, parameters: parameters.map((each) => ({ label: each })) }));
      return { value: { signatures, activeSignature: answer.active, activeParameter: answer.parameter }, dispose() {} };
    },
  });
}

/** Check the types of a model whenever somebody is in its text, after each pause. Answers a function that ends that. */
export function checkTypes(monaco, editor) {
  let timer;
  let checked = 0; // the version that the marks are about
  const model = editor.getModel();
  const typed = () => !model.isDisposed() && model.getLanguageId() === "typescript";
  const check = async () => {
    if (!typed()) return;
    const version = model.getVersionId();
    const answer = await ask("check", model);
    if (!typed() || model.getVersionId() !== version) return;
    if (!answer) return soon(REST_MS); // the marks come without another key, once there is help again
    const marks = answer.problems.map((problem) => ({ severity: monaco.MarkerSeverity.Warning, message: problem.message, code: problem.code, startLineNumber: problem.line, startColumn: problem.column, endLineNumber: problem.end_line, endColumn: problem.end_column }));
    monaco.editor.setModelMarkers(model, "types", marks);
    checked = version;
  };
  const soon = (delay) => {
    clearTimeout(timer);
    if (typed() && editor.hasTextFocus()) timer = setTimeout(check, delay);
  };
  const followers = [
    editor.onDidFocusEditorText(() => checked !== model.getVersionId() && soon(SOON_MS)),
    model.onDidChangeContent(() => soon(CHECK_AFTER_MS)),
    model.onDidChangeLanguage(() => {
      monaco.editor.setModelMarkers(model, "types", []);
      checked = 0;
      soon(SOON_MS);
    }),
  ];
  return () => {
    clearTimeout(timer);
    followers.forEach((follower) => follower.dispose());
  };
}

/** Format the code of a cell: one change of its text, which Undo of the editor takes back. */
export async function formatCell(store, id) {
  const { language, step_id: step } = store.cell(id);
  const code = store.text(id);
  const held = store.get(`lock:${id}`);
  if (held) return store.toast({ text: `${held.name} is typing in ${step}`, hint: "Take it over, or wait for a pause." });
  try {
    const answer = await request("POST", `/api/w/${encodeURIComponent(store.ws)}/code/format`, { json: { language, code } });
    if (answer.problem) throw Object.assign(new Error(`${step} cannot be formatted`), { hint: answer.problem });
    if (store.text(id) !== code) return; // typed on meanwhile
    if (answer.code === code) return store.announce(`${step} is formatted already`);
    store.write(id, answer.code);
    store.announce(`${step} is formatted`);
  } catch (error) {
    store.toast({ text: error.message, hint: error.hint, tone: "bad" });
  }
}
