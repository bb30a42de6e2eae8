// What a step has streamed, as it is shown: plain text, or what an agent does, told by one JSON object a line.
// Pure, so that it is tested without a browser.

const KINDS = new Set(["token_delta", "tool_call", "tool_call_arguments", "tool_execution", "tool_result"]);

/** `{text, tools}` of a stream so far; `tools` is null where it is no agent's, else `[{id, name, state}]`. */
export function streamed(whole) {
  if (!whole.startsWith('{"type":')) return { text: whole, tools: null };
  const answer = [];
  const tools = new Map();
  for (const line of whole.split("\n")) {
    const event = parsed(line);
    if (event === undefined) continue; // the last line may still be coming
    if (event === null) return { text: whole, tools: null };
    if (event.type === "token_delta") answer.push(event.content);
    else {
      if (!tools.has(event.call_id) && answer.length && !answer.at(-1).endsWith("\n\n")) answer.push("\n\n");
      const state = event.type !== "tool_result" ? "running" : event.success === false ? "failed" : "done";
      tools.set(event.call_id, { id: event.call_id, name: event.function_name, state });
    }
  }
  return { text: answer.join(""), tools: [...tools.values()] };
}

/** The event of a line; undefined for one that is not whole, null for one of another kind. */
function parsed(line) {
  if (!line) return undefined;
  try {
    const event = JSON.parse(line);
    return KINDS.has(event?.type) ? event : null;
  } catch {
    return undefined;
  }
}

/** The end of a text, cut at the beginning of a line where one is near; and how many characters are before it. */
export function ending(text, most) {
  if (text.length <= most) return { text, before: 0 };
  const from = text.length - most;
  const line = text.indexOf("\n", from);
  const at = line >= 0 && line < from + 2000 ? line + 1 : from;
  return { text: text.slice(at), before: at };
}
