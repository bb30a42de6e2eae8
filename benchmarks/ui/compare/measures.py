"""What is measured, by the same code for every product. What a product does not show in time has no value and a reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Error, Page

from benchmarks.ui.compare.products import Notebook
from benchmarks.ui.probe import PROBE

SIZES = (10, 100)
MARK = "mark0"
WARM_UP = 3
LINE = 40
QUIET_MS = 2_000
"""A page has loaded when nothing has arrived for so long."""
PAUSE_MS = 100
"""Between what is typed and Shift+Enter: what follows the typing is done by then."""


@dataclass(frozen=True, slots=True)
class Times:
    """How often each thing is done."""

    presses: int
    loads: int
    keys: int


@dataclass(slots=True)
class Figures:
    """What was measured of one product by name of the measure (which says the unit), and why something could not be."""

    values: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """One more value of a measure."""
        self.values.setdefault(name, []).append(value)

    @contextmanager
    def trying(self, *names: str) -> Iterator[None]:
        """What the browser or the page refuses in here is why these measures have no (more) values."""
        for name in names:
            self.values.setdefault(name, [])
        try:
            yield
        except (Error, AssertionError) as error:
            self.missing.update(dict.fromkeys(names, next(iter(str(error).strip().splitlines()), "it failed")))


def measure(product: Notebook, browser: Browser, times: Times) -> Figures:
    """All of it, one thing after the other, each in a notebook and a browser profile of its own."""
    figures = Figures()
    for cells in SIZES:
        codes = [product.trivial(f"{MARK} {index}") for index in range(cells)]
        for number in range(times.loads):
            with _page(product, browser) as page:
                _load(product, page, product.make(f"load{cells}n{number}", codes), cells, figures)
        with _page(product, browser) as page:
            _write_and_run(product, page, product.make(f"press{cells}", codes), times, cells, figures)
    for number in range(times.loads):
        with _page(product, browser) as page:
            _run_all(product, page, product.make(f"all{number}", codes), codes, figures)
    names = product.names
    for what, selector, code in (
        ("1 MB of JSON as a tree", names.tree, product.tree),
        ("10,000 rows as a table", names.table, product.table),
    ):
        with _page(product, browser) as page:
            url = product.make(what.replace(" ", "_"), [product.trivial(MARK)])
            _large(product, page, url, selector, code, times.loads, what, figures)
    return figures


@contextmanager
def _page(product: Notebook, browser: Browser) -> Iterator[Page]:
    """A page of a new profile: nothing is cached."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    product.sign_in(context)
    context.add_init_script(PROBE)
    try:
        yield context.new_page()
    finally:
        context.close()
        product.tidy()


def _open(product: Notebook, page: Page, url: str) -> None:
    page.goto(url)
    product.ready(page)


def _load(product: Notebook, page: Page, url: str, cells: int, figures: Figures) -> None:
    """From navigation to what stands there; then what has been transferred and what the page holds."""
    names = product.names
    page.add_init_script(_call("probe.loading", names.line, names.code, MARK, cells))
    session = page.context.new_cdp_session(page)
    arrived: list[float] = []
    session.on("Network.loadingFinished", lambda event: arrived.append(float(event["encodedDataLength"])))
    session.send("Network.enable")
    session.send("Performance.enable")
    page.goto(url, wait_until="commit")
    for name, what in (("first editor", "editor"), ("text of all cells", "code")):
        with figures.trying(f"{name}, {cells} cells, ms"):
            figures.add(f"{name}, {cells} cells, ms", float(page.evaluate(f"probe.loaded.{what}")))
    seen = -1
    while seen != len(arrived):
        seen = len(arrived)
        page.wait_for_timeout(QUIET_MS)
    figures.add(f"transferred, {cells} cells, MB", sum(arrived) / 1e6)
    session.send("HeapProfiler.collectGarbage")
    held = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    figures.add(f"JavaScript heap, {cells} cells, MB", held["JSHeapUsedSize"] / 1e6)


def _write_and_run(product: Notebook, page: Page, url: str, times: Times, cells: int, figures: Figures) -> None:
    """The first cell's code is changed before each press of Shift+Enter; then keys alone."""
    run, typed = f"Shift+Enter to new output, {cells} cells, ms", f"key to changed text, {cells} cells, ms"
    with figures.trying(run, typed):
        _open(product, page, url)
    with figures.trying(run):
        for number in range(WARM_UP + times.presses):
            text = f"pressed{number:03}"
            taken = _press(product, page, product.trivial(text), product.names.output, text)
            if number >= WARM_UP:
                figures.add(run, taken)
    with figures.trying(typed):
        _keys(product, page, times.keys, typed, figures)


def _press(product: Notebook, page: Page, code: str, selector: str, text: str) -> float:
    """Milliseconds from Shift+Enter in the first cell, with new code, until the text stands in what it shows."""
    _write(product, page, code)
    _begin(page, _call("probe.until", selector, text))
    page.keyboard.press("Shift+Enter")
    return float(page.evaluate("window.answer"))


def _keys(product: Notebook, page: Page, keys: int, name: str, figures: Figures) -> None:
    """In comments, where no product offers to complete a word."""
    _click(product, page)
    page.keyboard.press("Control+End")
    typed = ""
    for number in range(keys):
        if number % LINE == 0:
            page.keyboard.press("Enter")
            page.keyboard.press("#")
            typed = "#"
        letter = "abcdefghijklmnopqrstuvwxyz"[number % 26]
        typed += letter
        _begin(page, _call("probe.until", product.names.typing, typed))
        page.keyboard.press(letter)
        figures.add(name, float(page.evaluate("window.answer")))


def _run_all(product: Notebook, page: Page, url: str, codes: Sequence[str], figures: Figures) -> None:
    """The first cell runs once before, so that a kernel is warm where there is one."""
    names = [f"run all of {len(codes)} cells: {what}, ms" for what in ("first output", "all outputs")]
    with figures.trying(*names):
        _open(product, page, url)
        _press(product, page, product.trivial("warm"), product.names.output, "warm")
        _write(product, page, codes[0])
        _begin(page, _call("probe.untilAll", product.names.output, MARK, len(codes)))
        product.run_all(page)
        for name, taken in zip(names, page.evaluate("window.answer"), strict=True):
            figures.add(name, float(taken))


def _large(
    product: Notebook,
    page: Page,
    url: str,
    selector: str,
    code: Callable[[str], str],
    times: int,
    what: str,
    figures: Figures,
) -> None:
    """A large result shown anew, so many times and once before: the first one loads libraries."""
    shown, blocked = f"{what}: shown, ms", f"{what}: longest time blocked, ms"
    with figures.trying(shown, blocked):
        _open(product, page, url)
        for number in range(1 + times):
            text = f"shown{number}"
            taken = _press(product, page, code(text), selector, text)
            page.wait_for_timeout(QUIET_MS)
            if number:
                figures.add(shown, taken)
                figures.add(blocked, float(page.evaluate("probe.blocked()")))


def _write(product: Notebook, page: Page, code: str) -> None:
    _click(product, page)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.wait_for_timeout(PAUSE_MS)


def _click(product: Notebook, page: Page) -> None:
    page.locator(product.names.editor).first.click(position={"x": 100, "y": 12})


def _begin(page: Page, call: str) -> None:
    """Begin to wait in the page; `window.answer` is a promise of the answer."""
    page.evaluate(f"void (window.answer = {call}, window.answer.catch(() => 0))")


def _call(function: str, *values: Any) -> str:
    return f"{function}({', '.join(map(json.dumps, values))})"
