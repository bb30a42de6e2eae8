"""pip's configuration in uv's words: packages come from wherever the user's own pip would take them.

Only the standard library and no other module of ours: scripts/prepare.py runs this file before anything is installed.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

#: pip's option → uv's environment variable
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
}


def configuration(python: str | Path) -> str:
    """What the pip of an interpreter is configured with, as it lists it; nothing where there is no pip."""
    command = [str(python), "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def uv_environment(listed: str, target: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment in which uv behaves like pip. What uv is configured with itself comes first.

    Args:
        listed: from `configuration`.
        target: an existing folder of the disk that packages will be installed on.
        given: the environment to start from.
    """
    environment = dict(given)
    for line in listed.splitlines():  # global.index-url='https://…'
        name, _, value = line.partition("=")
        wanted = _PIP_TO_UV.get(name.rpartition(".")[2])
        if wanted and not environment.get(wanted):
            environment[wanted] = " ".join(value.strip().strip("'\"").replace("\\n", " ").split())
    # pip looks at all indexes and takes the best version; uv would stop at the first index that has the name
    environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    environment.setdefault("UV_NATIVE_TLS", "1")  # registries behind a company's own certificate authority
    environment.setdefault("UV_LINK_MODE", "hardlink" if _same_device(environment, target) else "copy")
    return environment


def _same_device(environment: Mapping[str, str], target: Path) -> bool:
    cache = Path(environment.get("UV_CACHE_DIR") or Path.home() / ".cache")
    with contextlib.suppress(OSError):
        return cache.stat().st_dev == target.stat().st_dev
    return False


def find_uv() -> Path:
    """The uv that is installed with the server."""
    return Path(sys.executable).parent / "uv"
