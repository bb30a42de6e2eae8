// The form of each setting. `target` is a cell or the flow: {id, step, settings, set(key, value), stage(key, value)}.
import { ApprovalExtras } from "./approval_extras.jsx";
import { useKey, useStore } from "./context.js";
import { without } from "./objects.js";
import { SchemaEditor } from "./schema_editor.jsx";
import { ExpressionField, JsonField, Line, NumberField, Switch, TextField, TransformField } from "./setting_fields.jsx";
import { ChooseCalled } from "./called.jsx";

/** The value without what is null: a setting says only what it says. Null when nothing is left. */
const compact = (value) => {
  const left = Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null && item !== undefined));
  return Object.keys(left).length ? left : null;
};

function Retry({ target }) {
  const retry = target.settings.retry ?? {};
  const change = (part, key, value) => target.stage("retry", compact({ ...retry, [part]: compact({ ...retry[part], [key]: value }) }));
  const conditional = Boolean(retry.retry_if);
  return (
    <>
      <Line label="Attempts at fixed waits"><NumberField label="Attempts at fixed waits" whole value={retry.constant?.attempts} placeholder="0" onStage={(n) => change("constant", "attempts", n)} /></Line>
      <Line label="Wait" unit="seconds"><NumberField label="Seconds between them" value={retry.constant?.seconds} placeholder="0" onStage={(n) => change("constant", "seconds", n)} /></Line>
      <Line label="Attempts at growing waits"><NumberField label="Attempts at growing waits" whole value={retry.exponential?.attempts} placeholder="0" onStage={(n) => change("exponential", "attempts", n)} /></Line>
      <Line label="Wait" unit="× seconds to the power of the attempt">
        <NumberField label="Multiplier of growing waits" value={retry.exponential?.multiplier} placeholder="1" onStage={(n) => change("exponential", "multiplier", n)} />
        <NumberField label="Base seconds of growing waits" value={retry.exponential?.seconds} placeholder="0" onStage={(n) => change("exponential", "seconds", n)} />
      </Line>
      <Line label="Spread by" unit="% at random"><NumberField label="Per cent at random" value={retry.exponential?.random_factor} placeholder="0" onStage={(n) => change("exponential", "random_factor", n)} /></Line>
      <Switch label="only when a condition is true" value={conditional} onSave={(on) => target.set("retry", on ? { ...retry, retry_if: { expr: "" } } : compact(without(retry, "retry_if")))} />
      {conditional && <Line label="Retry if" wide><ExpressionField target={target} field="retry_if" label="Retry if" expr={retry.retry_if.expr} placeholder='such as error.name == "Timeout"' onStage={(expr) => target.stage("retry", { ...retry, retry_if: { ...retry.retry_if, expr } })} /></Line>}
    </>
  );
}

const Flag = (key, label) =>
  function FlagForm({ target }) {
    return <Switch label={label} value={target.settings[key]} onSave={(on) => target.set(key, on || null)} />;
  };

const Seconds = (key, label) =>
  function SecondsForm({ target }) {
    return (
      <Line label={label}>
        <TransformField target={target} field={key} label={label} unit="seconds" value={target.settings[key]} onStage={(value) => target.stage(key, value)} onSave={(value) => target.set(key, value)}>
          {(value, stage) => <NumberField label={label} value={value} onStage={stage} />}
        </TransformField>
      </Line>
    );
  };

const Condition = (key, label, placeholder) =>
  function ConditionForm({ target }) {
    const rule = target.settings[key];
    const stops = key !== "skip_if";
    const fails = typeof rule?.error_message === "string";
    return (
      <>
        <Line label={label} wide><ExpressionField target={target} field={key} label={label} expr={rule?.expr} placeholder={placeholder} onStage={(expr) => target.stage(key, expr.trim() || rule ? { ...rule, expr } : null)} /></Line>
        {stops && rule && (
          <>
            <Switch label="the run then counts as skipped" value={rule.skip_if_stopped} onSave={(on) => target.set(key, { ...without(rule, "skip_if_stopped"), ...(on && { skip_if_stopped: true }) })} />
            <Switch label="it then fails with an error" value={fails} onSave={(on) => target.set(key, on ? { ...rule, error_message: "" } : without(rule, "error_message", "error_include_result"))} />
            {fails && <Line label="Message" wide><TextField label="Message of the error" value={rule.error_message} placeholder={`stop after if: ${rule.expr}`} onStage={(text) => target.stage(key, { ...rule, error_message: text ?? "" })} /></Line>}
            {fails && <Switch label="the error holds the result" value={rule.error_include_result} onSave={(on) => target.set(key, { ...without(rule, "error_include_result"), ...(on && { error_include_result: true }) })} />}
          </>
        )}
      </>
    );
  };

