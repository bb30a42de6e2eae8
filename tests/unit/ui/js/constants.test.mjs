import assert from "node:assert/strict";
import { test } from "node:test";

import { duplicates } from "../../../../assets/js/notebook/constants.js";

const storeOf = (cells) => ({ get: (key) => (key === "order" ? Object.keys(cells) : undefined), cell: (id) => ({ inputs: cells[id] }) });
const fixed = (field, value, more) => ({ field, type: "static", value, ...more });
const said = (cells) => duplicates(storeOf(cells)).map(({ input, places }) => [input.value, places.map(({ cell, field }) => `${cell}.${field}`)]);

test("equal values of cells are found, the most frequent first", () => {
  const cells = { a: [fixed("days", 365), fixed("url", "https://x")], b: [fixed("url", "https://x"), fixed("n", 365)], c: [fixed("to", "https://x")] };
  assert.deepEqual(said(cells), [["https://x", ["a.url", "b.url", "c.to"]], [365, ["a.days", "b.n"]]]);
});

test("objects and lists count by what is in them", () => {
  assert.deepEqual(said({ a: [fixed("x", { k: [1] })], b: [fixed("x", { k: [1] }), fixed("y", { k: [2] })] }), [[{ k: [1] }, ["a.x", "b.x"]]]);
});

test("what stands everywhere by chance is none", () => {
  for (const value of [true, false, 0, 7, "", [], {}, null, undefined]) assert.deepEqual(said({ a: [fixed("x", value)], b: [fixed("x", value)] }), []);
});

test("text and number are not the same, and wires, secrets, references and values too long to be shown are left alone", () => {
  assert.deepEqual(said({ a: [fixed("x", "365")], b: [fixed("x", 365)] }), []);
  for (const more of [{ type: "javascript", expr: "1" }, { secret: true }, { truncated: true }]) assert.deepEqual(said({ a: [fixed("x", "equal", more)], b: [fixed("x", "equal", more)] }), []);
  for (const value of ["$var:u/me/token", "$res:u/me/db"]) assert.deepEqual(said({ a: [fixed("x", value)], b: [fixed("x", value)] }), []);
});
