"""A schedule in plain words, as its dialog says it: `At 09:00, Monday through Friday`."""

from __future__ import annotations

from cron_descriptor import FormatException, MissingFieldException, Options, WrongArgumentException, get_description

from flowapp.workspace.cron import Cron


def in_words(cron: Cron) -> str:
    """What the fields say; "" where there are no words for them.

    The library knows only the reading in which a day of the month *or* of the week has to match, so an old schedule (`v1`), in which
    both have to, is left without words.
    """
    options = Options()
    options.use_24hour_time_format = True
    try:
        return get_description(cron.fields, options) if cron.either_day else ""
    except (FormatException, MissingFieldException, WrongArgumentException, ValueError, IndexError):
        return ""
