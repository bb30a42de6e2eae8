// Idle process of a TypeScript cell, on Deno or on Bun: waits on standard input for its one job, calls the entry point,
// answers, ends. Constant: code, entry point, arguments and environment reach it as data. `import` of this file keeps
// nothing that the cell could find; what it needs of the language's own objects is taken before the cell's code exists. One
// file, because what it imported would be a module that the cell could import too.
type Host = {
  name: string;
  folders: string[];
  exit(code: number): never;
  setEnvironment(name: string, value: string): void;
  writeFile(path: string, data: Uint8Array): void;
  makeFolder(path: string): void;
  link(target: string, path: string): void;
  memoryMap(): string;
  openAnswers(path: string): (data: Uint8Array) => number;
  read(into: Uint8Array): Promise<number>;
  onLost(tell: (error: unknown) => void): void;
};

function denoHost(): Host {
  const stdin = Deno.stdin;
  return {
    name: "Deno",
    folders: Deno.args,
    exit: Deno.exit.bind(Deno),
    setEnvironment: Deno.env.set.bind(Deno.env),
    writeFile: Deno.writeFileSync.bind(Deno),
    makeFolder: (path) => Deno.mkdirSync(path, { recursive: true }),
    link: Deno.symlinkSync.bind(Deno),
    memoryMap: () => Deno.readTextFileSync("/proc/self/smaps_rollup"),
    openAnswers(path) {
      const answers = Deno.openSync(path, { write: true });
      Deno.removeSync(path);
      return answers.writeSync.bind(answers);
    },
    read: async (into) => (await stdin.read(into)) ?? 0,
    onLost(tell) {
      addEventListener("unhandledrejection", (event) => {
        event.preventDefault();
        tell(event.reason);
      });
    },
  };
}

function bunHost(): Host {
  const files = process.getBuiltinModule("node:fs");
  const { readSync, writeSync } = files;
  const environment = process.env;
  return {
    name: "Bun",
    folders: process.argv.slice(2),
    exit: process.exit.bind(process),
    setEnvironment: (name, value) => { environment[name] = value; },
    writeFile: files.writeFileSync,
    makeFolder: (path) => void files.mkdirSync(path, { recursive: true }),
    link: files.symlinkSync,
    memoryMap: () => files.readFileSync("/proc/self/smaps_rollup", "utf8"),
    openAnswers(path) {
      const answers = files.openSync(path, "w");
      files.unlinkSync(path);
      return (data) => writeSync(answers, data);
    },
    read: async (into) => readSync(0, into),
    onLost(tell) {
      process.on("unhandledRejection", tell);
      process.on("uncaughtException", tell);
    },
  };
}

const host = "Bun" in globalThis ? bunHost() : denoHost();
const [folder, work] = host.folders;
const stringify = JSON.stringify;
const parse = JSON.parse;
const encode = TextEncoder.prototype.encode.bind(new TextEncoder());
const exit = host.exit;
const writeAnswer = host.openAnswers(`${folder}/.answer`);
const path = `${work}/cell.ts`;

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
    const count = await host.read(bytes.subarray(done));
    if (count === 0) exit(0);
    done += count;
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

// What is returned piece by piece is streamed, each piece a line that the server takes for the step's stream (see
// guest/streaming.py), and is joined to one text: generators, streams of bytes or texts, whatever else can be iterated once.
type Pieces = AsyncIterable<unknown> | Iterable<unknown>;
const print = console.log.bind(console);

function isPieces(value: unknown): value is Pieces {
  if (typeof value !== "object" || value === null) return false;
  if (typeof (value as AsyncIterable<unknown>)[Symbol.asyncIterator] === "function") return true;
  const once = value as { next?: unknown; [Symbol.iterator]?: unknown };
  return typeof once.next === "function" && typeof once[Symbol.iterator] === "function";
}

