"""What the page of a link shows of a flow: form, cells, inputs, settings; and what it hides."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from flowapp.jsontext import dumps
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace.redaction import HIDDEN, Redactor
from flowapp.workspace.shared_cells import MOST_CELLS, MOST_CODE, MOST_TEXT, Cell
from flowapp.workspace.shared_flows import MOST_FIELDS, SharedFlow, flow_page
from flowapp.workspace.shared_settings import Setting, settings_of
from flowapp.workspace.shared_values import Budget


def raw(step: str, content: str = "def main():\n    return 1\n", **inputs: Any) -> dict[str, Any]:
    return {
        "id": step,
        "value": {"type": "rawscript", "language": "python3", "content": content, "input_transforms": inputs},
    }


def static(value: Any) -> dict[str, Any]:
    return {"type": "static", "value": value}


def js(expr: str) -> dict[str, Any]:
    return {"type": "javascript", "expr": expr}


def page(modules: list[Any], secrets: tuple[str, ...] = (), schema: Any = None, **value: Any) -> SharedFlow:
    flow = {"summary": "Report", "description": "About it", "schema": schema, "value": {"modules": modules, **value}}
    row = FlowVersionRow(
        id=1,
        workspace="main",
        path="f/team/report",
        version=3,
        summary="Report",
        document=dumps(flow),
        message="",
        created_by="ada",
        created_at="2026-01-02T03:04:05Z",
    )
    return flow_page(row, "2026-02-02T00:00:00Z", secrets)


def only(shown: SharedFlow) -> Cell:
    (cell,) = shown.cells
    return cell


def test_the_head_names_the_version() -> None:
    shown = page([raw("a")])
    assert (shown.title, shown.path, shown.description, shown.version) == ("Report", "f/team/report", "About it", 3)
    assert shown.deployed_at == "2026-01-02T03:04:05Z" and not shown.fields and not shown.settings


def test_a_cell_has_code_inputs_and_settings() -> None:
    module = raw("a", n=static(3), rows=js("results.b.rows"), opt=static(None)) | {
        "summary": "Load",
        "timeout": static(90),
    }
    cell = only(page([module]))
    assert (cell.step_id, cell.title, cell.kind, cell.depth) == ("a", "Load", "Python", 0)
    assert cell.code == "def main():\n    return 1\n" and not cell.code_cut
    assert [(one.name, one.text, one.wired) for one in cell.inputs] == [
        ("n", "3", False),
        ("rows", "results.b.rows", True),
    ]
    assert cell.settings == (Setting("Time limit", "90 s"),)


def test_what_is_inside_of_loops_and_branches_stands_in_it_in_order() -> None:
    branch = {
        "id": "c",
        "value": {
            "type": "branchone",
            "branches": [{"summary": "Large", "expr": "results.b > 10", "modules": [raw("d")]}],
            "default": [raw("e")],
        },
    }
    loop = {"id": "b", "value": {"type": "forloopflow", "iterator": js("flow_input.rows"), "modules": [branch]}}
    shown = page([loop, raw("f")], failure_module=raw("failure"), preprocessor_module=raw("preprocessor"))
    assert [(cell.step_id, cell.depth) for cell in shown.contents] == [
        *(("preprocessor", 0), ("b", 0), ("c", 1), ("d", 2), ("e", 2), ("f", 0), ("failure", 0))
    ]
    assert [cell.number for cell in shown.contents] == list(range(1, 8))
    assert shown.cells[1].inputs[0].text == "flow_input.rows" and shown.cells[1].slots[0].label == "For each"
    inner = shown.cells[1].slots[0].cells[0]
    assert [(slot.label, slot.condition) for slot in inner.slots] == [
        ("Branch 1: Large", "results.b > 10"),
        ("Otherwise", ""),
    ]
    assert shown.cells[0].role == "Preprocessor" and shown.cells[-1].role == "When a step fails"


def test_an_agent_shows_its_tools() -> None:
    tools = [
        {"id": "t", "summary": "look_up", "value": {**raw("t", q={"type": "ai"})["value"], "tool_type": "flowmodule"}},
        {"id": "m", "summary": "docs", "value": {"tool_type": "mcp", "resource_path": "$res:u/ada/mcp"}},
    ]
    agent = {
        "id": "a",
        "value": {"type": "aiagent", "input_transforms": {"user_message": static("Hi")}, "tools": tools},
    }
    (slot,) = only(page([agent])).slots
    assert [(tool.title, tool.kind, tool.depth) for tool in slot.cells] == [
        ("look_up", "Python", 1),
        ("docs", "Tools of an MCP server", 1),
    ]
    assert slot.cells[0].inputs[0].text == "The model decides." and slot.cells[1].inputs[0].text == HIDDEN


def test_the_fields_of_the_form() -> None:
    schema = {
        "type": "object",
        "required": ["region"],
        "order": ["region", "limit"],
        "properties": {
            "limit": {"type": "integer", "default": 10},
            "region": {"type": "string", "title": "Region", "description": "Where", "enum": ["North", "South"]},
            "pin": {"type": "string", "format": "password", "default": "4711-pin"},
            "db": {"type": "object", "format": "resource-postgresql", "default": "$res:u/ada/db"},
            "day": {"type": ["string", "null"], "format": "date"},
        },
    }
    region, limit, pin, db, day = page([raw("a", "x = '4711-pin'")], schema=schema).fields
    assert (region.title, region.kind, region.required, region.help) == ("Region", "Text", True, "Where")
    assert region.choices == ("North", "South") and (limit.default, limit.required) == ("10", False)
    assert (pin.kind, pin.default) == ("Password", HIDDEN)
    assert (db.kind, db.default) == ("Resource (postgresql)", HIDDEN) and day.kind == "Text (date)"


def test_no_secret_is_shown() -> None:
    known, fixed, pin = "s3cret-of-the-team", "fixed-p4ssword", "4711-pin"
    code = f'KEY = "{known}"\nFIXED = "{fixed}"\nPIN = "{pin}"\ntoken = "abc-777-def"\ncity = "Oslo"\n'
    module = raw(
        "a",
        code,
        password=static(fixed),
        config=static({"host": "db.example.org", "api_key": "k-123"}),
        key=static("$var:u/ada/key"),
        db=static("$res:u/ada/db"),
        text=static(f"with {known} in it"),
        token=js(f"'{'abc-777-'}' + 'def'"),
        apiKey=js("variable('u/ada/key')"),
        secret=js("results.b.secret"),
        head=js(f"`Bearer {known}`"),
    )
    schema = {"type": "object", "properties": {"pin": {"type": "string", "format": "password", "default": pin}}}
    module["stop_after_if"] = {"expr": f"result === '{known}'", "skip_if_stopped": True}
    branch = {"id": "b", "value": {"type": "branchone", "branches": [{"expr": f"x == '{known}'", "modules": []}]}}
    shown = page(
        [module, branch], (known,), schema, flow_env={"token": "env-t0ken", "city": "Oslo", "copy": "env-t0ken"}
    )
    text = str(asdict(shown))
    for hidden in (known, fixed, pin, "abc-777", "k-123", "$var:", "$res:", "env-t0ken"):
        assert hidden not in text, hidden
    for seen in ("Oslo", "db.example.org", "variable('u/ada/key')", "results.b.secret", "with ", HIDDEN):
        assert seen in text, seen


def test_nothing_that_was_pinned_is_shown() -> None:
    module = raw("a") | {"mock": {"enabled": True, "return_value": "pinned rows"}}
    assert "pinned rows" not in str(asdict(page([module])))


def test_a_page_holds_so_many_cells_and_long_texts_are_cut() -> None:
    shown = page([raw(f"s{n}") for n in range(MOST_CELLS + 2)])
    assert len(shown.contents) == MOST_CELLS and shown.cut
    cell = only(page([raw("a", "x" * 50_000, big=static(list(range(300))))]))
    assert len(cell.code) == 40_000 and cell.code_cut and "… 200 more" in cell.inputs[0].text


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"id": 7, "value": None},
        {"id": "a", "value": {"type": "branchone", "branches": "x", "default": None}},
        {
            "id": "a",
            "value": {"type": "rawscript", "content": 3, "input_transforms": {"x": 4, "y": {"type": "javascript"}}},
        },
        {"id": "a", "value": {"type": "aiagent", "tools": [{"value": 1}, 2]}, "retry": 3, "sleep": "x"},
        {"id": "a", "value": {"type": "whileloopflow", "modules": [{"id": "b"}]}, "timeout": {"type": "static"}},
    ],
)
def test_odd_documents_are_shown_as_far_as_they_go(odd: dict[str, Any]) -> None:
    assert len(page([odd], schema=[1], flow_env=3).cells) == 1


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ({"continue_on_error": True}, Setting("Go on after an error", "Yes")),
        (
            {"retry": {"constant": {"attempts": 3, "seconds": 5}}},
            Setting("Retry", "constant:\n  attempts: 3\n  seconds: 5"),
        ),
        ({"delete_after_use": True}, Setting("Delete data", "Deletion of data")),
        ({"skip_if": {"expr": "flow_input.n > 3"}}, Setting("Skip", "flow_input.n > 3")),
        ({"sleep": js("flow_input.n")}, Setting("Sleep", "flow_input.n")),
        ({"suspend": {"required_events": 2}}, Setting("Wait for approval", "required events: 2")),
        (
            {"suspend": {"user_groups_required": static(["finance"])}},
            Setting("Wait for approval", "user groups required: - finance"),
        ),
        ({"cache_ttl": 60, "cache_ignore_s3_path": True}, Setting("Cache", "cache: 60 s\ncache of files: Yes")),
    ],
)
def test_settings_in_words(module: dict[str, Any], expected: Setting) -> None:
    assert settings_of("rawscript", module, {}, Redactor(), Budget(9000, Redactor())) == (expected,)


def test_what_is_not_set_is_not_said() -> None:
    module = {"retry": None, "continue_on_error": False, "mock": {"enabled": True}}
    assert settings_of("rawscript", module, {}, Redactor(), Budget(9000, Redactor())) == ()


def test_a_page_holds_so_much_code() -> None:
    cells = page([raw(f"s{n}", "x" * 40_000) for n in range(12)]).contents
    assert sum(len(cell.code) for cell in cells) == MOST_CODE
    assert [cell.code_cut for cell in cells] == [False] * 10 + [True] * 2 and cells[-1].code == ""


def test_a_secret_in_the_path_is_hidden_too() -> None:
    assert page([raw("a")], ("f/team/report",)).path == HIDDEN


def hides(shown: SharedFlow, *secrets: str) -> None:
    text = str(asdict(shown))
    assert [secret for secret in secrets if secret in text] == []
    assert HIDDEN in text


def test_an_object_that_names_a_secret_hides_it_in_settings_too() -> None:
    header = {"name": "X-Api-Key", "value": "Zx93kdLLq2"}
    shown = page([raw("a", "k = 'Zx93kdLLq2'")], flow_env={"HEADER": header, "city": "Oslo"})
    hides(shown, "Zx93kdLLq2")
    assert "X-Api-Key" in shown.settings[0].text and "Oslo" in shown.settings[0].text
    hides(page([raw("a"), raw("b")], flow_env={"ALL": [header]}), "Zx93kdLLq2")


def test_what_a_password_may_be_is_not_told() -> None:
    fields: dict[str, Any] = {
        "pw": {"format": "password", "enum": ["hunter2x"], "examples": ["hunter3x"], "default": "hunter4x"},
        "api_key": {"enum": ["key-one-1"]},
        "many": {"type": "array", "items": {"format": "password"}, "default": ["hunter5x"]},
        "city": {"enum": ["Oslo"]},
    }
    code = "x = 'hunter2x hunter3x hunter4x key-one-1 hunter5x'"
    shown = page([raw("a", code)], schema={"properties": fields})
    hides(shown, "hunter2x", "hunter3x", "hunter4x", "key-one-1", "hunter5x")
    assert [field.choices for field in shown.fields] == [(), (), (), ("Oslo",)]


def test_a_form_of_an_approval_tells_no_password() -> None:
    door = {"format": "password", "default": "hunter2x", "enum": ["hunter2x", "hunter3x"], "examples": ["hunter4x"]}
    form = {"schema": {"properties": {"door": door, "city": {"default": "Oslo"}}}}
    module = raw("a", "x = 'hunter2x hunter3x'") | {"suspend": {"required_events": 1, "resume_form": form}}
    shown = page([module])
    hides(shown, "hunter2x", "hunter3x", "hunter4x")
    assert "Oslo" in only(shown).settings[0].text


def test_a_page_holds_so_many_fields() -> None:
    properties = {f"field_{n}": {"type": "integer", "default": n} for n in range(MOST_FIELDS + 20)}
    shown = page([raw("a")], schema={"properties": properties, "order": ["field_110", {}, 3]})
    assert len(shown.fields) == MOST_FIELDS and shown.fields_cut
    assert [(field.name, field.default) for field in shown.fields[:2]] == [("field_110", "110"), ("field_0", "0")]
    few = page([raw("a")], schema={"properties": dict(list(properties.items())[:MOST_FIELDS])})
    assert len(few.fields) == MOST_FIELDS and not few.fields_cut and not few.texts_cut


@pytest.mark.parametrize(
    "inputs", [{f"n{n}": static(n) for n in range(8000)}, {f"n{n}": static("x" * 2000) for n in range(200)}]
)
def test_a_page_holds_so_much_of_inputs(inputs: dict[str, Any]) -> None:
    shown = page([raw("a", **inputs)])
    cell = only(shown)
    assert shown.texts_cut and cell.inputs[0].name == "n0" and 0 < len(cell.inputs) < len(inputs)
    assert sum(len(one.name) + len(one.text) for one in cell.inputs) <= MOST_TEXT


def test_a_page_holds_so_much_of_settings() -> None:
    shown = page([raw(f"s{n}") | {"skip_if": {"expr": f"results.a != '{'x' * 1900}'"}} for n in range(200)])
    said = [cell for cell in shown.cells if cell.settings]
    assert shown.texts_cut and 0 < len(said) < 200 and said == list(shown.cells[: len(said)])


def test_each_text_is_looked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0
    text = Redactor.text

    def counted(self: Redactor, *args: Any) -> str:
        nonlocal seen
        seen += 1
        return text(self, *args)

    monkeypatch.setattr(Redactor, "text", counted)
    page([raw("a")], schema={"properties": {f"field_{n}": {"default": "x"} for n in range(1000)}})
    assert seen < 10 * MOST_FIELDS


def test_where_many_secrets_are_looked_for_a_page_holds_less() -> None:
    inputs: dict[str, Any] = {f"password{n}": static(f"secret-value-{n}") for n in range(3000)}
    shown = page([raw("a", **inputs)])
    assert shown.texts_cut and 0 < len(only(shown).inputs) < 300
