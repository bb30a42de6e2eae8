"""The program of an evaluating process: reads batches from one socket, answers them, knows nothing else.

Started by `pool.py` as `python -I worker.py <socket> <uid> <memory bytes> <parent>`; never imported by the server. Each batch
gets a fresh JavaScript context, made ready while the process waits. JavaScript never calls back into Python: what an
expression needs and does not have ends the attempt with the name of the missing thing, and the parent asks again with it.

Frames: `<IQ` lengths, a JSON header, then the texts that the header names, one after the other.
Header in: `{"e": [[body, predicate], …], "t": [[kind, name, length], …], "absent": [[kind, name], …],
"refused": [[kind, name, message], …], "scope": [names], "limit": seconds}`. Header out: `{"r": [["v", length] | ["m", kind, name] |
["e", name, message, line], …]}`.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Any

import quickjs

LENGTHS = struct.Struct("<IQ")
STACK_BYTES = 512 * 1024
LONGEST_MESSAGE = 2000
LARGEST_VALUE = 64 << 20
"""Bytes of JSON text."""

# Compiling JavaScript is most of what a fresh context costs, so that what few expressions need is compiled when they do.
RARE = r"""
const { stringify, read, known, put } = inside;
const lineOf = (stack) => {
  const frames = typeof stack === "string" ? stack.matchAll(/<input>:(\d+)/g) : [];
  for (const frame of frames) if (frame[1] > 2) return frame[1] - 2;
  return null;
};
return {
  has: (_, name) => typeof name !== "symbol" && known(name),
  ownKeys: () => read("keys", "results"),
  getOwnPropertyDescriptor: (_, name) => typeof name === "symbol" || !known(name) ? undefined
    : { value: read("results", name), writable: true, enumerable: true, configurable: true },
  set: (_, name, value) => { put("results", name, value); return true; },
  failed: (error) => {
    let name = "Error", message, line = null;
    if (error !== null && typeof error === "object") {
      name = String(error.name || "Error");
      message = String(error.message === undefined ? stringify(error) : error.message);
      line = lineOf(error.stack);
    } else {
      message = String(error);
    }
    return stringify([name.slice(0, 100), message.slice(0, 2000), line]);
  },
  compile: (body, error) => {
    if (!/\bawait\b/.test(body)) throw error;
    return new (async () => {}).constructor(body);
  },
  wait: (promise, done, failed) => {
    promise.then((value) => { try { done(value); } catch (error) { failed(error); } }, failed);
    return "p";
  },
};
"""

BOOT = r"""
(() => {
  const { parse, stringify } = JSON, define = Object.defineProperty, texts = new Map();
  let values, missing, kind, text, rare;
  const read = (kind, name) => {
    const key = kind + ":" + name;
    if (values.has(key)) return values.get(key);
    const found = texts.get(key);
    if (found === undefined) {
      missing ??= [kind, String(name)];
      throw new Error("not loaded yet");
    }
    if (found === null) return undefined;
    if (typeof found !== "string") throw new Error(found.message);
    const value = parse(found);
    values.set(key, value);
    return value;
  };
  const inside = {
    stringify, read,
    put: (kind, name, value) => values.set(kind + ":" + name, value),
    known: (name) => { read("results", name); return values.has("results:" + name); },
  };
  const more = () => rare ??= new Function("inside", RARE)(inside);
  const results = new Proxy({}, new Proxy({
    get: (_, name) => {
      const value = typeof name === "symbol" ? undefined : read("results", name);
      return value !== undefined ? value : typeof name === "symbol" || name in Object.prototype ? Object.prototype[name] : null;
    },
  }, { get: (traps, name) => traps[name] ?? more()[name] }));
  const end = (outcome, answer) => {
    kind = missing ? "m" : outcome;
    text = missing ? stringify(missing) : answer ?? "null";
    return kind;
  };
  const failed = (error) => end("e", missing ? "" : more().failed(error));
  return {
    put: (key, found) => { texts.set(key, found); },
    refuse: (key, message) => { texts.set(key, { message }); },
    scope: (name) => define(globalThis, name, {
      configurable: true, get: () => read("scope", name), set: (value) => { inside.put("scope", name, value); },
    }),
    kind: () => kind,
    text: () => text,
    run: (body, predicate) => {
      values = new Map();
      missing = kind = null;
      Object.assign(globalThis, {
        results, params: {}, variable: (path) => read("variable", path), resource: (path) => read("resource", path),
      });
      const done = (value) => end("v", predicate ? String(Boolean(value)) : stringify(value));
      try {
        let run;
        try { run = new Function(body); } catch (error) { run = more().compile(body, error); }
        const value = run();
        return value !== null && typeof value === "object" && typeof value.then === "function"
          ? more().wait(value, done, failed) : done(value);
      } catch (error) {
        return failed(error);
      }
    },
  };
})()
""".replace("RARE", json.dumps(RARE.replace("\n", " "))).replace("\n", " ")
# on one line, so that every later line number in a stack is one of the expression's own


class Sandbox:
    """One JavaScript context for one batch."""

    def __init__(self, memory_bytes: int) -> None:
        self.context = quickjs.Context()
        self.context.set_memory_limit(memory_bytes)
        self.context.set_max_stack_size(STACK_BYTES)
        self.context.eval(f"globalThis.__flowapp = {BOOT}")
        self.put, self.refuse, self.scope, self.kind, self.text, self.run = (
            self.context.eval(f"__flowapp.{name}") for name in ("put", "refuse", "scope", "kind", "text", "run")
        )
        self.context.eval("delete globalThis.__flowapp")

    def answer(self, header: dict[str, Any], texts: memoryview) -> tuple[list[list[Any]], list[bytes]]:
        """Evaluate a batch."""
        position = 0
        for kind, name, length in header["t"]:
            self.put(f"{kind}:{name}", str(texts[position : position + length], "utf-8", "replace"))
            position += length
        for kind, name in header["absent"]:
            self.put(f"{kind}:{name}", None)
        for kind, name, message in header["refused"]:
            self.refuse(f"{kind}:{name}", message)
        for name in header["scope"]:
            self.scope(name)
        # from here on nothing but the expressions runs, each with its own share of processor time
        self.context.set_time_limit(header["limit"])
        answers, bodies = [], []
        for body, predicate in header["e"]:
            answer, text = self._one(body, predicate)
            answers.append(answer)
            if text is not None:
                bodies.append(text)
        return answers, bodies

    def _one(self, body: str, predicate: bool) -> tuple[list[Any], bytes | None]:
        try:
            kind = self.run(body, predicate)
            if kind == "p":
                while self.context.execute_pending_job():
                    pass
                kind = self.kind()
                if not kind:
                    return ["e", "Error", "The expression waits for something that never happens", None], None
            # the text comes by itself: a string put together in JavaScript may be of a kind the binding cannot read
            text = self.text()
        except quickjs.JSException as error:
            return _stopped(str(error)), None
        if kind == "v":
            value = text.encode("utf-8", "replace")
            if len(value) > LARGEST_VALUE:
                return ["e", "TooLarge", f"The value is larger than {LARGEST_VALUE >> 20} MB", None], None
            return ["v", len(value)], value
        return [kind, *json.loads(text)], None


def _stopped(message: str) -> list[Any]:
    """What ended the context itself rather than the expression: time or memory."""
    first = message.split("\n", 1)[0]
    if "interrupted" in first:
        return ["e", "Timeout", "The expression took too long", None]
    if "out of memory" in first:
        return ["e", "OutOfMemory", "The expression needs too much memory", None]
    name, _, rest = first.partition(": ")
    return ["e", name[:100] if rest else "Error", (rest or first)[:LONGEST_MESSAGE], None]


def serve(link: socket.socket, memory_bytes: int) -> None:
    """Answer batches until the other end is gone."""
    sandbox = Sandbox(memory_bytes)
    while True:
        header_length, texts_length = LENGTHS.unpack(_receive(link, LENGTHS.size))
        header = json.loads(bytes(_receive(link, header_length)))
        answers, bodies = sandbox.answer(header, _receive(link, texts_length))
        reply = json.dumps({"r": answers}).encode()
        link.sendall(b"".join((LENGTHS.pack(len(reply), sum(map(len, bodies))), reply, *bodies)))
        del header, answers, bodies, reply
        sandbox = Sandbox(memory_bytes)


def _receive(link: socket.socket, length: int) -> memoryview:
    buffer = memoryview(bytearray(length))
    got = 0
    while got < length:
        count = link.recv_into(buffer[got:])
        if count == 0:
            raise SystemExit(0)
        got += count
    return buffer


def main() -> None:
    """Give everything up, prove that evaluating still works, say hello, serve."""
    sys.path.insert(0, str(Path(__file__).parent))
    from confine import confine  # type: ignore[import-not-found,unused-ignore]  # beside this file, not in a package

    descriptor, uid, memory_bytes, parent = (int(argument) for argument in sys.argv[1:5])
    link = socket.socket(fileno=descriptor)
    taken = confine(None if uid < 0 else uid, memory_bytes * 4, parent)
    header = {"e": [["return 1 + 1", False]], "t": [], "absent": [], "refused": [], "scope": [], "limit": 1}
    answers, bodies = Sandbox(memory_bytes).answer(header, memoryview(b""))
    if answers != [["v", 1]] or bodies != [b"2"]:
        raise SystemExit(f"evaluating does not work here: {answers}")
    hello = json.dumps({"mechanisms": taken}).encode()
    link.sendall(LENGTHS.pack(len(hello), 0) + hello)
    try:
        serve(link, memory_bytes)
    except MemoryError:
        os._exit(3)


if __name__ == "__main__":
    main()
