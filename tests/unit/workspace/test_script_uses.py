"""Which flows and scripts use a script, and what stays of a schema when the code changes."""

from __future__ import annotations

from typing import Any

import pytest

from flowapp.workspace.script_uses import with_words_of
from flowapp.workspace.usages import calls, imports

PATH = "f/team/mail"


def flow(*modules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"value": {"modules": list(modules), **more}}


def step(kind: str, path: str = PATH) -> dict[str, Any]:
    return {"id": "a", "value": {"type": kind, "path": path, "input_transforms": {}}}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (flow(step("script")), True),
        (flow(failure_module=step("script")), True),
        (flow({"id": "l", "value": {"type": "forloopflow", "modules": [step("script")]}}), True),
        (flow({"id": "x", "value": {"type": "aiagent", "tools": [step("script")]}}), True),
        (flow(step("flow")), False),  # a flow may be at the same path
        (flow(step("script", "f/team/mailing")), False),
        (flow({"id": "a", "value": {"type": "rawscript", "path": PATH, "content": PATH}}), False),
    ],
)
def test_a_flow_calls_it(document: dict[str, Any], found: bool) -> None:
    assert calls(document, PATH) is found


@pytest.mark.parametrize(
    ("language", "code", "found"),
    [
        ("python3", "from f.team.mail import send", True),
        ("python3", "from f.team import mail", True),
        ("python3", "from .mail import send", True),
        ("python3", "x = 'f/team/mail'", False),
        ("python3", "from f.team.mailing import send", False),
        ("bun", 'import { send } from "/f/team/mail.ts"', True),
        ("deno", 'import { send } from "./mail"', True),
        ("bash", "# from f.team.mail import send", False),
    ],
)
def test_a_script_imports_it(language: str, code: str, found: bool) -> None:
    assert imports(language, code, "f/team/other", PATH) is found


def test_words_about_inputs_stay_while_their_type_does() -> None:
    before = {
        "properties": {
            "to": {"type": "string", "description": "Whom", "default": "ada"},
            "times": {"type": "string", "description": "How often"},
            "gone": {"type": "string"},
        }
    }
    inferred = {
        "type": "object",
        "properties": {"to": {"type": "string"}, "times": {"type": "integer", "default": 2}},
        "required": ["to"],
    }
    assert with_words_of(before, inferred) == {
        "type": "object",
        "properties": {"to": {"type": "string", "description": "Whom"}, "times": {"type": "integer", "default": 2}},
        "required": ["to"],
    }
