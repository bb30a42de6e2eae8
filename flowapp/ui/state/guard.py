"""The guard of pages whose content comes over the HTTP API, which authorises every request itself."""

from __future__ import annotations

from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.ui.state.page import PageState


class Guard(PageState, rx.State):
    """Sends strangers to the sign-in page before they see an empty shell."""

    @rx.event
    async def enter(self) -> Any:
        """On load: somebody must be signed in."""

        async def work(who: Identity) -> None:
            return None

        return await self._as_person(work)
