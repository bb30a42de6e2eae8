"""What Python code needs: packages by its imports and comments, and scripts of the workspace."""

from __future__ import annotations

import pytest

from flowapp.runtimes.packages.errors import PackagesUnavailable
from flowapp.runtimes.packages.python_needs import needs_of, package_of


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("import json, os.path\nfrom collections import abc", ()),
        ("import requests\nimport requests.adapters", ("requests",)),
        (
            "import yaml, bs4\nfrom PIL import Image\nimport sklearn.svm",
            ("beautifulsoup4", "pillow", "pyyaml", "scikit-learn"),
        ),
        ("def main():\n    import humanize", ("humanize",)),
        ("try:\n    import orjson\nexcept ImportError:\n    orjson = None", ()),
        ("try:\n    import orjson\nexcept (OSError, ModuleNotFoundError):\n    pass\nelse:\n    import b", ("b",)),
        ("try:\n    import orjson\nexcept ValueError:\n    pass", ("orjson",)),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\nelse:\n    import numpy", ("numpy",)),
        ("import wmill", ()),
        ("import jwt  # pin: PyJWT>=2,<3", ("PyJWT<3,>=2",)),
        ("import a_b # repin: other==1", ("other==1",)),
        ("from google.cloud import storage, bigquery", ("google-cloud-bigquery", "google-cloud-storage")),
        ("import google.cloud.storage as s\nimport google.protobuf", ("google-cloud-storage", "protobuf")),
        (
            "from azure.storage.blob import BlobClient\nfrom ruamel.yaml import YAML",
            ("azure-storage-blob", "ruamel-yaml"),
        ),
        ("#requirements:\n#requests==2.32.3\n# rich\n\nimport pandas", ("requests==2.32.3", "rich")),
        ("# extra_requirements:\n# tabulate>=0.9  # for pandas\nimport pandas", ("pandas", "tabulate>=0.9")),
        ("# requirements: httpx[http2]\nimport x", ("httpx[http2]",)),
        ('# /// script\n# dependencies = ["rich>=13", "humanize"]\n# ///\nimport pandas', ("humanize", "rich>=13")),
        ("# requirements:\nimport pandas", ()),
        ("# a comment\n# requests\nimport os", ()),
        ("def broken(:\n", ()),
    ],
)
def test_packages(code: str, wanted: tuple[str, ...]) -> None:
    assert needs_of(code, "", frozenset({"wmill"})).requirements == wanted


def test_the_line_of_a_guess_and_what_can_be_loaded_ahead() -> None:
    found = needs_of("import json\n\nimport humanize\nimport rich.table  # pin: rich==13.0.0\n")
    assert found.guessed == {"humanize": 3}
    assert found.modules == ("humanize", "json", "rich")


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("# requirements:\n# -r /etc/passwd\n", 2),
        ("# requirements:\n# --index-url=http://evil\n", 2),
        ("import os\n# requirements:\n# evil @ file:///data/x.whl\n", 3),
        ("# extra_requirements:\n# evil @ https://example.com/x.whl", 2),
        ("import a # pin: ../a", 1),
        ('# /// script\n# dependencies = ["../x"]\n# ///\n', 1),
        ("# /// script\n# dependencies = 5\n# ///\n", 1),
        ("# /// script\n# dependencies = [\n# ///\n", 1),
    ],
)
def test_what_is_no_requirement_is_refused_with_its_line(code: str, line: int) -> None:
    with pytest.raises(PackagesUnavailable) as caught:
        needs_of(code)
    assert caught.value.as_outcome()["line"] == line


@pytest.mark.parametrize(
    ("code", "base", "candidates"),
    [
        ("from f.folder.lib import x", "", [("f/folder/lib", "f/folder/lib/x")]),
        ("import u.me.lib", "", [("u/me/lib",)]),
        ("import f.a.b as c, json", "", [("f/a/b",)]),
        ("from f.folder import lib, other", "", [("f/folder", "f/folder/lib"), ("f/folder", "f/folder/other")]),
        ("from f.a.b import *", "", [("f/a/b",)]),
        ("from .lib import x", "f/folder/main", [("f/folder/lib", "f/folder/lib/x")]),
        ("from ..other.lib import x", "f/folder/main", [("f/other/lib", "f/other/lib/x")]),
        ("from . import lib", "u/me/main", [("u/me", "u/me/lib")]),
        ("from .lib import x", "", []),
        ("from ....lib import x", "f/a", []),
        ("from fastapi import f", "", []),
    ],
)
def test_scripts(code: str, base: str, candidates: list[tuple[str, ...]]) -> None:
    assert [found.candidates for found in needs_of(code, base).scripts] == candidates


def test_scripts_are_no_packages() -> None:
    assert needs_of("from f.a.b import x\nimport u.me.c\nfrom .d import e", "f/a/x").requirements == ()


def test_an_import_that_the_table_does_not_know_is_its_own_package() -> None:
    assert package_of(("somewhere", "deep")) == "somewhere"
    assert package_of(("cv2",)) == "opencv-python-headless"
