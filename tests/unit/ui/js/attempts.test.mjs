import assert from "node:assert/strict";
import { test } from "node:test";

import { attemptWords, attemptsOf } from "../../../../assets/js/run/attempts.js";

const failed = (...names) => names.map((name, at) => ({ attempt: at + 1, error: { name, message: "no luck\nat all" } }));

test("attempts are told newest first, each earlier one with its error", () => {
  const found = attemptsOf({ attempt: 3, status: "success", failed_attempts: failed("ValueError", "OSError") });
  assert.deepEqual(found.map(({ attempt, error, last }) => [attempt, error?.name, last]), [[3, undefined, true], [2, "OSError", false], [1, "ValueError", false]]);
  assert.deepEqual(found.map((one) => attemptWords(one, 3)), ["3 of 3", "2: OSError: no luck", "1: ValueError: no luck"]);
});

test("while the next attempt is waited for, the one that failed is an earlier one already", () => {
  const found = attemptsOf({ attempt: 1, status: "waiting", failed_attempts: failed("ValueError") });
  assert.deepEqual(found.map(({ attempt, last }) => [attempt, last]), [[2, true], [1, false]]);
});

test("errors may have been cleared away, and most steps have one attempt", () => {
  assert.deepEqual(attemptsOf({ attempt: 2 }).map(({ attempt, error }) => [attempt, error]), [[2, null], [1, null]]);
  assert.equal(attemptWords(attemptsOf({ attempt: 2 })[1], 2), "1");
  assert.equal(attemptsOf({ attempt: 1 }).length, 1);
  assert.equal(attemptsOf(null).length, 1);
  assert.equal(attemptWords({ attempt: 1, error: { message: "x".repeat(90) } }, 2), `1: ${"x".repeat(59)}…`);
});
