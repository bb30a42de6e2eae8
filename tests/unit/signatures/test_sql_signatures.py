"""SQL scripts: their headers, their statements, and what drivers are given."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.signatures import Signature, SignatureProblem, infer
from flowapp.signatures.sql import DIALECTS, SqlScript, parse, pinned
from flowapp.signatures.sql_files import file_of


def script(dialect: str, code: str) -> SqlScript:
    found = parse(dialect, code)
    assert isinstance(found, SqlScript), found
    return found


def properties(dialect: str, code: str) -> dict[str, object]:
    found = infer(dialect, code)
    assert isinstance(found, Signature), found
    return {name: schema for name, schema in found.schema["properties"].items() if name != "database"}


@pytest.mark.parametrize(
    ("dialect", "header", "name", "schema"),
    [
        ("postgresql", "-- $1 a (int)", "a", {"type": "integer"}),
        ("postgresql", "-- $1 a", "a", {"type": "string"}),
        ("postgresql", "-- $1 a = 5", "a", {"type": "string", "default": "5"}),
        ("postgresql", "-- $1 a (int) = 5", "a", {"type": "integer", "default": 5}),
        ("postgresql", "--$1 a (numeric(10, 2)) = 1.5", "a", {"type": "number", "default": 1.5}),
        ("postgresql", "-- $1 a (int[])", "a", {"type": "array", "items": {"type": "integer"}}),
        ("postgresql", '-- $1 a (jsonb) = {"k": 1}', "a", {"default": {"k": 1}}),
        ("postgresql", "-- $1 a (timestamp with time zone)", "a", {"type": "string", "format": "date-time"}),
        ("postgresql", "-- $1 a (bytea)", "a", {"type": "string", "contentEncoding": "base64"}),
        ("postgresql", "-- $1 a (bool) = TRUE", "a", {"type": "boolean", "default": True}),
        ("postgresql", "-- $1 a (text) = 'it''s'", "a", {"type": "string", "default": "it's"}),
        ("postgresql", "-- $1 a (text) = null", "a", {"type": "string"}),
        ("postgresql", "-- $1 a (int) = five", "a", {"type": "integer", "default": "five"}),
        ("mysql", "-- :a (date)", "a", {"type": "string", "format": "date"}),
        ("mysql", "-- ? a (bigint) = 3", "a", {"type": "integer", "default": 3}),
        ("duckdb", "-- $a (uuid)", "a", {"type": "string", "format": "uuid"}),
        ("sqlite", "-- :a (real) = 0.5", "a", {"type": "number", "default": 0.5}),
        ("sqlite", "-- @a", "a", {"type": "string"}),
        ("mysql", "-- %%a%% users/old_users", "a", {"type": "string", "enum": ["users", "old_users"]}),
        ("mysql", "-- %%a%% /* x / y */", "a", {"type": "string", "enum": ["x", "y"]}),
    ],
)
def test_headers(dialect: str, header: str, name: str, schema: dict[str, object]) -> None:
    assert properties(dialect, f"{header}\nSELECT 1") == {name: schema}


def test_defaults_make_an_input_optional_and_the_connection_is_one() -> None:
    found = infer("postgresql", "-- $1 a (int)\n-- $2 b (int) = 2\nSELECT $1, $2")
    assert isinstance(found, Signature)
    assert found.schema["required"] == ["database", "a"]
    assert found.schema["order"] == ["database", "a", "b"]
    assert found.schema["properties"]["database"] == {"type": "object", "format": "resource-postgresql"}
    assert found.returns == {"type": "array"}
    pinned_one = infer("postgresql", "-- database f/x/db\n-- result_collection=last_statement_first_row\nSELECT 1")
    assert isinstance(pinned_one, Signature)
    assert "database" not in pinned_one.schema["properties"]
    assert pinned_one.returns is None


def test_postgresql_needs_no_header() -> None:
    assert properties("postgresql", "SELECT $2::int, $1") == {"$1": {"type": "string"}, "$2": {"type": "integer"}}
    assert properties("postgresql", "-- $1 a = 7\nSELECT $1::int") == {"a": {"type": "integer", "default": 7}}


@pytest.mark.parametrize(
    ("language", "code", "path"),
    [
        ("postgresql", "-- database f/team/db\nSELECT 1", "f/team/db"),
        ("mysql", "\n-- $1\n--  database   $res:u/ada/db\nSELECT 1", "u/ada/db"),
        ("sqlite", "-- database shared/x.db\nSELECT 1", ""),
        ("postgresql", "SELECT 1\n-- database f/team/db", ""),
        ("python3", "-- database f/team/db", ""),
    ],
)
def test_the_connection_that_a_script_names(language: str, code: str, path: str) -> None:
    assert pinned(language, code) == path


@pytest.mark.parametrize(
    ("dialect", "code", "texts"),
    [
        ("postgresql", "SELECT 1; SELECT 2 ;", ["SELECT 1", "SELECT 2"]),
        (
            "postgresql",
            "SELECT ';', E'\\';', \"a;b\", $$;$$, $x$;$$;$x$ -- ;\n",
            ["SELECT ';', E'\\';', \"a;b\", $$;$$, $x$;$$;$x$ -- ;"],
        ),
        ("postgresql", "/* a /* ; */ b; */ SELECT 'it''s;'", ["SELECT 'it''s;'"]),
        ("mysql", "SELECT 'a\\';b', `c;d`; # x;\nSELECT 2", ["SELECT 'a\\';b', `c;d`", "SELECT 2"]),
        ("mysql", "SELECT '\\\\'; SELECT 2", ["SELECT '\\\\'", "SELECT 2"]),
        ("sqlite", "SELECT '\\'; SELECT 2", ["SELECT '\\'", "SELECT 2"]),
        (
            "sqlite",
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE WHEN 1 THEN 2 END; DELETE FROM c; END; SELECT 1",
            [
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = CASE WHEN 1 THEN 2 END; DELETE FROM c; END",
                "SELECT 1",
            ],
        ),
        (
            "mysql",
            "CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; SELECT 2; END; SELECT 3",
            ["CREATE PROCEDURE p() BEGIN IF 1 THEN SELECT 1; END IF; SELECT 2; END", "SELECT 3"],
        ),
        ("postgresql", "BEGIN; SELECT 1; END; SELECT 2", ["BEGIN", "SELECT 1", "END", "SELECT 2"]),
        ("postgresql", "-- only\n/* comments */ ; ;", []),
    ],
)
def test_statements(dialect: str, code: str, texts: list[str]) -> None:
    assert [statement.text for statement in script(dialect, code).statements] == texts


def test_parameters_as_each_driver_wants_them() -> None:
    found = script("postgresql", "-- $1 a\n-- $2 b\nSELECT $2, $1, $2, '$1', x::text; SELECT $2").statements
    assert [(one.text, one.keys) for one in found] == [
        ("SELECT $1, $2, $1, '$1', x::text", ("2", "1")),
        ("SELECT $1", ("2",)),
    ]
    found = script("mysql", "-- :a\n-- ? b\nSELECT :a, ?, '%' , ':a'; SELECT '%'").statements
    assert [(one.text, one.keys) for one in found] == [("SELECT ?, ?, '%' , ':a'", ("a", "?1")), ("SELECT '%'", ())]
    found = script("sqlite", "-- :a\n-- ?2 b\nSELECT ?2, @a, $a").statements
    assert (found[0].text, found[0].keys) == ("SELECT ?1, ?2, ?2", ("2", "a"))
    found = script("duckdb", "-- $a\nSELECT $a, a -> '$.x', x->>'$y'").statements
    assert (found[0].text, found[0].keys) == ("SELECT $1, a -> '$.x', x->>'$y'", ("a",))


def test_lines_of_statements() -> None:
    found = script("sqlite", "-- :a\n\nSELECT\n 1;\n\n-- about it\nSELECT 2").statements
    assert [one.line for one in found] == [3, 7]


@pytest.mark.parametrize(
    ("dialect", "code", "part", "line"),
    [
        ("duckdb", "SELECT 1;\nSELECT $b", "-- $b (text)", 2),
        ("mysql", "SELECT ?", "-- ? name (text)", 1),
        ("sqlite", "-- :a\n-- ? a\nSELECT 1", "declared twice", 1),
        ("postgresql", "-- result_collection=everything\nSELECT 1", "last_statement_all_rows", 1),
        ("postgresql", "-- $1 a\n-- %%t%%\nSELECT 1", "Declare the values", 2),
        ("postgresql", "-- %%t%% a/b;drop\nSELECT 1", "'b;drop' cannot be put", 1),
        ("postgresql", "-- a\n-- s3 prefix\nSELECT 1", "'prefix' is nothing that `-- s3` knows", 2),
        ("mysql", "-- s3 color=red\nSELECT 1", "prefix=…", 1),
        ("sqlite", "-- s3 format=xlsx\nSELECT 1", "json, csv, parquet", 1),
        ("sqlite", "-- s3 format=csv format=json\nSELECT 1", "two of format", 1),
        ("sqlite", "-- s3\n-- s3\nSELECT 1", "two lines", 2),
        ("duckdb", "-- s3\n-- result_collection=last_statement_first_row\nSELECT 1", "leave out", 1),
        ("postgresql", "SELECT\n'a", "has no end", 2),
        ("postgresql", "SELECT $$a", "has no end", 1),
        ("postgresql", "/* /* */ SELECT 1", "has no end", 1),
    ],
)
def test_what_is_wrong_is_said(dialect: str, code: str, part: str, line: int) -> None:
    found = infer(dialect, code)
    assert isinstance(found, SignatureProblem)
    assert part in found.message
    assert found.line == line


@pytest.mark.parametrize(
    ("dialect", "code", "name", "schema", "written"),
    [
        ("mssql", "-- @P1 a (bit) = 1\nSELECT @p1, @@ROWCOUNT, @x, 'it''s @P1', [@P1]", "a", {"type": "boolean"}, "SELECT %s, @@ROWCOUNT, @x, 'it''s @P1', [@P1]"),
        ("mssql", "-- @p1 a (int)\n/* /* @P1 */ @P1 */ SELECT '%' + @P1", "a", {"type": "integer"}, "SELECT '%%' + %s"),
        ("bigquery", "-- @a (array<int64>)\nSELECT @a, '\\'@a', \"\"\"@a \"\"\", `x@a`; # @b", "a", {"type": "string"}, "SELECT @p1, '\\'@a', \"\"\"@a \"\"\", `x@a`; # @b"),
        ("bigquery", "-- @a (float64)\nSELECT @a + @a", "a", {"type": "number"}, "SELECT @p1 + @p1"),
        ("snowflake", "-- ? a (number)\nSELECT ?, 'it\\'s ?', $1 -- ?\n", "a", {"type": "number"}, "SELECT ?, 'it\\'s ?', $1 -- ?"),
        ("snowflake", "-- ? a (date)\nSELECT $$ ; ? $$, ? // ;", "a", {"type": "string", "format": "date"}, "SELECT $$ ; ? $$, ? // ;"),
        ("oracledb", "-- :a a (raw)\nSELECT :a, q'[it's :a]', :a FROM dual;", "a", {"type": "string", "contentEncoding": "base64"}, "SELECT :p1, q'[it's :a]', :p1 FROM dual"),
    ],
)  # fmt: skip
def test_databases_whose_drivers_are_installed_on_demand(
    dialect: str, code: str, name: str, schema: dict[str, object], written: str
) -> None:
    (found,) = properties(dialect, code).items()
    assert isinstance(found[1], dict)
    assert (found[0], {key: value for key, value in found[1].items() if key != "default"}) == (name, schema)
    (statement,) = script(dialect, code).statements
    assert statement.text == written


@pytest.mark.parametrize(
    ("dialect", "code", "texts"),
    [
        ("mssql", "DECLARE @a int = 1; SELECT @a;\nGO\nSELECT go FROM t\n go \n", ["DECLARE @a int = 1; SELECT @a;", "SELECT go FROM t"]),
        ("bigquery", "DECLARE a INT64; SELECT a;", ["DECLARE a INT64; SELECT a;"]),
        ("snowflake", "SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("oracledb", "SELECT 4 / 2 FROM dual;\nBEGIN a; END;\n/\nSELECT 1 FROM dual", ["SELECT 4 / 2 FROM dual", "BEGIN a; END;", "SELECT 1 FROM dual"]),
        ("oracledb", "CREATE OR REPLACE PROCEDURE p IS x NUMBER; BEGIN x := 1; END;", ["CREATE OR REPLACE PROCEDURE p IS x NUMBER; BEGIN x := 1; END;"]),
    ],
)  # fmt: skip
def test_where_their_statements_end(dialect: str, code: str, texts: list[str]) -> None:
    assert [statement.text for statement in script(dialect, code).statements] == texts


@given(
    st.text(alphabet="-$1aqP:?@'\"`[]/*;\n #\\%()=", max_size=60),
    st.sampled_from(sorted(DIALECTS)),
)
@settings(max_examples=300, deadline=None)
def test_any_text_has_an_answer(text: str, dialect: str) -> None:
    assert isinstance(parse(dialect, text), (SqlScript, SignatureProblem))


@pytest.mark.parametrize(
    "text",
    [
        "'" * 99_999,
        "$a$ $b$ " * 10_000,
        "/*" * 50_000,
        "create trigger begin " * 5_000,
        "'\\" * 50_000,
        "-- $1 a " + " " * 99_999 + "x",
    ],
)
def test_long_texts_take_no_long_time(text: str) -> None:
    begun = time.process_time()
    for dialect in ("postgresql", "mysql", "duckdb", "sqlite"):
        parse(dialect, text)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("line", "key", "storage"),
    [
        ("-- s3", "wmill_datalake/f/team/daily/j.json", ""),
        ("-- s3 prefix=datalake format=csv", "datalake/j.csv", ""),
        ("--s3  storage=archive   format=parquet prefix=/a/b/", "a/b/j.parquet", "archive"),
    ],
)
def test_rows_that_become_a_file(line: str, key: str, storage: str) -> None:
    code = f"-- $1 a (int)\n{line}\nSELECT $1"
    found = script("postgresql", code).file
    assert found is not None
    assert (found.key("f/team/daily", "j"), found.storage) == (key, storage)
    assert file_of(code) == found
    signature = infer("postgresql", code)
    assert isinstance(signature, Signature)
    assert signature.returns == {"type": "object", "format": "resource-s3_object"}


def test_only_the_header_asks_for_a_file() -> None:
    assert file_of("SELECT 1\n-- s3 format=csv") is None
    assert file_of("-- s3 format=what\nSELECT 1") is None
    assert file_of("-- s3_key (text)\nSELECT 1") is None
