"""Taking requests of an open page: from the moment that a test says so, also where the page's process is slow."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from playwright.sync_api import Page, Route

#: Answered 200 by the server, and 204 by the route of this module.
_PROBE = "/api/health?is_taken"
_PROBES = re.compile(r"/api/health\?is_taken$")
_ASK = "(probe) => fetch(probe).then((answer) => answer.status)"
_PATIENCE_S = 30.0


def intercept(page: Page, pattern: str, handler: Callable[[Route], object]) -> None:
    """
    `page.route`, in force when this returns. The browser acknowledges a route before the page's own process has learnt of it: what a busy
    page asks in between goes past the route. So the page asks until a route answers.
    """
    page.route(pattern, handler)
    page.route(_PROBES, lambda route: route.fulfill(status=204))
    deadline = time.monotonic() + _PATIENCE_S
    while page.evaluate(_ASK, _PROBE) != 204:
        assert time.monotonic() < deadline, "no route of this page is in force"
    page.unroute(_PROBES)
