"""Sign-in attempts per address, counted in bounded memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from flowapp.access.errors import TooManyAttempts


class AttemptLimiter:
    """Refuses after `limit` failures of one key within `window_s` seconds, and after `total` failures of all keys.

    At most `max_keys` keys are remembered; the longest unused is forgotten first. An attacker who uses that many
    addresses to flush the memory meets the limit on the total, which is kept apart.
    """

    def __init__(
        self,
        limit: int = 10,
        window_s: float = 60.0,
        total: int = 1000,
        max_keys: int = 4096,
        clock: Callable[[], float] = time.monotonic,
        message: str = "Too many sign-in attempts.",
    ) -> None:
        self._message = message
        self._limit = limit
        self._window_s = window_s
        self._total = total
        self._max_keys = max_keys
        self._clock = clock
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._all: tuple[float, int] = (0.0, 0)

    def check(self, key: str) -> None:
        """Raise TooManyAttempts when the key, or everybody together, has failed too often."""
        now = self._clock()
        for (since, count), limit in ((self._failures.get(key, (now, 0)), self._limit), (self._all, self._total)):
            left = since + self._window_s - now
            if count >= limit and left > 0:
                seconds = max(1, round(left))
                raise TooManyAttempts(self._message, f"Wait {seconds} seconds and try again.", retry_after_s=seconds)

    def failed(self, key: str) -> None:
        """Count one failure of the key."""
        now = self._clock()
        self._failures[key] = self._counted(self._failures.get(key), now)
        self._failures.move_to_end(key)
        while len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)
        self._all = self._counted(self._all, now)

    def succeeded(self, key: str) -> None:
        """Forget the key's failures."""
        self._failures.pop(key, None)

    def taken_back(self) -> None:
        """What was counted ahead among everybody's failures, before its outcome was known, was none."""
        since, count = self._all
        self._all = since, max(0, count - 1)

    def __len__(self) -> int:
        return len(self._failures)

    def _counted(self, entry: tuple[float, int] | None, now: float) -> tuple[float, int]:
        if entry is None or now - entry[0] >= self._window_s:
            return now, 1
        return entry[0], entry[1] + 1
