"""The command line as its docs tell of it; what it says to mistakes; that help loads nothing heavy."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from flowapp.cli import main
from flowapp.cli.app import app
from flowapp.cli.output import table
from flowapp.cli.runs import _arguments

ROOT = Path(__file__).resolve().parents[3]
DOC = (ROOT / "docs" / "command-line.md").read_text()
HEAVY = ("httpx", "sqlalchemy", "pydantic", "reflex", "dbos", "fastapi", "granian", "rich", "asyncio")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its whole name."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", found) for inner, found in command.commands.items())
        else:
            yield name, command


def options(command: Any) -> set[str]:
    return {text for found in command.params for text in found.opts if text.startswith("--")} - {"--help"}


def documented() -> list[str]:
    """The calls in the docs, as they stand there."""
    blocks = re.findall(r"```sh\n(.*?)```", DOC, flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_every_command_is_documented() -> None:
    for name, _ in commands():
        assert f"`{name}`" in DOC or f"flowapp {name}" in DOC, name


def test_every_option_is_documented() -> None:
    shown = {"worker": (ROOT / "docs" / "scaling.md").read_text()}
    for name, command in commands():
        for option in options(command):
            assert option in shown.get(name, DOC), f"{name} {option}"


def test_every_documented_call_exists() -> None:
    known = dict(commands())
    calls = [re.sub(r"^.*?\bflowapp ", "", line) for line in documented()]
    assert len(calls) > 20
    for call in calls:
        name = next(found for found in (" ".join(call.split()[:2]), call.split()[0]) if found in known)
        assert set(re.findall(r"(?<= )--[a-z-]+", call)) <= options(known[name]), call


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["bogus"], "No such command 'bogus'. See: flowapp --help"),
        (["run"], "Missing argument 'flow'. See: flowapp run --help"),
        (["user", "add"], "Missing argument 'email'. See: flowapp user add --help"),
        (["user", "set-rolle"], "flowapp user --help"),
        (["serve", "--port", "1"], "No such option: --port. See: flowapp serve --help"),
        (["token", "create", "--days", "x"], "Invalid value for '--days'"),
    ],
)
def test_a_mistake_is_one_line(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(given) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert printed.err.startswith("flowapp: ")
    assert said in printed.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["export"], "Say what to export: the path of a flow, or --all"),
        (["export", "f/a/b", "--all"], "Say what to export:"),
        (["export", "f/a/b", "--format", "xml"], "Use one of yaml, json, zip, folder."),
        (["import", "x.yaml", "--deploy"], "--deploy needs a path."),
        (["import", "/nonexistent.yaml"], "/nonexistent.yaml cannot be read"),
        (["run", "f/a/b", "--args", "[1]"], "--args must be a JSON object."),
        (["run", "f/a/b", "--args", "{"], "--args is not JSON"),
        (["run", "f/a/b", "--args", "@/nonexistent"], "/nonexistent cannot be read"),
        (["run", "f/a/b"], "FLOWAPP_TOKEN is not set."),
        (["user", "list"], "There is no database at"),
        (["backup", "x"], "There is no database at"),
        (["restore", "/nonexistent"], "/nonexistent cannot be used"),
        (["worker", "--tags", "a b"], "'a b' is not a tag."),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FLOWAPP_TOKEN", "FLOWAPP_URL", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FLOWAPP_HOME", str(tmp_path / "home"))
    assert main(given) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_setting_that_cannot_be_used(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    assert main(["user", "list"]) == 1
    assert capsys.readouterr().err.startswith("flowapp: PORT must be")


def test_a_server_that_is_not_there(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWAPP_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FLOWAPP_TOKEN", "a-token-of-many-characters")
    assert main(["run", "f/a/b"]) == 1
    assert "The server http://127.0.0.1:9 does not answer" in capsys.readouterr().err


def test_no_command_is_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    printed = capsys.readouterr()
    assert "Usage: flowapp" in printed.out + printed.err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"flowapp \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from flowapp.cli import main; main(['--help']); "
        f"sys.exit(','.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "Usage: flowapp" in done.stdout


def test_arguments_are_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"name": "Ada"}')
    assert _arguments(f"@{tmp_path / 'a.json'}") == {"name": "Ada"}
    assert _arguments("") == {}


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([("long@example.com", "a"), ("x", "b")], ("WHO", "ROLE")).splitlines() == [
        "WHO               ROLE",
        "long@example.com  a",
        "x                 b",
    ]
    assert table([], ("WHO",)) == "WHO"
