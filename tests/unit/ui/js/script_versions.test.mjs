import assert from "node:assert/strict";
import { test } from "node:test";

import { bodyOf, otherChanges, sameText } from "../../../../assets/js/scripts/versions.js";

const stored = { path: "f/a/b", hash: "1", content: "x", summary: "s", language: "python3", schema: { title: "old" }, lock: "six==1", tag: "gpu", envs: ["A=b"], has_preprocessor: true, lock_error_logs: "no", parent_hashes: ["0"] };

test("a version takes along what the page does not edit, and nothing that the server finds out itself", () => {
  const body = bodyOf(stored, { content: "y", summary: "t", language: "bun", schema: { title: "new" } });
  assert.deepEqual(body, { path: "f/a/b", content: "y", summary: "t", language: "bun", schema: { title: "new" }, lock: null, tag: "gpu", envs: ["A=b"] });
});

test("a lock stays with its code only", () => {
  assert.equal(bodyOf(stored, { ...stored, summary: "t" }).lock, "six==1");
  assert.equal(bodyOf(stored, { ...stored, language: "bun" }).lock, null);
  assert.deepEqual(bodyOf(stored, { content: "x", summary: "s", language: "python3" }).schema, { title: "old" });
});

test("what differs beside the code", () => {
  assert.deepEqual(otherChanges(stored, { ...stored, summary: "" }), ["Summary: s → none"]);
  assert.deepEqual(otherChanges({ ...stored, summary: null }, { ...stored, summary: "", content: "y" }), []);
  assert.ok(sameText(stored, { content: "x", summary: "s", language: "python3" }));
  assert.ok(!sameText(stored, { content: "x ", summary: "s", language: "python3" }));
});
