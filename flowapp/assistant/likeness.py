"""How much two names say the same, word by word: the same word, one stem, a short form; or a value whose form tells what it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flowapp.assistant import tokens

#: What a text is by its form, in the common form of the words that say so.
_FORMS = (
    (frozenset({"email"}), re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")),
    (frozenset({"url"}), re.compile(r"(https?|ftp|s3)://\S+")),
    (frozenset({"date", "time", "timestamp"}), re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")),
    (frozenset({"iban"}), re.compile(r"[A-Z]{2}\d\d ?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{0,4}")),
    (frozenset({"sha", "hash"}), re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")),
)
#: Words that name a form: a text of another form is not meant.
_TELLING = frozenset({"email", "url"})
#: What may follow a stem, so that two words are of one family: `delivery` and `delivered`, `expires` and `expiration`.
_ENDINGS = frozenset(["s", "es", "d", "ed", "ing", "ion", "ation", "ment", "y", "e", "al", "ure", "ature", "ive", "er"])
_STEM = 4
_SHORT_STEM = 3
#: Endings of names that tell different kinds of things: `file_name` is not `file_text`.
_KINDS = {
    "name": "name", "text": "text", "url": "url", "email": "email", "identifier": "key", "code": "key",
    "date": "time", "time": "time", "at": "time", "on": "time", "timestamp": "time",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """A value's own words, the words of the objects that it is in, those of its step, and those that its form says."""

    own: tuple[str, ...]
    above: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()


def said_by(sample: Any) -> frozenset[str]:
    """The words that a text's form says: that it is an address of mail, a link, a date."""
    if isinstance(sample, list) and sample:
        return said_by(sample[0])
    if not isinstance(sample, str) or len(sample) > 2000:
        return frozenset()
    return frozenset().union(*(words for words, form in _FORMS if form.fullmatch(sample)))


def contradicts(wanted: Sequence[str], sample: Any) -> bool:
    """Whether a name asks for a form that a text does not have: `email` for `Ada Lovelace`."""
    return isinstance(sample, str) and bool(sample) and bool(_TELLING.intersection(wanted[-1:]) - said_by(sample))


@lru_cache(maxsize=50_000)
def like(one: str, other: str) -> float:
    """How much two words say the same, from 0 to 1."""
    if one == other:
        return 1.0
    short, long = sorted((one, other), key=len)
    if _of_one_family(short, long):
        return 0.88
    is_short_form = 2 <= len(short) <= 4 and len(long) >= len(short) + 2 and short[0] == long[0]
    return 0.85 if is_short_form and _is_drawn_together(short, long) else 0.0


@lru_cache(maxsize=50_000)
def similarity(wanted: tuple[str, ...], name: Name) -> float:
    """How much a name says what is wanted, from 0 to 1."""
    if not name.own or not wanted:
        return 0.0
    if len(wanted) > 1 and name.own == ("".join(word[0] for word in wanted),):
        return 0.9  # the initials: `uom`
    wanted = _in_order(wanted)
    if wanted == name.own or "".join(wanted) == "".join(name.own):
        return 1.0
    found = {word: _best(word, name) for word in wanted}
    met = _met(wanted, name)
    if not any(met.values()):
        return 0.0
    covered = sum(tokens.weight(word) * found[word] for word in wanted) / sum(map(tokens.weight, wanted))
    matched = sum(tokens.weight(word) * met[word] for word in name.own) / sum(map(tokens.weight, name.own))
    # The kind of thing has to be the same: an order's id is not an order's date.
    head = tokens.head(wanted)
    if max(_own(head, name), _own(wanted[-1], name)) == 0.0 or _differ(wanted[-1], name.own[-1]):
        covered *= 0.6
    # A word that chooses among things of one kind has to be met: rejected rows are not the rows.
    if any(word.endswith("ed") and not share for word, share in found.items()):
        covered *= 0.6
    # A shared word that says little (id, name) needs the rest to agree.
    heavy = [word for word in wanted if not tokens.is_light(word)]
    only_light = all(tokens.is_light(word) for word, share in met.items() if share)
    if only_light and any(found[word] == 0.0 for word in heavy):
        return 0.0
    return 0.7 * covered + 0.3 * matched


def _in_order(wanted: Sequence[str]) -> tuple[str, ...]:
    """`name_of_landlord` in the order of `landlord_name`."""
    if "of" not in wanted[1:-1]:
        return tuple(wanted)
    cut = wanted.index("of")
    return (*wanted[cut + 1 :], *wanted[:cut])


def _differ(wanted: str, own: str) -> bool:
    kinds = _KINDS.get(wanted), _KINDS.get(own)
    return None not in kinds and kinds[0] != kinds[1]


def _own(word: str, name: Name) -> float:
    """How much the value's own words, or its form, say a word."""
    best = max(like(word, other) for other in name.own)
    return max(best, 0.85 if word in name.said else 0.0)


def _best(word: str, name: Name) -> float:
    through = max((like(word, other) for other in name.above), default=0.0)
    around = max((like(word, other) for other in name.beside), default=0.0)
    return max(_own(word, name), 0.95 * through, 0.7 * around)


def _met(wanted: Sequence[str], name: Name) -> dict[str, float]:
    """How much of each own word is wanted. Where the form is wanted, the word is not that important: `from.address` of a mail."""
    form = 0.6 if name.said.intersection(wanted) else 0.0
    return {other: max(form, *(like(word, other) for word in wanted)) for other in name.own}


def _of_one_family(short: str, long: str) -> bool:
    """Whether two words are one stem with endings."""
    count = next((at for at, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    for cut in range(count, _SHORT_STEM - 1, -1):
        ends = short[cut:], long[cut:]
        if all(end in _ENDINGS or not end for end in ends) and (cut >= _STEM or all(ends)):
            return True
    return False


def _is_drawn_together(short: str, long: str) -> bool:
    """Whether the letters of a short form come in this order in the long word: `shp` in `shipped`."""
    rest = iter(long)
    return all(letter in rest for letter in short)
