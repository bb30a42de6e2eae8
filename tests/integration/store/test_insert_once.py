"""A row that is there already is left alone, and whoever inserts learns it: on both databases."""

from __future__ import annotations

from pathlib import Path

from flowapp.store import variables
from flowapp.store.clock import now
from flowapp.store.stores import Store
from flowapp.store.tables import VariableRow


async def test_the_second_insert_says_so(tmp_path: Path, store_url: str) -> None:
    store = await Store.open(store_url, tmp_path)
    row = VariableRow(workspace="main", path="u/a/b", value="1", edited_by="a", edited_at=now())
    other = VariableRow(**{**row.model_dump(), "value": "2"})
    try:
        assert await store.database.write(lambda c: variables.add(c, row)) is True
        assert await store.database.write(lambda c: variables.add(c, other)) is False
        kept = await store.database.read(lambda c: variables.get(c, "main", "u/a/b"))
        assert kept is not None and kept.value == "1"
    finally:
        await store.close()