async function whole(value: unknown): Promise<unknown> {
  if (!isPieces(value)) return value;
  const decoder = new TextDecoder();
  const parts: string[] = [];
  const tell = (text: string) => {
    if (text) print("WM_STREAM: " + text.replaceAll("\n", "\\n"));
    parts.push(text);
  };
  for await (const part of value) {
    const isBytes = part instanceof Uint8Array;
    tell(isBytes ? decoder.decode(part, { stream: true }) : typeof part === "string" ? part : toJson(part));
  }
  tell(decoder.decode());
  return parts.join("");
}

// Names of the parameters of a function, in order. Read from its source, which is already stripped of types;
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

function fault(thrown: unknown): Fault {
  const error = unparsed(thrown);
  if (!(error instanceof Error)) return { name: "Error", message: typeof error === "string" ? error : toJson(error) };
  const message = explained(named(error.message));
  if (error.name === "BuildMessage" || error.name === "ResolveMessage") {
    const isModule = error.name === "ResolveMessage" || remote(error.message) !== undefined;
    const elsewhere = scriptOf(error);
    return { name: isModule ? "TypeError" : "SyntaxError", message: elsewhere + message, line: elsewhere ? undefined : lineOf(error) };
  }
  const stack = (error.stack ?? "").split("\n").filter((row) => !row.includes("typescript_wrapper")).join("\n");
  const shown = named(stack).replaceAll(/ \(?(?:ext|node):[^\n]*/g, "");
  const place = /cell\.ts:(\d+)/.exec(shown);
  const found: Fault = { name: error.name || "Error", message };
  if (place) found.line = Number(place[1]);
  // Deno wraps what its parser says into a TypeError of the import.
  const refused = /^(?:SyntaxError|The module's source code could not be parsed): /.exec(found.message);
  if (refused && found.name === "TypeError") {
    found.name = "SyntaxError";
    found.message = found.message.slice(refused[0].length);
    return found;
  }
  if (shown) found.stack = shown.slice(0, 20_000);
  const own = Object.entries(error).filter(([, item]) => item === null || typeof item !== "function");
  if (own.length) found.extra = Object.fromEntries(own);
  return found;
}

// The cell's file, and scripts that it imports, by their short names, however the runtime wrote them.
function named(text: string): string {
  return text.replaceAll(`file://${work}/`, "").replaceAll(`${work}/`, "").replaceAll(/(?:\.\/)?\.scripts\//g, "");
}

// Where Bun's parser found several mistakes it throws them together; the first one counts.
function unparsed(error: unknown): unknown {
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  return first?.name === "BuildMessage" ? first : error;
}

// Where Bun means an imported script: its name and line, as the beginning of a message.
function scriptOf(error: Error): string {
  const position = (error as { position?: { file?: string; line?: number } | null }).position;
  const file = position?.file ?? "";
  return file.includes("/.scripts/") ? `${named(file)}:${position?.line}: ` : "";
}

// What Bun says of a module has a position, or only the specifier that it did not find.
function lineOf(error: Error): number | undefined {
  const position = (error as { position?: { line?: number } | null }).position;
  if (position?.line) return position.line;
  const specifier = (error as { specifier?: string }).specifier ?? remote(error.message);
  const place = specifier ? written(specifier) : null;
  return place ? source.slice(0, place.index).split("\n").length : undefined;
}

// Where the cell writes a specifier; Bun names some by their beginning only.
function written(beginning: string): RegExpExecArray | null {
  return new RegExp(`["'\`](${beginning.replace(/[^\w]/g, "\\$&")}[^"'\`]*)["'\`]`).exec(source);
}

function remote(message: string): string | undefined {
  return /^ENOENT reading "(https?:[^"]*)"/.exec(message)?.[1];
}

// When a module would have to be downloaded, or is imported by a name that is computed, Deno speaks of its own flags and Bun
// of a file that is not there; say what that means here.
function explained(message: string): string {
  if (host.name === "Bun") {
    const missing = /^Cannot find package '([^']*)'/.exec(message)?.[1] ?? remote(message);
    if (missing === undefined) return message;
    return unavailable(/^(jsr|https?):/.exec(missing)?.[1] ?? "npm", written(missing)?.[1] ?? missing);
  }
  const unmatched = /^Could not find a matching package for '([^']*)'|^Import "([^"]*)" not a dependency/.exec(message);
  if (unmatched) return unavailable("npm", unmatched[1] ?? unmatched[2]);
  if (!/--no-remote|--cached-only/.test(message)) return message;
  const found = /["'`]((jsr|https?):[^"'`]*)["'`]/.exec(source);
  return unavailable(found?.[2] ?? "https", found?.[1]);
}

function unavailable(kind: string, specifier?: string): string {
  const which = specifier ? ` ("${specifier}")` : "";
  if (kind === "npm") {
    return `The package${which} is not there: write its name as a text in the import, so that it is found before the cell runs.`;
  }
  return `${kind}: imports are not available in this version${which}. Packages of npm and node: modules are.`;
}

// Scripts of the workspace that the cell imports are files beside it (runtimes/packages/typescript_scripts.py).
function writeScripts(files: Record<string, string>): void {
  for (const [file, code] of Object.entries(files)) {
    host.makeFolder(`${work}/${file.slice(0, file.lastIndexOf("/"))}`);
    host.writeFile(`${work}/${file}`, encode(code));
  }
}

let source = "";

let linked = false;

// Packages are found in `node_modules` beside the cell, as everywhere in this language.
function usePackages(place: string | null): void {
  if (place && !linked) host.link(`${place}/node_modules`, `${work}/node_modules`);
  linked = linked || Boolean(place);
}

// In KB, without what is shared with other processes; 0 where the kernel does not tell.
function ownMemory(): number {
  try {
    const rows = host.memoryMap().matchAll(/^Private_\w+:\s+(\d+)/gm);
    return [...rows].reduce((sum, row) => sum + Number(row[1]), 0);
  } catch {
    return 0;
  }
}

// Windmill's client, loaded ahead: it notes where the server is, and the token, when it is loaded.
const clients: { setClient?: () => void }[] = [];
const isClient = RegExp.prototype.test.bind(/^(?:npm:\/?)?windmill-client(?:@|\/|$)/);

// Import packages ahead of the job. One that cannot be imported is left for the cell to fail of.
async function warm(place: string, modules: string[]): Promise<void> {
  usePackages(place);
  const lines = modules.map((name) => {
    const loaded = `await import(${stringify(name)})`;
    return `try { ${isClient(name) ? `clients.push(${loaded})` : loaded}; } catch {}\n`;
  });
  host.writeFile(`${work}/.ahead.ts`, encode(`export const clients = [];\n${lines.join("")}`));
  await import(`file://${work}/.ahead.ts`).then((ahead) => clients.push(...ahead.clients), () => {});
  send("L", String(ownMemory()));
}

