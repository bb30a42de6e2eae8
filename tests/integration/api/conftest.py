"""One server per test, with its own data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowapp.expressions.evaluator import Evaluator
from flowapp.settings import Settings
from flowapp.store.stores import Store
from flowapp.workspace.app import Workspace
from tests.integration.api.api_product import Product, opened_product
from tests.integration.api.api_server import TOKEN, Runtimes, ScriptedEngine, Server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    store = await Store.open("", tmp_path)
    engine = ScriptedEngine(store)
    evaluator = Evaluator()
    await evaluator.start()
    workspace = Workspace(
        store, engine, evaluator, Runtimes(), Settings(home=tmp_path, token=TOKEN, allowed_hosts="127.0.0.1")
    )
    await workspace.start()
    made = Server(workspace, engine)
    yield made
    await made.client.aclose()
    await workspace.close()
    await evaluator.close()
    await store.close()


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    """The whole server; it may connect to servers of this machine."""
    async with opened_product(tmp_path, idle_runners=2, allowed_hosts="127.0.0.1") as made:
        yield made
