"""Rules of ARCHITECTURE.md that import-linter cannot say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "flowapp"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if not {"templates", "starter_hub"} & {*path.parts})


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of every import in a file; name is "" for `import module`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module, alias.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_outside_the_store_a_connection_is_handed_on_and_never_used(path: Path) -> None:
    if path.relative_to(PACKAGE).parts[0] == "store":
        return
    used = [
        (module, name)
        for module, name in imports(path)
        if module.split(".")[0] in {"sqlalchemy", "sqlmodel", "sqlite3"}
    ]
    # DBOS wants an SQLAlchemy engine for its own database; SQL cells run in a process that has none of ours
    own_files = {"engine/durable.py", "runtimes/guest/sql_embedded.py"}
    if str(path.relative_to(PACKAGE)) not in own_files:
        assert all(name == "Connection" for _, name in used), used


def test_test_files_have_unique_names() -> None:
    tests = Path(__file__).resolve().parents[1]
    names = [path.name for path in tests.rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_sources_stay_readable() -> None:
    """400 lines are a hard look; nothing is allowed to pass 600."""
    long = {str(path.relative_to(PACKAGE)): lines for path in MODULES if (lines := path.read_text().count("\n")) > 600}
    assert not long
