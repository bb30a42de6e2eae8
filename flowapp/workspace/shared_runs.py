"""What the page of a sharing link shows of its run: head, steps, and result, input and log of one place; without secrets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flowapp.jsontext import loads
from flowapp.languages import label_of
from flowapp.store.errors import ValueMissing
from flowapp.store.runs import FINISHED
from flowapp.store.tables import JobRow, RunRow
from flowapp.workspace import approval_views, large_parts
from flowapp.workspace.approval_views import Fact, facts_of
from flowapp.workspace.context import Context
from flowapp.workspace.known_secrets import known_secrets
from flowapp.workspace.passwords import password_fields, texts_at
from flowapp.workspace.redaction import HIDDEN, Redactor
from flowapp.workspace.run_views import duration_ms, titles_of
from flowapp.workspace.shared_values import LONGEST_LEAF, Shown, cut, shown
from flowapp.workspace.sharing import Opened

MOST_STEPS = 300
LARGEST = 2 << 20
"""Bytes: larger values are not read for a page."""
LONGEST_LOG = 64 * 1024
_KINDS = {
    "forloopflow": "Loop",
    "whileloopflow": "Loop",
    "branchone": "Branch",
    "branchall": "Branches",
    "flow": "Flow",
    "script": "Script",
}
_PART = re.compile(r"^(?P<base>.*?)(?:~(?P<attempt>\d+))?(?:\[(?P<slot>[^\]]*)\])?$")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it failed."""

    name: str
    message: str
    step: str = ""
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a row of the list. `depth` counts loops, branches and called flows around it; `round` names the iteration."""

    path: str
    step_id: str
    title: str
    kind: str
    status: str
    depth: int
    round: str
    started_at: str | None
    duration_ms: float | None


@dataclass(frozen=True, slots=True)
class Detail:
    """Result, input and log of a step, or (`path` empty) of the whole run."""

    path: str
    result: Shown = field(default_factory=Shown)
    failure: Failure | None = None
    inputs: Sequence[Fact] = ()
    inputs_note: str = ""
    log: str = ""
    log_note: str = ""


@dataclass(frozen=True, slots=True)
class SharedRun:
    """Everything on the page. Times are stored texts."""

    title: str
    number: int
    path: str
    version: int | None
    status: str
    live: bool
    started_at: str | None
    duration_ms: float | None
    expires_at: str
    steps: Sequence[Step]
    more_steps: int
    step: Step | None
    detail: Detail


class SharedRuns:
    """Makes the page's content of a link that has been opened: `Sharing.open` has asked the policy."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def page(self, run: RunRow, opened: Opened, path: str = "") -> SharedRun | None:
        """The page with the detail of the step at `path` ("" for the whole run); None when there is no such step."""
        document = loads(await self._store.values.get_value(run.document))
        stated = document.get("schema")
        schema = stated if isinstance(stated, dict) else {}
        jobs = await self._store.runs.steps(run.id)
        job = next((one for one in jobs if one.path == path), None)
        if path and job is None:
            return None
        places = password_fields(schema)
        # what the schema calls a password is looked for everywhere, so it is read whatever the size
        args = await self._value(run.args, LARGEST if not places else None)
        secrets = {*await known_secrets(self._context, run), *texts_at(args, places)}
        titles = titles_of(document)

        def make_steps(redactor: Redactor) -> list[Step]:
            quick = redactor.among((*titles.values(), *(one.step_id for one in jobs)))
            return [_step(one, titles, quick) for one in in_order(jobs)]

        redactor = Redactor(secrets)
        steps = await asyncio.to_thread(make_steps, redactor)
        detail = await (self._of_run(run, args, schema, redactor) if job is None else self._of_step(run, job, redactor))
        return SharedRun(
            title=redactor.text(run.summary or run.path or "Cells of a draft"),
            number=run.number,
            path=redactor.text(run.path),
            version=run.version,
            status=run.status,
            live=run.status not in FINISHED,
            started_at=run.started_at,
            duration_ms=duration_ms(run.started_at, run.ended_at),
            expires_at=opened.expires_at,
            steps=steps[:MOST_STEPS],
            more_steps=max(0, len(steps) - MOST_STEPS),
            step=next((one for one in steps if one.path == path), None) if path else None,
            detail=detail,
        )

    async def _of_run(self, run: RunRow, args: Any, schema: Mapping[str, Any], redactor: Redactor) -> Detail:
        return await self._detail("", run.result, args, schema, redactor, failed=run.failed)

    async def _of_step(self, run: RunRow, job: JobRow, redactor: Redactor) -> Detail:
        args = await self._value(job.args)
        attempt = job.attempt if job.ended_at is not None else None
        part = await self._store.logs.read(run.id, job.path, attempt=attempt, limit=LONGEST_LOG)
        whole = len(part.text) < LONGEST_LOG
        # a secret may be cut where the reading ended, but none goes over the end of a line unless its lines are known too
        text = part.text if whole else part.text[: part.text.rfind("\n") + 1]
        log = await asyncio.to_thread(redactor.text, text)
        note = "" if whole else "The beginning of a long log."
        failed = job.status in ("failure", "canceled")
        return await self._detail(job.path, job.result, args, {}, redactor, failed=failed, log=log, log_note=note)

    async def _detail(
        self,
        path: str,
        result: str | None,
        args: Any,
        schema: Mapping[str, Any],
        redactor: Redactor,
        *,
        failed: bool,
        log: str = "",
        log_note: str = "",
    ) -> Detail:
        value = await self._value(result)

        def make() -> Detail:
            failure = _failure(value, redactor) if failed else None
            given = (
                args
                if isinstance(args, _Missing)
                else redactor.value(cut(args), password_fields(schema), LONGEST_LEAF - 100)
            )
            return Detail(
                path,
                Shown()
                if failure
                else Shown(note=value.why)
                if isinstance(value, _Missing)
                else shown(value, redactor),
                failure,
                [] if isinstance(given, _Missing) else _facts(given, schema),
                args.why if isinstance(args, _Missing) else "",
                log,
                log_note,
            )

        return await asyncio.to_thread(make)

    async def _value(self, digest: str | None, largest: int | None = LARGEST) -> Any:
        """A value, or `_Missing` where it is gone or too large."""
        if digest is None:
            return None
        try:
            size = await self._store.values.size_of(digest)
            if largest is not None and size > largest:
                return _Missing(f"Too large for this page: {size / (1 << 20):.1f} MB.")
            text = await self._store.values.get_value(digest)
        except ValueMissing:
            return _Missing("It has been deleted.")
        return await asyncio.to_thread(large_parts.shown, text)


