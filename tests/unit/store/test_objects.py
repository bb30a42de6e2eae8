"""Where a signed address leads, and half written files of servers that were killed."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import pytest

from flowapp.net.policy import AddressPolicy
from flowapp.store import buckets
from flowapp.store.buckets import Bucket
from flowapp.store.objects import tidy


@pytest.mark.parametrize(
    ("endpoint", "path_style", "where"),
    [
        ("", False, "https://files.s3.eu-1.amazonaws.com/a%20b/x"),
        ("", True, "https://s3.eu-1.amazonaws.com/files/a%20b/x"),
        ("https://s3.example.com:9000", False, "https://files.s3.example.com:9000/a%20b/x"),
        ("http://s3.example.com", True, "http://s3.example.com/files/a%20b/x"),
    ],
)
def test_where_an_address_leads(tmp_path: Path, endpoint: str, path_style: bool, where: str) -> None:
    bucket = Bucket("files", "eu-1", "AKID", "secret", endpoint, path_style, "", AddressPolicy(), tmp_path)
    url = urlsplit(obstore.sign(buckets._opened(bucket), "GET", "a b/x", timedelta(minutes=1)))
    assert f"{url.scheme}://{url.netloc}{url.path}" == where
    assert "secret" not in repr(bucket) and "AKID" not in repr(bucket)


def test_what_was_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "main" / "a"
    folder.mkdir(parents=True)
    for name in ("whole", "old#1", "new#2"):
        (folder / name).write_text(name)
    for name in ("whole", "old#1"):
        os.utime(folder / name, (0, time.time() - 90_000))
    tidy(tmp_path)
    tidy(tmp_path / "not there")
    assert sorted(file.name for file in folder.iterdir()) == ["new#2", "whole"]
