"""Waiting for people after a step: what is asked, how long, and what comes of it.

The step has run; the next one waits. What the wait is about (its terms) is worked out once, when it begins, and stored with
it: a run that is taken up again finds the wait as it was. The wait itself is a row that any server may decide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.engine import Connection

from flowapp.access.approving import Asker, conditions_of, decide
from flowapp.access.members import member
from flowapp.access.policy import Allowed, Target, thing_of
from flowapp.engine.errors import error_value
from flowapp.engine.inputs import expression_of
from flowapp.engine.scope import Scope, array_text
from flowapp.engine.values import Answer, Done, Module, StepInfo, Wanted
from flowapp.expressions import ExpressionFailed
from flowapp.jsontext import NULL, JsonText, dumps, loads
from flowapp.openflow.approval_extras import KEY, ExtrasInvalid, extras_of
from flowapp.openflow.waits import required_events
from flowapp.openflow.walk import id_of
from flowapp.store.approval_shapes import NewSuspension
from flowapp.store.clock import now, text_of
from flowapp.store.errors import ValueTooLarge
from flowapp.store.large_values import ValueRef
from flowapp.store.runs import job_id
from flowapp.store.stores import Store
from flowapp.store.tables import ResumeEventRow, RunRow, SuspensionRow

if TYPE_CHECKING:
    from flowapp.engine.interpreter import Interpreter

TIMEOUT_S = 1800.0
UNNAMED = "anonymous"
LARGEST_RESULT = 1 << 20
"""Characters of a step's result beyond which nobody looks into it for form defaults: it is data, not a request."""
LONGEST_S = 100 * 365 * 86400.0
_URLS = ("resume", "cancel", "approvalPage")

_SWITCHES = ("hide_cancel", "user_auth_required", "self_approval_disabled", "continue_on_disapprove_timeout")
_STATUS: dict[str, Literal["approved", "disapproved"]] = {"approved": "approved", "disapproved": "disapproved"}


def waits(module: Module) -> bool:
    """Whether the flow waits after this module has run."""
    return required_events(module) > 0


async def wait(interpreter: Interpreter, module: Module, info: StepInfo, scope: Scope, done: Done) -> Done | None:
    """Wait until the approvals that the module asks for are there.

    Returns:
        None to go on, with `scope.answers` for the next step; or the failure by which a disapproval or the timeout ends the
        flow. No failure module runs for that: nothing went wrong.

    Raises:
        Parked: nothing of the run goes on any more.
    """
    if not waits(module):
        return None
    asked = await _terms(interpreter, module, scope, done)
    if isinstance(asked, Done):
        return asked
    terms, seconds = asked
    recorded = await interpreter.ports.journal.recall(info.path)
    since = recorded.ended_at if recorded is not None else None
    begun = datetime.fromisoformat(since) if since is not None else interpreter.ports.clock.now()
    frame = interpreter.frame
    wanted = Wanted(
        path=info.path,
        job_id=job_id(interpreter.run_id, info.path),
        flow_jobs=frame.jobs or (interpreter.run_id,),
        required=required_events(module),
        timeout_at=text_of(begun + timedelta(seconds=seconds)),
        terms=dumps(terms),
    )
    while (answer := await interpreter.ports.approvals.ask(wanted)) is None:
        await interpreter.ports.waiting.until(wanted.timeout_at)
    found = outcome(answer, goes_on=bool(terms["continue_on_disapprove_timeout"]))
    if isinstance(found, Done):
        return found
    scope.answers = found
    return None


def outcome(answer: Answer, *, goes_on: bool) -> Done | dict[str, JsonText]:
    """What a decision means: a failure, or what the next step sees as `resume`, `resumes` and `approvers`.

    `goes_on`: the flow continues after a disapproval or the timeout too, and sees it as the last answer.
    """
    payloads = list(answer.payloads)
    if answer.status != "approved":
        error = _refusal(answer)
        if not goes_on:
            return Done(error, failed=True, handled=True, final=True)
        payloads.append(error)
    return {
        "resume": payloads[-1] if payloads else NULL,
        "resumes": array_text(payloads),
        "approvers": dumps([name or UNNAMED for name in answer.approvers]),
    }


def _refusal(answer: Answer) -> JsonText:
    if answer.status == "timed_out":
        return error_value("SuspendedTimedOut", "Timed out waiting to be resumed")
    return error_value("SuspendedDisapproved", f"Disapproved by {answer.by or 'unknown'}")


# --- what is asked --------------------------------------------------------------------------------------------------


async def _terms(
    interpreter: Interpreter, module: Module, scope: Scope, done: Done
) -> tuple[dict[str, Any], float] | Done:
    """The form, the conditions, what the step's own result says about them; and how many seconds there are to answer."""
    suspend: Mapping[str, Any] = module["suspend"]
    extra = {"result": done.value, "previous_result": done.value}
    given = [expression_of(suspend.get(name)) for name in ("user_groups_required", "timeout")]
    allowed, time = await interpreter.values(scope, given, extra)
    groups, seconds = _groups(module, allowed), _seconds(module, time)
    if isinstance(groups, Done):
        return groups
    if isinstance(seconds, Done):
        return seconds
    try:
        extras_of(suspend.get(KEY))
    except ExtrasInvalid as error:
        return _wrong(module, f"{error.message} {error.hint}".strip())
    said = await _said(interpreter, done)
    form = suspend.get("resume_form")
    schema = form.get("schema") if isinstance(form, dict) else None
    terms = {
        "step_id": id_of(module),
        "summary": str(module.get("summary") or ""),
        "form": schema if isinstance(schema, dict) else None,
        "default_args": said.get("default_args") if isinstance(said.get("default_args"), dict) else {},
        "enums": said.get("enums") if isinstance(said.get("enums"), dict) else {},
        "description": said.get("description"),
        "prompt": any(isinstance(said.get(name), str) for name in _URLS),
        "skin": suspend.get("skin"),
        "groups": groups,
        "extras": suspend.get(KEY) or {},
        **{name: bool(suspend.get(name)) for name in _SWITCHES},
    }
    return terms, seconds


