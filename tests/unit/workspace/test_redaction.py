"""Hiding secrets: known ones in any form, keys that are called like secrets, texts of the shapes of tokens."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowapp.workspace.passwords import covered, password_fields, texts_at
from flowapp.workspace.redaction import HIDDEN, Redactor, samples_of_secrets, secret_key, secrets_in

NOTHING = Redactor()
SECRET = 's3cr"et &\nümlaut/key+line'


@pytest.mark.parametrize(
    "name",
    [
        *(
            "password",
            "Password",
            "user_password",
            "passwd",
            "apiKey",
            "API-KEY",
            "x-api-key",
            "clientSecret",
            "pwd",
            "dsn",
        ),
        *(
            "secret_value",
            "access_token",
            "Authorization",
            "auth",
            "set-cookie",
            "private_key",
            "sshKey",
            "credentials",
        ),
    ],
)
def test_keys_that_are_called_like_secrets(name: str) -> None:
    assert secret_key(name)
    assert NOTHING.value({name: "x", "list": [{name: 12}]}) == {name: HIDDEN, "list": [{name: HIDDEN}]}


@pytest.mark.parametrize("name", ["name", "city", "key", "primary_key", "author", "footprint", "laptop", "passenger"])
def test_other_keys_stay(name: str) -> None:
    assert NOTHING.value({name: "x"}) == {name: "x"}


def test_nothing_and_yes_or_no_are_no_secrets() -> None:
    value: dict[str, Any] = {"password": None, "has_token": True, "secret": "", "tokens": []}
    assert NOTHING.value(value) == value


def test_a_header_is_named_beside_its_value() -> None:
    header = {"name": "Authorization", "value": "x"}
    assert NOTHING.value([header, {"name": "Accept", "value": "x"}]) == [
        {"name": "Authorization", "value": HIDDEN},
        {"name": "Accept", "value": "x"},
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$var:u/ada/key", HIDDEN),
        ("a $res:f/team/db, b", f"a {HIDDEN}, b"),
        ("$encrypted:abc= $jsonvar:u/a/b", f"{HIDDEN} {HIDDEN}"),
        ("password=abc rest", f"password={HIDDEN} rest"),
        ('{"api_key": "x\\"y", "a": 1}', f'{{"api_key": "{HIDDEN}", "a": 1}}'),
        ("{'token': 'abc def'}", f"{{'token': '{HIDDEN}'}}"),
        ("Authorization: Token abc", f"Authorization: {HIDDEN}"),
        ("with Bearer abc.def-g now", f"with Bearer {HIDDEN} now"),
        ("Basic QWxhZGRpbjpvcGVu", f"Basic {HIDDEN}"),
        ("postgres://ada:p4@ss@host/db", f"postgres://{HIDDEN}@host/db"),
        ("https://host/x?access_token=abc&b=1", f"https://host/x?access_token={HIDDEN}&b=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc", HIDDEN),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.abc-def", HIDDEN),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        ("ghp_" + "a1" * 18, HIDDEN),
        ("fl_" + "a" * 43, HIDDEN),
    ],
)
def test_texts_of_the_shapes_of_secrets(text: str, shown: str) -> None:
    assert NOTHING.text(text) == shown


@pytest.mark.parametrize(
    "text", ["basic information", "see https://host/path:8080/@x", "3 rows: 1, 2", "a token of love"]
)
def test_plain_words_stay(text: str) -> None:
    assert NOTHING.text(text) == text


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_known_secret_in_each_form(form: str) -> None:
    shown = Redactor([SECRET]).text(f"before {form} after")
    assert form not in shown and "ümlaut" not in shown and shown.startswith("before ") and shown.endswith(" after")


def test_known_secrets_in_keys_and_numbers_too() -> None:
    assert Redactor(["hunter2", "48151623"]).value({"is hunter2": [48151623, 4815162]}) == {
        f"is {HIDDEN}": [HIDDEN, 4815162]
    }


def test_those_that_stand_in_no_text_cost_no_search() -> None:
    many = [f"secret-number-{n:04}" for n in range(1000)]
    value = [{f"c{n}": f"value {n}" for n in range(20)} for _ in range(400)]
    begun = time.thread_time()
    shown = Redactor(many).value([*value, {"x": f"is {many[7]}"}, f"{many[8]} key".split()])
    assert shown == [*value, {"x": f"is {HIDDEN}"}, [HIDDEN, "key"]]
    assert time.thread_time() - begun < 10


@given(st.text("ab\n", min_size=4, max_size=12), st.text("abc \n", max_size=60), st.integers(0, 80))
def test_no_cut_shows_a_part_of_a_secret_that_stands_whole_in_the_text(secret: str, around: str, limit: int) -> None:
    text = f"{around}c{secret}c{around}"
    whole = Redactor([secret]).text(text)
    assert secret not in whole
    assert whole.startswith(Redactor([secret]).text(text, limit))


@pytest.mark.parametrize(
    "text",
    [
        *("token-" * 14_000, "eyJ-" * 20_000, "a." * 42_000, "-----BEGIN " + "KEY" * 28_000, "://a:" * 16_000),
        *("password" + " " * 80_000, "Basic " * 14_000, 'token="' * 12_000, "\\" * 84_000, "sk_" * 28_000),
        *("token: " * 12_000, "token: a.b" * 8_000, "key: " + "a | " * 20_000, "token=" + "a." * 40_000),
    ],
    ids=lambda text: text[:8],
)
def test_no_text_takes_a_search_for_ever(text: str) -> None:
    for redact in (NOTHING.text, NOTHING.code):
        begun = time.thread_time()
        redact(text)
        assert time.thread_time() - begun < 10


SCHEMA: dict[str, Any] = {
    "properties": {
        "pin": {"type": "string", "format": "password"},
        "server": {"type": "object", "properties": {"login": {"password": True}, "host": {"type": "string"}}},
        "odd": "no schema",
    }
}


def test_what_a_schema_calls_a_password() -> None:
    places = password_fields(SCHEMA)
    value = {"pin": "12345", "server": {"login": {"a": ["deep"]}, "host": "h"}, "odd": 1}
    assert places == {("pin",), ("server", "login")}
    assert sorted(texts_at(value, places)) == ["12345", "deep"]
    assert NOTHING.value({"server": {"login": "x", "host": "h"}, "rows": [{"server": {"login": "x"}}]}, places) == {
        "server": {"login": HIDDEN, "host": "h"},
        "rows": [{"server": {"login": "x"}}],
    }
    assert password_fields(None) == password_fields({"properties": 3}) == frozenset()


FIELD = {"type": "string", "format": "password"}
HOST = {"type": "object", "properties": {"host": {"type": "string"}, "pw": FIELD}}
ONE = {"host": "h", "pw": "w0rd"}
HID = {"host": "h", "pw": HIDDEN}


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ({"type": "array", "items": HOST}, [ONE, ONE], [HID, HID]),
        ({"type": "array", "items": {"type": "array", "items": HOST}}, [[ONE]], [[HID]]),
        ({"type": "array", "prefixItems": [{"type": "string"}, HOST]}, ["h", ONE], ["h", HID]),
        ({"type": "object", "oneOf": [{"properties": {"host": {}}}, HOST]}, ONE, HID),
        ({"anyOf": [HOST, {"type": "array", "items": HOST}]}, [ONE], [HID]),
        ({"allOf": [{"properties": {"in": HOST}}]}, {"in": ONE}, {"in": HID}),
        ({"anyOf": [FIELD, {"type": "null"}]}, "w0rd", HIDDEN),
        ({"type": "array", "items": {"oneOf": [FIELD, {"type": "integer"}]}}, ["w0rd"], HIDDEN),
        ({"type": "object", "additionalProperties": HOST}, {"any": {"pw": "w0rd"}}, HIDDEN),
        ({"type": "object", "patternProperties": {"^k": FIELD}}, {"k1": "w0rd"}, HIDDEN),
    ],
)
def test_passwords_in_lists_and_unions(field: Any, value: Any, shown: Any) -> None:
    places = password_fields({"properties": {"x": field}})
    given = {"x": value, "n": 1}
    assert covered(given, places, HIDDEN) == {"x": shown, "n": 1}
    assert set(texts_at(given, places)) == {"w0rd"}
    assert NOTHING.value(given, places) == {"x": shown, "n": 1}


def test_a_union_at_the_top_has_passwords_too() -> None:
    assert password_fields({"oneOf": [HOST, {"type": "null"}]}) == {("pw",)}
    assert password_fields({"items": 3, "oneOf": [3, None], "additionalProperties": False}) == frozenset()


@pytest.mark.parametrize("schema", [{"additionalProperties": FIELD}, {"oneOf": [{"patternProperties": {"k": HOST}}]}])
def test_passwords_under_any_key_at_the_top(schema: Any) -> None:
    places, given = password_fields(schema), {"any": "w0rd", "more": None}
    assert covered(given, places, HIDDEN) == NOTHING.value(given, places) == {"any": HIDDEN, "more": HIDDEN}
    assert set(texts_at(given, places)) == {"w0rd"}


def test_secrets_of_a_resource() -> None:
    assert sorted(secrets_in({"host": "h", "password": "p", "more": [{"apiKey": {"v": 12}}]})) == ["12", "p"]


@pytest.mark.parametrize(
    "code",
    [
        "def main(token: str, db_password: str | None = None, n: int = 3):",
        "export async function main(apiKey: string, token?: string) {",
        'token = os.environ["TOKEN"]',
        "secret = wmill.get_variable('u/ada/key')",
        "password = load(results.a)",
        "const token = process.env.TOKEN;",
        "TOKEN=$1",
        "TOKEN=$(cat key)",
        "({token: results.a.token, key: flow_input.key})",
        "func main(password string, token map[string]string) error {",
    ],
)
def test_code_without_a_secret_stays_readable(code: str) -> None:
    assert NOTHING.code(code) == code


@pytest.mark.parametrize(
    "code",
    [
        'password = "hunter2!"',
        "password: str = 'hunter2!'",
        'def main(n: int, api_key: Optional[str] = "hunter2!"):',
        'const token: string = "hunter2!";',
        'password := "hunter2!"',
        "$config['password'] => 'hunter2!'",
        'os.environ["DB_PASSWORD"] = "hunter2!"',
        'password <- "hunter2!"',
        "PASSWORD=hunter2!",
        'connect("host=db password=hunter2!")',
        "# password: hunter2!",
        "url = 'postgres://ada:hunter2!@db/x'",
    ],
)
def test_a_secret_that_is_written_into_code_is_hidden(code: str) -> None:
    shown = NOTHING.code(code)
    assert "hunter2" not in shown and HIDDEN in shown


@given(st.text(max_size=60))
def test_code_hides_no_less_of_what_is_known(around: str) -> None:
    assert "hunter2!" not in Redactor(["hunter2!"]).code(f"{around}token = hunter2!(x){around}")


def test_a_schema_of_a_password_holds_none() -> None:
    schema = {"format": "password", "title": "Door", "default": "hunter2x", "enum": ["hunter3x"], "maxLength": 9}
    shown = NOTHING.value({"properties": {"door": schema, "doors": {"items": schema, "default": ["hunter4x"]}}})
    assert shown["properties"]["door"] == {**schema, "default": HIDDEN, "enum": HIDDEN}
    assert "hunter" not in str(shown)
    assert sorted(samples_of_secrets({"a": [{"door": schema}, {"token": {"enum": ["t-1"], "title": "T"}}]})) == [
        *("hunter2x", "hunter3x", "t-1")
    ]


def test_secrets_beside_their_names() -> None:
    assert list(secrets_in([{"name": "X-Api-Key", "value": "v-1"}, {"name": "City", "value": "Oslo"}])) == ["v-1"]
