"""Secrets that jobs have read, so that logs hold `*****` in their place. In memory only, and bounded.

A run's secrets are those that its arguments and expressions took, or that one of its jobs asked the API of this process for.
Texts of fewer than four characters stand in too many others to be told from them, and are left alone. The lines of a text with
several (a key file) count by themselves too, from eight characters on.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flowapp.jsontext import JsonText, dumps, loads

SHORTEST = 4
SHORTEST_LINE = 8
LONGEST = 20_000
MOST_RUNS = 2000
MOST_TEXTS = 500
STARS = "*****"


class Masks:
    """The secrets of the runs of one process; the run that was longest not heard of is forgotten first."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, frozenset[str]] = OrderedDict()

    def note(self, run_id: str, secret: str) -> None:
        """A job of the run has read a secret. Any thread may say so."""
        lines = {line.strip() for line in secret.splitlines()} if "\n" in secret else set()
        texts = {line for line in lines if len(line) >= SHORTEST_LINE} | {secret.strip(), secret}
        known = self._runs.get(run_id, frozenset())
        new = {text for text in texts if SHORTEST <= len(text) <= LONGEST} - known
        if new and len(known) < MOST_TEXTS:
            self._runs[run_id] = known | new
            self._runs.move_to_end(run_id)
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)

    def texts(self, run_id: str) -> frozenset[str]:
        """What must not stand in the run's logs."""
        return self._runs.get(run_id, frozenset())


class MaskedLog:
    """A log that a job of a run prints to: what is a secret by then is masked, also where two pieces share it.

    `own` are secrets of this job alone, such as its token: they are no other's, and do not count against what a run may have.
    """

    def __init__(
        self, masks: Masks, run_id: str, write: Callable[[str], None], own: frozenset[str] = frozenset()
    ) -> None:
        self._masks = masks
        self._run_id = run_id
        self._write = write
        self._own = own
        self._held = ""
        self._known: frozenset[str] = frozenset()
        self._texts: list[str] = []
        self._pattern: re.Pattern[str] | None = None

    def write(self, text: str) -> None:
        """Pass on what is printed; the beginning of a secret waits for what comes next."""
        known = self._masks.texts(self._run_id)
        if not known and not self._own:
            self._write(text)
            return
        if known is not self._known or not self._texts:
            self._known, self._texts = known, sorted(known | self._own, key=len, reverse=True)
            # most jobs have their token alone, for which no pattern needs to be made
            self._pattern = re.compile("|".join(map(re.escape, self._texts))) if len(self._texts) > 1 else None
        whole = self._held + text
        end = min(_begins(whole, each) for each in self._texts)
        # a secret that is whole and also begins a longer one is not cut in two
        for start, stop in self._places(whole):
            if start < end < stop:
                end = start
        self._held = whole[end:]
        if end:
            self._write(self._covered(whole[:end]))

    def close(self) -> None:
        """Nothing more comes: pass on what waits."""
        held, self._held = self._held, ""
        if held:
            self._write(self._covered(held))

    def _places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where secrets stand in a text, from left to right, none in another."""
        if self._pattern is not None:
            yield from (found.span() for found in self._pattern.finditer(text))
            return
        (only,) = self._texts
        at = text.find(only)
        while at >= 0:
            yield at, at + len(only)
            at = text.find(only, at + len(only))

    def _covered(self, text: str) -> str:
        return text.replace(self._texts[0], STARS) if self._pattern is None else self._pattern.sub(STARS, text)


def _begins(text: str, secret: str) -> int:
    """Where at the end of a text an unfinished secret begins; the text's length when it does not."""
    at = text.find(secret[0], max(0, len(text) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(text[at:]):
            return at
        at = text.find(secret[0], at + 1)
    return len(text)


def masked(value: Any, secrets: Iterable[str], *, numbers: bool = False) -> Any:
    """JSON with stars in place of secrets, in whatever text of it they stand; with `numbers` also of those that are one."""
    if isinstance(value, str):
        for secret in sorted(secrets, key=len, reverse=True):
            value = value.replace(secret, STARS)
        return value
    if isinstance(value, dict):
        return {masked(name, secrets): masked(item, secrets, numbers=numbers) for name, item in value.items()}
    if isinstance(value, list):
        return [masked(item, secrets, numbers=numbers) for item in value]
    if numbers and isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in secrets:
        return STARS
    return value


def masked_json(masks: Masks, run_id: str, text: JsonText) -> JsonText:
    """A JSON text without the secrets that a run has read."""
    secrets = masks.texts(run_id)
    return dumps(masked(loads(text), secrets)) if secrets else text


def masked_error(error: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """The error of a step without secrets; its own fields keep their names."""
    return {name: masked(value, secrets) for name, value in error.items()}
