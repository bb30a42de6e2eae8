"""Starting, as a user meets it: what is said when it cannot, and that the page is built only when it must be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flowapp import build

ROOT = Path(__file__).resolve().parents[3]


def run(*command: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the project with a changed environment."""
    environment = {**os.environ, **env}
    return subprocess.run(
        [str(ROOT / command[0]), *command[1:]],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def assert_one_clear_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("flowapp: ")
    assert "Traceback" not in done.stdout + done.stderr
    for part in parts:
        assert part in lines[0]


def test_a_taken_port_is_named_with_a_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("scripts/run", cwd=tmp_path, PORT=str(port), FLOWAPP_HOME=str(tmp_path / "home"))
    assert_one_clear_line(done, f"Port {port}", "PORT=")


def test_a_value_that_is_no_port(tmp_path: Path) -> None:
    assert_one_clear_line(run("scripts/run", cwd=tmp_path, PORT="http"), "PORT", "'http'")


def test_a_host_that_is_not_ours(tmp_path: Path) -> None:
    done = run("scripts/run", cwd=tmp_path, HOST="192.0.2.1", FLOWAPP_HOME=str(tmp_path / "home"))
    assert_one_clear_line(done, "192.0.2.1")


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("scripts/run", cwd=tmp_path, FLOWAPP_HOME=str(tmp_path / "file"))
    assert_one_clear_line(done, str(tmp_path / "file"), "FLOWAPP_HOME=")


def test_a_database_that_this_version_cannot_use(tmp_path: Path) -> None:
    done = run(
        "scripts/run", cwd=tmp_path, FLOWAPP_HOME=str(tmp_path / "home"), DATABASE_URL="postgresql://localhost/x"
    )
    assert_one_clear_line(done, "PostgreSQL")


def test_the_wrong_python(tmp_path: Path) -> None:
    old = tmp_path / "oldpython"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)
    done = run("scripts/run", cwd=tmp_path, FLOWAPP_PYTHON=str(old))
    assert_one_clear_line(done, "Python 3.11", "Python 3.9.2")


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    """Debian's python3 without python3-venv: `-m venv` fails and mentions ensurepip."""
    clone = tmp_path / "clone"
    (clone / "scripts").mkdir(parents=True)
    for name in ("prepare.py",):
        shutil.copy(ROOT / "scripts" / name, clone / "scripts")
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, clone)
    broken = tmp_path / "broken"
    (broken / "venv").mkdir(parents=True)
    (broken / "venv/__init__.py").write_text("")
    (broken / "venv/__main__.py").write_text("import sys; sys.exit('ensurepip is not available')")
    done = subprocess.run(
        [sys.executable, str(clone / "scripts/prepare.py"), "run"],
        env={**os.environ, "PYTHONPATH": str(broken)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_one_clear_line(done, "python3-venv")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small copy of what the page is made of, with a finished build."""
    for name in ("assets/js", "flowapp/ui/pages", "reflex.lock", ".web/build/client"):
        (tmp_path / name).mkdir(parents=True)
    for name in build.SOURCES:
        if "." in Path(name).name and not (tmp_path / name).exists():
            (tmp_path / name).write_text(name)
    (tmp_path / "assets/js/a.jsx").write_text("a")
    (tmp_path / "flowapp/ui/pages/home.py").write_text("home")
    (tmp_path / ".web/build/client/index.html").write_text("")
    (tmp_path / ".web" / build.STAMP.name).write_text(f'{{"sources": "{build.sources_hash(tmp_path)}"}}')
    return tmp_path


def test_a_finished_build_is_current(project: Path) -> None:
    assert build.is_current(project)


@pytest.mark.parametrize("changed", ["assets/js/a.jsx", "flowapp/ui/pages/home.py", "requirements.txt", "rxconfig.py"])
def test_a_changed_source_asks_for_a_build(project: Path, changed: str) -> None:
    (project / changed).write_text("other")
    assert not build.is_current(project)


def test_a_new_a_renamed_and_a_removed_file_ask_for_a_build(project: Path) -> None:
    (project / "assets/js/a.jsx").rename(project / "assets/js/b.jsx")
    assert not build.is_current(project)
    (project / "assets/js/b.jsx").rename(project / "assets/js/a.jsx")
    assert build.is_current(project)
    (project / "assets/new.txt").write_text("")
    assert not build.is_current(project)


def test_caches_port_and_host_do_not(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "flowapp/ui/__pycache__").mkdir()
    (project / "flowapp/ui/__pycache__/home.cpython-311.pyc").write_bytes(b"x")
    monkeypatch.setenv("PORT", "4000")
    monkeypatch.setenv("HOST", "0.0.0.0")
    assert build.is_current(project)


def test_a_missing_or_half_build_is_not_current(project: Path) -> None:
    (project / ".web/build/client/index.html").unlink()
    assert not build.is_current(project)


def test_the_real_build_is_current_after_it_was_made_and_is_not_made_again() -> None:
    said: list[str] = []
    build.ensure(said.append)
    assert build.ensure(said.append) is False
    page = (ROOT / ".web/build/client/index.html").read_text()
    assert "<html" in page


def test_the_committed_lock_names_no_registry() -> None:
    lock = (ROOT / "reflex.lock/package-lock.json").read_text()
    assert '"resolved"' not in lock
