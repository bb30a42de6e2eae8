import assert from "node:assert/strict";
import { test } from "node:test";

const { callsOf } = await import("../../../../assets/js/notebook/calls.js");

const call = (id, more = {}) => ({ id, number: 1, trigger: "webhook", kind: "flow", has_event: true, ...more });
const ANSWERS = {
  "/runs/kept": { steps: [{ path: "preprocessor", status: "success" }] },
  "/runs/kept/raw?path=preprocessor": { days: 3 },
  "/runs/kept/raw?side=event": { body: "three" },
  "/runs/plain/raw?side=args": { days: 1 },
};

/** A server with these runs, where all but `ANSWERS` is answered with `status`. */
function serving(runs, status) {
  globalThis.fetch = async (url) => {
    const path = url.replace("/api/w/main", "");
    const known = path.startsWith("/runs?") ? runs : ANSWERS[path];
    return known ? Response.json(known) : Response.json({ error: { message: "No." } }, { status });
  };
}

test("a run that has gone since it was listed is left out, and the others are there", async () => {
  serving([call("gone"), call("kept"), call("plain", { has_event: false }), call("by hand", { trigger: "manual" })], 404);
  const found = await callsOf("main", "f/a/b");
  assert.deepEqual(found.map(({ run, args, event }) => [run.id, args, event]), [
    ["kept", { days: 3 }, { body: "three" }],
    ["plain", { days: 1 }, null],
  ]);
});

test("a server that fails is no empty list", async () => {
  serving([call("any")], 500);
  await assert.rejects(callsOf("main", "f/a/b"), { status: 500 });
});
