"""Limits of what runs in a container, as the engine is told of them."""

from __future__ import annotations

import resource

import pytest

from flowapp.runtimes import container_ulimits

HELP = b"""      --uidmap strings          UID map
      --ulimit strings          Ulimit options (default [nofile=1024:1024,nproc=-1])
      --umask string            Set umask (default "0022")
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HELP, ["nofile=1024:1024", "nproc=-1"]),
        (HELP.replace(b"nproc=-1", b"nproc=1 --privileged"), ["nofile=1024:1024"]),
        (b"      --ulimit strings     Ulimit options\n      --umask string  (default [a=1])\n", []),
        (b"", []),
    ],
)
def test_limits_of_every_container(text: bytes, found: list[str]) -> None:
    assert container_ulimits.in_help(text) == found


@pytest.mark.parametrize(
    ("everywhere", "ceiling", "expected"),
    [
        ([], resource.RLIM_INFINITY, ["--ulimit=fsize=3145728:3145728"]),
        ([], 5000, ["--ulimit=fsize=5000:5000"]),
        (["fsize=-1", "nofile=10:20"], -1, ["--ulimit=nofile=10:20", "--ulimit=fsize=3145728:3145728"]),
        (["fsize=100:200"], -1, ["--ulimit=fsize=100:100"]),
    ],
)
def test_the_least_limit_of_files_counts(
    monkeypatch: pytest.MonkeyPatch, everywhere: list[str], ceiling: int, expected: list[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (ceiling, ceiling))
    assert container_ulimits.options(everywhere, 3) == expected
