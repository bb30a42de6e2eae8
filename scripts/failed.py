"""The tests that failed in pytest's last run of some folders: how many, or with `--names` which. `failed.py [--names] tests/unit …`"""

from __future__ import annotations

import json
import sys
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".pytest_cache" / "v" / "cache" / "lastfailed"


def main(arguments: list[str]) -> None:
    """Print them."""
    folders = tuple(f"{folder}/" for folder in arguments if folder != "--names")
    known = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    failed = [name for name in known if name.startswith(folders)]
    print("\n".join(failed) if "--names" in arguments else len(failed))


if __name__ == "__main__":
    main(sys.argv[1:])
