"""Counting tokens: an estimate for a text, and a limit per day, counted in this process, which no restart survives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flowapp.models.errors import ModelBudgetSpent

_DAY_S = 86_400


def estimated(*texts: str) -> int:
    """About how many tokens texts are: four characters of English or code to one, any other character is one.

    No server is asked for it, and each model counts differently: it is meant for limits, not for bills.
    """
    plain = sum(sum(character < "\x80" for character in text) for text in texts)
    return plain // 4 + sum(map(len, texts)) - plain


@dataclass(slots=True)
class Budget:
    """At most `tokens` a day (UTC); 0 means no limit. Requests under way count with what they may need at most."""

    tokens: int = 0
    clock: Callable[[], float] = time.time
    _day: int = field(default=0, init=False)
    _used: int = field(default=0, init=False)

    def reserve(self, tokens: int) -> int:
        """Take what a request may need, before it is made; answers the amount, for `settle`.

        Raises:
            ModelBudgetSpent: it does not fit in today's rest.
        """
        self._turn()
        if self.tokens and self._used + tokens > self.tokens:
            raise ModelBudgetSpent(
                "Today's budget for the model is used up.",
                "It starts again at midnight UTC, or raise it in the settings.",
            )
        self._used += tokens
        return tokens

    def settle(self, reserved: int, used: int) -> None:
        """Replace what was reserved by what was used."""
        self._turn()
        self._used = max(0, self._used - reserved + used)

    @property
    def used(self) -> int:
        """Tokens used today."""
        self._turn()
        return self._used

    def _turn(self) -> None:
        day = int(self.clock() // _DAY_S)
        if day != self._day:
            self._day, self._used = day, 0
