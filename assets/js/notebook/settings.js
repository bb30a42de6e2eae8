// What is set on a cell or on the flow, in words: which forms there are, which are active, what their chips say.
// Pure; the table itself is made from the one in Python (scripts/make_settings_table.py).
import table from "./settings_table.json" with { type: "json" };
import { duration } from "../words.js";

export const FORMS = new Map(table.forms.map((form) => [form.id, form]));

const fieldsOf = (form, kind) => table.settings.filter((item) => item.form === form && (kind ? item.place !== "flow" && item.kinds.includes(kind) : item.place === "flow"));

/** The OpenFlow fields of a form, for a kind of cell or (kind null) for the flow. */
export const keysOfForm = (form, kind) => [...new Set(fieldsOf(form, kind).map((item) => item.key))];

/** Forms in their order; those of settings that are set although the kind hardly has a use for them included. */
export function formsOf(kind, settings = {}) {
  return table.forms.filter((form) => fieldsOf(form.id, kind).length > 0 || (kind && form.id in WORDS && wordsOf(form.id, settings)));
}

export const expressionOf = (value) => (value && typeof value === "object" && typeof value.expr === "string" && value.type !== "static" ? value.expr : null);
export const numberOf = (value) => (value && typeof value === "object" ? value.value : value);

const seconds = (n) => (typeof n === "number" ? duration(n * 1000).replace("< 1 ms", "0 s") : String(n));
const timed = (value) => (expressionOf(value) !== null ? "by expression" : seconds(numberOf(value)));
const attemptsOf = (retry) => (retry.constant?.attempts ?? 0) + (retry.exponential?.attempts ?? 0);

/** What a chip says when its form is set; null when it is not. */
const WORDS = {
  retry: ({ retry }) => retry && `retry ${attemptsOf(retry)}`,
  continue_on_error: ({ continue_on_error: on }) => on && "goes on after an error",
  timeout: ({ timeout }) => isSet(timeout) && `limit ${timed(timeout)}`,
  stop_after_if: ({ stop_after_if: rule }) => rule && "stops if…",
  stop_after_all_iters_if: ({ stop_after_all_iters_if: rule }) => rule && "stops after all if…",
  skip_if: ({ skip_if: rule }) => rule && "skips if…",
  suspend: ({ suspend }) => suspend && (suspend.required_events > 1 ? `waits for ${suspend.required_events} approvals` : suspend.required_events ? "waits for approval" : "waits for nobody"),
  sleep: ({ sleep }) => isSet(sleep) && `sleeps ${timed(sleep)}`,
  mock: ({ mock }) => mock?.enabled && "mock",
  cache: ({ cache_ttl: ttl }) => isSet(ttl) && ttl !== 0 && `cache ${seconds(ttl)}`,
  concurrency: ({ concurrent_limit: most }) => isSet(most) && `at most ${most} at a time`,
  debouncing: ({ debouncing, debounce_delay_s: delay }) => (debouncing || isSet(delay)) && `debounced ${seconds(debouncing?.debounce_delay_s ?? delay ?? 0)}`,
  priority: ({ priority }) => isSet(priority) && `priority ${priority}`,
  tag: ({ tag, tag_override: other }) => (tag || other) && `on ${tag || other}`,
  delete_after: ({ delete_after_secs: after, delete_after_use: use }) => (isSet(after) || use) && (after ? `deletes data after ${seconds(after)}` : "deletes data"),
  trigger: ({ is_trigger: on }) => on && "trigger",
  direct: ({ pass_flow_input_directly: on }) => on && "takes the flow's input",
  same_worker: ({ same_worker: on }) => on && "shared folder",
  skip_expr: ({ skip_expr: text }) => isSet(text) && "skips runs if…",
  early_return: ({ early_return: step }) => step && `answers early from ${step}`,
  flow_env: ({ flow_env: env }) => env && `${Object.keys(env).length} constant${Object.keys(env).length === 1 ? "" : "s"}`,
  tags: ({ preserve_step_tags: on }) => on && "steps keep their tags",
  chat: ({ chat_input_enabled: on }) => on && "chat",
};

const isSet = (value) => value !== undefined && value !== null;

export const wordsOf = (form, settings) => WORDS[form]?.(settings ?? {}) || null;

/** One chip per active setting: {form, words, title}. A while loop says its stop condition in its body. */
export function chipsOf(kind, settings) {
  return formsOf(kind, settings)
    .filter((form) => !(kind === "whileloopflow" && form.id === "stop_after_if"))
    .map((form) => ({ form: form.id, words: wordsOf(form.id, settings), title: settings?.[form.id]?.expr ? `${form.title}: ${settings[form.id].expr}` : form.title }))
    .filter((chip) => chip.words);
}

/** Forms whose title, help, field names or words hold what is searched for. */
export function found(forms, kind, settings, query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return forms;
  return forms.filter((form) => [form.title, form.help, form.group, wordsOf(form.id, settings) ?? "", ...keysOfForm(form.id, kind)].join(" ").toLowerCase().includes(wanted));
}

/** The form in which a field of OpenFlow is set, for a kind of cell or (null) the flow; null where it has none. */
export function formOfField(field, kind) {
  if (!field) return null;
  if (field === "retry_if") return "retry";
  const own = FORMS.has(field) ? field : null;
  const named = table.settings.filter((item) => item.key === field);
  const mine = named.find((item) => (kind ? item.place !== "flow" && item.kinds.includes(kind) : item.place === "flow"));
  // what the flow has as several settings, a cell has in one (debouncing)
  const alike = kind ? named.find((item) => fieldsOf(item.form, kind).length > 0) : null;
  return mine?.form ?? (kind ? own ?? alike?.form ?? null : null);
}
