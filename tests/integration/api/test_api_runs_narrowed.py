"""The list of runs, narrowed: by who, by what began them, and by day; and views that keep such filters."""

from __future__ import annotations

import sqlalchemy as sa

from flowapp.store.tables import RunRow
from tests.integration.api.api_cells import ids
from tests.integration.api.api_jobs import deployed, got, started
from tests.integration.api.api_server import CHAIN, Server


async def made_on(server: Server, run_id: str, moment: str) -> None:
    change = sa.update(RunRow).where(RunRow.id == run_id).values(created_at=moment)  # type: ignore[arg-type]
    await server.workspace.store.database.write(lambda connection: connection.execute(change))


async def found(server: Server, query: str) -> list[str]:
    return [str(run["id"]) for run in await got(server, f"runs?{query}")]


async def test_by_person_trigger_and_day(server: Server) -> None:
    await deployed(server)
    server.engine.answers = {"a": {"x": [1, 2]}, "b": {"y": 5}}
    dora = await server.person("dora", "developer")
    draft = await server.draft(CHAIN, path="f/team/other")
    pressed = str((await server.run(draft, (await ids(server, draft))["b"]))["run_id"])
    called = await started(server, "run/f/f/team/chain", {"n": 1})
    hers = (await dora.post("/api/w/main/jobs/run/f/f/team/chain", json={"n": 2})).text
    await made_on(server, called, "2026-03-01T23:59:59.999999Z")
    await made_on(server, hers, "2026-03-02T00:00:00.000000Z")
    assert await found(server, "created_by=dora") == [hers]
    assert await found(server, "created_by=nobody") == []
    assert await found(server, "trigger=webhook") == [hers, called]
    assert await found(server, "trigger=person") == [pressed]
    assert await found(server, "trigger=schedule") == []
    assert await found(server, "since=2026-03-02&until=2026-03-02") == [hers]
    assert await found(server, "until=2026-03-01") == [called]
    assert await found(server, "since=2026-03-02&trigger=webhook&created_by=dora&path=f/team/chain&status=success") == [
        hers
    ]
    assert await found(server, "since=0001-01-01&until=9999-12-31") == [pressed, hers, called]


async def test_what_cannot_be_read_is_refused_in_words(server: Server) -> None:
    for query, word in (
        ("since=yesterday", "is not a day"),
        ("until=2026-02-30", "is not a day"),
        ("trigger=magic", "person, schedule"),
    ):
        answer = await server.client.get(f"/api/w/main/runs?{query}")
        assert answer.status_code == 400 and word in answer.text, answer.text
        name, _, value = query.partition("=")
        kept = await server.client.post("/api/w/main/run_views", json={"name": "x", name: value})
        assert kept.status_code == 400 and word in kept.text, kept.text


async def test_a_view_keeps_all_of_a_filter(server: Server) -> None:
    wanted = {"created_by": "ada", "trigger": "schedule", "since": "2026-01-02", "until": "2026-02-03"}
    made = await server.client.post("/api/w/main/run_views", json={"name": "Hers", **wanted})
    assert made.status_code == 201, made.text
    seen = await got(server, f"run_views/{made.json()['id']}")
    assert {**wanted, "status": "", "path": ""}.items() <= seen.items()
    changed = await server.client.post(f"/api/w/main/run_views/{seen['id']}", json={"trigger": ""})
    assert (changed.json()["trigger"], changed.json()["created_by"]) == ("", "ada")
