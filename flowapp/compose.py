"""The composition root: puts one server together, in the order in which its parts need each other, and takes it apart again.

    store → evaluator → runtimes → engine → workspace → api and page

Stopping goes backwards: nobody asks for a part that is already gone, and what runs is brought to a point from which the next
start continues.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from flowapp.api import create_api
from flowapp.api.auth import token_of
from flowapp.api.security import Headers, Security
from flowapp.engine import Engine, EngineConfig, LeafSettings
from flowapp.engine.cluster import DEFAULT_TAG, new_executor
from flowapp.engine.places import ManyPlaces, OnePlace, Places
from flowapp.engine.timer import WIPE_EVERY, Expire
from flowapp.expressions.evaluator import Evaluator
from flowapp.runtimes import Limits, Runtimes, RuntimeSettings
from flowapp.settings import Settings
from flowapp.store.clock import text_of
from flowapp.store.executors import Executor
from flowapp.store.key_rotation import settle
from flowapp.store.retention import expire
from flowapp.store.secret_box import SecretBox
from flowapp.store.stores import Store
from flowapp.store.wiping import wipe_due
from flowapp.ui import services
from flowapp.workspace.app import Workspace
from flowapp.workspace.approval_delivery import policy_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp


#: How long a thread that computes may keep the interpreter from the others. Python's 5 ms would be added to a press of a key
#: each time that the event loop or the writer wakes up while a lint or a parse is under way.
SWITCH_S = 0.0005


FINISHED_WORK_KEPT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Services:
    """A started server, before it answers on a port."""

    settings: Settings
    workspace: Workspace
    runtimes: Runtimes
    sign_in_token: str

    def asgi(self) -> ASGIApp:
        """Everything that answers: the API around Reflex's page, and the middleware around both. Once per process."""
        services.bind(self.workspace)
        app = _built_page()
        api = create_api(self.workspace)

        async def signed_in(headers: Headers) -> bool:
            token, _ = token_of(
                Request({"type": "http", "path": "/", "query_string": b"", "headers": list(headers.items())})
            )
            return bool(token) and await self.workspace.sessions.person(token) is not None

        app.api_transformer = api
        return Security(app(), signed_in)

    def sign_in_url(self) -> str:
        """The link that a browser on this machine opens to get in; it works once."""
        return f"{self.settings.url}/signin?token={self.sign_in_token}"

    def notes(self) -> list[str]:
        """What whoever started the server should know: how user code is isolated here."""
        isolation = self.runtimes.isolation
        return [f"Isolation of user code on this machine: {isolation.label}.", *isolation.notes]

    def stop_streams(self) -> None:
        """End every open event stream, so that the server can stop."""
        self.workspace.stop_streams()


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Start all parts of a server; stop them in reverse when the block ends, also when a later one could not start.

    Raises:
        FlowappError: a part could not start; its message says what to do.
    """
    async with _open(settings, "serve", (DEFAULT_TAG,)) as (workspace, runtimes):
        yield Services(settings, workspace, runtimes, await workspace.sessions.issue_signin_token())


@asynccontextmanager
async def open_worker(settings: Settings, tags: tuple[str, ...]) -> AsyncIterator[list[str]]:
    """Start all parts of a worker, which are those of a server but for what answers; yields notes on the isolation here.

    Raises:
        FlowappError: a part could not start; its message says what to do.
    """
    async with _open(settings, "worker", tags) as (_, runtimes):
        isolation = runtimes.isolation
        yield [f"Isolation of user code on this machine: {isolation.label}.", *isolation.notes]


@asynccontextmanager
async def _open(settings: Settings, kind: str, tags: tuple[str, ...]) -> AsyncIterator[tuple[Workspace, Runtimes]]:
    sys.setswitchinterval(SWITCH_S)
    async with AsyncExitStack() as stack:
        store = await Store.open(settings.database_url, settings.home)
        stack.push_async_callback(store.close)
        evaluator = Evaluator()
        stack.push_async_callback(evaluator.close)
        await evaluator.start()
        runtimes = Runtimes(_runtime_settings(settings))
        stack.push_async_callback(runtimes.close)
        await runtimes.start()
        # a worker answers on no port: its jobs talk to a server
        internal = settings.url if kind == "serve" else settings.base_url
        if not settings.secret_key:
            await settle(store.database, store.home)
        box = SecretBox(store.home, settings.secret_key)
        limits = Limits(rows_bytes=settings.sql_rows_mb << 20)
        leaves = LeafSettings(settings.base_url, internal, limits, box.key_for("fingerprints"))
        calls = policy_of(settings.allowed_hosts)
        config = EngineConfig(leaves, isolation=runtimes.isolation.level, calls=calls)
        places = _places(store, settings, box, new_executor(kind, tags))
        engine = Engine(store, evaluator, runtimes, config, places)
        workspace = Workspace(store, engine, evaluator, runtimes, settings)
        stack.push_async_callback(workspace.close)
        await workspace.start()
        for duty in workspace.duties:
            engine.timer.add(duty)
        engine.timer.add(Expire(lambda: wipe_due(store), WIPE_EVERY, WIPE_EVERY))
        engine.timer.add(Expire(lambda: _expire(store, engine)))
        workspace.schedules.soon = engine.timer.soon
        stack.push_async_callback(engine.close)
        await engine.start()
        yield workspace, runtimes


async def _expire(store: Store, engine: Engine) -> None:
    """What workspaces keep no longer, and the engine's own rows of work that ended longer ago than anybody looks at."""
    await expire(store)
    await engine.delete_finished(text_of(datetime.now(UTC) - FINISHED_WORK_KEPT))


def _places(store: Store, settings: Settings, box: SecretBox, me: Executor) -> Places:
    """A SQLite file belongs to one process; a PostgreSQL database to any number."""
    if not store.database.shared:
        return OnePlace(store.home)
    return ManyPlaces(store, settings.database_url, box, me)


def _runtime_settings(settings: Settings) -> RuntimeSettings:
    """Warm processes are shared out: TypeScript's are dear (46 MB each), Python and Bash share theirs."""
    typescript = max(1, settings.idle_runners // 4)
    return RuntimeSettings(
        home=settings.home,
        idle=max(1, settings.idle_runners - typescript),
        idle_deno=typescript,
        min_isolation=settings.min_isolation,
        packages_mb=settings.packages_mb,
        network=settings.step_network,
        cpus=settings.step_cpus,
    )


def _built_page() -> Any:
    """The Reflex app over the finished build: nothing is compiled at start.

    The last two settings are what `reflex run --env prod` sets inside; Reflex is pinned, and the start is tested.
    """
    from reflex_base import constants
    from reflex_base.environment import environment

    import rxconfig  # noqa: F401 - prepares the environment before Reflex reads it

    environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
    environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)
    environment.REFLEX_SKIP_COMPILE.set(True)
    from flowapp.flowapp import app

    return app
