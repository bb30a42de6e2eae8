"""A result with the text that was streamed before it is shown like the result alone."""

from __future__ import annotations

import pytest

from flowapp.workspace import rich

STREAMED = {"wm_stream": "text"}


@pytest.mark.parametrize(
    "value",
    [
        {"markdown": "# A"},
        {"html": "<p>a</p>"},
        {"svg": "<svg/>"},
        {"s3": "a/key.txt"},
        {"output": "a", "messages": [{"role": "user", "content": "b"}]},
        {"a": 1},
    ],
)
def test_the_stream_does_not_hide_what_a_result_is(value: dict[str, object]) -> None:
    with_stream = {**value, **STREAMED}
    assert rich.kind_of(with_stream) == rich.kind_of(value)
    assert rich.rich_of(with_stream, "/file") == rich.rich_of(value, "/file")
    assert rich.file_of(with_stream) == rich.file_of(value)


def test_the_stream_alone_is_a_plain_value() -> None:
    assert rich.kind_of(STREAMED) is None
