"""INTERIM composition root: Reflex page only, everyone is signed in. Rooms are wired as they land."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from flowapp.api.security import Headers, Security
from flowapp.settings import Settings


class Services:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def asgi(self) -> Any:
        import rxconfig  # noqa: F401
        from reflex_base import constants
        from reflex_base.environment import environment

        environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
        environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
        environment.REFLEX_SKIP_COMPILE.set(True)
        from flowapp.flowapp import app

        async def signed_in(headers: Headers) -> bool:
            return True

        app.api_transformer = [lambda inner: Security(inner, signed_in)]
        return app()

    def sign_in_url(self) -> str:
        return self.settings.url

    def notes(self) -> list[str]:
        return []

    def stop_streams(self) -> None:
        pass


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    yield Services(settings)
