"""Completion, hovers, signatures, checks and formatting, by the real processes in their sandboxes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from flowapp.runtimes import Runtimes
from flowapp.runtimes.editing import Action, Question, Service
from flowapp.runtimes.errors import EditingUnavailable
from flowapp.runtimes.guest import editing_cell, frames
from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

PYTHON = "import json\n\n\ndef main(rows: list[int], names: dict[str, str]):\n    rows.\n    return json.dumps(rows)\n"
TYPESCRIPT = (
    'import * as wmill from "windmill-client@1.297.0";\nimport { z } from "npm:zod";\n\n'
    "export async function main(rows: number[]) {\n  const n: string = rows.length;\n  return Math.max(1, 2);\n}\n"
)


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


async def asked(runtimes: Runtimes, service: Service, action: Action, code: str, place: str = "") -> dict[str, Any]:
    """The answer at the end of `place` in the code."""
    before = code[: code.index(place) + len(place)].split("\n") if place else [""]
    return await runtimes.editing.ask("ada", Question(service, action, code, len(before), units(before[-1]) + 1))


async def test_python_is_completed(runtimes: Runtimes) -> None:
    found = await asked(runtimes, "python", "complete", PYTHON, "    rows.")
    labels = {item["label"]: item["kind"] for item in found["items"]}
    assert labels["append"] == "function"
    clients = await asked(runtimes, "python", "complete", "import wmill\nwmill.get_", "wmill.get_")
    assert "get_resource" in {item["label"] for item in clients["items"]}


async def test_python_signatures_and_hovers(runtimes: Runtimes) -> None:
    code = PYTHON.replace("    rows.\n", "").replace("return ", "'é𝄞'; return ")
    found = await asked(runtimes, "python", "signature", code, "json.dumps(")
    (signature,) = found["signatures"]
    assert signature["label"].startswith("dumps(obj")
    assert (signature["parameters"][0], found["parameter"]) == ("obj: Any", 0)
    line = code.split("\n")[4]
    column = units(line[: line.index("dumps") + 2]) + 1
    hovered = await runtimes.editing.ask("ada", Question("python", "hover", code, 5, column))
    assert "Serialize ``obj`` to a JSON formatted ``str``" in hovered["text"]


async def test_python_is_formatted(runtimes: Runtimes) -> None:
    assert await asked(runtimes, "python", "format", "def main( x ):\n  return [ 1,2 ]") == {
        "code": "def main(x):\n    return [1, 2]\n"
    }
    assert "problem" in await asked(runtimes, "python", "format", "def main(:\n")


async def test_types_are_checked(runtimes: Runtimes) -> None:
    """Also beside packages that are not fetched: those count as untyped."""
    found = await asked(runtimes, "typescript", "check", TYPESCRIPT)
    assert found["problems"] == [
        {
            "line": 5,
            "column": 9,
            "end_line": 5,
            "end_column": 10,
            "message": "Type 'number' is not assignable to type 'string'.",
            "code": "2322",
        }
    ]
    fixed = TYPESCRIPT.replace("n: string", "n: number")
    assert await asked(runtimes, "typescript", "check", fixed) == {"problems": []}


async def test_shell_code_is_formatted(runtimes: Runtimes) -> None:
    assert await asked(runtimes, "shell", "format", 'name="$1"\nif true;then\n      echo  "$name"; fi\n') == {
        "code": 'name="$1"\nif true; then\n  echo "$name"\nfi\n'
    }
    assert "problem" in await asked(runtimes, "shell", "format", "if true; then\n")


async def test_without_shfmt_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing_cell, "_SHFMT", ())
    job = frames.JobText({"editing": {"service": "shell", "action": "format", "line": 1, "column": 1}}, b"x", b"")
    kind, body = editing_cell.run(job)
    assert kind == frames.RESULT and "apt install shfmt" in json.loads(body)["problem"]


async def test_typescript_is_completed_explained_and_formatted(runtimes: Runtimes) -> None:
    code = TYPESCRIPT.replace("  return", "  rows.\n  return")
    found = await asked(runtimes, "typescript", "complete", code, "  rows.")
    assert {"map", "filter"} <= {item["label"] for item in found["items"]}
    hovered = await asked(runtimes, "typescript", "hover", TYPESCRIPT, "rows.len")
    assert "Array<number>.length: number" in hovered["text"]
    signature = await asked(runtimes, "typescript", "signature", TYPESCRIPT, "Math.max(1, ")
    assert signature["signatures"][0]["label"] == "max(...values: number[]): number"
    formatted = await asked(runtimes, "typescript", "format", "export function main( x:number ){\nreturn 'é𝄞'+x}")
    assert formatted == {"code": 'export function main(x: number) {\n  return "é𝄞" + x;\n}\n'}
    assert "problem" in await asked(runtimes, "typescript", "format", "export function {")


@pytest.mark.parametrize("specifier", ["npm:zod@$", "npm:zod@3\"; import 'zod@4"])
async def test_a_version_that_is_half_written_ends_no_help(runtimes: Runtimes, specifier: str) -> None:
    code = f'import {{ z }} from "{specifier}";\nexport function main(rows: number[]) {{\n  rows.\n}}\n'
    found = await asked(runtimes, "typescript", "complete", code, "  rows.")
    assert "map" in {item["label"] for item in found["items"]}


async def test_the_process_stays_for_the_next_question(runtimes: Runtimes) -> None:
    answers = [asked(runtimes, "python", "complete", "a = 1\na.b", "a.b") for _ in range(5)]
    found = await asyncio.wait_for(asyncio.gather(*answers), 30)
    assert all(answer == found[0] for answer in found)


@pytest.mark.parametrize(
    ("service", "code"), [("python", "\ud800"), ("python", "(" * 3000), ("typescript", "\0" + "(" * 3000)]
)
async def test_what_is_odd_harms_no_later_question(runtimes: Runtimes, service: Service, code: str) -> None:
    with contextlib.suppress(EditingUnavailable):
        await runtimes.editing.ask("ada", Question(service, "complete", code, 10_000, 10_000))
    assert (await asked(runtimes, service, "complete", "[].", "[]."))["items"]


async def test_what_is_no_question_ends_in_a_clear_error(runtimes: Runtimes) -> None:
    action: Any = "nothing"
    with pytest.raises(EditingUnavailable, match="no help"):
        await runtimes.editing.ask("ada", Question("python", action, "x"))


async def test_types_of_packages_that_a_cell_has_fetched(run: Run, runtimes: Runtimes) -> None:
    code = (
        'import { z } from "npm:zod@3.23.8"; const é = 1;\nimport dayjs from "dayjs@1.11.10";\n\nexport function main(a: number) {\n'
        "  z.\n  const n: string = z.number().parse(a);\n  return dayjs(n).format();\n}\n"
    )
    before = await asked(runtimes, "typescript", "complete", code, "  z.")
    assert before["items"] == [], "nothing is fetched for who writes"
    await run("deno", code.replace("  z.\n", ""), {"a": 1})
    found = await asked(runtimes, "typescript", "complete", code, "  z.")
    assert {"object", "string", "ZodError"} <= {item["label"] for item in found["items"]}
    whole = code.replace("  z.\n", "")
    (problem,) = (await asked(runtimes, "typescript", "check", whole))["problems"]
    assert (problem["line"], problem["column"], problem["code"]) == (5, 9, "2322")
    hovered = await asked(runtimes, "typescript", "hover", whole, "z.numb")
    assert "ZodNumber" in hovered["text"]
    # an import that is being written is not known, and the others stay what they are
    more = whole.replace("export function", 'import x from "not-fetched";\nexport function')
    assert "ZodNumber" in (await asked(runtimes, "typescript", "hover", more, "z.numb"))["text"]
    # of another version another folder
    other = 'import { z } from "zod@3.22.4";\nexport const main = () => z.string().parse("a");\n'
    await run("deno", other)
    assert "ZodString" in (await asked(runtimes, "typescript", "hover", other, "z.str"))["text"]
    await runtimes.clear_packages()
    assert await asked(runtimes, "typescript", "complete", "[].", "[].")
