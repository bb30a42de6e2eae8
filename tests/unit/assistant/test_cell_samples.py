"""Sample data for a cell by a model: the real client against a server in this process; only what fits becomes a stand-in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from flowapp.assistant.answers import Help
from flowapp.assistant.edits import Request, help_with
from flowapp.models import Budget, ModelBudgetSpent, ModelMalformed, ModelRefused, ModelTimeout
from flowapp.notebook import Applied, apply_all
from flowapp.notebook.document import Document
from flowapp.notebook.operations.types import KeepStandIn, UseStandIn
from flowapp.notebook.records import pinned_value
from flowapp.notebook.stand_ins import LARGEST, MOST, in_force, stand_ins_of
from tests.unit.models.test_client import client_of, completion
from tests.unit.models.test_streams import DONE, event, pieces, streaming
from tests.unit.net.http_server import Answer
from tests.unit.notebook.flows import document, loop, script

DECLARED = """from typing import TypedDict

class Order(TypedDict):
    id: int
    total: float

def main(email: str) -> list[Order]:
    return []
"""
WITH_A_SECRET = """from typing import TypedDict

class Account(TypedDict):
    user: str
    password: str

def main() -> Account:
    return {"user": "ada", "password": "kept elsewhere"}
"""
ORDERS = [{"id": 7, "total": 12.5}]


def flow(code: str = DECLARED, **module: Any) -> Document:
    made = document(
        {**script("a", {"email": "flow_input.email"}, code), **module},
        script("b", {"n": "results.a[0].total"}, "def main(n: float):\n    return n\n"),
    )
    properties = {
        "email": {"type": "string"},
        "api_key": {"type": "string"},
        "code": {"type": "string", "password": True},
    }
    schema = {"type": "object", "properties": properties}
    sample = {
        "email": "ada@example.org",
        "api_key": "sk-1",
        "code": "1234",
        "old": "$res:u/me/crm",
        "list": ["$var:u/me/x"],
    }
    return replace(made, flow={**made.flow, "schema": schema}, sample=sample)


async def answered(made: Document, value: Any, name: str = "one order", step: str = "a") -> Help:
    """`value` as a model gives it; a text stands for itself."""
    text = value if isinstance(value, str) else json.dumps(value)
    said = completion(json.dumps({"message": " Here. ", "name": name, "value": text}))
    async with client_of(said) as (client, _):
        return await help_with(client, Request(made, "One order", "result", step), lambda: "new")


class TestWhatIsSent:
    def test_code_shape_and_samples_without_secrets_and_resources(self) -> None:
        asked = Request(flow(), "One order", "result", "a", results={"b": 3})
        sent = json.loads(asked.question)
        assert sent["this_step"] == "a" and "class Order" in sent["flow"]["steps"][0]["code"]
        to_make = sent["result_to_make"]
        assert to_make["step"] == "a" and to_make["schema"]["items"]["properties"]["total"] == {"type": "number"}
        assert sent["flow_input"] == {"email": "ada@example.org", "old": "(hidden)", "list": "(hidden)"}
        for secret in ("sk-1", "1234", "u/me/crm", "u/me/x"):
            assert secret not in asked.question
        assert "made-up data" in asked.system

    def test_a_secret_in_the_shape_is_not_asked_for(self) -> None:
        sent = json.loads(Request(flow(WITH_A_SECRET), "x", "result", "a").question)
        assert list(sent["result_to_make"]["schema"]["properties"]) == ["user"]
        assert sent["result_to_make"]["schema"]["required"] == ["user"]

    def test_where_nothing_is_declared_there_is_no_schema(self) -> None:
        assert json.loads(Request(flow(), "x", "result", "b").question)["result_to_make"] == {"step": "b"}

    def test_other_questions_hold_no_input(self) -> None:
        assert "ada@example.org" not in Request(flow(), "x", "edit", "a").question


class TestWhatFits:
    async def test_it_becomes_the_stand_in_in_force_and_is_taken_back(self) -> None:
        made = flow()
        found = await answered(made, ORDERS)
        (edit,) = found.edits
        cell = made.outline.by_step["a"].cell
        assert edit.operations == (KeepStandIn(cell, "one order", ORDERS), UseStandIn(cell, "one order"))
        assert (edit.before, json.loads(edit.after or ""), edit.language, edit.step) == (None, ORDERS, "json", "a")
        assert (edit.label, edit.problems) == ("Stand-in “one order” of a", ())
        assert (found.message, found.notice, found.tokens) == ("Here.", None, 25)
        applied = apply_all(made, edit.operations)
        assert isinstance(applied, Applied)
        entry = applied.document.outline.by_step["a"]
        assert in_force(entry.module, stand_ins_of(applied.document, cell)) == "one order"
        assert pinned_value(entry.module) == (True, ORDERS)
        back = apply_all(applied.document, applied.inverse)
        assert isinstance(back, Applied) and not stand_ins_of(back.document, cell)
        assert pinned_value(back.document.outline.by_step["a"].module)[0] is False

    async def test_what_is_in_force_is_shown_beside_it(self) -> None:
        made = flow(mock={"enabled": True, "return_value": [{"id": 1, "total": 0}]})
        (edit,) = (await answered(made, ORDERS)).edits
        assert json.loads(edit.before or "") == [{"id": 1, "total": 0}]

    async def test_a_cell_that_declares_nothing_takes_any_value(self) -> None:
        for text in ("null", "3", '"text"', '{"rows": []}'):
            (edit,) = (await answered(flow(), text, step="b")).edits
            assert edit.operations[0] == KeepStandIn(flow().outline.by_step["b"].cell, "one order", json.loads(text))

    async def test_a_loop_gives_a_list(self) -> None:
        made = document(loop("l", "flow_input.rows", [script("inner")]))
        assert not (await answered(made, {"a": 1}, step="l")).edits
        assert (await answered(made, [1, 2], step="l")).edits

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (
                [{"id": 1, "total": "much"}],
                "it does not fit what the cell declares to return, at $[0].total: 'much' is not",
            ),
            ({"id": 1, "total": 1}, "it does not fit what the cell declares to return: "),
            ("not json", "it cannot be used: the model's value is not JSON."),
            ("[NaN]", "it cannot be used: the model's value is not JSON."),
            ("[" * 100_000, "it cannot be used: the model's value is not JSON."),
            ([{"id": 1, "total": 1, "note": "$var:u/me/key"}], "it cannot be used: it names a secret or a resource"),
            (
                [{"id": 1, "total": 1, "file": {"$flowapp:blob": {"sha256": "0" * 64}}}],
                "it cannot be used: it refers to a stored file",
            ),
            (
                [{"id": 1, "total": 1, "note": "x" * LARGEST}],
                f"it cannot be used: A stand-in has at most {LARGEST // 1024} KB",
            ),
        ],
    )
    async def test_what_does_not_is_no_proposal_and_said(self, value: Any, said: str) -> None:
        found = await answered(flow(), value)
        assert not found.edits
        assert found.notice is not None and found.notice.startswith(f"The model's sample was not taken; {said}")

    async def test_it_is_without_what_stands_for_a_secret(self) -> None:
        (edit,) = (await answered(flow(WITH_A_SECRET), {"user": "ada", "password": "1234"})).edits
        assert json.loads(edit.after or "") == {"user": "ada"}
        assert [problem.severity for problem in edit.problems] == ["warning"]
        assert "Add it yourself" in edit.problems[0].message
        (undeclared,) = (await answered(flow(), {"n": 1, "api_token": "1234"}, step="b")).edits
        assert json.loads(undeclared.after or "") == {"n": 1} and undeclared.problems

    async def test_names_are_never_taken_twice(self) -> None:
        made = flow()
        cell = made.outline.by_step["a"].cell
        kept = apply_all(made, (KeepStandIn(cell, "one order", []),))
        assert isinstance(kept, Applied)
        (edit,) = (await answered(kept.document, ORDERS, "one \n order")).edits
        assert edit.operations[1] == UseStandIn(cell, "one order 2")
        (unnamed,) = (await answered(made, ORDERS, " ")).edits
        assert unnamed.operations[1] == UseStandIn(cell, "sample")

    async def test_a_cell_with_as_many_as_it_may_have_takes_no_more(self) -> None:
        made = flow()
        cell = made.outline.by_step["a"].cell
        kept = apply_all(made, tuple(KeepStandIn(cell, str(number), number) for number in range(MOST)))
        assert isinstance(kept, Applied)
        found = await answered(kept.document, ORDERS)
        assert not found.edits and str(MOST) in (found.notice or "")


class TestModels:
    async def test_bad_answers_are_failures_and_no_samples(self) -> None:
        asked = Request(flow(), "One order", "result", "a")
        for said, kind in (
            (completion('{"message": "Here', finish="length"), ModelMalformed),
            (completion('{"message": "x", "changes": []}'), ModelMalformed),
            (completion("I would rather talk."), ModelMalformed),
            (completion(None, refusal="No"), ModelRefused),
        ):
            async with client_of(said) as (client, _):
                with pytest.raises(kind):
                    await help_with(client, asked, lambda: "new")

    async def test_the_message_is_heard_while_it_grows(self) -> None:
        heard: list[str] = []
        text = json.dumps({"message": "Here it is.", "name": "n", "value": json.dumps(ORDERS)})
        parts = [event(text[:20]), event(text[20:26]), event(text[26:], finish="stop"), DONE]
        async with streaming(lambda _: Answer(pieces(*parts))) as (client, _):
            asked = Request(flow(), "One", "result", "a")
            found = await help_with(client, asked, lambda: "new", heard.append)
        assert "".join(heard) == "Here it is." and len(heard) > 1
        assert len(found.edits) == 1

    async def test_a_slow_one_is_given_up(self) -> None:
        never = asyncio.Event()

        async def slow(_: Any) -> Answer:
            await never.wait()
            return completion("{}")

        async with client_of(slow, timeout_s=0.2) as (client, _):
            with pytest.raises(ModelTimeout):
                await help_with(client, Request(flow(), "One", "result", "a"), lambda: "new")
            never.set()

    async def test_where_the_day_is_used_up_none_is_asked(self) -> None:
        async with client_of(completion("{}"), Budget(10)) as (client, server):
            with pytest.raises(ModelBudgetSpent):
                await help_with(client, Request(flow(), "One", "result", "a"), lambda: "new")
            assert not server.requests
