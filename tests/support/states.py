"""States of pages without a browser: made as Reflex makes them, and sent events as it sends them."""

from __future__ import annotations

from typing import Any


def state_of(
    kind: type[Any],
    cookie: str = "flowapp_session=good",
    url: str = "http://host/runs?status=failure",
    sid: str = "first",
) -> Any:
    """A state as Reflex makes it, with the headers of a browser."""
    from reflex.istate.data import RouterData

    state = kind(_reflex_internal_init=True)
    object.__setattr__(
        state,
        "router",
        RouterData.from_router_data(
            {
                "headers": {"cookie": cookie, "origin": "http://host"},
                "sid": sid,
                "asPath": url.removeprefix("http://host"),
                "pathname": "/runs",
            }
        ),
    )
    return state


async def send(state: Any, handler: str, *args: Any) -> Any:
    answer = type(state).event_handlers[handler].fn(state, *args)
    return await answer if hasattr(answer, "__await__") else answer
