"""The page Schedules: what runs by itself, when next, and a dialog that shows the next times while one types."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import reflex as rx

from flowapp.access.identity import Identity
from flowapp.access.policy import Target
from flowapp.errors import FlowappError
from flowapp.ui import services
from flowapp.ui.state.dialogs import WrittenState
from flowapp.ui.state.stored import json_of
from flowapp.workspace import guard
from flowapp.workspace.cron import Cron
from flowapp.workspace.cron_words import in_words
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.schedule_shapes import HANDLERS

_MOST = 100
#: What the dialog shows of a schedule beside when and what it runs.
_OPTIONS = (
    *("no_flow_overlap", "dynamic_skip", "on_failure", "on_failure_times", "on_failure_exact", "on_failure_extra_args"),
    *("on_recovery", "on_recovery_times", "on_recovery_extra_args", "on_success", "on_success_extra_args"),
    *("paused_until", "retry", "tag"),
)


@dataclasses.dataclass
class ScheduleLine:
    """A schedule of the list. `next_at` is "" while it is off; `problem` says why its last time started nothing.

    `mine`: the person may change it.
    """

    path: str
    runs: str
    when: str
    enabled: bool
    next_at: str
    problem: str
    mine: bool = True


class SchedulesState(WrittenState, rx.State):
    """The list and the dialog. A schedule keeps what it runs: only a new one chooses it. `makes`: the person may make one."""

    makes: bool = True

    schedules: rx.Field[list[ScheduleLine]] = rx.field(default_factory=list)
    targets: rx.Field[list[str]] = rx.field(default_factory=list)
    runs: str = ""
    cron: str = ""
    zone: str = ""
    times: rx.Field[list[str]] = rx.field(default_factory=list)
    times_problem: str = ""
    words: str = ""
    options: str = "{}"

    @rx.event
    async def edit(self, path: str) -> Any:
        """Open the dialog: for a new one where `path` is ""."""

        async def work(who: Identity) -> None:
            workspace = services.workspace()
            found: dict[str, Any] = {"path": f"u/{who.username}/", "schedule": "0 0 9 * * *", "timezone": "Etc/UTC"}
            if path:
                found = await workspace.schedules.get(who, path)
            flows = [str(flow["path"]) for flow in await workspace.flows.listing(who) if flow.get("version")]
            scripts = [str(script["path"]) for script in await workspace.scripts.listing(who)]
            self.targets = [f"flow {one}" for one in flows] + [f"script {one}" for one in scripts]
            self.original, self.error, self.path = path, "", str(found["path"])
            self.cron, self.zone = str(found["schedule"]), str(found["timezone"])
            self.runs = _target(found) if path else ""
            self.description = str(found.get("summary") or "")
            self.value = json.dumps(found.get("args") or {}, indent=2, ensure_ascii=False)
            self.options = json.dumps({name: found[name] for name in _OPTIONS if found.get(name)}, ensure_ascii=False)
            await self._foresee()
            self.mine = _may_write(who, self.path)
            self._reads(found)
            self.editing = True
            self._opens_dialog()

        return await self._as_person(work)

    @rx.event
    async def set_cron(self, text: str) -> Any:
        """The expression was typed: say when that is."""
        self.cron = text[:300]
        return await self._as_person(self._preview)

    @rx.event
    async def set_zone(self, text: str) -> Any:
        """The time zone was typed."""
        self.zone = text[:100]
        return await self._as_person(self._preview)

    @rx.event
    async def switch(self, path: str, enabled: bool) -> Any:
        """Turn a schedule on or off."""

        async def work(who: Identity) -> None:
            await services.workspace().schedules.set_enabled(who, path, enabled)
            await self._read(who)

        return await self._as_person(work)

    async def _preview(self, _: Identity) -> None:
        await self._foresee()

    async def _foresee(self) -> None:
        workspace = services.workspace()
        asks = workspace.sessions.account(await self._person())
        try:
            self.times = workspace.schedules.preview(asks, {"schedule": self.cron, "timezone": self.zone})
            self.times_problem, self.words = "", in_words(Cron.parse(self.cron, self.zone))
        except FlowappError as refused:
            self.times, self.words = [], ""
            self.times_problem = f"{refused.message} {refused.hint}".strip()

    async def _read(self, who: Identity) -> None:
        found = await services.workspace().schedules.listing(who, per_page=_MOST)
        self.schedules = [schedule_line(one, mine=_may_write(who, one["path"])) for one in found]
        self.makes = _may_write(who, f"u/{who.username}/")
        self.loaded = True

    async def _users(self, who: Identity, name: str) -> list[str]:
        await services.workspace().schedules.get(who, name)  # it is still there
        return []

    async def _store(self, who: Identity, form: Mapping[str, str]) -> None:
        schedules = services.workspace().schedules
        args = json_of(form.get("value", "") or "{}")
        # what the form says: the state hears of a key only a moment later
        when = {"schedule": form.get("cron", self.cron), "timezone": form.get("zone", self.zone)}
        body = {**when, "summary": form.get("description", ""), "args": args}
        if self.original:
            # whatever else was set, over HTTP or by a file, stays
            found = await schedules.get(who, self.original)
            self._writes_over(found)
            await schedules.update(who, self.original, {**with_options(found, form), **body})
            return
        kind, _, target = form.get("runs", "").strip().partition(" ")
        if kind not in ("flow", "script") or not target:
            raise BadRequest("Choose what it runs.", "One of the list: flow f/… or script f/…")
        named = {"path": form.get("path", ""), "script_path": target, "is_flow": kind == "flow"}
        await schedules.create(who, {**with_options({}, form), **body, **named})

    async def _remove(self, who: Identity, name: str) -> None:
        await services.workspace().schedules.delete(who, name)


def with_options(found: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """A schedule with the options that the dialog's form holds; without the form, as it was.

    What was emptied is taken away, and nothing that nobody set is made up.

    Raises:
        BadRequest: a number or arguments that are none.
    """
    if "dynamic_skip" not in form:
        return dict(found)
    chosen: dict[str, Any] = {
        "no_flow_overlap": "no_flow_overlap" in form,
        "dynamic_skip": form["dynamic_skip"].strip(),
    }
    for name in HANDLERS:
        path = form.get(name, "").strip()
        chosen |= {name: path, f"{name}_times": None, f"{name}_exact": False, f"{name}_extra_args": {}}
        if path:
            chosen[f"{name}_times"] = _count(form.get(f"{name}_times", ""))
            chosen[f"{name}_exact"] = f"{name}_exact" in form
            chosen[f"{name}_extra_args"] = json_of(form.get(f"{name}_extra_args", "") or "{}")
    chosen |= _later(found, form)
    # an option that says nothing stays as it was written: false, null or an empty text
    kept = {name: value for name, value in found.items() if name not in chosen or not (value or chosen[name])}
    return {**kept, **{name: value for name, value in chosen.items() if value}}


def _later(found: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """Pause, retries and tag, as far as the form has fields for them."""
    chosen: dict[str, Any] = {name: form[name].strip() for name in ("paused_until", "tag") if name in form}
    if "retry_attempts" in form:
        constant = (found.get("retry") or {}).get("constant") or {}
        attempts, seconds = _count(form["retry_attempts"], "retries"), _seconds(form.get("retry_seconds", ""))
        same = (attempts or 0, seconds if attempts else 0) == (
            constant.get("attempts") or 0,
            constant.get("seconds") or 0,
        )
        new = {"constant": {"attempts": attempts, "seconds": seconds}} if attempts else {}
        chosen["retry"] = found.get("retry") or {} if same else new
    return chosen


def _count(text: str, what: str = "runs") -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or not int(text):
        raise BadRequest(f"{text.strip()[:20]!r} is no number of {what}.", "Write a whole number from 1 on.")
    return int(text)


def _seconds(text: str) -> int:
    if text.strip() and not text.strip().isdecimal():
        raise BadRequest(f"{text.strip()[:20]!r} is no number of seconds.", "Write a whole number from 0 on.")
    return int(text or 0)


def _target(found: Mapping[str, Any]) -> str:
    return f"{'flow' if found['is_flow'] else 'script'} {found['script_path']}"


def _may_write(who: Identity, path: str) -> bool:
    return guard.may(who, "schedule.write", Target(who.workspace, "schedule", path=path))


def schedule_line(found: Mapping[str, Any], *, mine: bool = True) -> ScheduleLine:
    """A schedule of `workspace.schedules.listing` as a line."""
    return ScheduleLine(
        path=str(found["path"]),
        runs=_target(found),
        when=f"{found['schedule']} · {found['timezone']}",
        enabled=bool(found["enabled"]),
        next_at=str(found.get("next_at") or "") if found["enabled"] else "",
        problem=str(found.get("error") or ""),
        mine=mine,
    )
