"""Operations as JSON: there and back, and malformed input is refused, never raised."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.jsontext import dumps, loads
from flowapp.notebook import Rejected, decode, decode_all, encode
from flowapp.notebook.operations import types as ops
from tests.unit.notebook.flows import operations

LITERALS: list[ops.Operation] = [
    ops.InsertCell(
        "c",
        "p",
        "branches/0",
        2,
        {"id": "a", "value": {"type": "identity"}},
        {"reuse": "never"},
        {"b": ops.Nested("d", {"x": 1})},
    ),
    ops.AddBranch("c", 0, {"modules": []}, {"b": ops.Nested("d")}),
    ops.SetExpression("c", ("value", "branches", 0, "expr"), "true"),
    ops.SetSetting("c", "timeout", None, null=True),
    ops.SetSample("x", None),
    ops.SetSample("x", remove=True),
    ops.SetFlow(description="d", clear=("summary",)),
    ops.InsertNote("n", None, "text", 3, {"color": "red"}),
    ops.SetInput("c", "x", None),
    ops.SetTitle("c", None),
]


@pytest.mark.parametrize("operation", LITERALS, ids=lambda operation: type(operation).__name__)
def test_every_field_survives(operation: ops.Operation) -> None:
    assert decode(loads(dumps(encode(operation)))) == operation


@settings(deadline=None)
@given(operations())
def test_decode_of_encode_is_the_operation(operation: ops.Operation) -> None:
    assert decode(loads(dumps(encode(operation)))) == operation


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [str(encode(operation)["op"]) for operation in LITERALS] + ["set_code", "move_cell", "delete_note"]
KEYS = [
    "cell",
    "parent",
    "slot",
    "index",
    "module",
    "beside",
    "nested",
    "code",
    "field",
    "transform",
    "value",
    "path",
    "text",
]


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_arbitrary_json_never_raises(data: Any) -> None:
    decode(data)
    decode_all(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=8))
def test_malformed_fields_never_raise(name: str, data: dict[str, Any]) -> None:
    decode({**data, "op": name})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "An operation has a name (`op`)."),
        ({"op": "explode"}, "There is no operation 'explode'."),
        ({"op": "set_code", "cell": "c"}, "`set_code` needs `code`."),
        ({"op": "set_code", "cell": 5, "code": ""}, "`cell` of `set_code` must be a text."),
        (
            {"op": "move_cell", "cell": "c", "slot": "modules", "index": True},
            "`index` of `move_cell` must be a whole number.",
        ),
        (
            {"op": "set_input", "cell": "c", "field": "x", "transform": {"type": "javascript"}},
            "`transform` of `set_input` must be a javascript transform with an expr.",
        ),
    ],
)
def test_malformed_json_is_refused_in_words(data: Any, message: str) -> None:
    result = decode(data)
    assert isinstance(result, Rejected)
    assert (result.code, result.message) == ("notebook.bad_operation", message)


def test_pages_may_add_keys_of_their_own_and_leave_out_nulls() -> None:
    data = {"op": "set_code", "cell": "c", "code": "x", "base_code_version": 3}
    assert decode(data) == ops.SetCode("c", "x")
    assert decode({"op": "set_title", "cell": "c"}) == ops.SetTitle("c", None)
    assert decode({"op": "set_sample", "name": "x"}) == ops.SetSample("x", remove=True)


def test_a_list_is_refused_with_its_first_fault() -> None:
    assert isinstance(decode_all([{"op": "delete_cell", "cell": "c"}, {}]), Rejected)
    assert decode_all([{"op": "delete_cell", "cell": "c"}]) == (ops.DeleteCell("c"),)
    assert isinstance(decode_all({}), Rejected)
