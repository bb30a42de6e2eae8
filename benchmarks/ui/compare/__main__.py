"""Flowapp, marimo and JupyterLab in the same browser on the same machine: `scripts/bench compare`.

`BENCH_REPEATS` says how often Shift+Enter is pressed in each notebook (20); a quarter of that is how often pages are loaded and all cells run.
Names after it measure only these products. Not a test: nothing fails, and the figures hold for this machine as busy as it is.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.ui.compare import environment
from benchmarks.ui.compare.measures import Figures, Times, measure
from benchmarks.ui.compare.products import Flowapp, JupyterLab, Marimo, Notebook
from benchmarks.ui.compare.table import table
from tests.acceptance.conftest import CHROMIUM_FLAGS


def main(wished: Sequence[str]) -> None:
    """Measure one product after the other, so that none runs beside another."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium found")
    presses = int(os.environ.get("BENCH_REPEATS", "20"))
    times = Times(presses, max(1, presses // 4), presses * 6)
    before = os.getloadavg()[0]
    place = environment.folder()
    versions = environment.versions(place)
    products: list[Notebook] = [
        Flowapp(),
        Marimo(place, versions["marimo"]),
        JupyterLab(place, f"{versions['jupyterlab']}, ipykernel {versions['ipykernel']}"),
    ]
    chosen = [each for each in products if not wished or each.name in wished]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        print(f"Chromium {browser.version}, load average {before:.1f} before, {times}", flush=True)
        columns = {product.name: _measured(product, browser, times) for product in chosen}
        browser.close()
    print("\n".join(f"{product.name} {product.version}" for product in chosen))
    print(f"load average {os.getloadavg()[0]:.1f} after")
    if before > (os.cpu_count() or 1):
        print("Other work shared this machine: the columns can be held against each other, and against nothing else.")
    print(table(columns))


def _measured(product: Notebook, browser: Browser, times: Times) -> Figures:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            product.start(Path(folder))
        except (RuntimeError, AssertionError) as error:
            return Figures(missing={"everything": str(error)})
        try:
            return measure(product, browser, times)
        finally:
            product.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
