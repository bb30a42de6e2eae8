"""Which processes a Python cell runs in: those with little loaded, unless it imports more."""

from __future__ import annotations

import pytest

from flowapp.runtimes.always import imports_more

MAIN = "def main(x: int):\n    return x\n"


@pytest.mark.parametrize(
    "code",
    [
        "",
        MAIN,
        "import json, re as r\n" + MAIN,
        "from datetime import datetime\nfrom urllib.parse import quote\n" + MAIN,
        "def main():\n    import math; return math.pi\n",
        "# import wmill\n" + MAIN,
    ],
)
def test_what_every_process_has_loaded(code: str) -> None:
    assert not imports_more(code)


@pytest.mark.parametrize(
    "code",
    [
        "import wmill\n" + MAIN,
        "import json, wmill as w\n" + MAIN,
        "from wmill import get_variable\n" + MAIN,
        "def main():\n    import urllib.request\n",
        "\tfrom http.client import HTTPConnection",
        "async def main():\n    return 1\n",
        "import requests # comment",
    ],
)
def test_what_it_has_not(code: str) -> None:
    assert imports_more(code)
