"""What `main` returns piece by piece: printed for the stream as it comes, and joined as the result."""

from __future__ import annotations

import json

import pytest

from tests.integration.runtimes.conftest import Run

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def both(run: Run, language: str, code: str) -> tuple[object, str]:
    """The result, and what was printed."""
    log: list[str] = []
    outcome = await run(language, code, {}, log)
    assert outcome.error is None, outcome.error
    assert outcome.result is not None
    return json.loads(outcome.result), "".join(log)


PYTHON = {
    "a generator": "def main():\n    yield 'a'\n    yield 'b\\nc'\n    yield ''\n    yield 1\n",
    "another iterator": "def main():\n    return map(str, ['a', 'b\\nc', 1])\n",
    "a class": """
class Once:
    def __init__(self): self.left = ['a', 'b\\nc', 1]
    def __iter__(self): return self
    def __next__(self):
        if not self.left: raise StopIteration
        return self.left.pop(0)

def main():
    return Once()
""",
    "an asynchronous generator": "async def main():\n    yield 'a'\n    yield 'b\\nc'\n    yield 1\n",
    "a generator by a coroutine": "def parts():\n    yield 'a'\n    yield 'b\\nc'\n    yield 1\n\nasync def main():\n    return parts()\n",
    "an asynchronous one by a coroutine": (
        "async def parts():\n    yield 'a'\n    yield 'b\\nc'\n    yield 1\n\nasync def main():\n    return parts()\n"
    ),
}


@pytest.mark.parametrize("how", PYTHON)
async def test_python(run: Run, how: str) -> None:
    assert await both(run, "python3", PYTHON[how]) == ("ab\nc1", "WM_STREAM: a\nWM_STREAM: b\\nc\nWM_STREAM: 1\n")


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("def main():\n    return ['a', 'b']\n", ["a", "b"]),
        ("def main():\n    return {'a': 1}\n", {"a": 1}),
        ("def main():\n    return ('a', 'b')\n", ["a", "b"]),
        ("def main():\n    return range(2)\n", "range(0, 2)"),
        ("def main():\n    return {'a': 1}.keys()\n", "dict_keys(['a'])"),
    ],
)
async def test_what_is_there_whole_is_not_streamed(run: Run, code: str, result: object) -> None:
    assert await both(run, "python3", code) == (result, "")


async def test_a_python_generator_that_fails(run: Run) -> None:
    log: list[str] = []
    outcome = await run("python3", "def main():\n    yield 'a'\n    raise ValueError('half way')\n", {}, log)
    assert outcome.result is None and outcome.error is not None
    assert (outcome.error["name"], outcome.error["message"], outcome.error["line"]) == ("ValueError", "half way", 3)
    assert "flowapp" not in outcome.error["stack"] and "streaming" not in outcome.error["stack"]
    assert "".join(log) == "WM_STREAM: a\n"


TYPESCRIPT = {
    "an asynchronous generator": "export async function* main() { yield 'a'; yield 'b\\nc'; yield ''; yield 1 }",
    "a generator": "export function* main() { yield 'a'; yield 'b\\nc'; yield 1 }",
    "a stream of texts": """export function main() {
  return new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue('b\\nc'); c.enqueue(1); c.close() } })
}""",
    "a stream of bytes": """export function main() {
  const bytes = new TextEncoder()
  return new ReadableStream({ start(c) { for (const t of ['a', 'b\\nc', '1']) c.enqueue(bytes.encode(t)); c.close() } })
}""",
}


@pytest.mark.parametrize("language", ["deno", "bun"])
@pytest.mark.parametrize("how", TYPESCRIPT)
async def test_typescript(run: Run, language: str, how: str) -> None:
    streamed = "WM_STREAM: a\nWM_STREAM: b\\nc\nWM_STREAM: 1\n"
    assert await both(run, language, TYPESCRIPT[how]) == ("ab\nc1", streamed)


@pytest.mark.parametrize("language", ["deno", "bun"])
async def test_typescript_bytes_cut_in_a_character(run: Run, language: str) -> None:
    code = """export function main() {
  return new ReadableStream({ start(c) { c.enqueue(new Uint8Array([0xc3])); c.enqueue(new Uint8Array([0xa9])); c.close() } })
}"""
    assert await both(run, language, code) == ("é", "WM_STREAM: é\n")


@pytest.mark.parametrize("language", ["deno", "bun"])
async def test_what_typescript_has_whole_is_not_streamed(run: Run, language: str) -> None:
    code = "export function main() { return [['a'], 'b', {next: 1}] }"
    assert await both(run, language, code) == ([["a"], "b", {"next": 1}], "")


@pytest.mark.parametrize("language", ["deno", "bun"])
async def test_a_typescript_generator_that_fails(run: Run, language: str) -> None:
    log: list[str] = []
    code = "export async function* main() {\n  yield 'a'\n  throw new RangeError('half way')\n}"
    outcome = await run(language, code, {}, log)
    assert outcome.error is not None
    assert (outcome.error["name"], outcome.error["message"], outcome.error["line"]) == ("RangeError", "half way", 3)
    assert "".join(log) == "WM_STREAM: a\n"


async def test_the_result_of_bash_is_no_line_of_its_stream(run: Run) -> None:
    code = "echo result\necho 'WM_STREAM: a'\necho 'WM_STREAM: b'\n"
    assert await both(run, "bash", code) == ("result", "result\nWM_STREAM: a\nWM_STREAM: b\n")
    assert (await both(run, "bash", "printf 'WM_STREAM: a'"))[0] == ""


async def test_an_error_does_not_repeat_the_stream(run: Run) -> None:
    outcome = await run("bash", "echo before\necho 'WM_STREAM: a'\nexit 3\n", {}, [])
    assert outcome.error is not None
    assert "before" in outcome.error["message"] and "WM_STREAM" not in outcome.error["message"]
