import assert from "node:assert/strict";
import { test } from "node:test";

import { sameQuery } from "../../../../assets/js/shell/query.js";

test("queries are the same however they are written", () => {
  assert.ok(sameQuery("?status=failure&path=f%2Fa%20b", "path=f/a+b&status=failure"));
  assert.ok(sameQuery("?workspace=sales&status=failure", "status=failure"));
  assert.ok(sameQuery("", "?"));
  assert.ok(sameQuery(undefined, ""));
});

test("the workspace of the tab is no part of what is asked for", () => {
  assert.ok(sameQuery("?status=failure", "status=failure&workspace=sales"));
  assert.ok(sameQuery("?workspace=sales", ""));
});

test("another value, one more or one less is another query", () => {
  assert.ok(!sameQuery("?status=failure", "status=success"));
  assert.ok(!sameQuery("?status=failure", "status=failure&page=2"));
  assert.ok(!sameQuery("?status=failure", ""));
});
