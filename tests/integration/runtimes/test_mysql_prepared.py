"""Values of MySQL cells go to the server beside the statement, and rows come back as they do without values."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flowapp.runtimes import Runtimes
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

_COLUMNS = {
    "tiny": ("TINYINT", "-128"),
    "tiny_u": ("TINYINT UNSIGNED", "255"),
    "small": ("SMALLINT", "-32768"),
    "small_u": ("SMALLINT UNSIGNED ZEROFILL", "7"),
    "medium": ("MEDIUMINT", "-8388608"),
    "medium_u": ("MEDIUMINT UNSIGNED", "16777215"),
    "normal": ("INT", "-2147483648"),
    "normal_u": ("INT UNSIGNED", "4294967295"),
    "big": ("BIGINT", "-9223372036854775808"),
    "big_u": ("BIGINT UNSIGNED", "18446744073709551615"),
    "short_real": ("FLOAT", "1.1"),
    "real_": ("DOUBLE", "0.1"),
    "exact": ("DECIMAL(40,10)", "123456789012345678901234567890.0000000001"),
    "year_": ("YEAR", "2026"),
    "day": ("DATE", "'2026-02-03'"),
    "no_day": ("DATE", "'0000-00-00'"),
    "half_day": ("DATE", "'2026-00-00'"),
    "moment": ("DATETIME", "'2026-02-03 04:05:06'"),
    "moment_0": ("DATETIME", "'2026-02-03 00:00:00'"),
    "moment_6": ("DATETIME(6)", "'2026-02-03 04:05:06.000700'"),
    "moment_3": ("DATETIME(3)", "'2026-02-03 04:05:06'"),
    "no_moment": ("DATETIME(2)", "'0000-00-00 00:00:00'"),
    "stamp": ("TIMESTAMP NULL", "'2026-02-03 04:05:06'"),
    "span": ("TIME", "'-838:59:59'"),
    "span_3": ("TIME(3)", "'-00:00:00.250'"),
    "span_0": ("TIME", "'00:00:00'"),
    "bits": ("BIT(12)", "b'101000000001'"),
    "letters": ("CHAR(5)", "'hä'"),
    "text_": ("LONGTEXT", "repeat('ü€😀', 30000)"),
    "raw": ("VARBINARY(9)", "x'00ff27'"),
    "blob_": ("BLOB", "x'00ff'"),
    "doc": ("JSON", "'{\"a\": 1.10}'"),
    "choice": ("ENUM('x','y')", "'y'"),
    "several": ("SET('p','q')", "'p,q'"),
    "none_": ("INT", "NULL"),
    "none_text": ("TEXT", "NULL"),
    "last": ("INT", "5"),
}


async def value(run: Run, database: dict[str, object], code: str, **args: Any) -> Any:
    outcome = await run("mysql", code, {"database": database, **args})
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return json.loads(outcome.result)


async def status(run: Run, database: dict[str, object], *names: str) -> list[int]:
    code = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = '{}'"
    code = ";".join(code.format(name) for name in names)
    found = await value(run, database, f"-- result_collection=all_statements_first_row_scalar\n{code}")
    return [int(one) for one in found]


async def test_the_server_prepares_what_has_values(run: Run, mysql: dict[str, object]) -> None:
    names = ("COM_STMT_PREPARE", "COM_STMT_EXECUTE")
    before = await status(run, mysql, *names)
    code = "-- :a (text)\n-- :b (int)\nSELECT 1; SELECT :a AS a, '?; :a' AS t; SELECT :b + ? AS b -- ?\n"
    evil = "' OR 1=1 -- \\' ? %s"
    assert await value(run, mysql, "-- ? c (int) = 2\n" + code, a=evil, b=40) == [{"b": 42}]
    after = await status(run, mysql, *names)
    assert [later - earlier for later, earlier in zip(after, before, strict=True)] == [2, 2]


async def test_rows_are_the_same_with_and_without_values(run: Run, mysql: dict[str, object]) -> None:
    declared = ", ".join(f"{name} {kind}" for name, (kind, _) in _COLUMNS.items())
    given = ", ".join(text for _, text in _COLUMNS.values())
    nothing = ", ".join("NULL" for _ in _COLUMNS)
    make = f"SET sql_mode = ''; CREATE OR REPLACE TABLE kinds ({declared}) CHARSET utf8mb4; INSERT INTO kinds VALUES ({given}), ({nothing})"
    await value(run, mysql, make)
    plain = await value(run, mysql, "SELECT * FROM kinds")
    assert await value(run, mysql, "-- :a (int)\nSELECT * FROM kinds WHERE 1 = :a", a=1) == plain
    row = plain[0]
    assert (row["no_day"], row["no_moment"], row["moment_3"]) == (
        "0000-00-00",
        "0000-00-00T00:00:00.00",
        "2026-02-03T04:05:06.000",
    )
    assert (row["span"], row["span_3"], row["short_real"], row["last"]) == ("-838:59:59", "-00:00:00.250", 1.1, 5)
    assert set(plain[1].values()) == {None}
    computed = (
        "SELECT CAST('2026-02-03 04:05:06.7' AS DATETIME(1)) AS a, SEC_TO_TIME({}) AS b, 1/3 AS c, 16777217.0E0 AS d"
    )
    expected = await value(run, mysql, computed.format("3661.5"))
    assert await value(run, mysql, f"-- :s (decimal)\n{computed.format(':s')}", s="3661.5") == expected


async def test_values_arrive_as_what_they_are(run: Run, mysql: dict[str, object]) -> None:
    await value(
        run,
        mysql,
        "CREATE OR REPLACE TABLE given (n BIGINT UNSIGNED, x DECIMAL(40,20), t LONGTEXT, b LONGBLOB, r DOUBLE) CHARSET utf8mb4",
    )
    insert = (
        "-- :n\n-- :x (decimal)\n-- :t (text)\n-- :b (longblob)\n-- :r (double)\n"
        "INSERT INTO given VALUES (:n, :x, :t, :b, :r)"
    )
    exact = "1234567890123456789.00000000000000000001"
    for n in (18446744073709551615, 9223372036854775807, 0, True, None):
        await value(run, mysql, insert, n=n, x=exact, t="ä" * 300, b="AP8=", r=0.1)
    rows = await value(run, mysql, "SELECT n, x, length(t) AS t, hex(b) AS b, r FROM given ORDER BY n")
    assert [row["n"] for row in rows] == [None, 0, 1, "9223372036854775807", "18446744073709551615"]
    assert {(row["t"], row["b"], row["r"]) for row in rows} == {(600, "00FF", 0.1)}
    outcome = await run("mysql", "SELECT x FROM given LIMIT 1", {"database": mysql})
    assert outcome.result is not None and exact in outcome.result
    for size in (250, 251, 70000, 3_000_000):
        found = await value(
            run,
            mysql,
            "-- :t\n-- :n (int)\nSELECT length(:t) AS n, md5(:t) = md5(repeat('x', :n)) AS same",
            t="x" * size,
            n=size,
        )
        assert found == [{"n": size, "same": 1}]
    beyond = await value(run, mysql, "-- :n (decimal)\nSELECT CAST(:n AS CHAR) AS n", n=18446744073709551616)
    assert beyond == [{"n": "18446744073709551616"}]
    # more values than fit into one byte of the list of those that are NULL
    marks = ", ".join(f"? AS c{number}" for number in range(19))
    declared = "".join(f"-- ? c{number} (int)\n" for number in range(19))
    some = {f"c{number}": number if number % 3 else None for number in range(19)}
    assert await value(run, mysql, f"{declared}SELECT {marks}", **some) == [some]


async def test_what_a_statement_leaves_is_read_before_the_next(run: Run, mysql: dict[str, object]) -> None:
    await value(
        run,
        mysql,
        "CREATE OR REPLACE PROCEDURE several(n INT) BEGIN SELECT n AS a; SELECT n + 1 AS b UNION ALL SELECT 7; "
        "CREATE OR REPLACE TEMPORARY TABLE gone (a INT); END",
    )
    code = (
        "-- result_collection=all_statements_first_row\n-- :n (int)\n"
        "CALL several(:n); SELECT seq, :n AS n FROM seq_1_to_20000; SELECT 5 AS c; CALL several(:n); SELECT :n AS d"
    )
    expected = [{"a": 3}, {"seq": 1, "n": 3}, {"c": 5}, {"a": 3}, {"d": 3}]
    assert await value(run, mysql, code, n=3) == expected
    again = [await run("mysql", code, {"database": mysql, "n": 3}, owner="mia") for _ in range(2)]
    assert [json.loads(one.result or "") for one in again] == [expected, expected]


async def test_what_a_procedure_sets_of_its_values_is_its_last_result(run: Run, mysql: dict[str, object]) -> None:
    await value(run, mysql, "CREATE OR REPLACE PROCEDURE sets(n INT, OUT m INT) BEGIN SET m = n + 1; END")
    code = "-- result_collection=all_statements_all_rows\n-- :n (int)\n-- :m (int)\nCALL sets(:n, :m); SELECT :n AS n"
    assert await value(run, mysql, code, n=3) == [[{"m": 4}], [{"n": 3}]]
    await value(
        run, mysql, "CREATE OR REPLACE PROCEDURE shows(n INT, OUT m INT) BEGIN SELECT n AS a; SET m = n + 1; END"
    )
    assert await value(run, mysql, "-- :n (int)\n-- :m (int)\nCALL shows(:n, :m)", n=3) == [{"a": 3}]
    every = "-- result_collection=all_statements_all_rows\n-- :n (int)\n-- :m (int)\nCALL shows(:n, :m)"
    assert await value(run, mysql, every, n=3) == [[{"a": 3}]]
    variable = "-- :n (int)\nCALL shows(:n, @m); SELECT @m AS m"
    assert await value(run, mysql, variable, n=3) == [{"m": 4}]


async def test_a_column_without_a_name_is_named_by_its_text(run: Run, mysql: dict[str, object]) -> None:
    code = "-- :a (int)\nSELECT :a, :a + 1, :a AS b"
    assert await value(run, mysql, code, a=1) == [{"?": 1, "? + 1": 2, "b": 1}]


async def test_changed_rows_are_in_the_log_and_errors_have_their_line(run: Run, mysql: dict[str, object]) -> None:
    await value(run, mysql, "CREATE OR REPLACE TABLE counted (a INT PRIMARY KEY)")
    log: list[str] = []
    insert = "-- :a (int)\nINSERT INTO counted VALUES (:a), (:a + 1)"
    assert (await run("mysql", insert, {"database": mysql, "a": 1}, log)).error is None
    assert "2 rows changed" in "".join(log)
    twice = (await run("mysql", f"\n{insert}", {"database": mysql, "a": 1})).error
    assert twice is not None and twice["name"] == "IntegrityError" and twice["line"] == 3
    wrong = (await run("mysql", "-- :a\nSELECT 1,\n :a frm x", {"database": mysql, "a": 1})).error
    assert wrong is not None and wrong["line"] == 3
    nowhere = (await run("mysql", "-- :a\nSHOW TABLES LIKE :a", {"database": mysql, "a": "x"})).error
    assert nowhere is not None and nowhere["name"] == "ProgrammingError"
    limits = (await run("mysql", "-- :a\nSELECT 1 LIMIT :a", {"database": mysql, "a": 1})).error
    assert limits is None


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("SELECT group_concat('x' SEPARATOR :a)", 1064),
        ("SHOW TABLES LIKE :a", 1064),
        ("SHOW VARIABLES\n LIKE :a", 1064),
        ("CREATE USER nobody IDENTIFIED BY :a", 1064),
        ("CREATE VIEW seen AS SELECT 1 FROM dual WHERE 1 = :a", 1351),
        ("ALTER TABLE elsewhere AUTO_INCREMENT = :a", 1064),
        ("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = :a", 1064),
        ("LOAD DATA INFILE :a INTO TABLE elsewhere", 1064),
        ("EXECUTE IMMEDIATE :a", 1295),
        ("SELECT * FROM :a", 1064),
        ("CREATE PROCEDURE kept() SELECT :a", None),
        ("/* a */ -- b\ncreate or replace definer = CURRENT_USER\nfunction kept() RETURNS INT RETURN :a", None),
        ("CREATE TRIGGER kept BEFORE INSERT ON elsewhere FOR EACH ROW SET NEW.a = :a", None),
        ("ALTER EVENT kept DO SELECT :a", None),
    ],
)
async def test_a_place_where_no_value_can_be_is_said_to_be_one(
    run: Run, mysql: dict[str, object], statement: str, number: int | None
) -> None:
    error = (await run("mysql", f"-- :a\n{statement}", {"database": mysql, "a": "x"})).error
    assert error is not None
    assert (error.get("extra") or {}).get("number") == number
    assert "takes no value of an input" in error["message"]
    assert "`-- %%name%% this/that`" in error["message"]
    assert error["line"] >= 2
    plain = (await run("mysql", "SELECT * FROM '?'", {"database": mysql})).error  # nothing of this has a value
    assert plain is not None and "takes no value" not in plain["message"]


@pytest.mark.parametrize(
    "statement", ["SELECT :a frm x", "SELECT nocol, :a", "SELECT :a FROM nowhere", "SELECT 'a' 'b' c d, :a"]
)
async def test_other_errors_say_nothing_of_places(run: Run, mysql: dict[str, object], statement: str) -> None:
    error = (await run("mysql", f"-- :a\n{statement}", {"database": mysql, "a": "x"})).error
    assert error is not None
    assert "takes no value" not in error["message"]


async def test_what_is_kept_as_values_may_be_given(run: Run, mysql: dict[str, object]) -> None:
    code = "-- :n (int)\nCREATE OR REPLACE TABLE `event` (a INT DEFAULT :n); INSERT INTO `event` VALUES (); SELECT a FROM `event`"
    assert await value(run, mysql, code, n=7) == [{"a": 7}]


async def test_a_statement_with_values_ends_with_its_step(
    run: Run, runtimes: Runtimes, mysql: dict[str, object]
) -> None:
    code = "-- :s (int)\nSELECT sleep(:s) FROM (SELECT 1) t WHERE 'flowapp_prepared' <> ''"
    late = (await run("mysql", code, {"database": mysql, "s": 60}, timeout_s=1.0)).error
    assert late is not None and late["name"] == "Timeout"
    looked = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%sleep%flowapp_prepared%' AND ID <> connection_id()"
    looked = f"-- result_collection=last_statement_first_row_scalar\n{looked}"
    asked = asyncio.ensure_future(run("mysql", code, {"database": mysql, "s": 60}, id="prepared"))
    async with asyncio.timeout(30):
        while await value(run, mysql, looked) != 1:
            continue
        assert await runtimes.cancel("prepared")
        assert ((await asked).error or {})["name"] == "Canceled"
        while await value(run, mysql, looked) != 0:
            continue
