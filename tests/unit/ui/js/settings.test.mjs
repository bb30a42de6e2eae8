import assert from "node:assert/strict";
import { test } from "node:test";

import { chipsOf, formOfField, formsOf, found, keysOfForm, wordsOf } from "../../../../assets/js/notebook/settings.js";

const words = (kind, settings) => chipsOf(kind, settings).map((chip) => chip.words);

test("a cell without settings has no chips", () => {
  assert.deepEqual(words("rawscript", {}), []);
  assert.deepEqual(words("rawscript", { mock: { enabled: false }, is_trigger: false, continue_on_error: false, cache_ttl: 0, retry: null }), []);
});

test("each active setting has one chip in words", () => {
  const settings = {
    retry: { constant: { attempts: 2 }, exponential: { attempts: 1 } }, timeout: { type: "static", value: 90 }, cache_ttl: 600, sleep: { type: "javascript", expr: "2" },
    suspend: { required_events: 2 }, mock: { enabled: true, return_value: 1 }, stop_after_if: { expr: "!result" }, skip_if: { expr: "true" }, continue_on_error: true,
    concurrent_limit: 3, priority: 10, tag: "gpu", delete_after_secs: 60, is_trigger: true, debouncing: { debounce_delay_s: 5 },
  };
  assert.deepEqual(words("rawscript", settings).sort(), [
    "at most 3 at a time", "cache 10 min", "debounced 5 s", "deletes data after 1 min", "goes on after an error", "limit 1 min 30 s", "mock", "on gpu", "priority 10", "retry 3",
    "skips if…", "sleeps by expression", "stops if…", "trigger", "waits for 2 approvals",
  ]);
  assert.equal(wordsOf("suspend", { suspend: { required_events: 1 } }), "waits for approval");
  assert.equal(wordsOf("timeout", { timeout: 5 }), "limit 5 s");
});

test("a kind is offered what it has, and what is set on it all the same", () => {
  const ids = (kind, settings) => formsOf(kind, settings).map((form) => form.id);
  assert.ok(ids("rawscript").includes("concurrency"));
  assert.ok(!ids("forloopflow").includes("concurrency"));
  assert.ok(!ids("rawscript").includes("stop_after_all_iters_if"));
  assert.ok(ids("rawscript", { stop_after_all_iters_if: { expr: "x" } }).includes("stop_after_all_iters_if"));
  assert.ok(ids(null).includes("same_worker"));
  assert.ok(!ids(null).includes("retry"));
  assert.deepEqual(keysOfForm("concurrency", "rawscript"), ["concurrent_limit", "concurrency_time_window_s", "custom_concurrency_key"]);
  assert.deepEqual(keysOfForm("cache", null), ["cache_ttl", "cache_ignore_s3_path"]);
});

test("settings are found by their words and by their names in OpenFlow", () => {
  const ids = (query) => found(formsOf("rawscript"), "rawscript", {}, query).map((form) => form.id);
  assert.deepEqual(ids("cache_ttl"), ["cache"]);
  assert.ok(ids("approv").includes("suspend"));
  assert.deepEqual(ids("nothing like it"), []);
});

test("a problem leads to the form of its field", () => {
  assert.equal(formOfField("cache_ttl", "rawscript"), "cache");
  assert.equal(formOfField("retry_if", "rawscript"), "retry");
  assert.equal(formOfField("concurrent_limit", "rawscript"), "concurrency");
  assert.equal(formOfField("concurrency_key", null), "concurrency");
  assert.equal(formOfField("debounce_key", "forloopflow"), "debouncing");
  assert.equal(formOfField("debounce_key", null), "debouncing");
  assert.equal(formOfField("debounce_key", "identity"), null);
  assert.equal(formOfField("rows", "rawscript"), null);
  assert.equal(formOfField(null, "rawscript"), null);
});
