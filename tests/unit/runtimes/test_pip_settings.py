"""pip's configuration in uv's words; one version of uv in all places."""

from __future__ import annotations

import re
from pathlib import Path

from flowapp.runtimes.packages.pip_settings import uv_environment

ROOT = Path(__file__).resolve().parents[3]


def test_pips_registries_are_uvs(tmp_path: Path) -> None:
    listed = (
        "global.index-url='https://one/simple'\n:env:.extra-index-url='https://two https://three'\nuser.timeout='3'\n"
    )
    found = uv_environment(listed, tmp_path, {"UV_CACHE_DIR": str(tmp_path), "HOME": "/x"})
    assert found["UV_DEFAULT_INDEX"] == "https://one/simple"
    assert found["UV_INDEX"] == "https://two https://three"
    assert found["HOME"] == "/x"
    assert found["UV_LINK_MODE"] == "hardlink"


def test_what_uv_is_told_itself_comes_first(tmp_path: Path) -> None:
    found = uv_environment("global.index-url='https://pip'\n", tmp_path, {"UV_DEFAULT_INDEX": "https://uv"})
    assert found["UV_DEFAULT_INDEX"] == "https://uv"


def test_one_version_of_uv() -> None:
    pinned = re.search(r'^UV = "(.*)"$', (ROOT / "scripts/prepare.py").read_text(), re.MULTILINE)
    assert pinned is not None
    assert pinned[1] in (ROOT / "requirements.txt").read_text().splitlines()
