// What Flowapp adds to a step's wait for approval: reminder, escalation, handing on, messages. Kept as `x-flowapp` of `suspend`.
import { JsonField, Line, NumberField, Switch, TextField } from "./setting_fields.jsx";

const KEY = "x-flowapp";
const NAMES = 'such as g/leads, u/ann';
const MESSAGES = '[{"resource": "f/ops/mail", "to": ["g/finance"]}]';

const namesOf = (text) => (text || "").split(/[\s,]+/).filter(Boolean);
const isMessages = (value) => value === null || (Array.isArray(value) && value.every((one) => one && typeof one.resource === "string"));

/** `ApprovalExtras({target})` */
export function ApprovalExtras({ target }) {
  const { suspend } = target.settings;
  const extras = suspend[KEY] ?? {};
  const withPatch = (patch) => {
    const next = Object.fromEntries(Object.entries({ ...extras, ...patch }).filter(([, value]) => value !== null && value !== undefined));
    const { [KEY]: _, ...rest } = suspend;
    return Object.keys(next).length ? { ...rest, [KEY]: next } : rest;
  };
  const stage = (patch) => target.stage("suspend", withPatch(patch));
  const flag = (key, label) => <Switch label={label} value={extras[key]} onSave={(value) => target.set("suspend", withPatch({ [key]: value || null }))} />;
  const to = extras.escalate_to ?? [];
  return (
    <>
      {flag("comment_on_deny", "a denial needs a comment")}
      {flag("delegation", "approvers may hand their vote on")}
      <Line label="Remind after" unit="seconds"><NumberField label="Remind after, seconds" value={extras.remind_after} placeholder="never" onStage={(n) => stage({ remind_after: n })} /></Line>
      <Line label="Ask others after" unit="seconds"><NumberField label="Ask others after, seconds" value={extras.escalate_after} placeholder="never" onStage={(n) => stage({ escalate_after: n })} /></Line>
      {(extras.escalate_after || to.length > 0) && <Line label="Others" wide problem={!to.length ? "Name members and groups." : !extras.escalate_after ? "Say after how long they are asked." : null}><TextField label="Others who may then approve" value={to.join(", ")} placeholder={NAMES} onStage={(text) => stage({ escalate_to: namesOf(text).length ? namesOf(text) : null })} /></Line>}
      <Line label="Tell" wide><JsonField label="Messages" value={extras.messages} placeholder={`as the workspace does; or ${MESSAGES}`} check={(found) => (isMessages(found) ? null : `A list, such as ${MESSAGES}`)} onStage={(value) => stage({ messages: value })} /></Line>
    </>
  );
}
