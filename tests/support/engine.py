"""Podman for tests, with storage of its own and one image made of the host's own shell: no registry is asked for anything.

`scripts/test` installs Debian's packages. The settings are those that also work where Podman itself runs in a container.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

IMAGE = "localhost/flowapp-test:1"
_PROGRAMS = ("/bin/bash", "/bin/sleep", "/bin/cat")
_SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@contextlib.contextmanager
def podman_with_an_image() -> Iterator[None]:
    """Podman as the server's processes find it, with the image `IMAGE`."""
    if shutil.which("podman") is None:
        raise RuntimeError("The tests need Podman. Install it with: sudo apt install podman runc")
    folder = Path(tempfile.mkdtemp(prefix="flowapp-podman-", dir="/tmp"))
    (folder / "containers.conf").write_text(_SETTINGS)
    storage = f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(storage)
    own = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        _make_image(folder / "root")
        yield
    finally:
        subprocess.run(["podman", "rm", "--all", "--force", "--time=0"], capture_output=True, check=False)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def _make_image(root: Path) -> None:
    """An image of a few programs of this host and the libraries that they load."""
    for name in ("bin", "tmp", "etc", "proc", "dev", "sys"):
        (root / name).mkdir(parents=True)
    files = {program: f"bin/{Path(program).name}" for program in _PROGRAMS}
    listed = subprocess.run(["ldd", *_PROGRAMS], capture_output=True, text=True, check=True).stdout
    files |= {word: word.lstrip("/") for word in listed.split() if word.startswith("/") and not word.endswith(":")}
    for source, target in files.items():
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, root / target)
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(
            ["podman", "import", "--quiet", "-", IMAGE], stdin=packed.stdout, capture_output=True, check=True
        )