const NEW_FORM = { type: "object", properties: {}, required: [], order: [] };

function Suspend({ target }) {
  const suspend = target.settings.suspend;
  const on = Boolean(suspend);
  const change = (patch) => target.stage("suspend", { ...suspend, ...patch });
  const save = (patch) => target.set("suspend", Object.fromEntries(Object.entries({ ...suspend, ...patch }).filter(([, value]) => value !== null)));
  const flag = (key, label) => <Switch label={label} value={suspend[key]} onSave={(value) => save({ [key]: value || null })} />;
  const schema = suspend?.resume_form?.schema;
  if (!on) return <Switch label="wait for approval after this step" value={false} onSave={() => target.set("suspend", { required_events: 1 })} />;
  return (
    <>
      <Switch label="wait for approval after this step" value onSave={() => target.set("suspend", null)} />
      <Line label="Approvals"><NumberField label="Number of approvals" whole value={suspend.required_events} placeholder="0" onStage={(n) => change({ required_events: n ?? 0 })} /></Line>
      <Line label="Wait at most" unit="seconds"><NumberField label="Wait at most, seconds" value={suspend.timeout} placeholder="1800" onStage={(n) => target.stage("suspend", n === null ? without(suspend, "timeout") : { ...suspend, timeout: n })} /></Line>
      {flag("user_auth_required", "approvers have to sign in")}
      {flag("self_approval_disabled", "not by the person who started the run")}
      {flag("hide_cancel", "no button to deny")}
      {flag("continue_on_disapprove_timeout", "go on when denied or timed out")}
      <Line label="Groups who may" wide>
        <TransformField target={target} field="user_groups_required" label="Groups who may approve" value={suspend.user_groups_required} onStage={(value) => target.stage("suspend", value === null ? without(suspend, "user_groups_required") : { ...suspend, user_groups_required: value })} onSave={(value) => save({ user_groups_required: value })}>
          {(value, stage) => <JsonField label="Groups who may approve" value={value} placeholder='everybody; or ["finance"]' check={(found) => (found === null || Array.isArray(found) ? null : 'A list, such as ["finance"]')} onStage={stage} />}
        </TransformField>
      </Line>
      <ApprovalExtras target={target} />
      <div className="nb-set-schema" role="group" aria-label="Form for the approver">
        <Switch label="ask the approver to fill in a form" value={Boolean(schema)} onSave={(wanted) => save({ resume_form: wanted ? { schema: NEW_FORM } : null })} />
        {schema && <SchemaEditor schema={schema} empty="No field yet. What is typed here is read by the next step as resume." onSave={(next) => target.set("suspend", { ...suspend, resume_form: { ...suspend.resume_form, schema: next } })} />}
      </div>
    </>
  );
}

function Mock({ target }) {
  const mock = target.settings.mock;
  return (
    <>
      <Switch label="return a fixed value instead of running" value={mock?.enabled === true} onSave={(on) => target.set("mock", on ? { ...mock, enabled: true } : mock?.return_value === undefined || mock.return_value === null ? null : { ...mock, enabled: false })} />
      <Line label="Value" wide><JsonField label="Value of the mock" value={mock?.return_value} placeholder="null" onStage={(value) => target.stage("mock", { enabled: mock?.enabled === true, return_value: value })} /></Line>
      {target.result && <button type="button" className="nb-link" onClick={target.pinResult}>Use the last result</button>}
    </>
  );
}

function Cache({ target }) {
  const { cache_ttl: ttl, cache_ignore_s3_path: ignore } = target.settings;
  return (
    <>
      <Line label="Keep for" unit="seconds"><NumberField label="Keep the result for, seconds" value={ttl} onStage={(n) => target.stage("cache_ttl", n)} /></Line>
      {(ignore || ttl) && <Switch label="stored files count by their content, not by their path" value={ignore} onSave={(on) => target.set("cache_ignore_s3_path", on || null)} />}
    </>
  );
}

