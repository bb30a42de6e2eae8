"""Names as sets of words: split, expanded, brought to one form, so that `custAddr` and `customer_address` are the same."""

from __future__ import annotations

import re
from functools import lru_cache

_SPLIT = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def _groups(text: str) -> list[list[str]]:
    """Groups of words, separated by semicolons."""
    return [group.split() for group in text.split(";") if group.strip()]


#: Short forms after the word they stand for.
_SHORT_FORMS = """
    quantity qty qnty; amount amt; address addr adr; description desc descr; number no num nr nbr; message msg;
    image img; picture pic; configuration config cfg conf; user usr; password pwd passwd pass; telephone tel;
    timestamp ts; identifier id ident uid; document doc; directory dir; reference ref; parameter param arg argument;
    maximum max; minimum min; average avg; temperature temp; latitude lat; longitude lng lon long; currency curr ccy;
    customer cust; organisation org organization; application app; environment env; language lang locale;
    database db; repository repo; priority prio; category cat; title ttl; source src; destination dest dst;
    attribute attr; value val; variable var; request req; response resp; error err; second sec; minute mins;
    center centre; color colour; authorization auth; certificate cert; statistic stats stat; previous prev; total tot
"""

#: Words that name the same thing in programs; the first one stands for all.
_SAME = """
    email mail; telephone phone mobile cell; customer client buyer; person people; vendor supplier seller; city town;
    zip postal postcode zipcode plz; surname last family lastname; forename first given firstname; street road;
    rows row record records entry entries; items item elements; url uri link href; text content body;
    price cost fee; amount sum; quantity count number; created creation; updated modified changed;
    picture image photo; recipient to receiver addressee; sender from; subject topic; tags tag label;
    directory folder; category kind class; message note; region area zone; location place; currency money;
    start begin; end finish stop; status state; key; employee staff; company firm organisation;
    summary abstract; comment remark; delete remove; user account member
"""

#: Words that say little about what a value is; they count less when names are compared.
_SAY_LITTLE = (
    "identifier name number quantity value data type date time list text info item items code at of the is has"
)

#: Endings after which the word before is the head: `first_name` and `first` name the same thing.
_TAILS = "name code number value data list field text string at time date id"

#: Endings that are often written together with the word before them.
_GLUED = ("name", "url", "email", "code", "number")

#: Steps titled with these words answer what their title names: "Get ticket" does, "Classify ticket" does not.
_GETTING = "get load read fetch list find query select download parse search open extract collect import look receive build make create"

_ABBREVIATIONS = {short: group[0] for group in _groups(_SHORT_FORMS) for short in group[1:]}
_SYNONYMS = {word: group[0] for group in _groups(_SAME) for word in group}
_LIGHT = frozenset(_SAY_LITTLE.split())
_ENDINGS = frozenset(_TAILS.split())
_GETTING_WORDS = frozenset(_GETTING.split())


@lru_cache(maxsize=10_000)
def words(name: str) -> tuple[str, ...]:
    """The words of a name in order, each in its common form."""
    parts = (part.lower() for part in _SPLIT.findall(name))
    return tuple(_common(word) for part in parts for word in _parts(part))


def named_by_title(title: str) -> tuple[str, ...]:
    """The word for a step's result in its title: the last one, where the title is no more than it or says to get it."""
    found = _SPLIT.findall(title)
    if len(found) == 1 or (found and found[0].lower() in _GETTING_WORDS):
        return words(title)[-1:]
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


def _parts(part: str) -> tuple[str, ...]:
    """A word that is really two, written together: `username`, `imageurl`. Known words stay whole: `surname`."""
    if part not in _SYNONYMS and part not in _ABBREVIATIONS:
        for ending in _GLUED:
            if part.endswith(ending) and len(part) >= len(ending) + 3:
                return part.removesuffix(ending), ending
    return (part,)


def _common(word: str) -> str:
    for form in (word, _singular(word)):
        full = _ABBREVIATIONS.get(form, form)
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
