"""Jupyter notebooks as flows: what cells share becomes wires, and the steps give what the cells gave."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from flowapp.jsontext import dumps, loads
from flowapp.notebook import Document
from flowapp.notebook.errors import DocumentUnusable
from flowapp.notebook.jupyter import from_jupyter, is_jupyter
from flowapp.notebook.operations.notes import notes_of
from flowapp.openflow import documents


def imported(*cells: str | tuple[str, str], **more: Any) -> Document:
    """The flow of a notebook; a cell is its code, or (kind, text)."""
    shown = [
        {"cell_type": "code", "source": cell}
        if isinstance(cell, str)
        else {"cell_type": cell[0], "source": cell[1].splitlines(keepends=True)}
        for cell in cells
    ]
    numbers = count()
    return from_jupyter({"nbformat": 4, "cells": shown, "metadata": {}, **more}, lambda: f"c{next(numbers)}")


def results(document: Document) -> dict[str, Any]:
    """What the steps give when they run one after the other, and share nothing but JSON."""
    found: dict[str, Any] = {}
    for module in document.flow["value"]["modules"]:
        space: dict[str, Any] = {}
        exec(module["value"]["content"], space)
        args = {}
        for name, wire in module["value"]["input_transforms"].items():
            _, step, key = wire["expr"].split(".")
            args[name] = found[step][key]
        found[module["id"]] = loads(dumps(space["main"](**args)))
    return found


def test_values_go_by_wires_and_only_those_that_are_read_later() -> None:
    made = imported("rows = [1, 2, 3]\nunused = 5", "total = sum(rows)\ntotal", "print(total)\ntotal * 2")
    assert results(made) == {"a": {"rows": [1, 2, 3]}, "b": {"result": 6, "total": 6}, "c": 12}
    wires = [module["value"]["input_transforms"] for module in made.flow["value"]["modules"]]
    assert wires == [
        {},
        {"rows": {"type": "javascript", "expr": "results.a.rows"}},
        {"total": {"type": "javascript", "expr": "results.b.total"}},
    ]


def test_imports_and_definitions_are_repeated_where_they_are_needed() -> None:
    made = imported(
        "import math\nfrom json import loads",
        "def area(r):\n    # round\n    return math.pi * half(r) ** 2",
        "def half(x):\n    return x / factor\nfactor = 1",
        "round(area(2), 2)",
        "loads('[1]')",
    )
    found = results(made)
    assert (found["d"], found["e"]) == (12.57, [1])
    last = made.flow["value"]["modules"][3]["value"]["content"]
    assert last.startswith("import math\n") and "# round" in last and "from json" not in last


def test_what_is_changed_in_place_is_handed_on() -> None:
    made = imported(
        "rows = []\ncounts = {}",
        "rows.append(1)\ncounts['x'] = 2",
        "count = 0",
        "count += len(rows)\ncount",
        "[rows, counts, count]",
    )
    assert results(made)["e"] == [[1], {"x": 2}, 1]


def test_a_module_that_is_called_is_no_value() -> None:
    made = imported("import random", "random.seed(1)", "random.random() < 2")
    assert results(made)["c"] is True
    assert made.flow["value"]["modules"][2]["value"]["input_transforms"] == {}


def test_long_texts_and_loops_keep_their_lines() -> None:
    made = imported('text = """one\n  two\n"""\nfor part in text.split():\n    last = part', "[text, last]")
    assert results(made)["b"] == ["one\n  two\n", "two"]


def test_texts_become_notes_and_headings_titles() -> None:
    made = imported(
        ("markdown", "Intro\ntext"), ("markdown", "## Load the rows"), "rows = [1]", ("markdown", "After"), ("raw", "x")
    )
    assert [module["summary"] for module in made.flow["value"]["modules"]] == ["Load the rows"]
    assert [(note["after"], note["text"]) for note in notes_of(made)] == [
        (None, "Intro\ntext"),
        ("c0", "After"),
        ("c0", "x"),
    ]


def test_magic_lines_are_comments_and_what_is_no_python_is_kept() -> None:
    made = imported("%matplotlib inline\n!pip install x\nx = 1", "x +", "x")
    first, second, _ = made.flow["value"]["modules"]
    assert "# %matplotlib inline" in first["value"]["content"] and results(imported("%time\n1"))["a"] == 1
    assert second["value"]["content"] == "x +\n"
    (note,) = notes_of(made)
    assert "comments now" in note["text"] and "no Python" in note["text"]


def test_a_line_that_begins_with_a_percent_sign_may_be_python() -> None:
    made = imported('n = 3\ntext = ("%d rows"\n  % n)', "text")
    assert results(made)["b"] == "3 rows" and notes_of(made) == []


def test_a_cell_that_waits_becomes_a_step_that_waits() -> None:
    made = imported("import asyncio\nasync def one():\n    return 1", "x = await one()\nx")
    first, second = made.flow["value"]["modules"]
    assert "\ndef main()" in first["value"]["content"]
    assert "async def main()" in second["value"]["content"] and "await one()" in second["value"]["content"]


@pytest.mark.parametrize(
    "source",
    ["(" * 3000, "x = " + "-" * 50_000 + "1", "\0", "\ud800", "def f(a, a): pass", "x = 1\nnonlocal x", "return 1 +"],
)
def test_odd_code_is_taken_over_as_it_is(source: str) -> None:
    (module,) = imported(source).flow["value"]["modules"]
    assert module["value"]["content"] == source + "\n"


def test_odd_notebooks_are_read_as_far_as_they_go() -> None:
    odd: tuple[Any, ...] = ("x", [], {"language_info": "python", "kernelspec": 1})
    for metadata in odd:
        assert len(imported("1", metadata=metadata).flow["value"]["modules"]) == 1
    for cells in ([1, None, {"cell_type": "code"}, {"cell_type": "code", "source": 5}],):
        from_jupyter({"nbformat": 4, "cells": cells}, lambda: "c")


def test_the_flow_is_a_valid_document() -> None:
    made = imported("a = 1", "b = a\nb")
    documents.parse(made.flow)


@pytest.mark.parametrize("metadata", [{"language_info": {"name": "julia"}}, {"kernelspec": {"language": "R"}}])
def test_other_languages_are_refused(metadata: dict[str, Any]) -> None:
    with pytest.raises(DocumentUnusable, match="written in"):
        imported("1", metadata=metadata)


def test_what_is_a_notebook() -> None:
    assert (
        is_jupyter({"nbformat": 4, "cells": []}) and not is_jupyter({"value": {"modules": []}}) and not is_jupyter([])
    )
    assert imported().flow["value"]["modules"] == []
