"""Secrets that jobs have read, so that logs hold `*****` in their place. In memory only, and bounded.

A run's secrets are those that its arguments and expressions took, or that one of its jobs asked the API of this process for.
Texts of fewer than four characters stand in too many others to be told from them, and are left alone. The lines of a text with
several (a key file) count by themselves too, from eight characters on. A run that has read more than can be kept out of its logs
gets no more.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.errors import TooManySecrets
from flowapp.store.secret_texts import STARS, Texts, covered, merged

SHORTEST = 4
SHORTEST_LINE = 8
LONGEST = 20_000
MOST_RUNS = 2000
MOST_CHARACTERS = 16 << 20
"""Of all secrets that one run has read."""


class Masks:
    """The secrets of the runs of one process; the run that was longest not heard of is forgotten first."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Texts] = OrderedDict()
        self._noting = threading.Lock()

    def note(self, run_id: str, secret: str) -> None:
        """A job of the run is about to read a secret. Any thread may say so.

        Raises:
            TooManySecrets: it has read too many; it must not get this one.
        """
        lines = {line.strip() for line in secret.splitlines()} if "\n" in secret else set()
        texts = {line for line in lines if len(line) >= SHORTEST_LINE} | {secret.strip(), secret}
        texts = {text for text in texts if SHORTEST <= len(text) <= LONGEST}
        with self._noting:
            known = self._runs.get(run_id) or Texts()
            new = texts - known.all
            if not new:
                return
            if known.size + sum(map(len, new)) > MOST_CHARACTERS:
                raise TooManySecrets(
                    f"This run has read more than {MOST_CHARACTERS >> 20} MB of secrets, and gets no more.",
                    "More could not be kept out of its logs. Read them in several runs.",
                )
            known.add(new)
            self._runs[run_id] = known
            self._runs.move_to_end(run_id)
            while len(self._runs) > MOST_RUNS:
                self._runs.popitem(last=False)

    def known(self, run_id: str) -> Texts | None:
        """What must not stand in the run's logs, as it grows; None while there is nothing."""
        return self._runs.get(run_id)

    def texts(self, run_id: str) -> frozenset[str]:
        """What must not stand in the run's logs, as it is now."""
        known = self.known(run_id)
        return frozenset() if known is None else frozenset(known.all)


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
        self._own = Texts(own)
        self._held = ""
        self._known: Texts | None = None

    def write(self, text: str) -> None:
        """Pass on what is printed; the beginning of a secret waits for what comes next."""
        # what was known once stays so for this log, whatever is forgotten meanwhile
        self._known = self._masks.known(self._run_id) or self._known
        secrets = [each for each in (self._known, self._own) if each is not None and each.all]
        if not secrets:
            self._write(text)
            return
        whole = self._held + text
        end = min(each.begins(whole) for each in secrets)
        spans = merged(span for each in secrets for span in each.spans(whole))
        # a secret that is whole and also begins a longer one is not cut in two
        for start, stop in spans:
            if start < end < stop:
                end = start
        self._held = whole[end:]
        if end:
            self._write(covered(whole[:end], [span for span in spans if span[1] <= end]))

    def close(self) -> None:
        """Nothing more comes: pass on what waits."""
        held, self._held = self._held, ""
        if held:
            secrets = [each for each in (self._known, self._own) if each is not None]
            self._write(covered(held, merged(span for each in secrets for span in each.spans(held))))


def masked(value: Any, secrets: Iterable[str], *, numbers: bool = False) -> Any:
    """JSON with stars in place of secrets, in whatever text of it they stand; with `numbers` also of those that are one."""
    texts = Texts(secrets)
    return _masked(value, texts, texts.all if numbers else frozenset()) if texts.all else value


def _masked(value: Any, texts: Texts, numbers: Set[str]) -> Any:
    if isinstance(value, str):
        return texts.cover(value)
    if isinstance(value, dict):
        return {texts.cover(name): _masked(item, texts, numbers) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, texts, numbers) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in numbers:
        return STARS
    return value


def masked_json(masks: Masks, run_id: str, text: JsonText) -> JsonText:
    """A JSON text without the secrets that a run has read."""
    known = masks.known(run_id)
    return text if known is None else dumps(_masked(loads(text), known, frozenset()))


def masked_error(error: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """The error of a step without secrets; its own fields keep their names."""
    texts = Texts(secrets)
    return {name: _masked(value, texts, frozenset()) for name, value in error.items()} if texts.all else dict(error)