function Concurrency({ target }) {
  const key = target.id ? "custom_concurrency_key" : "concurrency_key";
  const { settings } = target;
  return (
    <>
      <Line label="At most"><NumberField label="At most at a time" whole value={settings.concurrent_limit} placeholder="no limit" onStage={(n) => target.stage("concurrent_limit", n)} /></Line>
      <Line label="Within" unit="seconds"><NumberField label="Within, seconds" value={settings.concurrency_time_window_s} placeholder="at a time" onStage={(n) => target.stage("concurrency_time_window_s", n)} /></Line>
      <Line label="Counted by" wide><TextField label="Counted by" value={settings[key]} placeholder="the whole; or a key such as $args[customer]" onStage={(text) => target.stage(key, text)} /></Line>
    </>
  );
}

const WITH_INPUTS = new Set(["rawscript", "script", "flow"]);

function Debouncing({ target }) {
  const own = Boolean(target.id);
  const value = (own ? target.settings.debouncing : target.settings) ?? {};
  const stage = (key, next) => (own ? target.stage("debouncing", compact({ ...value, [key]: next })) : target.stage(key, next));
  const inputs = useKey("input")?.schema?.properties ?? {};
  // loops and branches have no inputs of their own that could be collected or be part of a key
  const takes = !own || WITH_INPUTS.has(target.kind);
  const names = value.debounce_args_to_accumulate;
  return (
    <>
      <Line label="Wait" unit="seconds"><NumberField label="Wait for more starts, seconds" value={value.debounce_delay_s} onStage={(n) => stage("debounce_delay_s", n)} /></Line>
      <Line label="Together by" wide><TextField label="Taken together by" value={value.debounce_key} placeholder={`${own ? "all" : "equal inputs"}; or a key such as ${takes ? "$args[customer]" : "orders"}`} onStage={(text) => stage("debounce_key", text)} /></Line>
      <Line label="Longest wait" unit="seconds"><NumberField label="Longest wait, seconds" value={value.max_total_debouncing_time} onStage={(n) => stage("max_total_debouncing_time", n)} /></Line>
      <Line label="Most starts"><NumberField label="Most starts taken together" whole value={value.max_total_debounces_amount} onStage={(n) => stage("max_total_debounces_amount", n)} /></Line>
      {(takes || names) && <Line label="Collect" wide><JsonField label="Inputs to collect" value={names} placeholder={`nothing; or a list such as ${JSON.stringify(Object.keys(inputs).slice(0, 1).concat(Object.keys(inputs).length ? [] : ["items"]))}`} check={(found) => (found === null || (Array.isArray(found) && found.every((item) => typeof item === "string")) ? null : "A list of input names")} onStage={(names) => stage("debounce_args_to_accumulate", names)} /></Line>}
    </>
  );
}

const Plain = (key, label, { whole = false, text = false, unit, placeholder } = {}) =>
  function PlainForm({ target }) {
    const Field = text ? TextField : NumberField;
    return <Line label={label} unit={unit}><Field label={label} whole={whole} value={target.settings[key]} placeholder={placeholder} onStage={(value) => target.stage(key, value)} /></Line>;
  };

function Tag({ target }) {
  const key = target.kind === "script" ? "tag_override" : "tag";
  return <Line label="Tag"><TextField label="Worker tag" value={target.settings[key]} placeholder="any worker" onStage={(text) => target.stage(key, text)} /></Line>;
}

function DeleteAfter({ target }) {
  return (
    <>
      <Line label="Delete after" unit="seconds after the run"><NumberField label="Delete after, seconds" value={target.settings.delete_after_secs} placeholder="never" onStage={(n) => target.stage("delete_after_secs", n)} /></Line>
      {target.settings.delete_after_use && <Switch label="at once (an older setting)" value onSave={() => target.set("delete_after_use", null)} />}
    </>
  );
}

function Loop({ target }) {
  const { settings, kind } = target;
  const loop = kind === "forloopflow";
  return (
    <>
      {loop && <Switch label="run the iterations in parallel" value={settings.parallel} onSave={(on) => target.set("parallel", on)} />}
      {loop && (
        <Line label="At most">
          <TransformField target={target} field="parallelism" label="At most at a time" unit="at a time" value={settings.parallelism} onStage={(value) => target.stage("parallelism", value)} onSave={(value) => target.set("parallelism", value)}>
            {(value, stage) => <NumberField label="At most at a time" whole value={value} placeholder="all" onStage={stage} />}
          </TransformField>
        </Line>
      )}
      <Switch label="go on when an iteration fails" value={settings.skip_failures} onSave={(on) => target.set("skip_failures", on)} />
      <Switch label="one warm worker for all iterations" value={settings.squash} onSave={(on) => target.set("squash", on || null)} />
    </>
  );
}

