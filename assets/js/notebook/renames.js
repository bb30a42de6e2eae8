// What a new id of a step changes elsewhere: the expressions that refer to it, before and after. Pure. The server does the
// renaming, with a parser (flowapp/openflow/references.py); what is shown before it reads the same forms off the tokens.
import { FORMS } from "./settings.js";
import { count } from "../words.js";

const TOKEN = /(\s+|\/\/.*|\/\*[^]*?\*\/)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\$]|\\.)*`)|[A-Za-z_$][\w$]*|\d[\w.]*|\?\.|\.\.\.|=>|\+\+|--|[=!]?==|[^]/gy;
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{|\\|$)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[\w$]*/y;
const BEFORE_REGEX = new Set(["return", "typeof", "instanceof", "in", "new", "delete", "void", "throw", "case", "do", "else"]); // words that no value ends with
const NAME = /^[A-Za-z_$][\w$]*$/;

/** The code of an expression: [{text, start, end, string}], without space, comments and what stands in templates. */
function tokensOf(text) {
  const found = [];
  const holes = []; // open `${`, with the braces that are open in each
  const next = (pattern, at) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  // `value`: what stands before `at` may be the end of a value, and a slash divides it
  for (let at = 0, literal = false, value = false; at < text.length; ) {
    const regex = !literal && !value && text[at] === "/" && !"/*".includes(text[at + 1]) && next(REGEX, at);
    const [token, space, string] = regex || next(literal ? TEMPLATE : TOKEN, at);
    const start = at;
    at += token.length;
    if (literal) {
      literal = false;
      value = !token.endsWith("${");
      if (!value) holes.push(0);
      continue;
    }
    if (space) continue;
    if (token === "`") literal = true;
    else if (token === "}" && holes.at(-1) === 0) {
      holes.pop();
      literal = true;
    } else {
      if (holes.length && (token === "{" || token === "}")) holes[holes.length - 1] += token === "{" ? 1 : -1;
      if (token !== "++" && token !== "--") value = Boolean(regex || string) || endsValue(token, found.at(-1)?.text);
      found.push({ text: token, start, end: at, string: Boolean(string) });
    }
  }
  return found;
}

const endsValue = (token, before) => /^[\w$)\]}]/.test(token) && (!BEFORE_REGEX.has(token) || before === "." || before === "?.");

/** Where an expression refers to a step, and what stands there when it has another id: [{start, end, to}], in order. */
export function referencesTo(step, text, to) {
  const tokens = text.includes(step) ? tokensOf(text) : [];
  const is = (token, what) => token && !token.string && token.text === what;
  const named = (token) => Boolean(token) && (token.string ? token.text.slice(1, -1) === step : token.text === step);
  const within = ({ start, end }) => ({ start: start + 1, end: end - 1, to }); // of quotes, which stay
  const key = NAME.test(to) ? to : JSON.stringify(to);
  return tokens.flatMap((token, at) => {
    const [before, after] = [tokens[at - 1], tokens[at + 1]];
    if (!is(token, "results") || is(before, ".") || is(before, "?.")) return [];
    const optional = is(after, "?.");
    const bracket = optional && is(tokens[at + 2], "[") ? at + 2 : at + 1;
    if (is(tokens[bracket], "[")) return tokens[bracket + 1]?.string && named(tokens[bracket + 1]) && is(tokens[bracket + 2], "]") ? [within(tokens[bracket + 1])] : [];
    if (optional || is(after, ".")) {
      const member = tokens[at + 2];
      return named(member) && !member.string ? [asMember(text, after, member, to)] : [];
    }
    if (is(before, "in")) return tokens[at - 2]?.string && named(tokens[at - 2]) ? [within(tokens[at - 2])] : [];
    const alone = !after || /^[;,]$|^(?!(?:in|instanceof)$)[\w$]/.test(after.text); // all that is taken apart
    return is(before, "=") && alone && is(tokens[at - 2], "}") ? keysBefore(tokens, at - 2).filter((index) => named(tokens[index])).map((index) => inPattern(tokens, index, key, within)) : [];
  });
}

/** `.a` or `?.a` with another id: where that is no name, it goes into brackets, and the dot goes. */
function asMember(text, dot, { start, end }, to) {
  if (NAME.test(to)) return { start, end, to };
  const bracket = `[${JSON.stringify(to)}]`;
  return dot.text === "?." ? { start, end, to: bracket } : { start: dot.start, end, to: text.slice(dot.end, start) + bracket };
}