@dataclass(frozen=True, slots=True)
class _Missing:
    why: str


def in_order(jobs: Sequence[JobRow]) -> list[JobRow]:
    """Steps as they began, each with what is in it right behind it; iterations by their number."""
    begun = {job.path: job.started_at or "" for job in jobs}

    def key(job: JobRow) -> list[tuple[str, str, int, int, str]]:
        keys, at = [], 0
        for part in re.split(r"(?<=[./])", job.path):
            at += len(part)
            base, attempt, slot = _place(job.path[:at].rstrip("./"))
            number = int(slot) if slot.isdigit() else -1
            keys.append((begun.get(base, "~"), base, attempt, number, slot))
        return keys

    return sorted(jobs, key=key)


def _place(path: str) -> tuple[str, int, str]:
    """The container's path, attempt and slot of `loop~2[3]`; for a step itself its path, 0 and ""."""
    head, tail = path[: (cut_at := max(path.rfind("."), path.rfind("/")) + 1)], path[cut_at:]
    found = _PART.match(tail)
    assert found is not None
    return head + found["base"], int(found["attempt"] or 0), found["slot"] or ""


def _step(job: JobRow, titles: Mapping[str, str], redactor: Redactor) -> Step:
    parent = job.path[: max(job.path.rfind("."), job.path.rfind("/"), 0)]
    slot = _place(parent)[2] if parent else ""
    return Step(
        path=job.path,
        step_id=job.step_id,
        title=redactor.text(titles.get(job.step_id) or job.step_id),
        kind=label_of(job.language) if job.language else _KINDS.get(job.kind, ""),
        status="reused" if job.reused_from is not None else job.status,
        depth=len(re.findall(r"[./]", job.path)),
        round=f"{int(slot) + 1}" if slot.isdigit() else "",
        started_at=job.started_at,
        duration_ms=job.duration_ms,
    )


def _facts(args: Any, schema: Mapping[str, Any]) -> list[Fact]:
    """The inputs under the titles of their schema; all that is hidden looks alike."""
    found = facts_of(args, schema)
    return [replace(fact, text=HIDDEN) if fact.text == approval_views.HIDDEN else fact for fact in found]


def _failure(value: Any, redactor: Redactor) -> Failure | None:
    error = value.get("error") if isinstance(value, Mapping) else None
    if not isinstance(error, Mapping):
        return None

    def said(name: str) -> str:
        found = error.get(name)
        return redactor.text(found, LONGEST_LEAF) if isinstance(found, str) else ""

    return Failure(said("name") or "Failed", said("message"), said("step_id"), said("stack"))
