// What a step has streamed, as it is shown: plain text, or what an agent does, told by one JSON object a line.
// Pure, so that it is tested without a browser.

const KINDS = new Set(["token_delta", "tool_call", "tool_call_arguments", "tool_execution", "tool_result"]);

const AGENT = '{"type":"to'; // as all of them begin

/** A stream as it grows: `text`, and `tools` (null where it is no agent's, else `[{id, name, state}]`). Each line is read once. */
export class StreamedText {
  constructor() {
    this.whole = "";
    this.agent = null; // not known yet
    this.rest = ""; // the last line may still be coming
    this.answer = "";
    this.calls = new Map();
  }

  get text() {
    if (this.agent) return this.answer;
    return this.agent === null && AGENT.startsWith(this.whole) ? "" : this.whole;
  }

  get tools() {
    return this.agent ? [...this.calls.values()] : null;
  }

  append(piece) {
    this.whole += piece;
    if (this.agent === false) return;
    if (this.agent === null && this.whole.length >= AGENT.length) this.agent = this.whole.startsWith(AGENT);
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop();
    if (this.agent && !lines.every((line) => this.#take(line))) this.agent = false;
  }

  /** Whether the line is an event of an agent. */
  #take(line) {
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      return false;
    }
    if (!KINDS.has(event?.type)) return false;
    if (event.type === "token_delta") {
      this.answer += event.content;
      return true;
    }
    if (!this.calls.has(event.call_id) && this.answer && !this.answer.endsWith("\n\n")) this.answer += "\n\n";
    const state = event.type !== "tool_result" ? "running" : event.success === false ? "failed" : "done";
    this.calls.set(event.call_id, { id: event.call_id, name: event.function_name, state });
    return true;
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
