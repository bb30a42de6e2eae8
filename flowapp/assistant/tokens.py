"""Names as sets of words: split, expanded, brought to one form, so that `custAddr` and `customer_address` are the same."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from flowapp.assistant import vocabulary

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
#: German puts words together; each part has to be one that is known.
_SHORTEST_PART = 3


def _groups(text: str) -> list[list[str]]:
    """Groups of words, separated by semicolons."""
    return [group.split() for group in text.split(";") if group.strip()]


_ABBREVIATIONS = {short: group[0] for group in _groups(vocabulary.SHORT_FORMS) for short in group[1:]}
_SYNONYMS = {word: group[0] for group in _groups(vocabulary.SAME) for word in group}
_FOREIGN = {word: group[0] for group in _groups(vocabulary.FOREIGN) for word in group[1:]}
_LIGHT = frozenset(vocabulary.SAY_LITTLE.split())
_ENDINGS = frozenset(vocabulary.TAILS.split())
_GETTING = frozenset(vocabulary.GETTING.split())
_DOING = frozenset(vocabulary.DOING.split())
#: `last_name` is a surname, `last_updated` is none.
_BEFORE_NAME = {"last": "latest", "first": "first", "given": "given"}


@lru_cache(maxsize=10_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in order, each in its common form."""
    return tuple(_common(word) for word in _raw(name))


@lru_cache(maxsize=10_000)
def named_by_title(title: str, single: bool) -> tuple[str, ...]:
    """The words for a step's result in its title; none where the title says that the step does something with them.

    Args:
        title: the step's title.
        single: the result is one value or a list, and no object: then all words of the title tell what it is, and not only
            the last one.
    """
    found = _raw(title)
    if not found:
        return ()
    if found[0] in _DOING:
        return ()
    if found[0] in _GETTING:
        rest = found[1:]
        return words(" ".join(rest)) if single else words(" ".join(rest))[-1:]
    if single or len(found) == 1:
        return words(title)
    return ()


def weight(word: str) -> float:
    """How much a word says."""
    return 0.35 if word in _LIGHT else 1.0


def weigh(found: frozenset[str]) -> float:
    """How much a set of words says."""
    return sum(weight(word) for word in found)


def head(found: tuple[str, ...]) -> str:
    """The word that says what kind of thing a name names: the last one that is no mere ending."""
    for word in reversed(found):
        if word not in _ENDINGS and word not in _LIGHT:
            return word
    return found[-1] if found else ""


def is_light(word: str) -> bool:
    """Whether a word says little by itself."""
    return word in _LIGHT


def _raw(name: str) -> tuple[str, ...]:
    """The words of a name as they are written, in small letters and without accents."""
    plain = unicodedata.normalize("NFKD", name.translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    parts = [part for found in _SPLIT.findall(plain) for part in _parts(found.lower())]
    for place, part in enumerate(parts[:-1]):
        if part in _BEFORE_NAME and parts[place + 1] not in ("name", "nm"):
            parts[place] = _BEFORE_NAME[part]
    # a length of time stands last, a bound before what it bounds
    unit = parts[-1:] == ["min"] and len(parts) > 1
    return tuple("minimum" if part == "min" else part for part in parts[: len(parts) - unit]) + ("minute",) * unit


def _parts(part: str) -> tuple[str, ...]:
    """A word that is really two, written together: `username`, `imageurl`, `rechnungsnummer`. Known words stay whole."""
    if _is_known(part):
        return (part,)
    for ending in vocabulary.GLUED:
        if part.endswith(ending) and len(part) >= len(ending) + 3:
            return part.removesuffix(ending), ending
    for cut in range(_SHORTEST_PART, len(part) - _SHORTEST_PART + 1):
        before, after = part[:cut], part[cut:]
        if before in _FOREIGN and after in _FOREIGN:
            return before, after
    return (part,)


def _is_known(part: str) -> bool:
    return part in _SYNONYMS or part in _ABBREVIATIONS or part in _FOREIGN


def _common(word: str) -> str:
    for form in (word, _singular(word)):
        full = _ABBREVIATIONS.get(form) or _FOREIGN.get(form, form)
        known = _SYNONYMS.get(full) or _SYNONYMS.get(_singular(full))
        if known:
            return known
        if full != form:
            return full
    return _singular(word)


def _singular(word: str) -> str:
    """A light stem: plurals, and the commonest verb endings of names (`retries`, `addresses`, `users`)."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
