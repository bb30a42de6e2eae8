"""Installing Bun from an npm registry: a small one on this machine stands for it."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from flowapp.runtimes import bun_package
from flowapp.runtimes.bun_package import BunUnavailable, Package, install


def archive(content: bytes, name: str = "package/bin/bun") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as package:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        package.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def package_of(data: bytes) -> Package:
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
    return Package("@oven/bun-test", bun_package.VERSION, integrity)


GOOD = archive(f"#!/bin/sh\necho {bun_package.VERSION}\n".encode())


class Registry:
    """What it serves, and what it was asked."""

    def __init__(self) -> None:
        self.body = GOOD
        self.seconds = 0.0
        self.asked: list[tuple[str, str | None]] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                registry.asked.append((self.path, self.headers["authorization"]))
                if not self.path.endswith(f"/@oven/bun-test/-/bun-test-{bun_package.VERSION}.tgz"):
                    self.send_error(404)
                    return
                self.send_response(200)
                self.end_headers()
                for start in range(0, len(registry.body), 50):
                    self.wfile.write(registry.body[start : start + 50])
                    time.sleep(registry.seconds)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/npm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Registry]:
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry", "NPM_CONFIG_CAFILE", "npm_config_cafile"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    made = Registry()
    (tmp_path / "npmrc").write_text(f"registry={made.address}/\n")
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_it_is_fetched_from_the_users_registry_once(registry: Registry, tmp_path: Path) -> None:
    wanted = package_of(GOOD)
    found = install(tmp_path / "venv", 10, wanted)
    assert found == tmp_path / "venv/bun" / bun_package.VERSION / "bun"
    assert found.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in (tmp_path / "venv/bun").iterdir()] == [bun_package.VERSION]
    assert install(tmp_path / "venv", 10, wanted) == found
    assert [path for path, _ in registry.asked] == [f"/npm/@oven/bun-test/-/bun-test-{bun_package.VERSION}.tgz"]


@pytest.mark.parametrize(
    ("body", "integrity_of", "said"),
    [
        (GOOD, b"other", "is not what was published"),
        (b"no archive", None, "cannot be unpacked"),
        (archive(b"x", "package/other"), None, "has no package/bin/bun"),
        (archive(b"#!/bin/sh\necho 0.1\n"), None, "does not run on this machine (0.1)"),
        (archive(b"#!/no/such/program\n"), None, "does not run on this machine"),
    ],
)
def test_what_is_not_bun_is_never_installed(
    registry: Registry, tmp_path: Path, body: bytes, integrity_of: bytes | None, said: str
) -> None:
    registry.body = body
    with pytest.raises(BunUnavailable, match=re.escape(said)):
        install(tmp_path / "venv", 10, package_of(integrity_of or body))
    assert [path.name for path in (tmp_path / "venv/bun").rglob("*")] == [bun_package.VERSION]


def test_a_slow_line_is_given_up(registry: Registry, tmp_path: Path) -> None:
    registry.seconds = 0.2
    begun = time.monotonic()
    with pytest.raises(BunUnavailable, match="arrived in time"):
        install(tmp_path / "venv", 0.3, package_of(GOOD))
    assert time.monotonic() - begun < 5


def test_a_registry_without_it_and_one_that_is_not_there(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BunUnavailable, match="answers 404"):
        install(tmp_path / "venv", 10, Package("@oven/none", "1.0.0", "sha512-x"))
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    with pytest.raises(BunUnavailable, match=re.escape("http://127.0.0.1:9 cannot be reached")):
        install(tmp_path / "venv", 10, package_of(GOOD))
    monkeypatch.setenv("npm_config_registry", "file:///etc")
    with pytest.raises(BunUnavailable, match="no web address"):
        install(tmp_path / "venv", 10, package_of(GOOD))


def test_a_token_of_the_registry_is_sent_to_it(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_TOKEN", "sesame")
    host = registry.address.partition(":")[2]
    lines = (
        "; ours",
        "registry=http://127.0.0.1:9",
        f"@oven:registry={registry.address}",
        f"{host}/:_authToken=${{OUR_TOKEN}}",
    )
    (tmp_path / "npmrc").write_text("\n".join(lines))
    install(tmp_path / "venv", 10, package_of(GOOD))
    assert [token for _, token in registry.asked] == ["Bearer sesame"]


def test_registries_in_npms_order() -> None:
    assert bun_package.registry_of({}, "@oven/a") == "https://registry.npmjs.org"
    assert bun_package.registry_of({"registry": "https://r.test/"}, "@oven/a") == "https://r.test"
    assert bun_package.registry_of({"registry": "a", "@oven:registry": "b"}, "@oven/a") == "b"


def test_a_folder_that_cannot_be_written(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "venv").write_text("a file")
    with pytest.raises(BunUnavailable, match="Not a directory"):
        install(tmp_path / "venv", 10, package_of(GOOD))


def test_each_processor_has_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(machine: str, flags: str) -> str:
        monkeypatch.setattr("platform.machine", lambda: machine)
        monkeypatch.setattr(bun_package, "_processor", lambda: flags)
        return bun_package.package_of_this_machine().name

    assert found("x86_64", "flags : avx avx2 bmi") == "@oven/bun-linux-x64"
    assert found("x86_64", "flags : avx") == "@oven/bun-linux-x64-baseline"
    assert found("aarch64", "") == "@oven/bun-linux-aarch64"
    with pytest.raises(BunUnavailable, match="riscv64"):
        found("riscv64", "")