function Branches({ target }) {
  const { settings } = target;
  return (
    <>
      <Switch label="run the branches in parallel" value={settings.parallel !== false} onSave={(on) => target.set("parallel", on)} />
      {(settings.branches ?? []).map((branch, index) => (
        <Switch key={index} label={`go on when ${branch.summary || `branch ${index + 1}`} fails`} value={branch.skip_failure} onSave={(on) => target.set(`branches/${index}/skip_failure`, on)} />
      ))}
    </>
  );
}

function Direct({ target }) {
  return (
    <>
      <Switch label="give the step the flow's input as it is" value={target.settings.pass_flow_input_directly} onSave={(on) => target.set("pass_flow_input_directly", on || null)} />
      <Switch label={`let ${target.kind === "flow" ? "the called flow's" : "the script's own"} preprocessor make the input, when an event starts the run`} value={target.settings.apply_preprocessor} onSave={(on) => target.set("apply_preprocessor", on || null)} />
    </>
  );
}

function EarlyReturn({ target }) {
  const store = useStore();
  const order = useKey("order") ?? [];
  const steps = order.map((id) => store.cell(id)).filter((cell) => cell && !cell.parent && cell.slot === "modules");
  const now = target.settings.early_return;
  return (
    <Line label="Answer with">
      <select className="nb-input nb-select nb-boxed" aria-label="Step that answers early" value={now ?? ""} onChange={(event) => target.set("early_return", event.target.value || null)}>
        <option value="">the flow's own result</option>
        {now && !steps.some((cell) => cell.step_id === now) && <option value={now}>{now} (not there)</option>}
        {steps.map((cell) => <option key={cell.id} value={cell.step_id}>{cell.step_id} {cell.title}</option>)}
      </select>
    </Line>
  );
}

function SkipExpr({ target }) {
  return <Line label="Skip if" wide><ExpressionField target={target} field="skip_expr" label="Skip the run if" expr={target.settings.skip_expr} placeholder="such as !flow_input.rows.length" onStage={(text) => target.stage("skip_expr", text.trim() ? text : null)} /></Line>;
}

function FlowEnv({ target }) {
  return <Line label="Constants" wide><JsonField label="Constants of the flow" value={target.settings.flow_env} placeholder='{"region": "eu"}' check={(found) => (found === null || (typeof found === "object" && !Array.isArray(found)) ? null : 'An object, such as {"region": "eu"}')} onStage={(value) => target.stage("flow_env", value)} /></Line>;
}

function Trigger({ target }) {
  const { settings } = target;
  return (
    <>
      <Switch label="this script looks for what is new" value={settings.is_trigger} onSave={(on) => target.set("is_trigger", on || null)} />
      {settings.is_trigger && !settings.stop_after_if && <button type="button" className="nb-link" onClick={() => target.set("stop_after_if", { expr: "!result || (Array.isArray(result) && result.length == 0)", skip_if_stopped: true })}>Stop when there is nothing new</button>}
    </>
  );
}

function Called({ target }) {
  return <ChooseCalled target={target} />;
}

/** The component of each form in the table. */
export const FORM_OF = {
  retry: Retry,
  continue_on_error: Flag("continue_on_error", "go on with the error as the result"),
  timeout: Seconds("timeout", "Stop after"),
  stop_after_if: Condition("stop_after_if", "Stop if", "such as result.length == 0"),
  stop_after_all_iters_if: Condition("stop_after_all_iters_if", "Stop after all if", "such as result.length == 0"),
  skip_if: Condition("skip_if", "Skip if", "such as results.a.total == 0"),
  suspend: Suspend,
  sleep: Seconds("sleep", "Sleep for"),
  mock: Mock,
  cache: Cache,
  loop: Loop,
  branches: Branches,
  concurrency: Concurrency,
  debouncing: Debouncing,
  priority: Plain("priority", "Priority", { whole: true, placeholder: "0" }),
  tag: Tag,
  delete_after: DeleteAfter,
  trigger: Trigger,
  direct: Direct,
  called: Called,
  same_worker: Flag("same_worker", "share a folder on one worker"),
  skip_expr: SkipExpr,
  early_return: EarlyReturn,
  flow_env: FlowEnv,
  tags: Flag("preserve_step_tags", "steps keep their own tags"),
  chat: Flag("chat_input_enabled", "the flow is a chat"),
};
