"""Shared folders outside of the data folder: found again, with names that nobody can guess, and only if still our own."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from flowapp.runtimes import shared_folders
from flowapp.runtimes.errors import RuntimesError
from flowapp.runtimes.shared_folders import SharedFolders


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedFolders:
    monkeypatch.setattr(shared_folders, "_LASTING", tmp_path)
    (tmp_path / "runtimes").mkdir()
    return shared_folders.outside(tmp_path / "runtimes")


def test_what_is_outside_is_found_again(folders: SharedFolders, tmp_path: Path) -> None:
    made = folders.made("run-1")
    (made / "note").write_text("kept")
    assert stat.S_IMODE(folders.root.stat().st_mode) == 0o711
    assert "run-1" not in made.name
    folders.close()  # not while there is something in it
    again = shared_folders.outside(tmp_path / "runtimes")
    assert again == folders
    assert again.files("run-1") == [("note", 4)]
    again.drop("run-1")
    assert again.files("run-1") == []
    again.close()
    assert not folders.root.exists()


def test_names_follow_from_a_note_of_the_servers_own(folders: SharedFolders, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "runtimes" / "shared-outside.json").stat().st_mode) == 0o600
    (tmp_path / "other").mkdir()
    other = shared_folders.outside(tmp_path / "other")
    assert other.root != folders.root
    assert other.path("run-1").name != folders.path("run-1").name


@pytest.mark.parametrize("change", ["removed", "open to others", "a link", "no note"])
def test_a_folder_that_is_not_ours_any_more_is_not_used(folders: SharedFolders, tmp_path: Path, change: str) -> None:
    note = tmp_path / "runtimes" / "shared-outside.json"
    if change == "removed":
        folders.root.rmdir()
    elif change == "open to others":
        folders.root.chmod(0o777)
    elif change == "a link":
        folders.root.rename(tmp_path / "moved")
        folders.root.symlink_to(tmp_path / "moved")
    else:
        note.write_text(json.dumps(["no note"]))
    again = shared_folders.outside(tmp_path / "runtimes")
    assert again.root != folders.root
    assert stat.S_IMODE(again.root.stat().st_mode) == 0o711


def test_names_inside_stay_inside(tmp_path: Path) -> None:
    folders = shared_folders.inside(tmp_path)
    assert folders.made("run-1") == tmp_path.resolve() / "shared" / "run-1"
    for name in ("../x", "", "a/b", "."):
        with pytest.raises(RuntimesError):
            folders.path(name)
