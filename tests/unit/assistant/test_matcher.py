"""The matcher: names, types, samples and nearness; silent rather than wrong."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.connect.__main__ import HERE, tally
from flowapp.assistant import Proposal, Scope, Shape, Target, match, scope_of, targets_of
from flowapp.assistant.fit import fits
from flowapp.assistant.matcher import match_one
from flowapp.assistant.tokens import words
from tests.unit.notebook.flows import branch, document, loop, script


def scope(*, item: Any = None, inputs: dict[str, Any] | None = None, **results: Any) -> Scope:
    """The scope of a step after steps with these results; with `item` it is in a loop over it."""
    new = script("new_step")
    inner = loop("each", "results.users", [new]) if item is not None else new
    made = document(*(script(step) for step in results), inner, sample=inputs or {})
    return scope_of(made, "cell_new_step", results, **({} if item is None else {"item": item}))


def proposed(field: str, kind: str | None, within: Scope, **schema: Any) -> str | None:
    found = match_one(Target(field, {"type": kind, **schema} if kind else schema), within)
    return found.expr if found else None


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("custAddr", "customer_address"),
        ("qty", "quantity"),
        ("HTTPUrl", "http_url"),
        ("username", "user_name"),
        ("last_name", "surname name"),
        ("categories", "category"),
        ("addresses", "address"),
    ],
)
def test_names_have_one_form(name: str, same: str) -> None:
    assert words(name) == words(same)


def test_surname_and_status_are_whole_words() -> None:
    assert (words("surname"), words("status"), words("address")) == (("surname",), ("status",), ("address",))


class TestTypes:
    @pytest.mark.parametrize(
        ("schema", "value", "fit"),
        [
            ({"type": "string"}, 1, False),
            ({"type": "integer"}, 1.5, False),
            ({"type": "integer"}, 2.0, True),
            ({"type": "number"}, 1, True),
            ({"type": "boolean"}, 1, False),
            ({"type": ["string", "null"]}, "x", True),
            ({"type": "array", "items": {"type": "string"}}, [1], False),
            ({"type": "array", "items": {"type": "string"}}, [], True),
            ({"type": "object", "required": ["id"]}, {"name": 1}, False),
            ({"enum": ["a", "b"]}, "c", False),
            ({"type": "string", "format": "email"}, "nobody", False),
            ({"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z", True),
            ({}, 1, True),
            ({"type": "string"}, None, True),
        ],
    )
    def test_of_field_and_value(self, schema: dict[str, Any], value: Any, fit: bool) -> None:
        assert (fits(schema, Shape.of_value(value)) is not None) == fit

    def test_a_conflict_is_never_proposed(self) -> None:
        assert proposed("rows", "array", scope(a={"rows": "id,total"})) is None


class TestNearness:
    def test_the_nearest_of_equals_wins(self) -> None:
        assert proposed("rows", "array", scope(a={"rows": [1]}, b={"rows": [2]})) == "results.b.rows"

    def test_two_equals_in_one_place_are_left_to_a_person(self) -> None:
        within = scope(a={"buyer": {"email": "a@b.c"}, "support": {"email": "d@e.f"}})
        assert proposed("email", "string", within) is None
        assert proposed("support_email", "string", within) == "results.a.support.email"

    def test_alternatives_are_named(self) -> None:
        found = match_one(Target("rows", {"type": "array"}), scope(a={"rows": [1]}, b={"rows": [2]}))
        assert isinstance(found, Proposal)
        assert found.alternatives == ("results.a.rows",)
        assert found.to_json()["why"] == "same name, rows, in the result of b"


class TestRefusals:
    def test_secrets_and_resources(self) -> None:
        within = scope(a={"password": "x", "db": {"host": "h"}})
        assert proposed("password", "string", within, password=True) is None
        assert proposed("db", "object", within, format="resource-postgresql") is None

    def test_references_to_secrets_are_no_sources(self) -> None:
        assert proposed("token", "string", scope(inputs={"token": "$var:u/me/token"})) is None

    def test_a_shared_word_that_says_little(self) -> None:
        assert proposed("order_id", "integer", scope(a={"user": {"id": 5}})) is None

    def test_nothing_to_read_from(self) -> None:
        assert match([Target("x")], Scope()) == []


class TestScope:
    def test_the_item_of_a_loop(self) -> None:
        within = scope(item={"name": "Ada", "mail": "a@b.c"}, users=[{"name": "Ada"}])
        assert proposed("email", "string", within) == "flow_input.iter.value.mail"
        assert proposed("user", "object", within) == "flow_input.iter.value"

    def test_keys_that_are_no_names_are_quoted(self) -> None:
        assert proposed("unit_price", "number", scope(a={"unit price": 5.0})) == 'results.a["unit price"]'

    def test_inner_steps_of_a_finished_container_are_no_sources(self) -> None:
        made = document(branch("d", [("true", [script("e")])], []), script("f"))
        assert {source.step_id for source in scope_of(made, "cell_f", {"d": 1, "e": 2}).sources} == {"d"}

    def test_later_steps_are_no_sources(self) -> None:
        made = document(script("a"), script("b"), script("c"))
        assert {source.step_id for source in scope_of(made, "cell_b", {}).sources} == {"a"}

    def test_a_step_that_never_ran_is_known_by_its_signature(self) -> None:
        made = document(script("a", code="def main() -> list:\n    return []\n"), script("b"))
        assert scope_of(made, "cell_b", {}).results["a"].type == "array"

    def test_inputs_are_known_by_their_schema(self) -> None:
        schema = {"properties": {"limit": {"type": "integer"}, "db": {"type": "object", "format": "resource-x"}}}
        within = scope_of(document(script("a"), schema=schema), "cell_a", {})
        assert proposed("limit", "integer", within) == "flow_input.limit"

    def test_paths_that_exist(self) -> None:
        within = scope(a={"rows": [{"id": 1}]}, inputs={"n": {"k": 1}})
        assert within.has_result(("a", "rows", 0, "id"))
        assert not within.has_result(("a", "rows", 0, "nope"))
        assert not within.has_result(("z",))
        assert within.has_input(("n", "k"))
        assert not within.has_input(("iter", "value"))


def test_targets_are_the_fields_that_say_nothing_yet() -> None:
    inputs: dict[str, Any] = {"x": "results.a", "y": "", "z": {"type": "static", "value": None}}
    made = document(script("a", inputs, "def main(x, y, z, w=1):\n    pass\n"))
    assert [(target.field, target.required) for target in targets_of(made, "cell_a")] == [
        ("y", True),
        ("z", True),
        ("w", False),
    ]
    assert len(targets_of(made, "cell_a", only_open=False)) == 4


class TestLikeness:
    @pytest.mark.parametrize(
        ("field", "key", "value"),
        [
            ("delivery_date", "delivered_on", "2026-03-01"),
            ("last_updated", "updated_at", "2026-03-01T10:00:00Z"),
            ("quantity_shipped", "qty_shp", 3),
            ("unit_of_measure", "uom", "kg"),
            ("name_servers", "nameservers", ["a", "b"]),
            ("invoice_number", "rechnungsnummer", "R-1"),
            ("betrag", "amount", 12.5),
            ("größe", "size", 38),
            ("toxicity_score", "toxicity", 0.1),
        ],
    )
    def test_words_of_one_meaning(self, field: str, key: str, value: Any) -> None:
        kind = Shape.of_value(value).type
        assert proposed(field, kind, scope(a={key: value, "other": value})) == f"results.a.{key}"

    @pytest.mark.parametrize(
        ("field", "key", "value"),
        [
            ("sheet_name", "sheet_id", "abc"),
            ("file_text", "file_name", "a.txt"),
            ("registrar", "registrant", "Ada"),
            ("rejected_rows", "rows", [1]),
            ("contact_email", "contact", "Ada Lovelace"),
            ("last_name", "last_seen", "2026-01-01"),
        ],
    )
    def test_words_that_only_look_alike(self, field: str, key: str, value: Any) -> None:
        assert proposed(field, Shape.of_value(value).type, scope(a={key: value})) is None

    def test_what_a_value_is_by_its_form(self) -> None:
        within = scope(a={"from": {"name": "Ada", "address": "ada@example.com"}})
        assert proposed("sender_email", "string", within) == "results.a.from.address"

    def test_a_number_of_things_is_the_length_of_their_list(self) -> None:
        assert proposed("order_count", "integer", scope(a={"orders": [1, 2]})) == "results.a.orders.length"
        assert proposed("order_count", "string", scope(a={"orders": [1, 2]})) is None

    def test_the_only_one_of_a_list(self) -> None:
        within = scope(a={"choices": [{"message": {"content": "hello"}}]})
        assert proposed("message_content", "string", within) == "results.a.choices[0].message.content"

    def test_a_title_names_a_single_value_unless_the_step_does_something_with_it(self) -> None:
        def after(title: str, value: Any) -> str | None:
            made = document(script("a", summary=title), script("b"))
            return proposed("language", "string", scope_of(made, "cell_b", {"a": value}))

        assert after("Detect language", "en") == "results.a"
        assert after("Check language", "en") is None


@pytest.mark.parametrize(
    ("name", "least"), [("tuned", 0.9), ("held_out", 0.9), ("tuned_2", 0.87), ("held_out_2", 0.82)]
)
async def test_the_labelled_cases_stay_good(name: str, least: float) -> None:
    found = await tally(HERE / f"{name}.json", None)
    assert found.top1 / found.with_answer >= least, found.misses
    assert found.confident_wrong <= found.fields / 100, found.misses
    assert found.wrong <= found.fields / 50, found.misses
    assert found.left_alone >= found.without_answer * 0.95, found.misses
