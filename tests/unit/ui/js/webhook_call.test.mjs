import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { callOf, exampleOf, scopeOf } from "../../../../assets/js/run/webhook_call.js";

test("an example has every input once, in the schema's order", () => {
  const schema = { order: ["b", "gone"], properties: { a: { type: "integer" }, b: { enum: ["x", "y"] }, c: { type: ["null", "boolean"] }, d: { type: "string", default: "it's" }, e: { type: "object", format: "resource-s3" }, f: {} } };
  assert.deepEqual(Object.entries(exampleOf(schema)), [["b", "x"], ["a", 1], ["c", true], ["d", "it's"], ["e", "$res:u/name/resource"], ["f", "text"]]);
  assert.deepEqual(exampleOf(null), {});
});

test("a shell takes the call apart as it is meant, whatever is in it", () => {
  const call = callOf("https://host/api/w/main/jobs/run/f/f/a/b", "", { name: "it's $HOME `x` \"y\"\n" });
  const words = execFileSync("bash", ["-c", `TOKEN=secret; curl() { printf '%s\\0' "$@"; }; ${call}`]).toString().split("\0").slice(0, -1);
  assert.deepEqual(words, ["-X", "POST", "https://host/api/w/main/jobs/run/f/f/a/b", "-H", "Authorization: Bearer secret", "-H", "Content-Type: application/json", "-d", '{"name":"it\'s $HOME `x` \\"y\\"\\n"}']);
  assert.ok(callOf("u", "fa_1", {}).includes("'Authorization: Bearer fa_1'"));
});

test("a scope is for one path", () => {
  assert.equal(scopeOf("flow", "f/a/b"), "jobs:run:flows:f/a/b");
  assert.equal(scopeOf("script", "u/a/b"), "jobs:run:scripts:u/a/b");
});
