"""When schedules are due, across time zones and the days on which clocks are moved."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.workspace.cron import Cron
from flowapp.workspace.errors import BadRequest

PARIS = "Europe/Paris"  # on 29 March 2026 02:00 becomes 03:00, on 25 October 2026 03:00 becomes 02:00
NEW_YORK = "America/New_York"


def times(text: str, zone: str, start: str, count: int, version: str | None = None) -> list[str]:
    """The next local times after a local (or UTC) start, with their offsets."""
    cron = Cron.parse(text, zone, version)
    begin = datetime.fromisoformat(start)
    moment = begin if begin.tzinfo else begin.replace(tzinfo=ZoneInfo(zone))
    found = itertools.islice(cron.after(moment), count)
    return [each.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M:%S %z") for each in found]


class TestFields:
    def test_five_fields_are_whole_minutes(self) -> None:
        assert times("*/20 * * * *", "UTC", "2026-07-01T00:00:00", 3) == [
            "07-01 00:20:00 +0000",
            "07-01 00:40:00 +0000",
            "07-01 01:00:00 +0000",
        ]

    def test_six_fields_begin_with_seconds(self) -> None:
        assert times("*/20 * * * * *", "UTC", "2026-07-01T00:00:00", 3) == [
            "07-01 00:00:20 +0000",
            "07-01 00:00:40 +0000",
            "07-01 00:01:00 +0000",
        ]

    def test_the_start_itself_is_not_among_them(self) -> None:
        assert times("0 0 12 * * *", "UTC", "2026-07-01T12:00:00", 1) == ["07-02 12:00:00 +0000"]
        assert times("0 0 12 * * *", "UTC", "2026-07-01T11:59:59.5", 1) == ["07-01 12:00:00 +0000"]

    def test_the_zone_counts(self) -> None:
        cron = Cron.parse("0 0 12 * * *", "Asia/Tokyo")
        assert cron.next_after(datetime(2026, 7, 1, tzinfo=UTC)) == datetime(2026, 7, 1, 3, tzinfo=UTC)

    def test_days_of_the_week_by_name_and_number(self) -> None:
        for text in ("0 9 * * MON", "0 9 * * 1", "0 0 9 ? * mon"):
            assert times(text, "UTC", "2026-07-01T00:00:00", 1) == ["07-06 09:00:00 +0000"], text
        for text in ("0 9 * * 0", "0 9 * * 7", "0 9 * * SUN"):
            assert times(text, "UTC", "2026-07-01T00:00:00", 1) == ["07-05 09:00:00 +0000"], text

    def test_old_schedules_count_from_sunday_as_one(self) -> None:
        assert times("0 0 9 * * 2", "UTC", "2026-07-01T00:00:00", 1, "v1") == ["07-06 09:00:00 +0000"]
        assert times("0 0 9 * * 1-2", "UTC", "2026-07-01T00:00:00", 2, "v1")[0] == "07-05 09:00:00 +0000"

    def test_day_or_weekday_and_both_in_old_schedules(self) -> None:
        assert times("0 0 13 * 5", "UTC", "2026-07-01T00:00:00", 2) == ["07-03 00:00:00 +0000", "07-10 00:00:00 +0000"]
        assert times("0 0 0 13 * 6", "UTC", "2026-07-01T00:00:00", 1, "v1") == ["11-13 00:00:00 +0000"]

    def test_the_last_day_of_a_month_and_the_second_friday(self) -> None:
        assert times("0 12 L * *", "UTC", "2026-02-01T00:00:00", 1) == ["02-28 12:00:00 +0000"]
        assert times("0 12 * * 5#2", "UTC", "2026-07-01T00:00:00", 1) == ["07-10 12:00:00 +0000"]

    def test_leap_days_come(self) -> None:
        cron = Cron.parse("0 0 29 2 *", "UTC")
        assert cron.next_after(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2028, 2, 29, tzinfo=UTC)

    @pytest.mark.parametrize("word", ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly"])
    def test_words(self, word: str) -> None:
        moment = Cron.parse(word, "UTC").next_after(datetime(2026, 7, 1, 10, 30, tzinfo=UTC))
        expected = {
            "@hourly": datetime(2026, 7, 1, 11),
            "@weekly": datetime(2026, 7, 5),
            "@monthly": datetime(2026, 8, 1),
            "@yearly": datetime(2027, 1, 1),
        }.get(word, datetime(2026, 7, 2))
        assert moment == expected.replace(tzinfo=UTC)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "* * * *",
            "* * * * * * *",
            "61 * * * *",
            "a b c d e",
            "R * * * *",
            "H * * * *",
            "0 0 30 2 *",
            "*/0 * * * *",
            "5-1-2 * * * *",
            "@reboot",
            "0 0 * * *; rm",
            "1" * 300,
            "9" * 60 + " * * * *",
            "\x00 * * * *",
            "0 0 * * é",
        ],
    )
    def test_what_is_no_schedule_is_refused(self, text: str) -> None:
        with pytest.raises(BadRequest):
            Cron.parse(text, "UTC")

    @pytest.mark.parametrize(
        "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 500, "a\x00b"]
    )
    def test_what_is_no_zone_is_refused(self, zone: str) -> None:
        with pytest.raises(BadRequest):
            Cron.parse("* * * * *", zone)

    def test_an_unknown_version_is_refused(self) -> None:
        with pytest.raises(BadRequest):
            Cron.parse("* * * * *", "UTC", "v9")

    @settings(max_examples=300, deadline=None)
    @given(st.text(alphabet="0123456789*/,-#?@ LWRHmonfebx", max_size=30))
    def test_any_text_is_a_schedule_or_refused_and_quickly(self, text: str) -> None:
        began = time.thread_time()
        try:
            cron = Cron.parse(text, PARIS)
        except BadRequest:
            pass
        else:
            first = cron.next_after(datetime(2026, 1, 1, tzinfo=UTC))
            assert first is not None
            assert first > datetime(2026, 1, 1, tzinfo=UTC)
        assert time.thread_time() - began < 2


class TestClocksThatAreMoved:
    def test_a_time_that_is_left_out_is_made_up_for_at_once(self) -> None:
        assert times("30 2 * * *", PARIS, "2026-03-28T00:00:00", 3) == [
            "03-28 02:30:00 +0100",
            "03-29 03:00:00 +0200",
            "03-30 02:30:00 +0200",
        ]

    def test_a_time_that_comes_twice_counts_once(self) -> None:
        assert times("30 2 * * *", PARIS, "2026-10-24T00:00:00", 3) == [
            "10-24 02:30:00 +0200",
            "10-25 02:30:00 +0200",
            "10-26 02:30:00 +0100",
        ]

    def test_hourly_schedules_follow_the_time_that_passes(self) -> None:
        assert times("0 * * * *", PARIS, "2026-03-29T00:30:00", 3) == [
            "03-29 01:00:00 +0100",
            "03-29 03:00:00 +0200",
            "03-29 04:00:00 +0200",
        ]
        assert times("0 * * * *", PARIS, "2026-10-25T00:30:00", 5) == [
            "10-25 01:00:00 +0200",
            "10-25 02:00:00 +0200",
            "10-25 02:00:00 +0100",
            "10-25 03:00:00 +0100",
            "10-25 04:00:00 +0100",
        ]

    def test_a_start_within_the_hour_that_comes_twice(self) -> None:
        first, second = "2026-10-25T00:15:00+00:00", "2026-10-25T01:15:00+00:00"
        assert times("*/30 * * * *", PARIS, first, 2) == ["10-25 02:30:00 +0200", "10-25 02:00:00 +0100"]
        assert times("*/30 * * * *", PARIS, second, 2) == ["10-25 02:30:00 +0100", "10-25 03:00:00 +0100"]
        assert times("20 2 * * *", PARIS, first, 2) == ["10-25 02:20:00 +0200", "10-26 02:20:00 +0100"]

    def test_a_start_in_the_second_round_does_not_repeat_a_fixed_time(self) -> None:
        assert times("20 2 * * *", PARIS, "2026-10-25T01:05:00+00:00", 1) == ["10-26 02:20:00 +0100"]

    def test_several_times_that_are_left_out_are_made_up_for_once(self) -> None:
        assert times("*/15 2 * * *", PARIS, "2026-03-29T00:00:00", 2) == [
            "03-29 03:00:00 +0200",
            "03-30 02:00:00 +0200",
        ]
        assert times("0 2,3 * * *", PARIS, "2026-03-29T00:00:00", 2) == ["03-29 03:00:00 +0200", "03-30 02:00:00 +0200"]
        assert times("30 2,3 * * *", PARIS, "2026-03-29T00:00:00", 2) == [
            "03-29 03:00:00 +0200",
            "03-29 03:30:00 +0200",
        ]

    def test_a_midnight_that_does_not_exist(self) -> None:
        # Beirut moves its clock at midnight: 29 March 2026 begins at 01:00
        assert times("0 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00", 2) == [
            "03-29 01:00:00 +0300",
            "03-30 00:00:00 +0300",
        ]

    def test_half_an_hour(self) -> None:
        # Lord Howe moves its clock by 30 minutes: on 4 October 2026 02:00 becomes 02:30
        assert times("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00", 2) == [
            "10-04 02:30:00 +1100",
            "10-05 02:15:00 +1100",
        ]

    def test_a_day_that_was_left_out(self) -> None:
        # Samoa had no 30 December 2011
        assert times("0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00", 3) == [
            "12-29 09:00:00 -1000",
            "12-31 00:00:00 +1400",
            "12-31 09:00:00 +1400",
        ]

    def test_seldom_schedules_jump_over_changes(self) -> None:
        assert times("0 12 1 1,7 *", PARIS, "2026-01-02T00:00:00", 3) == [
            "07-01 12:00:00 +0200",
            "01-01 12:00:00 +0100",
            "07-01 12:00:00 +0200",
        ]

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(["0 * * * *", "*/7 * * * *", "30 2 * * *", "0,30 1-3 * * *", "*/13 2 * * *", "0 0 */5 * * *"]),
        st.sampled_from([PARIS, NEW_YORK, "Asia/Beirut", "Australia/Lord_Howe", "America/Santiago", "UTC"]),
        st.integers(0, 365 * 24 * 3600),
    )
    def test_moments_rise_and_do_not_depend_on_where_one_begins(self, text: str, zone: str, seconds: int) -> None:
        cron = Cron.parse(text, zone)
        start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        found = list(itertools.islice(cron.after(start), 40))
        assert found == sorted(set(found))
        assert found[0] > start
        for moment, following in itertools.pairwise(found):
            assert cron.next_after(moment) == following
            assert cron.next_after(following - timedelta(seconds=1)) == following


class TestCatchingUp:
    START = datetime(2026, 7, 1, tzinfo=UTC)

    def test_the_latest_is_found(self) -> None:
        hourly = Cron.parse("0 * * * *", "UTC")
        until = self.START + timedelta(days=3, minutes=10)
        assert hourly.latest(self.START, until) == self.START + timedelta(days=3)
        assert hourly.latest(self.START, self.START + timedelta(minutes=10)) is None
        assert hourly.latest(self.START, self.START + timedelta(hours=1)) == self.START + timedelta(hours=1)

    def test_it_takes_no_longer_for_a_month_of_seconds(self) -> None:
        cron = Cron.parse("* * * * * *", "UTC")
        began = time.thread_time()
        until = self.START + timedelta(days=30)
        assert cron.latest(self.START, until) == until
        assert cron.count(self.START, until, 1000) == 1000
        assert time.thread_time() - began < 1

    def test_counting(self) -> None:
        daily = Cron.parse("0 12 * * *", "UTC")
        assert daily.count(self.START, self.START + timedelta(days=3), 1000) == 3


class TestOverYears:
    def test_years_come_in_order(self) -> None:
        cron = Cron.parse("30 2 28 3 *", PARIS)
        start = datetime(2026, 11, 29, tzinfo=UTC)
        found = list(itertools.islice(cron.after(start), 6))
        assert [each.year for each in found] == [2027, 2028, 2029, 2030, 2031, 2032]
        assert cron.latest(start, found[4]) == found[4]
        assert cron.count(start, found[4], 100) == 5

    def test_a_time_that_comes_twice_after_two_changes_of_the_clock(self) -> None:
        cron = Cron.parse("0 1 * 11 *", NEW_YORK)
        winter = datetime(2015, 1, 1, tzinfo=UTC)
        assert cron.next_after(winter) == datetime(2015, 11, 1, 5, tzinfo=UTC)
        assert list(itertools.islice(cron.after(winter), 2))[1] == datetime(2015, 11, 2, 6, tzinfo=UTC)

    @settings(max_examples=60, deadline=None)
    @given(
        fields=st.tuples(
            st.sampled_from(["0", "30", "*/20"]),
            st.sampled_from(["0", "1", "2", "3", "23", "1-3", "*", "*/6"]),
            st.sampled_from(["*", "1", "28", "26-31"]),
            st.sampled_from(["*", "3", "10", "3,10", "11"]),
            st.sampled_from(["*", "0"]),
        ),
        zone=st.sampled_from([PARIS, NEW_YORK, "Australia/Lord_Howe", "America/Sao_Paulo", "UTC"]),
        start=st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)),
    )
    def test_going_on_from_any_moment_gives_the_same(self, fields: tuple[str, ...], zone: str, start: datetime) -> None:
        cron, moment = Cron.parse(" ".join(fields), zone), start.replace(tzinfo=UTC)
        for found in itertools.islice(cron.after(moment), 12):
            assert found > moment
            assert cron.next_after(moment) == found
            assert cron.latest(moment, found) == found
            moment = found
