from datetime import date, timedelta
from typing import Literal


def main(start: str, end: str, step: Literal["day", "week", "month"] = "day") -> list:
    """The dates from start to end, both included where the steps meet them, as YYYY-MM-DD."""
    first, last = date.fromisoformat(start), date.fromisoformat(end)
    found, number = [], 0
    while (at := _at(first, step, number)) <= last:
        found.append(at.isoformat())
        number += 1
        if number > 100_000:
            raise ValueError("These are more than 100,000 dates")
    return found


def _at(first: date, step: str, number: int) -> date:
    if step != "month":
        return first + timedelta(days=number * (7 if step == "week" else 1))
    months = first.year * 12 + first.month - 1 + number
    for day in range(first.day, 27, -1):  # 31 January and a month: the last day of February
        try:
            return date(months // 12, months % 12 + 1, day)
        except ValueError:
            continue
    return date(months // 12, months % 12 + 1, min(first.day, 28))
