"""The trail of a request: what was sent, who opened it, who reminded whom, handed on and answered, and what is still missing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flowapp.store.tables import ApprovalMessageRow, ApprovalNoteRow, ResumeEventRow
from flowapp.workspace.approval_requests import Request
from flowapp.workspace.approval_views import Fact, comment_of, values_of

Tone = Literal["ok", "bad", "wait", "stale", "quiet"]
_NAMED = 3
_SENT = {"asked": "Sent", "reminded": "Reminder sent", "escalated": "Sent", "delegated": "Sent"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: who did what, when (a stored time). `icon` is a name that page and notebook know."""

    who: str
    did: str
    at: str | None
    tone: Tone
    icon: str
    comment: str = ""
    said: Sequence[Fact] = field(default_factory=tuple)


def trail_of(request: Request, *, detailed: bool) -> list[Entry]:
    """The lines in order of time, and last what is missing. `detailed`: with addresses and errors, for who may read the run."""
    form = request.terms.get("form")
    entries = [_answer(event, form) for event in request.events]
    entries += [_note(note) for note in request.notes]
    entries += _messages(request.messages, detailed=detailed)
    entries.sort(key=lambda entry: entry.at or "")
    return [*entries, *_last(request)]


def _answer(event: ResumeEventRow, form: object) -> Entry:
    name = event.approver or "Somebody with the link"
    who = f"{name} ({event.email})" if event.email and event.email != name else name
    tone: Tone = "ok" if event.approved else "bad"
    icon, did = ("check", "approved") if event.approved else ("cross", "denied")
    return Entry(who, did, event.at, tone, icon, comment_of(event), tuple(values_of(event, form)))


def _note(note: ApprovalNoteRow) -> Entry:
    match note.kind:
        case "opened":
            link = note.who.removeprefix("link:") if note.who.startswith("link:") else None
            if link is None:
                return Entry(note.who, "opened it", note.at, "quiet", "eye")
            return Entry(f"The link for {link}" if link else "A link", "was opened", note.at, "quiet", "eye")
        case "delegated":
            return Entry(note.who, f"handed their vote to {note.whom}", note.at, "quiet", "right")
        case "told":
            return Entry("Sent", f"to {note.who}", note.at, "quiet", "mail")
        case "taken_back":
            return Entry(note.who, "took their vote back", note.at, "quiet", "left")
        case "escalated":
            return Entry("Escalated:", f"{_plain(note.whom)} may answer too", note.at, "stale", "up")
        case _:
            return Entry("Reminded", "", note.at, "quiet", "bell")


def _messages(messages: Sequence[ApprovalMessageRow], *, detailed: bool) -> Iterator[Entry]:
    for reason, word in _SENT.items():
        sent = [one for one in messages if one.status == "sent" and one.reason == reason]
        if sent:
            yield Entry(word, f"to {_names(sent, detailed=detailed)}", sent[-1].ended_at, "quiet", "mail")
    for one in messages:
        whom = _names([one], detailed=detailed)
        why = f"{one.error} " if detailed else ""
        if one.status == "failed":
            yield Entry("Not sent", f"to {whom}", one.ended_at, "bad", "warn", said=_text(why))
        elif one.status == "due" and one.error:
            yield Entry(
                "Not sent yet", f"to {whom}", one.created_at, "stale", "warn", said=_text(f"{why}It is tried again.")
            )


def _text(text: str) -> Sequence[Fact]:
    return (Fact("", text.strip()),) if text.strip() else ()


def _names(messages: Sequence[ApprovalMessageRow], *, detailed: bool) -> str:
    found = list(dict.fromkeys(one.recipient or one.resource for one in messages))
    if not detailed:
        people = sum(bool(one.recipient) for one in messages)
        if people == 0:
            return "a channel"
        return "1 person" if people == 1 else f"{people} people"
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _last(request: Request) -> Iterator[Entry]:
    wait = request.wait
    if wait is None:
        return
    if wait.status == "open":
        left = wait.required - request.approvals
        groups = " or ".join(sorted(request.conditions.groups | request.conditions.also_groups))
        many = "1 approval" if left == 1 else f"{left} approvals"
        yield Entry(f"Waiting for {many} of {groups}" if groups else f"Waiting for {many}", "", None, "wait", "clock")
    elif wait.status == "timed_out":
        yield Entry("Timed out", "", wait.decided_at, "stale", "clock")
    elif wait.status == "canceled":
        yield Entry("Closed", "when the run ended", wait.decided_at, "quiet", "stop")


def _plain(names: str) -> str:
    """`g/leads, u/ann` as people read it."""
    return " and ".join(name.strip().partition("/")[2] for name in names.split(",") if name.strip())
