// Idle process of a TypeScript cell: waits on standard input for its one job, calls the entry point, answers, ends.
// Constant: code, entry point, arguments and environment reach it as data. `import` of this file keeps nothing that the
// cell could find; what it needs of the language's own objects is taken before the cell's code exists.
const [folder, work] = Deno.args;
const stringify = JSON.stringify;
const parse = JSON.parse;
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
const exit = Deno.exit.bind(Deno);
const setEnvironment = Deno.env.set.bind(Deno.env);
const writeFile = Deno.writeFileSync.bind(Deno);

const answerPath = `${folder}/.answer`;
const answers = Deno.openSync(answerPath, { write: true });
const writeAnswer = answers.writeSync.bind(answers);
Deno.removeSync(answerPath);

type Fault = { name: string; message: string; stack?: string; line?: number; extra?: Record<string, unknown> };

function send(kind: string, body = ""): void {
  const bytes = encode(body);
  const frame = new Uint8Array(5 + bytes.length);
  frame[0] = kind.charCodeAt(0);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, 5);
  for (let done = 0; done < frame.length; ) done += writeAnswer(frame.subarray(done));
}

async function receive(length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const count = await Deno.stdin.read(bytes.subarray(done));
    if (count === null) exit(0);
    done += count!;
  }
  return bytes;
}

// JSON has no bigint; a string keeps every digit.
Object.defineProperty(BigInt.prototype, "toJSON", { value() { return this.toString(); }, configurable: true });

function toJson(value: unknown): string {
  const text = stringify(value) ?? "null";
  // Lone surrogates are escaped by JSON.stringify, but databases and other languages refuse them.
  if (!/\\ud[89a-f]/i.test(text)) return text;
  return stringify(value, (_key, item) => (typeof item === "string" ? item.toWellFormed() : item)) ?? "null";
}

// Names of the parameters of a function, in order. Read from its source, which Deno has already stripped of types;
// default values, strings, templates, comments and nested brackets are stepped over.
function parameterNames(source: string): string[] {
  const arrow = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(source);
  if (arrow) return [arrow[1]];
  let at = source.indexOf("(") + 1;
  let depth = 0, part = "";
  const parts: string[] = [];
  for (; at < source.length; at++) {
    const here = source[at];
    if (source.startsWith("//", at)) { at = source.indexOf("\n", at); if (at < 0) break; continue; }
    if (source.startsWith("/*", at)) { at = source.indexOf("*/", at) + 1; continue; }
    if (here === "'" || here === '"' || here === "`") {
      const opened = at;
      for (at++; at < source.length && source[at] !== here; at++) if (source[at] === "\\") at++;
      part += source.slice(opened, at + 1);
      continue;
    }
    if (depth === 0 && (here === "," || here === ")")) {
      if (part.trim()) parts.push(part.trim());
      part = "";
      if (here === ")") break;
      continue;
    }
    if ("([{".includes(here)) depth++;
    if (")]}".includes(here)) depth--;
    part += here;
  }
  return parts.map((text) => /^(?:\.\.\.)?([A-Za-z_$][\w$]*)/.exec(text)?.[1] ?? "");
}

function fault(error: unknown, cell: string): Fault {
  if (!(error instanceof Error)) return { name: "Error", message: typeof error === "string" ? error : toJson(error) };
  const stack = (error.stack ?? "").split("\n").filter((row) => !row.includes("deno_wrapper")).join("\n");
  const shown = stack.replaceAll(cell, "cell.ts").replaceAll(/ \(?(?:ext|node):[^\n]*/g, "");
  const place = /cell\.ts:(\d+)/.exec(shown);
  const found: Fault = { name: error.name || "Error", message: explained(error.message.replaceAll(cell, "cell.ts")) };
  if (place) found.line = Number(place[1]);
  // Deno wraps what its parser says into a TypeError of the import.
  const unparsed = /^(?:SyntaxError|The module's source code could not be parsed): /.exec(found.message);
  if (unparsed && found.name === "TypeError") {
    found.name = "SyntaxError";
    found.message = found.message.slice(unparsed[0].length);
    return found;
  }
  if (shown) found.stack = shown.slice(0, 20_000);
  const own = Object.entries(error).filter(([, item]) => item === null || typeof item !== "function");
  if (own.length) found.extra = Object.fromEntries(own);
  return found;
}

// Deno speaks of its own flags when a module would have to be downloaded; say what that means here.
function explained(message: string): string {
  if (!/--no-(?:npm|remote)|--cached-only/.test(message)) return message;
  const found = /["'`]((npm|jsr|https?):[^"'`]*)["'`]/.exec(source);
  const kind = found?.[2] ?? (message.includes("npm") ? "npm" : "https");
  const which = found ? ` ("${found[1]}")` : "";
  return `${kind}: imports are not available in this version${which}. Deno's own and node: modules are.`;
}

let source = "";

async function answer(): Promise<void> {
  const lengths = new DataView((await receive(12)).buffer);
  const decoder = new TextDecoder();
  const header = parse(decoder.decode(await receive(lengths.getUint32(0))));
  const code = await receive(lengths.getUint32(4));
  const inputs = parse(decoder.decode(await receive(lengths.getUint32(8))));
  for (const [name, value] of Object.entries(header.env)) setEnvironment(name, value as string);
  source = decoder.decode(code);
  const path = `${work}/cell.ts`;
  const cell = `file://${path}`;
  writeFile(path, code);
  try {
    const module = await import(cell);
    const main = module[header.entrypoint] ?? (header.entrypoint === "main" ? module.default : undefined);
    if (typeof main !== "function") {
      const name = header.entrypoint;
      send("X", stringify({
        name: "ExecutionErr",
        message: `There is no exported function "${name}" in this cell. Write: export async function ${name}(...) {`,
      }));
      return;
    }
    const names = parameterNames(Function.prototype.toString.call(main));
    const result = await main(...names.map((name) => inputs[name]));
    const body = toJson(result);
    if (body.length > header.result_bytes) {
      const sizes = `${(body.length / 1e6).toFixed(1)} MB; at most ${(header.result_bytes / 1e6).toFixed(1)} MB`;
      send("X", stringify({ name: "ResultTooLarge", message: `The result is ${sizes} are kept. Return less.` }));
      return;
    }
    send("O", body);
  } catch (error) {
    let body: string;
    try {
      body = toJson(fault(error, cell));
    } catch {
      body = stringify({ name: "Error", message: String(error) });
    }
    send("X", body);
  }
}

addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  send("X", toJson(fault(event.reason, `file://${work}/cell.ts`)));
  exit(1);
});
send("R");
await answer();
exit(0);
