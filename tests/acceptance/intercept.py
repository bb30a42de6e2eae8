"""Taking requests of an open page: from the moment that a test says so, also where the page's process is slow."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route

#: Answered 200 by the server, and 204 by the route of this module.
PROBE = "/api/health?is_taken"


def intercept(page: Page, pattern: str, handler: Callable[[Route], object]) -> None:
    """
    `page.route`, in force when this returns. The browser acknowledges a route before the page's own process has learnt of it: what a busy
    page asks in between goes past the route. So a request of the page itself is awaited that is answered by a route.
    """
    page.route(pattern, handler)
    probe = f"**{PROBE.replace('?', '[?]')}"
    page.route(probe, lambda route: route.fulfill(status=204))
    page.wait_for_function("(probe) => fetch(probe).then((answer) => answer.status === 204)", arg=PROBE)
    page.unroute(probe)
