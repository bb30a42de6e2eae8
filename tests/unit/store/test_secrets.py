"""Secrets at rest: what is sealed opens again with the same key file, and only there."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from flowapp.store.secret_box import SecretBox, SecretUnreadable


def test_the_key_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    sealed = SecretBox(tmp_path).seal("main", "u/a/key", "s3cret")
    assert SecretBox(tmp_path).open("main", "u/a/key", sealed) == "s3cret"
    (key,) = tmp_path.iterdir()
    assert key.name == "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32


@pytest.mark.parametrize(("workspace", "path"), [("other", "u/a/key"), ("main", "u/a/other")])
def test_a_sealed_value_opens_only_in_its_row(tmp_path: Path, workspace: str, path: str) -> None:
    box = SecretBox(tmp_path)
    sealed = box.seal("main", "u/a/key", "s3cret")
    with pytest.raises(SecretUnreadable):
        box.open(workspace, path, sealed)


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = SecretBox(tmp_path / "one").seal("main", "u/a/key", "s3cret")
    with pytest.raises(SecretUnreadable):
        SecretBox(tmp_path / "two").open("main", "u/a/key", sealed)
