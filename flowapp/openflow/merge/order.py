"""The order of what stands in one place, after two people changed it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from flowapp.openflow.merge.types import Side


def both_ordered(base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> bool:
    """Whether both put what all three have into another order, each into a different one."""
    was, now, own = _common(base, theirs, mine)
    return was != now and was != own and now != own


def in_order(
    base: Sequence[str], theirs: Sequence[str], mine: Sequence[str], members: Collection[str], side: Side
) -> list[str]:
    """`members` in the order of whoever changed it; `side` decides where both did.

    What only one of the two has stands after what it stands after there; of new things at the same place theirs come first. Members that
    neither has come last.
    """
    inside = set(members)
    ours, others = ([key for key in keys if key in inside] for keys in (mine, theirs))
    was, now, own = _common(base, theirs, mine)
    led_by_mine = own != was and (now in (was, own) or side == "mine")
    first, second = (ours, others) if led_by_mine else (others, ours)
    found = list(first)
    for index, key in enumerate(second):
        if key not in found:
            before = [one for one in second[:index] if one in found]
            at = found.index(before[-1]) + 1 if before else 0
            while not led_by_mine and key not in base and at < len(found) and found[at] not in second:
                at += 1
            found.insert(at, key)
    return [*found, *(key for key in members if key not in found)]


def _common(base: Sequence[str], theirs: Sequence[str], mine: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    shared = set(base) & set(theirs) & set(mine)
    was, now, own = ([key for key in keys if key in shared] for keys in (base, theirs, mine))
    return was, now, own