// Workflows as code: the client runs `main` as far as its steps are there. The answer is a record of what it wants; `complete` at the end.
async function record(call: () => unknown, isWorkflow: boolean, checkpoint: string): Promise<string> {
  if (!isWorkflow) return complete(await whole(await call()));
  const client = await loadedClient();
  const context = new client.WorkflowCtx(parse(checkpoint));
  client.setWorkflowCtx(context);
  suspends = (error) => error instanceof client.StepSuspend || (error as Error | undefined)?.name === "StepSuspend";
  const [result, thrown] = await Promise.resolve().then(call).then((got) => [got], (error) => [null, { error }]);
  // what the code has caught counts all the same
  const failure = context._takePendingStepFailure?.();
  if (failure) throw failure.error;
  const suspended = context._takePendingSuspend?.() ?? (thrown && suspends(thrown.error) ? thrown.error : null);
  if (suspended) return wanted(suspended.dispatchInfo);
  if (thrown) throw thrown.error;
  const steps = context._flushPending?.() ?? [];
  if (steps.length) return wanted({ mode: steps.length > 1 ? "parallel" : "sequential", steps });
  context._warnUnobservedTaskFailures?.();
  return complete(result);
}

async function loadedClient(): Promise<any> {
  const specifier = /["'`]((?:npm:\/?)?windmill-client(?:@[^"'`]*)?)["'`]/.exec(source)?.[1] ?? "windmill-client";
  host.writeFile(`${work}/.client.ts`, encode(`export * from ${stringify(specifier)};\n`));
  return await import(`file://${work}/.client.ts`);
}

// The client makes a function `(...args)` of a task, and tells a workflow alone which parameters the one inside of it has.
async function taskParameters(task: (...args: unknown[]) => unknown, inputs: object): Promise<string[]> {
  const client = await loadedClient();
  let found = Object.keys(inputs);
  if (!("_is_task" in task) || !client.setWorkflowCtx) return found;
  client.setWorkflowCtx({ _nextStep: (_name: string, _script: string, given: object) => { found = Object.keys(given); } });
  task(...Array(100).keys());
  client.setWorkflowCtx(null);
  return found;
}

let suspends: (error: unknown) => boolean = () => false;
// as `frames.COMPLETE`, by whose characters the server knows it
const complete = (result: unknown) => `{"type":"complete","result":${toJson(result)}}`;

function wanted(info: { mode: string; result?: unknown }): string {
  if (info.mode === "step_complete") return complete(info.result);
  return toJson({ ...info, type: ["inline_checkpoint", "approval", "sleep"].includes(info.mode) ? info.mode : "dispatch" });
}

async function answer(): Promise<void> {
  const decoder = new TextDecoder();
  let lengths = new DataView((await receive(12)).buffer);
  let header = parse(decoder.decode(await receive(lengths.getUint32(0))));
  if (header.warm) {
    await warm(header.warm.packages, header.warm.modules);
    lengths = new DataView((await receive(12)).buffer);
    header = parse(decoder.decode(await receive(lengths.getUint32(0))));
  }
  const code = await receive(lengths.getUint32(4));
  const inputs = parse(decoder.decode(await receive(lengths.getUint32(8))));
  usePackages(header.packages);
  for (const [name, value] of Object.entries(header.env)) host.setEnvironment(name, value as string);
  for (const client of clients) client.setClient?.();
  source = decoder.decode(code);
  writeScripts(header.scripts);
  host.writeFile(path, code);
  try {
    const module = await import(`file://${path}`);
    const main = module[header.entrypoint] ?? (header.entrypoint === "main" ? module.default : undefined);
    if (typeof main !== "function") {
      const name = header.entrypoint;
      send("X", stringify({
        name: "ExecutionErr",
        message: `There is no exported function "${name}" in this cell. Write: export async function ${name}(...) {`,
      }));
      return;
    }
    const told = parameterNames(Function.prototype.toString.call(main));
    const names = header.entrypoint !== "main" && told.includes("args") ? await taskParameters(main, inputs) : told;
    const call = () => main(...names.map((name) => inputs[name]));
    const body = header.checkpoint ? await record(call, main._is_workflow, header.checkpoint) : toJson(await whole(await call()));
    if (body.length > header.result_bytes) {
      const sizes = `${(body.length / 1e6).toFixed(1)} MB; at most ${(header.result_bytes / 1e6).toFixed(1)} MB`;
      send("X", stringify({ name: "ResultTooLarge", message: `The result is ${sizes} are kept. Return less.` }));
      return;
    }
    send("O", body);
  } catch (error) {
    let body: string;
    try {
      body = toJson(fault(error));
    } catch {
      body = stringify({ name: "Error", message: String(error) });
    }
    send("X", body);
  }
}

host.onLost((error) => {
  if (suspends(error)) return;
  send("X", toJson(fault(error)));
  exit(1);
});
send("R");
await answer();
exit(0);
