"""When a schedule is due: cron expressions of five or six fields (seconds first) in a time zone.

The expression is matched against the clock on the wall, by croniter. Where that clock is moved, two rules hold, as in the usual
cron: a schedule with fixed hours (`30 2 * * *`) runs once a day, at the moment of the change where its time is left out, and
the first time where its time comes twice; a schedule that names every hour (`0 * * * *`, `*/10 * * * *`) follows the time
that really passes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterBadDateError, CroniterError

from flowapp.workspace.errors import BadRequest

MOST_TEXT = 200
VERSIONS = ("v1", "v2")
_ALLOWED = re.compile(r"[0-9A-Za-z*/,\-#?@ ]+")
_SHORT = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_WORDS = re.compile(r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|l)\b")
_DAY_NUMBER = re.compile(r"(?<![/#\d])(\d+)")
_HINT = (
    "A schedule has 5 fields (minute hour day month weekday), or 6 with seconds first: 0 0 12 * * * is daily at noon."
)
_STEP = timedelta(seconds=1)
_SOME_DAY = datetime(2024, 1, 1)
_DAY_S = 86400
_YEARS = 9
"""29 February comes after eight years at the latest."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked schedule. `fields` always has six, seconds first; `every_hour`: it names all hours of the day."""

    text: str
    zone: ZoneInfo
    fields: str
    every_hour: bool
    either_day: bool

    @classmethod
    def parse(cls, text: str, zone: str, version: str | None = None) -> Cron:
        """Check a schedule.

        Args:
            text: five or six fields, or a word such as `@daily`.
            zone: an IANA name such as Europe/Paris.
            version: `v2` (also when None): Sunday is 0 or 7, and a day has to match day of month *or* weekday where both are
                given. `v1`, of old schedules: Sunday is 1, and both have to match.

        Raises:
            BadRequest: it is none, it never comes, or the zone is not known.
        """
        if version is not None and version not in VERSIONS:
            raise BadRequest(f"There is no cron version {version[:20]!r}.", "Leave it out, or use v2.")
        fields = _six_fields(text, version == "v1")
        cron = cls(text, _zone(zone), fields, _names_every_hour(fields.split()[2]), version != "v1")
        try:
            comes = next(cron._local(_SOME_DAY), None)
        except (CroniterError, ValueError, KeyError, OverflowError) as error:
            raise BadRequest(f"{text!r} is not a schedule: {str(error)[:200]}.", _HINT) from None
        if comes is None:
            raise BadRequest(f"{text!r} never comes.", "Is there such a day in any year?")
        return cron

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The moments at which it is due, strictly after an aware moment, as UTC, in order."""
        start, inclusive = moment.astimezone(UTC), False
        had_until = None if self.every_hour else _had_until(start, self.zone)
        while True:
            offset = _offset(start, self.zone)
            missed: datetime | None = None
            for local in self._local(_wall(start, offset) - (_STEP if inclusive else timedelta(0))):
                found = (local - offset).replace(tzinfo=UTC)
                # a time that comes twice has the old offset again the second time, when the clock was moved both ways between
                first = local.replace(tzinfo=self.zone).astimezone(UTC)
                if _offset(found, self.zone) != offset or start < first < found:
                    missed = local
                    break
                if had_until is None or local >= had_until:
                    yield found
                    start = found  # the change that comes next is the one after this
            if missed is None:
                return
            # the clock is moved before that moment: go on from there with the other offset
            start, inclusive, had_until = _change(start, self.zone), True, None
            if self.every_hour:
                continue
            since = _offset(start, self.zone)
            if since < offset:
                had_until = _wall(start, offset)  # what comes twice has had its turn
            elif missed < _wall(start, since):
                yield start  # its time is left out: the first moment after
                inclusive = False

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment after an aware moment."""
        return next(self.after(moment), None)

    def latest(self, after: datetime, until: datetime) -> datetime | None:
        """The last moment in (after, until], without going through all of them."""
        width = timedelta(minutes=1)
        while True:
            start = max(after, until - width)
            found = None
            for moment in self.after(start):
                if moment > until:
                    break
                found = moment
            if found is not None or start == after:
                return found
            width *= 4

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many moments there are in (after, until], counted up to `most`."""
        within = itertools.takewhile(lambda moment: moment <= until, self.after(after))
        return sum(1 for _ in itertools.islice(within, most))

    def _local(self, start: datetime) -> Iterator[datetime]:
        """The matching times of the wall clock, strictly after `start`."""
        try:
            times = croniter(
                self.fields, start, second_at_beginning=True, day_or=self.either_day, max_years_between_matches=_YEARS
            )
            while True:
                yield times.get_next(datetime)
        except CroniterBadDateError:
            return


def _six_fields(text: str, sunday_is_one: bool) -> str:
    words = text.split()
    if len(text) > MOST_TEXT or not _ALLOWED.fullmatch(" ".join(words) or "!"):
        raise BadRequest("This is not a schedule.", _HINT)
    if len(words) == 1 and words[0].lower() in _SHORT:
        times = {"@yearly": "1 1 *", "@annually": "1 1 *", "@monthly": "1 * *", "@weekly": "* * 0"}
        hour = "*" if words[0].lower() == "@hourly" else "0"
        return f"0 0 {hour} {times.get(words[0].lower(), '* * *')}"
    if len(words) == 5:
        words = ["0", *words]
    if len(words) != 6:
        raise BadRequest(f"A schedule has 5 or 6 fields, not {len(words)}.", _HINT)
    rest = _WORDS.sub("", " ".join(words))
    if re.search(r"[A-Za-z@]", rest):
        raise BadRequest(f"{text!r} holds words that no schedule knows.", _HINT)
    if sunday_is_one:
        words[5] = _DAY_NUMBER.sub(lambda found: str((int(found[1]) - 1) % 7), words[5])
    return " ".join(words)


def _names_every_hour(field: str) -> bool:
    """`*`, `*/2`, `?`, `0-23`: all day long."""
    return field.startswith(("*", "?", "0-23"))


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise BadRequest(f"There is no time zone {name[:80]!r}.", "Use a name such as UTC or Europe/Paris.") from None


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _wall(moment: datetime, offset: timedelta) -> datetime:
    return (moment + offset).replace(tzinfo=None)


def _change(start: datetime, zone: ZoneInfo) -> datetime:
    """The first second after `start` at which the offset is another one. There must be one."""
    offset = _offset(start, zone)
    low = high = int(start.timestamp())
    while _offset(datetime.fromtimestamp(high, UTC), zone) == offset:
        low, high = high, high + _DAY_S
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _had_until(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """Within an hour that comes twice, in its second turn: up to which wall time all has been before."""
    local = moment.astimezone(zone)
    if not local.fold:
        return None
    first = local.replace(fold=0).astimezone(UTC)
    return _wall(_change(first, zone), _offset(first, zone))
