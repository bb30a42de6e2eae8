"""Odd documents and operations, as they come from old files and broken clients: refused or shown, never a crash."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.notebook import (
    Applied,
    Document,
    DocumentUnusable,
    Rejected,
    apply,
    apply_all,
    decode,
    encode,
    plan,
    states,
    view,
)
from flowapp.notebook.operations import types as ops
from flowapp.notebook.settings_table import FLOW_SETTINGS, MODULE_SETTINGS
from tests.unit.notebook.flows import CELLS, INDEXES, PARENTS, SLOTS, document, documents, flow, ids, script

JUNK = st.sampled_from(
    [
        None,
        0,
        "x",
        [],
        {},
        [1],
        {"a": 1},
        True,
        "results.a",
        {"type": "static"},
        {"type": "javascript"},
        [None],
        {"expr": 5},
    ]
)


@st.composite
def junk_modules(draw: st.DrawFn) -> Any:
    """Something like a module."""
    kind: Any = draw(
        st.sampled_from(["identity", "rawscript", "forloopflow", "branchone", "branchall", "nope", None, []])
    )
    keys = st.sampled_from(["modules", "branches", "default", "input_transforms", "content", "language", "iterator"])
    return {
        "value": {"type": kind, **draw(st.dictionaries(keys, JUNK))},
        **draw(st.dictionaries(KEYS, JUNK, max_size=2)),
    }


KEYS = st.sampled_from(
    ["id", "skip_if", "stop_after_if", "retry", "suspend", "mock", "sleep", "timeout", "input_transforms"]
)
BESIDE = st.sampled_from(["kept", "kept/x", "schema", "collapsed", "reuse", "outside_effects", "other"])


def odd_operations() -> st.SearchStrategy[ops.Operation]:
    """Operations that decode, with values that make no sense."""
    return st.one_of(
        st.builds(ops.InsertCell, CELLS, PARENTS, SLOTS, INDEXES, junk_modules()),
        st.builds(
            ops.SetSetting, CELLS, st.sampled_from([*sorted(MODULE_SETTINGS), "iterator", "branches/0/expr"]), JUNK
        ),
        st.builds(ops.RestoreSetting, CELLS, st.sampled_from(sorted(MODULE_SETTINGS)), JUNK),
        st.builds(ops.SetFlowSetting, st.sampled_from(sorted(FLOW_SETTINGS)), JUNK),
        st.builds(ops.RestoreFlowSetting, st.sampled_from(sorted(FLOW_SETTINGS)), JUNK),
        st.builds(ops.RenameFlowInput, st.just("x"), st.sampled_from(["y", "x", "1"])),
        st.builds(ops.SetBeside, CELLS, BESIDE, JUNK),
        st.builds(ops.SetSample, st.just("x"), JUNK),
        st.builds(ops.SetSchema, st.builds(lambda a, b: {"properties": a, "order": b}, JUNK, JUNK)),
        st.builds(ops.AddBranch, CELLS, INDEXES, st.builds(lambda a, b: {"summary": a, "modules": b}, JUNK, JUNK)),
        st.builds(ops.SetInput, CELLS, st.just("x"), st.builds(lambda a: {"type": "static", "value": a}, JUNK)),
    )


def show(made: Document) -> None:
    found = states(made, {}, {})
    view(made, found)
    plan(made, found, [], "all")
    assert Document.from_json(made.to_json()) == made


@settings(max_examples=200, deadline=None)
@given(documents(max_size=2), st.lists(odd_operations(), max_size=8))
def test_odd_operations_are_refused_or_can_be_shown_and_undone(made: Document, script_: list[ops.Operation]) -> None:
    for operation in script_:
        again = decode(encode(operation))
        assert isinstance(again, Rejected) or again == operation
        result = apply(made, operation)
        if isinstance(result, Rejected):
            continue
        show(result.document)
        back = apply_all(result.document, result.inverse)
        assert isinstance(back, Applied)
        assert (back.document.flow, back.document.beside) == (made.flow, made.beside), operation
        made = result.document


@settings(max_examples=200, deadline=None)
@given(
    st.lists(junk_modules(), max_size=3), st.dictionaries(st.sampled_from(["notes", "failure_module", "groups"]), JUNK)
)
def test_odd_documents_are_refused_or_can_be_shown(modules: list[Any], more: dict[str, Any]) -> None:
    try:
        made = Document.of(flow(*modules, **more), ids())
    except DocumentUnusable:
        return
    show(made)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"value": None},
        {"value": {"modules": {}}},
        {"value": {"modules": [5]}},
        {"value": {"modules": [{"id": 5, "value": {}}]}},
        flow(script("a"), script("a")),
    ],
)
def test_documents_without_cells_are_refused_in_words(found: dict[str, Any]) -> None:
    with pytest.raises(DocumentUnusable) as raised:
        Document.of(found, ids())
    assert raised.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"flow": 1}'])
def test_saved_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DocumentUnusable):
        Document.from_json(text)


def test_steps_without_an_id_get_one() -> None:
    made = Document.of(flow(script(""), script("a"), script(""), failure_module={"value": {"type": "identity"}}), ids())
    assert list(made.cells) == ["b", "a", "c", "failure"]
    assert made.cells["failure"] == "c3"


def test_the_error_handler_keeps_its_id() -> None:
    made = document(script("a"), failure_module=script("failure"))
    result = apply(made, ops.RenameStep("cell_failure", "x"))
    assert isinstance(result, Rejected)
    assert result.code == "notebook.step_id_fixed"


def test_what_lies_beside_a_cell_has_a_form() -> None:
    result = apply(document(script("a")), ops.SetBeside("cell_a", "collapsed", "yes"))
    assert isinstance(result, Rejected)
    assert result.code == "notebook.bad_setting"
