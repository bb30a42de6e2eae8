"""Settings of cells and of the flow: every one can be set, taken back, removed, and makes stale what it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowapp.notebook import Applied, Document, Rejected, apply, apply_all, definition_of, states
from flowapp.notebook.codec import decode, encode
from flowapp.notebook.operations import types as ops
from flowapp.notebook.settings_table import FORMS, HARMLESS, SETTINGS, Setting, table_json
from flowapp.notebook.view import Snapshot, difference, view
from tests.unit.notebook.flows import branch, document, loop, script

ROOT = Path(__file__).resolve().parents[3]
EXPRESSION = {"type": "javascript", "expr": "flow_input.n"}
FORM = {"type": "object", "properties": {"why": {"type": "string"}}}

#: A value of each shape, and one that is not of that shape.
MODULE_VALUES: dict[str, tuple[Any, Any]] = {
    "summary": ("Title", 5),
    "retry": ({"constant": {"attempts": 3, "seconds": 1}, "retry_if": {"expr": "error.name"}}, 3),
    "continue_on_error": (True, "yes"),
    "timeout": ({"type": "static", "value": 5}, "5 s"),
    "stop_after_if": ({"expr": "result > 1", "skip_if_stopped": True, "error_message": "too big"}, "result > 1"),
    "stop_after_all_iters_if": ({"expr": "result.length > 1"}, {"expr": 1}),
    "skip_if": ({"expr": "flow_input.n > 1"}, {}),
    "suspend": ({"required_events": 2, "timeout": 60, "resume_form": {"schema": FORM}}, {"required_events": "2"}),
    "sleep": (EXPRESSION, 5),
    "mock": ({"enabled": True, "return_value": [1]}, True),
    "cache_ttl": (600, "600"),
    "cache_ignore_s3_path": (True, 1),
    "debouncing": ({"debounce_delay_s": 5, "debounce_key": "$args[x]"}, 5),
    "priority": (10, 1.5),
    "delete_after_secs": (60, "60"),
    "delete_after_use": (True, 0),
    "apply_preprocessor": (True, "no"),
    "pass_flow_input_directly": (True, "no"),
}
VALUE_VALUES: dict[str, tuple[Any, Any]] = {
    "path": ("u/admin/x", 5),
    "hash": ("12ab", []),
    "lock": ("requests==2", 5),
    "assets": ([], {}),
    "tag": ("gpu", 1),
    "tag_override": ("gpu", 1),
    "concurrent_limit": (2, 2.5),
    "concurrency_time_window_s": (60, "60"),
    "custom_concurrency_key": ("$args[x]", 1),
    "is_trigger": (True, 1),
    "pass_flow_input_directly": (True, 1),
    "iterator": (EXPRESSION, "flow_input.n"),
    "parallel": (True, 1),
    "parallelism": (4, "4"),
    "skip_failures": (True, 1),
    "squash": (True, 1),
}
BRANCH_VALUES: dict[str, tuple[Any, Any]] = {
    "summary": ("Big", 5),
    "expr": ("true", None),
    "skip_failure": (True, 1),
    "parallel": (True, None),
}
FLOW_VALUES: dict[str, tuple[Any, Any]] = {
    "same_worker": (True, 1),
    "skip_expr": ("flow_input.n > 3", True),
    "early_return": ("a", 1),
    "flow_env": ({"region": "eu"}, []),
    "cache_ttl": (60, "60"),
    "cache_ignore_s3_path": (True, 1),
    "concurrent_limit": (2, 2.5),
    "concurrency_time_window_s": (60, "60"),
    "concurrency_key": ("$args[n]", 1),
    "debounce_delay_s": (5, "5"),
    "debounce_key": ("$args[n]", 1),
    "debounce_args_to_accumulate": (["n"], "n"),
    "max_total_debouncing_time": (60, "60"),
    "max_total_debounces_amount": (10, 1.5),
    "priority": (10, "10"),
    "preserve_step_tags": (True, 1),
    "delete_after_secs": (60, "60"),
    "delete_after_use": (True, 1),
    "chat_input_enabled": (True, 1),
}

#: One cell of each kind; `made` has them all.
CELLS: dict[str, dict[str, Any]] = {
    "rawscript": script("a"),
    "script": {"id": "s", "value": {"type": "script", "path": "u/admin/old", "input_transforms": {}}},
    "flow": {"id": "f", "value": {"type": "flow", "path": "u/admin/old", "input_transforms": {}}},
    "identity": {"id": "i", "value": {"type": "identity"}},
    "forloopflow": loop("l", "[1]", [script("in_l")]),
    "whileloopflow": {"id": "w", "value": {"type": "whileloopflow", "modules": [], "skip_failures": False}},
    "branchone": branch("o", [("flow_input.n > 1", [])], []),
    "branchall": {"id": "t", "value": {"type": "branchall", "branches": [{"summary": "", "modules": []}]}},
}
made = document(*CELLS.values())


def cases() -> list[Any]:
    """(cell, key, setting, good, bad) of every setting on every kind of cell in `CELLS`."""
    found = []
    for setting in SETTINGS:
        if setting.place == "flow":
            continue
        for kind, module in CELLS.items():
            if setting.place != "module" and kind not in setting.kinds:
                continue
            by_key = {"module": MODULE_VALUES, "value": VALUE_VALUES, "branch": BRANCH_VALUES}[setting.place]
            if setting.place == "module" and setting.key == "pass_flow_input_directly" and kind in ("script", "flow"):
                continue  # these have it in their value, which is the setting that the key names
            key = f"branches/0/{setting.key}" if setting.place == "branch" else setting.key
            good, bad = by_key[setting.key]
            if (kind, setting.key) == ("whileloopflow", "parallelism"):
                bad = None  # OpenFlow gives it no meaning there, and so no shape
            found.append(pytest.param(f"cell_{module['id']}", key, setting, good, bad, id=f"{kind}-{key}"))
    return found


@pytest.mark.parametrize(("cell", "key", "setting", "good", "bad"), cases())
def test_each_setting_is_set_taken_back_removed_and_refused(
    cell: str, key: str, setting: Setting, good: Any, bad: Any
) -> None:
    operation = ops.SetSetting(cell, key, good)
    assert decode(json.loads(json.dumps(encode(operation)))) == operation
    result = apply(made, operation)
    assert isinstance(result, Applied), result
    step = made.outline.by_cell[cell].step_id
    assert result.label in (f"Set {setting.label} of `{step}`", f"Changed {setting.label} of `{step}`")
    assert result.touched == {cell}
    assert undone(result).flow == made.flow
    if good != value_at(made, cell, key):
        stale = definition_of(made, cell) != definition_of(result.document, cell)
        assert stale == setting.changes_result
    removed = apply(result.document, ops.SetSetting(cell, key, None))
    assert isinstance(removed, Applied)
    assert removed.label == f"Removed {setting.label} of `{step}`"
    assert undone(removed).flow == result.document.flow
    if bad is not None:
        refused = apply(made, ops.SetSetting(cell, key, bad))
        assert isinstance(refused, Rejected) and refused.code == "notebook.bad_setting"


@pytest.mark.parametrize("key", sorted(FLOW_VALUES))
def test_each_setting_of_the_flow(key: str) -> None:
    good, bad = FLOW_VALUES[key]
    result = apply(made, ops.SetFlowSetting(key, good))
    assert isinstance(result, Applied)
    assert result.label.startswith("Set ") and result.label.endswith(" of the flow")
    shown = view(result.document, states(result.document, {}, {}))
    assert shown["settings"] == {key: good}
    told = difference(Snapshot(made, states(made, {}, {})), Snapshot(result.document, states(result.document, {}, {})))
    assert told["settings"] == {key: good}
    assert undone(result) == made
    refused = apply(made, ops.SetFlowSetting(key, bad))
    assert isinstance(refused, Rejected) and refused.code == "notebook.bad_setting"


def test_every_setting_has_a_case() -> None:
    assert {setting.key for setting in SETTINGS if setting.place == "module"} == set(MODULE_VALUES)
    assert {setting.key for setting in SETTINGS if setting.place == "flow"} == set(FLOW_VALUES)
    agents = {setting.key for setting in SETTINGS if setting.kinds == ("aiagent",)}
    assert {setting.key for setting in SETTINGS if setting.place == "value"} - agents <= set(VALUE_VALUES)


def test_settings_that_are_none_are_refused() -> None:
    for operation in (ops.SetSetting("cell_a", "value", {}), ops.SetFlowSetting("modules", [])):
        refused = apply(made, operation)
        assert isinstance(refused, Rejected) and refused.code == "notebook.unknown_setting"


def test_undo_brings_back_what_a_document_had_even_where_it_would_be_refused_now() -> None:
    odd = document(script("a", retry=3), same_worker="yes")
    for operation in (ops.SetSetting("cell_a", "retry", None), ops.SetFlowSetting("same_worker", None)):
        result = apply(odd, operation)
        assert isinstance(result, Applied)
        again = [decode(json.loads(json.dumps(encode(back)))) for back in result.inverse]
        back = apply_all(result.document, [item for item in again if not isinstance(item, Rejected)])
        assert isinstance(back, Applied)
        assert back.document.flow == odd.flow


def test_the_table_of_the_page_is_made_from_this_one() -> None:
    kept = json.loads((ROOT / "assets/js/notebook/settings_table.json").read_text())
    assert kept == table_json(), "run scripts/make_settings_table.py"


def test_every_form_has_a_setting_and_every_setting_its_form() -> None:
    forms = {form.id for form in FORMS}
    assert {setting.form for setting in SETTINGS if setting.form is not None} == forms
    assert {"retry", "timeout", "cache_ttl", "sleep", "suspend"} <= HARMLESS
    assert not HARMLESS & {"mock", "skip_if", "stop_after_if", "iterator"}


class TestRenamingAFlowInput:
    schema = {  # noqa: RUF012 - never changed
        "type": "object",
        "properties": {"n": {"type": "integer"}, "m": {"type": "integer"}},
        "required": ["n"],
        "order": ["n", "m"],
    }
    before = document(
        script("a", {"x": "flow_input.n + flow_input['n']", "y": "flow_input.m"}),
        loop("l", "flow_input.n", [script("b", {"x": "((flow_input) => flow_input.n)(1) + flow_input?.n"})]),
        sample={"n": 3, "m": 4},
        schema=schema,
    )

    def test_follows_every_expression_and_the_sample(self) -> None:
        before = applied(self.before, ops.SetFlowSetting("skip_expr", "flow_input.n > 1"))
        result = apply(before, ops.RenameFlowInput("n", "count"))
        assert isinstance(result, Applied)
        flow = result.document.flow
        assert list(flow["schema"]["properties"]) == ["count", "m"]
        assert flow["schema"]["required"] == ["count"]
        assert flow["schema"]["order"] == ["count", "m"]
        assert result.document.sample == {"count": 3, "m": 4}
        inputs = flow["value"]["modules"][0]["value"]["input_transforms"]
        assert inputs["x"]["expr"] == "flow_input.count + flow_input['count']"
        assert inputs["y"]["expr"] == "flow_input.m"
        inner = flow["value"]["modules"][1]["value"]["modules"][0]["value"]["input_transforms"]["x"]["expr"]
        assert inner == "((flow_input) => flow_input.n)(1) + flow_input?.count"
        assert flow["value"]["skip_expr"] == "flow_input.count > 1"
        assert result.touched == {"cell_a", "cell_l", "cell_b"}
        assert result.label == "Renamed the flow input `n` to `count`"
        assert undone(result) == before

    @pytest.mark.parametrize(
        ("name", "to", "code"),
        [
            ("nope", "x", "notebook.flow_input_not_found"),
            ("n", "m", "notebook.flow_input_taken"),
            ("n", "1", "notebook.flow_input_invalid"),
        ],
    )
    def test_refuses(self, name: str, to: str, code: str) -> None:
        refused = apply(self.before, ops.RenameFlowInput(name, to))
        assert isinstance(refused, Rejected) and refused.code == code


def applied(before: Document, operation: ops.Operation) -> Document:
    result = apply(before, operation)
    assert isinstance(result, Applied), result
    return result.document


def undone(result: Applied) -> Document:
    back = apply_all(result.document, result.inverse)
    assert isinstance(back, Applied), back
    return back.document


def value_at(before: Document, cell: str, key: str) -> Any:
    """What a setting is in a document; None when it is missing."""
    module = before.outline.by_cell[cell].module
    if key.startswith("branches/"):
        return module["value"]["branches"][0].get(key.rsplit("/", 1)[1])
    return module["value"].get(key, module.get(key))