async def _said(interpreter: Interpreter, done: Done) -> Mapping[str, Any]:
    """The step's result, where it is an object of the size of a request."""
    if not done.value.startswith("{") or len(done.value) > LARGEST_RESULT or ValueRef.from_text(done.value):
        return {}
    try:
        value = loads(await interpreter.ports.expand(done.value))
    except ValueTooLarge:
        return {}
    return value if isinstance(value, dict) else {}


def _groups(module: Module, answer: JsonText | ExpressionFailed) -> list[str] | Done:
    """`user_groups_required`: names of groups of which one is enough."""
    if isinstance(answer, ExpressionFailed):
        return _wrong(module, f"The groups that may approve: {answer.message}", answer.name)
    groups = loads(answer)
    if isinstance(groups, str):
        groups = [groups]
    if groups is not None and (not isinstance(groups, list) or not all(isinstance(name, str) for name in groups)):
        return _wrong(module, f"The groups that may approve must be a list of names, found {answer[:200]}")
    return [str(name).removeprefix("g/") for name in groups or () if name]


def _seconds(module: Module, answer: JsonText | ExpressionFailed) -> float | Done:
    if isinstance(answer, ExpressionFailed):
        return _wrong(module, f"The time to wait for approval: {answer.message}", answer.name)
    given = loads(answer)
    if given is None:
        return TIMEOUT_S
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given) or given < 0:
        return _wrong(module, f"The time to wait for approval is not a number of seconds: {answer[:200]}")
    return min(float(given), LONGEST_S)


def _wrong(module: Module, message: str, name: str = "ExecutionErr") -> Done:
    return Done(error_value(name, message, step_id=id_of(module)), failed=True, final=True)


# --- the port over the store ----------------------------------------------------------------------------------------


class StoreApprovals:
    """The engine's port `Approvals`: waits are rows that any server, or the timer, decides."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, run: RunRow, wanted: Wanted) -> Answer | None:
        """Open the wait where it is not open yet, counting answers that came early; None while it is undecided."""
        return await self._store.database.write(lambda connection: self._ask(connection, run, wanted))

    def _ask(self, connection: Connection, run: RunRow, wanted: Wanted) -> Answer | None:
        approvals, terms = self._store.approvals, loads(wanted.terms)
        # what the step's result says counts more than what it has said on its way
        for name, said in approvals.said_of(connection, run.id, wanted.path).items():
            terms[name] = terms.get(name) or said
        new = NewSuspension(
            run_id=run.id,
            path=wanted.path,
            job_id=wanted.job_id,
            workspace=run.workspace,
            required=wanted.required,
            flow_jobs=wanted.flow_jobs,
            terms=terms,
            timeout_at=wanted.timeout_at,
        )
        row = approvals.open(connection, new, partial(_may_count, run, new.terms))
        if row.status == "open" and row.timeout_at is not None and row.timeout_at <= now():
            approvals.time_out_one(connection, row)
        return None if row.status == "open" else _answer(self._store, connection, row)


def _answer(store: Store, connection: Connection, row: SuspensionRow) -> Answer:
    events = store.approvals.events_of(connection, row.run_id, row.path)
    return Answer(
        status=_STATUS.get(row.status, "timed_out"),
        payloads=tuple(JsonText(event.payload) for event in events),
        approvers=tuple(event.approver or UNNAMED for event in events),
        by=row.decided_by,
    )


async def answers_of(store: Store, run_id: str, path: str) -> Mapping[str, JsonText] | None:
    """What people answered after a step of an earlier run, as its next step saw it; None when it did not wait, or in vain."""

    def work(connection: Connection) -> Mapping[str, JsonText] | None:
        row = store.approvals.get(connection, run_id, path)
        if row is None or row.status in ("open", "canceled"):
            return None
        goes_on = bool(loads(row.terms).get("continue_on_disapprove_timeout"))
        found = outcome(_answer(store, connection, row), goes_on=goes_on)
        return None if isinstance(found, Done) else found

    return await store.database.read(work)


def _may_count(run: RunRow, terms: Mapping[str, Any], connection: Connection, event: ResumeEventRow) -> bool:
    """An answer that came before the conditions were known is held to them now, like one that comes later."""
    identity = member(connection, run.workspace, event.email) if event.email else None
    conditions = conditions_of(terms, (run.created_by, run.permissioned_as))
    private = run.private or run.kind == "cells" or not run.path
    of = thing_of(run.kind)
    target = Target(run.workspace, "run", path=run.path, owner=run.created_by, private=private, of=of)
    return isinstance(decide(Asker(identity, by_link=True), conditions, target), Allowed)
