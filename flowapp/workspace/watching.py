"""The engine tells one observer what it does; several parts here want to know."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from flowapp.jsontext import JsonText
from flowapp.store.runs import FINISHED
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace.cells import CellObserver
from flowapp.workspace.job_places import JobPlaces


class Watching:
    """The engine's observer: passes everything on to the notebook's, and to whoever finds jobs."""

    def __init__(self, cells: CellObserver, places: JobPlaces) -> None:
        self._cells = cells
        self._places = places

    def step_started(self, run: RunRow, job: JobRow) -> None:
        """A step began."""
        self._places.step_started(run, job)
        self._cells.step_started(run, job)

    def saves(self, run: RunRow) -> bool:
        """Whether finished steps of a run are cells' records too."""
        return self._cells.saves(run)

    def saving(self, connection: Connection, run: RunRow, job: JobRow) -> None:
        """Inside the engine's write of a finished step."""
        self._cells.saving(connection, run, job)

    def step_finished(self, run: RunRow, job: JobRow, args: JsonText | None, result: JsonText | None) -> None:
        """A step's row is stored."""
        self._places.step_ended(job)
        self._cells.step_finished(run, job, args, result)

    def logged(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A step printed something."""
        self._cells.logged(run, path, text, offset)

    def streamed(self, run: RunRow, path: str, text: str, offset: int) -> None:
        """A step streamed a part of its result."""
        self._cells.streamed(run, path, text, offset)

    def run_changed(self, run: RunRow) -> None:
        """A run has another status."""
        if run.status in FINISHED or run.status == "suspended":
            self._places.run_ended(run.id)
        self._cells.run_changed(run)
