"""A secret that a run reads does not stand in its logs, whichever way the run got it."""

from __future__ import annotations

from pathlib import Path

from flowapp.jsontext import JsonText, dumps
from flowapp.store.tables import RunRow
from tests.integration.engine.harness import FakeRuntimes, flow_of, server, step


async def test_what_a_job_prints_of_a_secret_is_masked(tmp_path: Path) -> None:
    async def talk(job: object, log: object) -> int:
        for piece in ("the key is s3c", "ret, ", "and api-key\n", "done s3c"):
            log(piece)  # type: ignore[operator] # the callback
        return 1

    runtimes = FakeRuntimes({"talk": talk})
    async with server(tmp_path, runtimes) as made:

        class Stored:
            async def lookup(self, run: RunRow, kind: str, path: str) -> JsonText | None:
                made.store.masks.note(run.id, "s3cret")
                return dumps("s3cret")

            async def written(self, run: RunRow, path: str) -> JsonText | None:
                return None

        made.engine.secrets = Stored()
        made.store.masks.note("another run", "done")
        last = step("a", "talk")
        last["value"]["input_transforms"] = {"x": {"type": "static", "value": "$var:f/a/key"}}
        run = await made.create(flow_of(last))
        made.store.masks.note(run.id, "api-key")  # as when the job asks the API for it
        await made.engine.start_run(run.id)
        row, _ = await made.ended(run.id)
        assert row.status == "success"
        stored = await made.store.logs.read(run.id, "a")
        assert stored.text == "the key is *****, and *****\ndone s3c"
