"""What bringing two changed documents together gives: the document, what was taken from whom, and what a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from flowapp.jsontext import canonical

Json: TypeAlias = dict[str, Any]
Side: TypeAlias = Literal["theirs", "mine"]
Choice: TypeAlias = Literal["theirs", "mine", "both"]

#: The value of what is not there. Never part of a document.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _self: "ABSENT"})()


class Part(NamedTuple):
    """One thing of a cell (or of the flow, an input, a note) that is taken as a whole.

    `kind`: `code` (what it runs, of which kind), `input` (one wire; `name` is the field), `title`, `name` (its step id), `setting` (`name` is a JSON
    pointer in the module, or in what else it is of), `place`, `order`; `there` (all of
    it: one side has it, the other not), `added`, `removed`; and `lock` and `stand_in`, which are no work of anybody
    and never conflict.
    """

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What both changed, each in another way. `where` is "" for the thing itself, else the nested step or branch."""

    part: Part
    base: Any
    theirs: Any
    mine: Any
    where: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that one person has to decide, for all of its differences at once.

    `kind` and `name`: a `cell` and its step id; a flow `input`, a `note`, a `setting` of the flow, the `order` of the steps in
    a container ("" is the flow). `theirs` and `mine` say what each did: `added`, `changed` or `removed`.
    """

    id: str
    kind: str
    name: str
    title: str
    theirs: str
    mine: str
    differences: tuple[Difference, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What only one of the two did to a thing: kept without asking. `what` has kinds of parts, or `added`, `removed`."""

    kind: str
    name: str
    title: str
    side: Side
    what: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """`flow` is the document with the choices made so far; what is not decided yet is as in the draft.

    `renamed`: steps of the draft that have another id in `flow`, because the other version has one of that id too.
    """

    flow: Json
    conflicts: tuple[Conflict, ...]
    taken: tuple[Taken, ...]
    renamed: Mapping[str, str]


def same(one: Any, other: Any) -> bool:
    """Whether two values (or ABSENT) are the same JSON."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return one is other or canonical(one) == canonical(other)
