"""Which imports of Go cells reach Go's commands, and what is said of the others."""

from __future__ import annotations

import pytest

from flowapp.runtimes.go_imports import why_not


@pytest.mark.parametrize("path", ["fmt", "encoding/json", "math/rand/v2", "crypto/x509", "unsafe", "mine/x"])
def test_what_may_be_in_the_standard_library(path: str) -> None:
    assert why_not(path) is None


@pytest.mark.parametrize("path", ["github.com/lib/pq", "golang.org/x/net/html", "gopkg.in/yaml.v3", "EXAMPLE.com/A-b"])
def test_a_module_is_named_and_what_to_do_instead(path: str) -> None:
    said = why_not(path) or ""
    assert said.startswith(f"'{path}' belongs to a module")
    assert "no Go proxy" in said
    assert "# docker" in said


@pytest.mark.parametrize(
    "path",
    [
        "-toolexec=/bin/sh",
        "-C",
        "--",
        "",
        ".",
        "./other",
        "../x",
        "/etc",
        "a//b",
        "a/",
        "fmt/...",
        "...",
        "a b",
        "a=b",
        "fmt@latest",
        "a\nb",
        "fmt\n",
        "\\x2dx",
        "a/-x",
        "a/../b",
    ],
)
def test_what_is_no_path_goes_nowhere(path: str) -> None:
    assert (why_not(path) or "").endswith(" is no path of a Go package.")


@pytest.mark.parametrize("path", ["all", "std", "cmd/go", "main", "internal/abi", "crypto/internal/x", "vendor/a"])
def test_what_is_go_s_own(path: str) -> None:
    assert (why_not(path) or "").endswith("it is Go's own.")


def test_cgo() -> None:
    assert "cgo" in (why_not("C") or "")
