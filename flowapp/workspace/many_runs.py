"""Something done to several runs that were chosen in a list. Each is judged by itself: what is not allowed is left out and said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from flowapp.access.identity import Identity
from flowapp.errors import FlowappError
from flowapp.jsontext import loads
from flowapp.store.runs import FINISHED
from flowapp.store.stores import Store
from flowapp.workspace import guard
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.runnables import Start, Trigger
from flowapp.workspace.runs import Runs
from flowapp.workspace.starting import Starting

MOST = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many were done, and a sentence for each reason why others were not."""

    done: int
    refused: tuple[str, ...] = ()


class ManyRuns:
    """The use-cases behind the list's checkboxes."""

    def __init__(self, store: Store, runs: Runs, starting: Starting) -> None:
        self._store = store
        self._runs = runs
        self._starting = starting

    async def cancel(self, identity: Identity, run_ids: Sequence[str]) -> Outcome:
        """Cancel those that are not over.

        Raises:
            BadRequest: more than 100.
        """

        async def work(run_id: str) -> bool:
            run = await guard.run_row(self._store, identity, "run.cancel", run_id)
            if run.status in FINISHED:
                return False
            await self._runs.cancel(identity, run_id, "Cancelled in the list of runs")
            return True

        return await _each(run_ids, work)

    async def again(self, identity: Identity, run_ids: Sequence[str]) -> Outcome:
        """Run flows and scripts by path once more, on the input that they had; the newest version runs.

        Raises:
            BadRequest: more than 100.
        """

        async def work(run_id: str) -> bool:
            run = await guard.run_row(self._store, identity, "run.read", run_id)
            kind = run.kind
            if kind not in ("flow", "script") or not run.path:
                raise BadRequest("Cells and previews are run again where they were run.")
            if loads(run.trigger or "{}").get("function"):
                raise BadRequest("A task of a workflow is run again by its workflow.")
            args = loads(await self._store.values.get_value(run.args))
            await self._starting.start(
                identity, Start("flow" if kind == "flow" else "script", args, path=run.path, trigger=Trigger("ui"))
            )
            return True

        return await _each(run_ids, work)


async def _each(run_ids: Sequence[str], work: Callable[[str], Awaitable[bool]]) -> Outcome:
    if len(run_ids) > MOST:
        raise BadRequest(f"At most {MOST} runs at a time.", "Choose fewer.")
    done, refused = 0, list[str]()
    for run_id in run_ids:
        try:
            done += await work(run_id)
        except FlowappError as error:
            if error.message not in refused:
                refused.append(error.message)
    return Outcome(done, tuple(refused))
