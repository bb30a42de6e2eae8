"""The script that measures inside of the page: from an event's own time stamp to the moment at which the answer stands in the document.

It knows nothing of any product: who measures says with CSS selectors where to look. The text of an element is read with what stands in its
open shadow roots, the first few thousand characters of it. Changes are seen by an observer of the document and, for shadow roots, by
a look before each frame.
"""

from __future__ import annotations

PROBE = """
window.probe = { at: 0, loaded: {}, blocks: [] };
for (const kind of ["keydown", "mousedown", "mouseup"]) addEventListener(kind, (event) => { probe.at = event.timeStamp; }, true);
new PerformanceObserver((list) => probe.blocks.push(...list.getEntries())).observe({ type: "longtask", buffered: true });

probe.text = (node, most = 4000) => {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (["STYLE", "SCRIPT"].includes(node.nodeName)) return "";
  let found = "";
  for (const child of (node.shadowRoot || node).childNodes) {
    found += probe.text(child, most - found.length);
    if (found.length >= most) break;
  }
  return found;
};
probe.holding = (selector, text) => [...document.querySelectorAll(selector)].filter((node) => probe.text(node).includes(text)).length;

// Calls look after each change until it answers true.
probe.watch = (look, failed, patience = 30000) => {
  let over = false;
  const end = () => { over = true; watcher.disconnect(); clearTimeout(late); };
  const check = () => { if (!over && look()) end(); };
  const frame = () => { check(); if (!over) requestAnimationFrame(frame); };
  const watcher = new MutationObserver(check);
  const late = setTimeout(() => { end(); failed(); }, patience);
  watcher.observe(document, { childList: true, subtree: true, characterData: true });
  frame();
};

// Milliseconds from the last key or press of the mouse until the text stands in the first element of the selector.
probe.until = (selector, text) => new Promise((done, fail) => probe.watch(() => {
  const node = document.querySelector(selector);
  if (!node || !probe.text(node).includes(text)) return false;
  done(performance.now() - probe.at);
  return true;
}, () => fail(new Error(`"${text}" did not appear in ${selector}`))));

// Milliseconds until the first, and until so many elements hold the text: [first, all].
probe.untilAll = (selector, text, count) => new Promise((done, fail) => {
  let first = 0;
  probe.watch(() => {
    const now = performance.now() - probe.at, shown = probe.holding(selector, text);
    if (shown && !first) first = now;
    if (shown >= count) done([first, now]);
    return shown >= count;
  }, () => fail(new Error(`"${text}" stands in ${probe.holding(selector, text)} of ${count} ${selector}`)));
});

// Milliseconds since navigation, as promises in probe.loaded: the first line of an editor, and the text of all cells.
probe.loading = (editor, code, text, count) => {
  const reached = (look, what) => {
    const promise = new Promise((done, fail) => probe.watch(() => {
      const there = look();
      if (there) done(performance.now());
      return there;
    }, () => fail(new Error(what())), 60000));
    promise.catch(() => {});
    return promise;
  };
  probe.loaded.editor = reached(() => document.querySelector(editor) !== null, () => `no ${editor} appeared`);
  probe.loaded.code = reached(() => probe.holding(code, text) >= count, () => `the text of ${probe.holding(code, text)} of ${count} cells is in the page`);
};

// The longest time, since the last key, that the page answered nobody. The browser tells of tasks from 50 ms; 0 is a shorter one.
probe.blocked = () => Math.max(0, ...probe.blocks.filter((task) => task.startTime + task.duration > probe.at).map((task) => task.duration));
"""
