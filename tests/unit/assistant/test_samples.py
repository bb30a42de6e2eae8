"""Sample data by a model: the real client against a server in this process; only what fits the schema becomes a proposal."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from flowapp.assistant.answers import Help
from flowapp.assistant.edits import Request, help_with
from flowapp.assistant.samples import checked, fields_of
from flowapp.models import ModelMalformed, ModelRefused
from flowapp.notebook import Applied, apply_all
from flowapp.notebook.document import Document
from flowapp.notebook.operations.types import KeepSample, SetSample
from tests.unit.models.test_client import client_of, completion
from tests.unit.models.test_streams import DONE, event, pieces, streaming
from tests.unit.net.http_server import Answer
from tests.unit.notebook.flows import document, script

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["email", "orders", "api_key", "crm"],
    "properties": {
        "email": {"type": "string", "default": "boss@example.org", "pattern": "(a+)+$"},
        "orders": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["default"], "properties": {"default": {"type": "number"}}},
        },
        "note": {"type": "string"},
        "api_key": {"type": "string"},
        "crm": {"type": "object", "format": "resource-crm"},
        "code": {"type": "string", "password": True},
    },
}


def flow(**sample: Any) -> Document:
    made = document(script("a", {"email": "flow_input.email"}, "def main(email):\n    return email\n"))
    return replace(made, flow={**made.flow, "schema": SCHEMA}, sample=sample)


def values(**given: Any) -> list[dict[str, str]]:
    """As a model gives them; a text stands for itself."""
    return [{"field": k, "value": v if isinstance(v, str) else json.dumps(v)} for k, v in given.items()]


async def answered(made: Document, given: list[dict[str, str]], name: str = "two orders") -> Help:
    said = completion(json.dumps({"message": " Here. ", "name": name, "values": given}))
    async with client_of(said) as (client, _):
        return await help_with(client, Request(made, "Two orders", "sample"), lambda: "new")


ORDERS = [{"default": 12.5}, {"default": 3}]


class TestWhatIsSent:
    def test_fields_without_values_secrets_and_resources(self) -> None:
        asked = Request(flow(email="ada@example.org", api_key="sk-1"), "Two orders", "sample")
        sent = json.loads(asked.question)
        assert list(sent["fields_to_fill"]) == ["email", "orders", "note"]
        # a property that is called like a keyword is none
        assert sent["fields_to_fill"]["orders"]["items"]["properties"] == {"default": {"type": "number"}}
        assert sent["request"] == "Two orders"
        for text in ("boss@example.org", "ada@example.org", "sk-1"):
            assert text not in asked.question
        assert "made-up data" in asked.system

    def test_a_flow_without_a_schema_has_nothing_to_fill(self) -> None:
        assert fields_of(document(script("a"))) == {}


class TestWhatFits:
    async def test_a_sample_is_set_kept_and_taken_back(self) -> None:
        made = flow(note="old", api_key="$var:u/me/key")
        found = await answered(made, values(email='"ada@example.org"', orders=ORDERS))
        (edit,) = found.edits
        assert edit.operations == (
            SetSample("email", "ada@example.org"),
            SetSample("orders", ORDERS),
            SetSample("note", remove=True),
            KeepSample("two orders"),
        )
        assert json.loads(edit.after or "") == {"email": "ada@example.org", "orders": ORDERS}
        assert (json.loads(edit.before or ""), edit.language) == ({"note": "old"}, "json")
        assert [p.message for p in edit.problems] == [
            "api_key: a secret or a resource; choose it yourself.",
            "crm: a secret or a resource; choose it yourself.",
        ]
        assert (found.message, found.notice, found.tokens) == ("Here.", None, 25)
        applied = apply_all(made, edit.operations)
        assert isinstance(applied, Applied)
        sample = {"email": "ada@example.org", "orders": ORDERS, "api_key": "$var:u/me/key"}
        assert applied.document.sample == sample == applied.document.samples["two orders"]
        back = apply_all(applied.document, applied.inverse)
        assert isinstance(back, Applied) and back.document.sample == made.sample and not back.document.samples

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            (values(orders=[]), "orders: "),
            (values(orders="[1]"), "orders: 1 is not of type 'object'."),
            (values(orders="not json"), "orders: the model's value is not JSON."),
            (values(orders="[NaN]"), "orders: the model's value is not JSON."),
            (values(orders="[1e999]"), "orders: the model's value is not JSON."),
            (values(note='"\\ud800"'), "note: the model's value is not JSON."),
            (values(orders="[" * 100_000), "orders: the model's value is not JSON."),
            (values(invented=1), "invented: no input of the flow"),
            (values(api_key='"sk-1"'), "api_key: no input of the flow"),
            (values(crm='"$res:u/me/crm"'), "crm: no input of the flow"),
            (values(note='"$var:u/me/key"'), "note: it names a secret or a resource"),
            ([], "orders: needed, and the model gave no value."),
        ],
    )
    async def test_what_does_not_is_left_out_and_said(self, given: list[dict[str, str]], said: str) -> None:
        found = await answered(flow(orders=ORDERS), [*values(email='"ada@example.org"'), *given])
        (edit,) = found.edits
        assert json.loads(edit.after or "") == {"email": "ada@example.org"}
        assert any(problem.message.startswith(said) for problem in edit.problems)
        assert all(problem.severity == "warning" for problem in edit.problems)

    async def test_a_value_that_does_not_fit_leaves_the_present_one(self) -> None:
        made = flow(orders=ORDERS)
        (edit,) = (await answered(made, values(email='"ada@example.org"', orders=[]))).edits
        applied = apply_all(made, edit.operations)
        assert isinstance(applied, Applied) and applied.document.sample["orders"] == ORDERS

    async def test_a_name_with_a_colon_is_left_too(self) -> None:
        made = flow(**{"a:b": 1})
        schema = {"type": "object", "properties": {"a:b": {"type": "number"}, "email": {"type": "string"}}}
        made = replace(made, flow={**made.flow, "schema": schema})
        (edit,) = (await answered(made, values(**{"email": '"ada@example.org"', "a:b": '"x"'}))).edits
        assert edit.operations == (SetSample("email", "ada@example.org"), KeepSample("two orders"))
        assert [p.message for p in edit.problems] == ["a:b: 'x' is not of type 'number'."]

    async def test_more_properties_are_taken_where_patterns_are_not_checked(self) -> None:
        field = {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False}
        made = flow()
        made = replace(made, flow={**made.flow, "schema": {"properties": {"head": field}}})
        (edit,) = (await answered(made, values(head={"x-a": 1}))).edits
        assert edit.operations[0] == SetSample("head", {"x-a": 1})

    async def test_nothing_that_fits_is_no_proposal(self) -> None:
        found = await answered(flow(), values(orders="7"))
        assert not found.edits
        assert found.notice is not None and found.notice.startswith("The model gave no value that fits. orders: 7")

    async def test_names_are_never_taken_twice(self) -> None:
        made = replace(flow(), beside={"flow": {"samples": {"two orders": {}, "two orders 2": {}}}})
        (edit,) = (await answered(made, values(note='"x"'), "two \n orders")).edits
        assert edit.operations[-1] == KeepSample("two orders 3")
        (long,) = (await answered(flow(), values(note='"x"'), "x" * 300)).edits
        assert isinstance(apply_all(flow(), long.operations), Applied)
        (unnamed,) = (await answered(flow(), values(note='"x"'), " ")).edits
        assert unnamed.operations[-1] == KeepSample("sample")

    async def test_where_no_more_can_be_kept_it_is_used_all_the_same(self) -> None:
        made = replace(flow(), beside={"flow": {"samples": {str(n): {} for n in range(20)}}})
        (edit,) = (await answered(made, values(note='"x"'))).edits
        assert edit.operations == (SetSample("note", "x"),)
        assert any("20 inputs are kept already" in problem.message for problem in edit.problems)


class TestSecretsWithin:
    FIELD: ClassVar[dict[str, Any]] = {
        "type": "object",
        "required": ["host", "password"],
        "additionalProperties": False,
        "properties": {
            "host": {"type": "string"},
            "password": {"type": "string", "format": "password"},
            "keys": {"type": "array", "items": {"format": "password"}},
            "db": {"anyOf": [{"type": "null"}, {"format": "resource-postgresql"}]},
            "boxes": {"type": "array", "items": {"properties": {"db": {"type": "string"}, "pin": {"password": True}}}},
            "more": {"oneOf": [{"properties": {"pass": {"format": "password"}, "user": {"type": "string"}}}]},
        },
    }

    def flow(self) -> Document:
        made = flow()
        return replace(made, flow={**made.flow, "schema": {"properties": {"smtp": self.FIELD}}})

    def test_they_are_not_asked_for(self) -> None:
        asked = fields_of(self.flow())["smtp"]
        assert list(asked["properties"]) == ["host", "boxes", "more"]
        assert asked["required"] == ["host"]
        assert list(asked["properties"]["boxes"]["items"]["properties"]) == ["db"]
        assert list(asked["properties"]["more"]["oneOf"][0]["properties"]) == ["user"]

    async def test_nor_taken(self) -> None:
        given = {
            "host": "mail.example.org",
            "password": "1234",
            "keys": ["1234"],
            "db": "$res:u/me/db",
            "boxes": [{"db": "a", "pin": "1234", "api_key": "1234"}],
            "more": {"pass": "1234", "user": "ada"},
        }
        (edit,) = (await answered(self.flow(), values(smtp=given))).edits
        taken = {"host": "mail.example.org", "boxes": [{"db": "a"}], "more": {"user": "ada"}}
        assert edit.operations[0] == SetSample("smtp", taken)
        assert [p.message for p in edit.problems] == ["smtp: without its secrets and resources; choose them yourself."]


class TestCost:
    def test_words_that_take_for_ever_are_not_sent_and_not_checked(self) -> None:
        field: dict[str, Any] = {"type": "object"}
        for _ in range(60):
            field = {"allOf": [field], "unevaluatedProperties": False, "unevaluatedItems": {"type": "null"}}
        made = flow()
        made = replace(made, flow={**made.flow, "schema": {"properties": {"deep": field}}})
        assert "unevaluated" not in json.dumps(fields_of(made))
        found = checked({"message": "", "name": "n", "values": values(deep={"a": 1})}, made)
        assert found.edits[0].operations[0] == SetSample("deep", {"a": 1})

    async def test_the_loop_goes_on_meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> None:
        threads: list[threading.Thread] = []

        def check(answer: Any, made: Document) -> Help:
            threads.append(threading.current_thread())
            return checked(answer, made)

        monkeypatch.setattr("flowapp.assistant.samples.checked", check)
        await answered(flow(), values(note='"x"'))
        assert threads and threads[0] is not threading.main_thread()


class TestModels:
    async def test_bad_answers_are_failures_and_no_samples(self) -> None:
        asked = Request(flow(), "Two orders", "sample")
        cut = completion('{"message": "Here', finish="length")
        other = completion('{"message": "x", "changes": []}')
        for said, kind in (
            (cut, ModelMalformed),
            (other, ModelMalformed),
            (completion(None, refusal="No"), ModelRefused),
        ):
            async with client_of(said) as (client, _):
                with pytest.raises(kind):
                    await help_with(client, asked, lambda: "new")

    async def test_the_message_is_heard_while_it_grows(self) -> None:
        heard: list[str] = []
        text = json.dumps({"message": "Here it is.", "name": "n", "values": values(note='"x"')})
        parts = [event(text[:20]), event(text[20:26]), event(text[26:], finish="stop"), DONE]
        async with streaming(lambda _: Answer(pieces(*parts))) as (client, _):
            found = await help_with(client, Request(flow(), "Two", "sample"), lambda: "new", heard.append)
        assert "".join(heard) == "Here it is." and len(heard) > 1
        assert len(found.edits) == 1