/** Where the keys of `const {a, b: c}` stand, whose `}` is at `end`; with a rest or a computed key all of it is read, and nothing by name. */
function keysBefore(tokens, end) {
  const found = [];
  for (let at = end - 1, depth = 0; at >= 0; at -= 1) {
    const { text } = tokens[at];
    const begins = depth === 0 && ["{", ","].includes(tokens[at - 1]?.text);
    if ("}])".includes(text)) depth += 1;
    else if ("{[(".includes(text)) {
      if (depth === 0) return text === "{" && ["const", "let", "var", ","].includes(tokens[at - 1]?.text) ? found.reverse() : [];
      depth -= 1;
      if (depth === 0 && text === "[" && ["{", ","].includes(tokens[at - 1]?.text)) return [];
    } else if (begins && text === "...") return [];
    else if (begins) found.push(at);
  }
  return [];
}

function inPattern(tokens, index, key, within) {
  const token = tokens[index];
  if (token.string) return within(token);
  const short = tokens[index + 1].text !== ":"; // `{a}` takes it under its own name, which stays
  return { start: token.start, end: short ? token.start : token.end, to: short ? `${key}: ` : key };
}

const OF_SETTINGS = ["skip_if", "timeout", "iterator", "parallelism", "stop_after_if", "stop_after_all_iters_if", "retry/retry_if", "sleep", "suspend/user_groups_required"];
const NAMES = { iterator: "for each of", parallelism: "in parallel", "retry/retry_if": "Retry if", "suspend/user_groups_required": "Groups that may approve" };

/** Every expression of a cell, as the server knows them: [{field, text}], where `field` is what it is called on the page. */
function expressionsOf(cell) {
  const found = [];
  const put = (field, transform) => typeof transform?.expr === "string" && (transform.type ?? "javascript") === "javascript" && found.push({ field, text: transform.expr });
  const nested = (field, value) => {
    if (!value || typeof value !== "object") return;
    if (value.type === "javascript") put(field, value);
    else for (const [key, item] of Object.entries(value)) nested(`${field} · ${key}`, item);
  };
  const settings = cell.settings ?? {};
  for (const input of cell.inputs ?? []) put(input.field, input);
  for (const path of OF_SETTINGS) put(NAMES[path] ?? FORMS.get(path).title, path.split("/").reduce((value, key) => value?.[key], settings));
  if (cell.kind === "branchone") (settings.branches ?? []).forEach((branch, index) => put(branch.summary || `Branch ${index + 1}`, { expr: branch.expr }));
  for (const tool of settings.tools ?? []) {
    for (const [field, transform] of Object.entries(tool.value?.input_transforms ?? {})) if (transform?.type === "javascript") put(`${tool.summary || tool.id} · ${field}`, transform);
  }
  for (const [tool, bound] of Object.entries(settings.tool_inputs ?? {})) nested(tool, bound);
  return found;
}

/**
 * What changes elsewhere when a step gets another id: [{key, cell, field, text, places}], `cell` null for the flow itself.
 * `view` is the page's view of the notebook; cells in their `order`.
 */
export function changesOf(view, order, step, to) {
  const rows = order.map((id) => view.cells.get(id)).filter(Boolean).flatMap((cell) => expressionsOf(cell).map((item) => ({ cell: cell.step_id, ...item })));
  const { skip_expr: skip, early_return: early } = view.settings ?? {};
  if (typeof skip === "string") rows.unshift({ cell: null, field: FORMS.get("skip_expr").title, text: skip });
  const found = rows.map((row, key) => ({ ...row, key, places: referencesTo(step, row.text, to) })).filter((row) => row.places.length);
  return early === step ? [...found, { key: "early_return", cell: null, field: FORMS.get("early_return").title, text: step, setting: true, places: [{ start: 0, end: step.length, to }] }] : found;
}

/** "3 expressions change" */
export function changesInWords(changes) {
  const settings = changes.filter((change) => change.setting).length;
  const expressions = changes.length - settings;
  const said = [expressions && count(expressions, "expression"), settings && count(settings, "setting")].filter(Boolean).join(" and ");
  return `${said} ${changes.length === 1 ? "changes" : "change"}`;
}

const AROUND = 48; // characters that are shown beside what changes

/** A text in pieces, what goes and what comes marked, what is long and stays cut: [{text} | {old, to}]. */
export function pieces(text, places) {
  const found = [];
  let at = 0;
  const same = (end, first, last) => {
    const part = text.slice(at, end);
    const head = first ? "" : part.slice(0, AROUND);
    const tail = last ? "" : part.slice(-AROUND);
    if (part) found.push({ text: part.length <= 2 * AROUND ? part : `${head}…${tail}` });
  };
  places.forEach(({ start, end, to }, index) => {
    same(start, index === 0, false);
    found.push({ old: text.slice(start, end), to });
    at = end;
  });
  same(text.length, false, true);
  return found;
}
