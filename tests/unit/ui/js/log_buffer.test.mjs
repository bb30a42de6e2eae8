import assert from "node:assert/strict";
import { test } from "node:test";

import { LogBuffer, plain } from "../../../../assets/js/output/log_buffer.js";

const linesOf = (...pieces) => {
  const log = new LogBuffer();
  pieces.forEach((piece) => log.append(piece));
  return log.lines;
};

test("text in any cut gives the same lines", () => {
  const text = "one\ntwo\n\nthree\r\nfour";
  const whole = linesOf(text);
  assert.deepEqual(whole, ["one", "two", "", "three", "four"]);
  for (let cut = 1; cut < text.length; cut += 1) assert.deepEqual(linesOf(text.slice(0, cut), text.slice(cut)), whole, `cut at ${cut}`);
  assert.deepEqual(linesOf(...text), whole);
});

test("a newline at the end opens no empty line", () => {
  assert.deepEqual(linesOf("a\n"), ["a"]);
  assert.deepEqual(linesOf("a\n", "b\n"), ["a", "b"]);
  assert.deepEqual(linesOf("\n"), [""]);
});

test("a carriage return redraws its line, as a terminal does", () => {
  assert.deepEqual(linesOf("10%\r50%\r100%\ndone\n"), ["100%", "done"]);
  assert.deepEqual(linesOf("loading\rok\n"), ["okading"]);
  assert.deepEqual(linesOf(" 10%", "\r 20%", "\r", " 30%\n"), [" 30%"]);
});

test("a redrawn line stays one line while it grows for long", () => {
  const log = new LogBuffer();
  for (let i = 0; i <= 100; i += 1) log.append(`\r${i}%`);
  assert.deepEqual(log.lines, ["100%"]);
});

test("colours reach over line ends until they are reset", () => {
  const log = new LogBuffer();
  log.append("\u001b[31mred\nstill red\u001b[0m plain\nplain\n");
  assert.equal(log.styled(1), "\u001b[31mstill red\u001b[0m plain");
  assert.equal(log.styled(2), "plain");
});

test("a colour whose number ends in zero is no reset", () => {
  const log = new LogBuffer();
  log.append("\u001b[38;5;0mblack\nblack too\n");
  assert.equal(log.styled(1), "\u001b[38;5;0mblack too");
});

test("cursor movements and titles leave no dirt", () => {
  assert.deepEqual(linesOf("a\u001b[2Kb\u001b]0;title\u0007c\n"), ["abc"]);
  assert.equal(plain("\u001b[1;32mok\u001b[0m"), "ok");
});

test("find ignores case and colours", () => {
  const log = new LogBuffer();
  log.append("start\n\u001b[33mWA\u001b[0mRN x\nend\n");
  assert.deepEqual(log.find("warn"), [1]);
});

test("100,000 lines are taken in small pieces", () => {
  const log = new LogBuffer();
  for (let i = 0; i < 100000; i += 1) log.append(`line ${i}\n`);
  assert.equal(log.lines.length, 100000);
  assert.equal(log.lines[99999], "line 99999");
});
