import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Asia/Kolkata";
const { instantOf, LATEST, localTime, MINUTES } = await import("../../../../assets/js/times.js");

test("a time of the field is one of the reader's own zone", () => {
  assert.equal(instantOf("2031-02-03T04:05"), "2031-02-02T22:35:00.000Z");
  assert.equal(localTime("2031-02-02T22:35:09.5Z"), "2031-02-03T04:05:09");
  assert.equal(localTime("2031-02-02T22:35:09.5Z", MINUTES), "2031-02-03T04:05");
});

test("what is no time is empty", () => {
  for (const text of ["", undefined, null, "soon"]) assert.deepEqual([localTime(text), text ? instantOf(text) : ""], ["", ""]);
});

test("years of more digits, which a browser's field takes, are no time", () => {
  for (const year of ["10000", "99999", "275760", "275761", "999999"]) assert.equal(instantOf(`${year}-01-01T00:00`), "", year);
  assert.equal(instantOf(LATEST), "9999-12-31T18:29:00.000Z");
  assert.equal(instantOf(`${LATEST}:59`), "9999-12-31T18:29:59.000Z");
});
