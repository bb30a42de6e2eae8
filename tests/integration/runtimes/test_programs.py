"""Cells that an interpreter of the host runs, with the real ones: R and PHP."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.languages import by_name
from flowapp.runtimes import Job, Limits, Runtimes, RuntimeSettings, programs
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def value(run: Run, language: str, code: str, args: dict[str, Any] | None = None) -> Any:
    outcome = await run(language, code, args)
    assert outcome.error is None, outcome.error
    return json.loads(outcome.result or "")


async def error(run: Run, language: str, code: str, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    outcome = await run(language, code, args, **more)
    assert outcome.result is None, outcome.result
    assert outcome.error is not None
    return outcome.error


ENDLESS = {"rlang": "main <- function() while (TRUE) {}", "php": "<?php\nfunction main() { while (true); }"}


@pytest.fixture(params=["rlang", "php"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_starter_code_time_and_cancel(run: Run, runtimes: Runtimes, language: str) -> None:
    known = by_name(language)
    assert known is not None
    assert await value(run, language, known.starter_code) == "Hello world"
    assert await value(run, language, known.starter_code, {"x": "you"}) == "Hello you"
    assert (await error(run, language, ENDLESS[language], timeout_s=0.5))["name"] == "Timeout"
    task = asyncio.ensure_future(run(language, ENDLESS[language], id="endless"))
    await asyncio.sleep(0.2)
    assert await runtimes.cancel("endless")
    assert ((await task).error or {})["name"] == "Canceled"
    assert runtimes.describe()["languages"][language]["version"]


async def test_r_inputs_results_and_log(run: Run) -> None:
    code = """
main <- function(rows, n = 5, name, ...) {
  print(nrow(rows))
  rows$y <- rows$x * n
  list(rows = rows, null = NULL, na = NA, vector = c(1, 2), one = 1L, name = is.null(name), more = names(list(...)), nan = 0/0)
}
"""
    log: list[str] = []
    outcome = await run("rlang", code, {"rows": [{"x": 1}, {"x": 2.5}], "n": None, "other": "ä"}, log)
    assert outcome.error is None, outcome.error
    assert json.loads(outcome.result or "") == {
        "rows": [{"x": 1, "y": 5}, {"x": 2.5, "y": 12.5}],
        "null": None,
        "na": None,
        "vector": [1, 2],
        "one": 1,
        "name": True,
        "more": "other",
        "nan": None,
    }
    assert "".join(log) == "[1] 2\n"


async def test_r_errors(run: Run) -> None:
    code = 'inner <- function(x) {\n  stop("no ", x)\n}\nmain <- function(x = 1) {\n  inner(x)\n}\n'
    assert await error(run, "rlang", code) == {"name": "simpleError", "message": "no 1", "line": 2}
    found = await error(run, "rlang", "main <- function(x) {\n  x +\n}\n")
    assert (found["name"], found["line"]) == ("SyntaxError", 3)
    assert "no function `main`" in (await error(run, "rlang", "x <- 1"))["message"]
    assert (await error(run, "rlang", "main <- function() quit(status = 3)"))["exit_code"] == 3
    found = await error(run, "rlang", "main <- function() length(numeric(4e8))", limits=Limits(memory_mb=256))
    assert "memory" in found["message"] or "allocate" in found["message"]


async def test_php_inputs_results_and_log(run: Run) -> None:
    code = """<?php
function main(array $rows, object $o, ?int $n = 5, $missing) {
  echo count($rows), "\\n";
  return ['n' => $n, 'a' => $o->a, 'f' => 1.0, 'rows' => $rows, 'missing' => $missing, 'text' => 'ä/'];
}
"""
    log: list[str] = []
    outcome = await run(
        "php", code.replace("$missing)", "$missing = null)"), {"rows": [1, {"k": 2}], "o": {"a": 1}}, log
    )
    assert outcome.error is None, outcome.error
    assert outcome.result == '{"n":5,"a":1,"f":1.0,"rows":[1,{"k":2}],"missing":null,"text":"ä/"}'
    assert "".join(log) == "2\n"
    assert (
        await run(
            "php", "<?php function preprocessor($event) { return $event; }", {"event": 3}, entrypoint="preprocessor"
        )
    ).result == "3"


async def test_php_errors(run: Run) -> None:
    code = (
        '<?php\nfunction inner() {\n  throw new RuntimeException("no");\n}\nfunction main() {\n  return inner();\n}\n'
    )
    found = await error(run, "php", code)
    assert (found["name"], found["message"], found["line"]) == ("RuntimeException", "no", 3)
    found = await error(run, "php", "<?php\nfunction main() {\n  retur $x;\n}\n")
    assert (found["name"], found["line"]) == ("ParseError", 3)
    found = await error(run, "php", "<?php\nfunction main(int $x) {\n  return 1;\n}\n", {"x": "a"})
    assert (found["name"], found["line"]) == ("TypeError", 2)
    assert "NaN" in (await error(run, "php", "<?php function main() { return NAN; }"))["message"]
    found = await error(run, "php", "<?php\nfunction main() {}\nfunction main() {}\n")
    assert found["line"] == 3
    assert "no function `main`" in (await error(run, "php", "<?php $x = 1;"))["message"]
    found = await error(
        run, "php", "<?php\nfunction main() { return str_repeat('x', 1 << 31); }", limits=Limits(memory_mb=128)
    )
    assert "memory" in found["message"]


async def test_an_interpreter_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setattr(programs, "_PATH", str(tmp_path))
    runtimes = Runtimes(RuntimeSettings(home=tmp_path / "home", idle=1, idle_deno=0, idle_bun=0))
    await runtimes.start()
    try:
        outcome = await runtimes.run(Job("j", language, "", JsonText("{}")), lambda _text: None)
        facts = runtimes.describe()["languages"][language]
    finally:
        await runtimes.close()
    assert "not installed. Install it with: sudo apt install" in (outcome.error or {})["message"]
    assert facts["available"] is False and facts["note"].startswith("Install it with")
