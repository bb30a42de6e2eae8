"""One server per test, with its own data folder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.api.api_product import Product, opened_product
from tests.integration.api.api_server import Server, opened_server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with opened_server(tmp_path, allowed_hosts="127.0.0.1") as made:
        yield made


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Product]:
    """The whole server; it may connect to servers of this machine."""
    async with opened_product(tmp_path, idle_runners=2, allowed_hosts="127.0.0.1") as made:
        yield made
