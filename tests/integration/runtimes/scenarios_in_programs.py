"""What hostile or unlucky Bash and TypeScript do."""

from __future__ import annotations

from tests.integration.runtimes.scenario import (
    Scenario,
    cut_log,
    ends_by_the_clock_or_for_want_of_threads,
    ends_somehow,
    every,
    fails,
    gets_no_more_memory,
    gives,
    is_own_fault,
    is_refused,
    no_strays,
    runs_out_of_memory,
    says,
)

_BUN_READ = """
import { openSync, readFileSync, readdirSync } from "node:fs";
export function main(paths: string[]) {
  const found: string[] = [];
  for (const path of paths)
    for (const action of [readdirSync, readFileSync, (where: string) => openSync(where, "r")])
      try { action(path); found.push(path); } catch { /* as it should be */ }
  return found;
}
"""
_BUN_WRITE = """
import { writeFileSync } from "node:fs";
export function main(paths: string[]) {
  return paths.filter((path) => { try { writeFileSync(path + "/flowapp-written", "x"); return true; } catch { return false; } });
}
"""


IN_PROGRAMS: dict[str, Scenario] = {
    "deno loop": Scenario("deno", "export function main() { while (true); }", fails("Timeout"), timeout_s=1.0),
    "deno exit": Scenario("deno", "export function main() { Deno.exit(5); }", fails("ExecutionErr", "5", exit_code=5)),
    "deno memory": Scenario(
        "deno",
        "export function main() { const a: unknown[] = []; while (true) a.push(new Array(1000).fill(Math.random())); }",
        fails("ExecutionErr", "more memory than its 128 MB"),
        limits={"memory_mb": 128},
        timeout_s=30,
    ),
    "deno memory outside the heap": Scenario(
        "deno",
        "export function main() { const a: unknown[] = []; for (;;) a.push(new Uint8Array(10_000_000).fill(1)); }",
        gets_no_more_memory,
        limits={"memory_mb": 256},
        timeout_s=20,
    ),
    "deno unhandled rejection": Scenario(
        "deno",
        "export async function main() { Promise.reject(new RangeError('lost')); await new Promise(r => setTimeout(r, 2e4)); }",
        fails("RangeError", "lost"),
    ),
    "deno reads the data folder": Scenario(
        "deno",
        "export function main(path: string) { try { return [...Deno.readDirSync(path)] } catch (e) { return e.name } }",
        lambda seen: is_refused(seen),
        {"path": "{home}"},
    ),
    "deno big text": Scenario(
        "deno",
        "export const main = (text: string) => text;",
        gives("ä" * 5_000_000),
        {"text": "ä" * 5_000_000},
        timeout_s=60,
    ),
    "deno surrogates": Scenario(
        "deno", "export const main = () => ({ a: 'a\\ud800b😀' });", gives({"a": "a\ufffdb😀"})
    ),
    "deno flood": Scenario(
        "deno",
        "export function main() { const line = 'x'.repeat(9999); for (let i = 0; i < 20000; i++) console.log(line); return 1 }",
        every(gives(1), cut_log),
        limits={"output_bytes": 1_000_000},
        timeout_s=60,
    ),
    "bun loop": Scenario("bun", "export function main() { while (true); }", fails("Timeout"), timeout_s=1.0),
    "bun exit": Scenario("bun", "export function main() { process.exit(5); }", fails("ExecutionErr", "5", exit_code=5)),
    "bun memory": Scenario(
        "bun",
        "export function main() { const a: unknown[] = []; while (true) a.push(new Array(1000).fill(Math.random())); }",
        runs_out_of_memory,
        limits={"memory_mb": 128},
        timeout_s=30,
    ),
    "bun memory outside the heap": Scenario(
        "bun",
        "export function main() { const a: unknown[] = []; for (;;) a.push(new Uint8Array(10_000_000).fill(1)); }",
        fails("RangeError", "memory"),
        limits={"memory_mb": 256},
        timeout_s=20,
    ),
    "bun keeps its compiler under the limit of memory": Scenario(
        "bun",
        "import { readFileSync } from 'node:fs';\n"
        "export const main = () => readFileSync('/proc/self/maps', 'utf8').includes(' rwxp ');",
        gives(True),
        limits={"memory_mb": 256},
    ),
    "bun fork bomb": Scenario(
        "bun",
        "import { spawn } from 'node:child_process';\n"
        "export function main(marker: string) {\n"
        "  for (;;) { try { spawn('sleep', [marker], { detached: true }).on('error', () => {}); } catch { } }\n}",
        every(ends_somehow, ends_by_the_clock_or_for_want_of_threads, no_strays),
        {"marker": "{marker}"},
        limits={"processes": 32},
        timeout_s=2.0,
    ),
    "bun daemon": Scenario(
        "bun",
        "import { spawn } from 'node:child_process';\n"
        "export async function main(marker: string) {\n"
        "  spawn('setsid', ['sleep', marker], { detached: true, stdio: 'ignore' }).unref();\n"
        "  await new Promise((done) => setTimeout(done, 200));\n  return 'left';\n}",
        every(gives("left"), no_strays),
        {"marker": "{marker}"},
    ),
    "bun unhandled rejection": Scenario(
        "bun",
        "export async function main() { Promise.reject(new RangeError('lost')); await new Promise(r => setTimeout(r, 2e4)); }",
        fails("RangeError", "lost"),
    ),
    "bun error in a timer": Scenario(
        "bun",
        "export async function main() { setTimeout(() => { throw new RangeError('late'); }, 5); await new Promise(r => setTimeout(r, 2e4)); }",
        fails("RangeError", "late"),
    ),
    "bun garbage on every descriptor": Scenario(
        "bun",
        "import { writeSync } from 'node:fs';\nexport function main() {\n"
        "  for (let n = 3; n < 64; n++) try { writeSync(n, new Uint8Array(64).fill(255)); } catch { }\n  return 'real';\n}",
        is_own_fault,
    ),
    "bun reads what it must not": Scenario(
        "bun",
        _BUN_READ,
        gives([]),
        {
            "paths": [
                "{home}",
                "{home}/runtimes/hidden",
                "{home}/secret",
                "/proc/{server}/environ",
                "/proc/{server}/mem",
                "/proc/{server}/root",
                "/root/.bashrc",
                "/etc/shadow",
            ]
        },
    ),
    "bun writes elsewhere": Scenario(
        "bun", _BUN_WRITE, gives([]), {"paths": ["/", "/usr", "/etc", "/root", "/var", "/home", "{home}", "{outside}"]}
    ),
    "bun environment": Scenario(
        "bun",
        "export const main = () => Object.keys(process.env).filter((name) => !/^(BUN|NO_COLOR|DO_NOT_TRACK)/.test(name)).sort();",
        gives(["HOME", "LANG", "PATH", "TMPDIR", "USER", "WM_JOB_ID"]),
    ),
    "bun big text": Scenario(
        "bun",
        "export const main = (text: string) => text;",
        gives("ä" * 5_000_000),
        {"text": "ä" * 5_000_000},
        timeout_s=60,
    ),
    "bun surrogates": Scenario("bun", "export const main = () => ({ a: 'a\\ud800b😀' });", gives({"a": "a\ufffdb😀"})),
    "bun flood": Scenario(
        "bun",
        "export function main() { const line = 'x'.repeat(9999); for (let i = 0; i < 20000; i++) console.log(line); return 1 }",
        every(gives(1), cut_log),
        limits={"output_bytes": 1_000_000},
        timeout_s=60,
    ),
    "bash loop": Scenario("bash", "while true; do :; done\n", fails("Timeout"), timeout_s=1.0),
    "bash exit code": Scenario("bash", "echo before\nexit 7\n", fails("ExecutionErr", "7", "before", exit_code=7)),
    "bash stops at an error": Scenario("bash", "echo one\nfalse\necho two\n", fails("ExecutionErr", exit_code=1)),
    "bash fork bomb": Scenario(
        "bash",
        "b() { b | b & }; b; sleep 30\n",
        every(ends_somehow, fails("Timeout", "2 s"), says("fork: retry: Resource temporarily unavailable"), no_strays),
        limits={"processes": 32},
        timeout_s=2.0,
    ),
    "bash daemon": Scenario(
        "bash",
        'marker="$1"\nsetsid sleep "$marker" >/dev/null 2>&1 &\nsetsid sleep "$marker" &\ndisown -a\necho left\n',
        every(gives("left"), no_strays),
        {"marker": "{marker}"},
    ),
    "bash flood": Scenario(
        "bash",
        "head -c 200000000 /dev/zero | tr '\\0' 'x' | fold -w 100\necho\necho done\n",
        every(gives("done"), cut_log),
        limits={"output_bytes": 1_000_000},
        timeout_s=60,
    ),
    "bash kills its parent": Scenario("bash", "kill -9 $PPID\nsleep 5\n", fails("ExecutionErr")),
}
