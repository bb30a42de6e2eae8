"""Documents in and out: models, JSON, YAML and the folder layout."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowapp.openflow import documents, models
from flowapp.openflow.errors import DocumentInvalid

JAVASCRIPT = {"type": "javascript", "expr": "results.a"}

EVERY_KIND: dict[str, Any] = {
    "summary": "Everything",
    "description": "",
    "schema": {"$schema": "x", "type": "object", "properties": {"q": {"type": "string"}}, "order": ["q"]},
    "tag": None,
    "value": {
        "same_worker": False,
        "flow_env": {"A": 1, "B": {"c": []}},
        "notes": [{"id": "n", "text": "hello", "type": "free", "position": {"x": 1.5}}],
        "groups": [{"start_id": "a", "end_id": "c"}],
        "modules": [
            {
                "id": "a",
                "summary": None,
                "value": {
                    "type": "rawscript",
                    "language": "python3",
                    "content": "def main(x):\n    return x\n",
                    "lock": "",
                    "input_transforms": {"x": {"type": "static", "value": None}, "y": {"type": "static"}},
                    "assets": [{"path": "p", "kind": "s3object", "access_type": "r"}],
                },
                "stop_after_if": {"expr": "false", "skip_if_stopped": True, "error_message": None},
                "skip_if": {"expr": "false"},
                "suspend": {
                    "required_events": 1,
                    "timeout": 30,
                    "resume_form": {"schema": {"properties": {}}},
                    "user_groups_required": {"type": "static", "value": ["g"]},
                },
                "mock": {"enabled": False, "return_value": 3},
                "retry": {
                    "constant": {"attempts": 2, "seconds": 5},
                    "exponential": {"attempts": 1, "multiplier": 1, "seconds": 2, "random_factor": 10},
                    "retry_if": {"expr": "true"},
                },
                "sleep": {"type": "javascript", "expr": "1"},
                "timeout": 10,
                "continue_on_error": True,
                "from_a_later_version": {"deep": [1, {"x": None}]},
            },
            {
                "id": "b",
                "value": {"type": "script", "path": "u/a/b", "hash": None, "input_transforms": {"x": JAVASCRIPT}},
            },
            {"id": "c", "value": {"type": "flow", "path": "", "input_transforms": {}}, "timeout": JAVASCRIPT},
            {
                "id": "d",
                "value": {
                    "type": "forloopflow",
                    "iterator": JAVASCRIPT,
                    "skip_failures": True,
                    "parallel": True,
                    "parallelism": {"type": "static", "value": 2},
                    "modules": [{"id": "e", "value": {"type": "identity"}}],
                },
                "stop_after_all_iters_if": {"expr": "true", "skip_if_stopped": False},
            },
            {"id": "f", "value": {"type": "whileloopflow", "modules": [], "skip_failures": False, "parallel": False}},
            {
                "id": "g",
                "value": {
                    "type": "branchone",
                    "branches": [
                        {"summary": "", "expr": "true", "modules": [{"id": "h", "value": {"type": "identity"}}]}
                    ],
                    "default": [],
                },
            },
            {
                "id": "i",
                "value": {"type": "branchall", "branches": [{"modules": [], "skip_failure": None}], "parallel": None},
            },
            {
                "id": "j",
                "value": {
                    "type": "aiagent",
                    "input_transforms": {"user_message": JAVASCRIPT},
                    "tools": [
                        {
                            "id": "k",
                            "summary": "look",
                            "value": {
                                "tool_type": "flowmodule",
                                "type": "rawscript",
                                "language": "bash",
                                "content": "echo",
                                "input_transforms": {"x": {"type": "ai"}},
                            },
                        },
                        {"id": "l", "value": {"tool_type": "mcp", "resource_path": "u/a/m", "include_tools": ["x"]}},
                        {"id": "m", "value": {"tool_type": "websearch"}},
                        {"id": "n", "value": {"type": "script", "path": "hub/1/x/y"}},
                    ],
                },
            },
            {"value": {"type": "rawscript", "language": "bun", "content": "", "input_transform": {"z": JAVASCRIPT}}},
            {"id": "old", "input_transforms": {"z": JAVASCRIPT}, "value": {"type": "script", "path": "f/x/y"}},
            {
                "id": "linked",
                "value": {
                    "type": "aiagent",
                    "agent": "f/team/helper",
                    "input_transforms": {"user_message": JAVASCRIPT},
                    "tool_inputs": {"k": {"x": JAVASCRIPT, "y": {"type": "static", "value": [1, None]}}},
                },
            },
        ],
        "failure_module": {"id": "failure", "value": {"type": "script", "path": "u/a/f"}},
        "preprocessor_module": None,
    },
}


def problems_of(data: Any) -> dict[str, str]:
    with pytest.raises(DocumentInvalid) as raised:
        documents.parse(data)
    return {problem.pointer: problem.message for problem in raised.value.problems}


class TestParse:
    def test_every_kind_and_field_and_back(self) -> None:
        flow = documents.parse(EVERY_KIND)
        assert documents.dump(flow) == EVERY_KIND

    def test_order_of_keys_is_kept(self) -> None:
        assert json.dumps(documents.dump(documents.parse(EVERY_KIND))) == json.dumps(EVERY_KIND)

    def test_gives_typed_access(self) -> None:
        flow = documents.parse(EVERY_KIND)
        first, loop, alias = (flow.value.modules[i] for i in (0, 3, 8))
        assert isinstance(first.value, models.RawScript)
        assert first.suspend is not None
        assert first.suspend.resume_form is not None
        assert isinstance(loop.value, models.ForLoop)
        assert isinstance(loop.value.iterator, models.Javascript)
        assert isinstance(alias.value, models.RawScript)
        assert alias.value.input_transforms is not None
        assert list(alias.value.input_transforms) == ["z"]
        agent = flow.value.modules[7].value
        assert isinstance(agent, models.AiAgent)
        assert [type(tool.value) for tool in agent.tools or []] == [
            models.RawScript,
            models.McpTool,
            models.WebSearchTool,
            models.PathScript,
        ]

    def test_missing_keys_have_the_meaning_of_the_specification(self) -> None:
        modules = [{"value": {"type": "branchall", "branches": []}}, {"value": {"type": "branchone", "branches": []}}]
        flow = documents.parse({"value": {"modules": modules}})
        branchall = flow.value.modules[0].value
        assert isinstance(branchall, models.BranchAll)
        assert branchall.parallel is True
        assert flow.value.same_worker is False

    @pytest.mark.parametrize("data", [None, 3, "x", [], {}, {"value": 3}, {"value": {}}, {"value": {"modules": {}}}])
    def test_of_something_else_is_refused(self, data: Any) -> None:
        assert problems_of(data)

    def test_problems_have_their_places(self) -> None:
        data = {
            "summary": 1,
            "value": {
                "modules": [
                    {
                        "id": "a",
                        "value": {
                            "type": "rawscript",
                            "language": "bash",
                            "input_transforms": {"static": {"type": "static"}, "x/y": {"type": "odd"}, "z": {}},
                        },
                    },
                    {"id": "b", "value": {"type": "teleport"}},
                    {
                        "id": "c",
                        "value": {
                            "type": "forloopflow",
                            "modules": [{"id": "d"}],
                            "iterator": {"type": "javascript", "expr": 5},
                        },
                        "retry": {"constant": {"attempts": "5"}},
                    },
                    3,
                    {"id": "e", "value": {"type": "script", "path": "", "input_transform": {"q": 1}}},
                ]
            },
        }
        found = problems_of(data)
        assert set(found) == {
            "/summary",
            "/value/modules/0/value/content",
            "/value/modules/0/value/input_transforms/x~1y",
            "/value/modules/0/value/input_transforms/z",
            "/value/modules/1/value",
            "/value/modules/2/value/modules/0/value",
            "/value/modules/2/value/iterator/expr",
            "/value/modules/2/retry/constant/attempts",
            "/value/modules/3",
            "/value/modules/4/value/input_transform/q",
        }
        assert found["/summary"] == "`summary` has to be a text."
        assert found["/value/modules/0/value/content"] == "`content` is missing."
        assert "teleport" not in found["/value/modules/1/value"]
        assert "forloopflow" in found["/value/modules/1/value"]

    def test_problems_name_the_step(self) -> None:
        with pytest.raises(DocumentInvalid) as raised:
            documents.parse({"value": {"modules": [{"id": "a", "value": {"type": "script"}}]}})
        assert [problem.step_id for problem in raised.value.problems] == ["a"]
        assert raised.value.to_json()["problems"][0]["pointer"] == "/value/modules/0/value/path"

    def test_the_value_alone_gets_a_hint(self) -> None:
        with pytest.raises(DocumentInvalid, match="value") as raised:
            documents.parse({"modules": []})
        assert "Put it under the key" in raised.value.hint

    def test_nothing_is_coerced(self) -> None:
        assert "/priority" in problems_of({"value": {"modules": []}, "priority": "5"})
        assert "/priority" in problems_of({"value": {"modules": []}, "priority": True})

    def test_values_that_are_not_json_are_refused(self) -> None:
        flow = {"value": {"modules": [], "flow_env": {"a": float("nan"), "b": {1: 2}, "c": object()}}}
        assert set(problems_of(flow)) == {"/value/flow_env/a", "/value/flow_env/b", "/value/flow_env/c"}

    def test_nesting_without_end_is_refused(self) -> None:
        deep: Any = None
        for _ in range(5000):
            deep = [deep]
        found = problems_of({"value": {"modules": [], "flow_env": {"x": deep}}})
        assert list(found.values()) == ["The document is nested too deeply."]
        loop: list[Any] = []
        loop.append(loop)
        assert problems_of({"value": {"modules": loop}})


class TestReadText:
    def test_tells_json_from_yaml(self) -> None:
        assert documents.dump(documents.read_text('{"value": {"modules": []}}')) == {"value": {"modules": []}}
        assert documents.dump(documents.read_text("value:\n  modules: []\n")) == {"value": {"modules": []}}
        assert documents.dump(documents.read_text("{value: {modules: []}}")) == {"value": {"modules": []}}
        assert documents.dump(documents.read_text('\ufeff{"value": {"modules": []}}')) == {"value": {"modules": []}}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"value": ', "not JSON"),
            ('{"a": 1, "a": 2}', "twice"),
            ('{"value": {"modules": []}, "x": NaN}', "NaN"),
            ('{"value": {"modules": []}, "x": ' + "1" * 5000 + "}", "too long"),
            ("[" * 100_000, "nested too deeply|not JSON"),
            ('{"a":' * 100_000, "nested too deeply|not JSON"),
        ],
    )
    def test_broken_json_is_explained(self, text: str, words: str) -> None:
        with pytest.raises(DocumentInvalid, match=words):
            documents.read_text(text, "json")

    def test_large_texts_are_refused_at_once(self) -> None:
        for format in ("json", "yaml", None):
            with pytest.raises(DocumentInvalid, match="limit"):
                documents.read_text("x" * 50_000_000, format)

    @settings(deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_is_a_document_or_refused(self, text: str) -> None:
        for format in ("json", "yaml", None):
            with pytest.raises(DocumentInvalid):
                documents.read_text(text, format)


class TestFolder:
    flow: ClassVar[dict[str, Any]] = {
        "summary": "",
        "value": {
            "modules": [
                {
                    "id": "a",
                    "summary": "Read rows, now!",
                    "value": {"type": "rawscript", "language": "python3", "content": "A\r\n", "lock": "x==1\n"},
                },
                {
                    "id": "b",
                    "summary": "read rows now",
                    "value": {"type": "rawscript", "language": "bun", "content": "B", "lock": ""},
                },
                {"id": "c", "value": {"type": "rawscript", "language": "deno", "content": "!inline x"}},
                {"id": "d", "summary": "", "value": {"type": "rawscript", "language": "nativets", "content": "D"}},
                {
                    "id": "l",
                    "value": {
                        "type": "branchone",
                        "branches": [],
                        "default": [
                            {
                                "id": "e",
                                "summary": None,
                                "value": {"type": "rawscript", "language": "postgresql", "content": "E"},
                            }
                        ],
                    },
                },
                {
                    "id": "g",
                    "value": {
                        "type": "aiagent",
                        "tools": [
                            {
                                "id": "t",
                                "summary": "",
                                "value": {"type": "rawscript", "language": "odd", "content": "T"},
                            }
                        ],
                    },
                },
            ],
            "failure_module": {"id": "failure", "value": {"type": "rawscript", "language": "bash", "content": "F"}},
        },
    }

    def test_names_are_those_of_the_command_line(self) -> None:
        files = documents.to_folder(self.flow)
        assert list(files) == [
            "flow.yaml",
            "read_rows_now.inline_script.py",
            "read_rows_now.inline_script.lock",
            "read_rows_now_1.inline_script.ts",
            "c.inline_script.deno.ts",
            "inline_script_0.inline_script.native.ts",
            "e.inline_script.pg.sql",
            "inline_script_1.inline_script.no_ext",
            "failure.inline_script.sh",
        ]
        assert files["read_rows_now.inline_script.py"] == "A\r\n"
        assert "content: '!inline read_rows_now.inline_script.py'" in files["flow.yaml"]

    def test_there_and_back(self) -> None:
        assert documents.dump(documents.from_folder(documents.to_folder(self.flow))) == self.flow
        assert documents.dump(documents.from_folder(documents.to_folder(EVERY_KIND))) == EVERY_KIND

    def test_files_may_be_in_a_folder(self) -> None:
        files = {f"f/x/name.flow/{name}": text for name, text in documents.to_folder(self.flow).items()}
        assert documents.dump(documents.from_folder(files)) == self.flow

    def test_the_document_given_is_not_changed(self) -> None:
        before = json.dumps(self.flow)
        documents.to_folder(self.flow)
        assert json.dumps(self.flow) == before

    def test_inline_may_be_a_tag(self) -> None:
        text = (
            "value:\n  modules:\n    - id: a\n      value: {type: rawscript, language: bash, content: !inline a.sh}\n"
        )
        flow = documents.from_folder({"flow.yaml": text, "a.sh": "echo"})
        value = flow.value.modules[0].value
        assert isinstance(value, models.RawScript)
        assert value.content == "echo"

    def test_missing_files_are_named(self) -> None:
        files = documents.to_folder(self.flow)
        del files["c.inline_script.deno.ts"]
        with pytest.raises(DocumentInvalid, match=r"c[.]inline_script[.]deno[.]ts") as raised:
            documents.from_folder(files)
        assert [problem.pointer for problem in raised.value.problems] == ["/value/modules/2/value/content"]

    @pytest.mark.parametrize("files", [{}, {"a.py": ""}, {"flow.yaml": "- 1"}, {"flow.yaml": "["}, {"flow.json": "{"}])
    def test_other_folders_are_refused(self, files: dict[str, str]) -> None:
        with pytest.raises(DocumentInvalid):
            documents.from_folder(files)


def test_fill_ids() -> None:
    flow = {
        "value": {
            "modules": [{"value": {"type": "identity"}}, {"id": "a", "value": {"type": "identity"}}],
            "failure_module": {"value": {"type": "identity"}},
        }
    }
    filled = documents.fill_ids(flow)
    assert [module["id"] for module in filled["value"]["modules"]] == ["b", "a"]
    assert filled["value"]["failure_module"]["id"] == "failure"
    assert "id" not in flow["value"]["modules"][0]  # type: ignore[index]  # a plain literal of mixed values
