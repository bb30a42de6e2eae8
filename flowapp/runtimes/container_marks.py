"""What may be left with an engine: the names of a container and its secrets, kept in a file for as long as they may be there.

The engine's processes are not ours and outlive us, and it may refuse to remove something. What stays is tried again: by this server
after a while, and by the next one on the data folder when this one is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flowapp.runtimes import container_client, container_secrets

_ANSWER_S = 15.0
_AGAIN_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Mark:
    """One container. `stays`: it could not be ended."""

    file: Path
    stays: bool = False


@dataclass(slots=True)
class Marks:
    """Those of a data folder."""

    folder: Path
    again_s: float = _AGAIN_S
    #: what waits for another try; a server that is started looks at what others left
    left: set[Path] = field(default_factory=set)
    trying: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def of(self, engine: str, name: str, secrets: Sequence[str]) -> AsyncIterator[Mark]:
        """While a container may run; afterwards its secrets are removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = Mark(self.folder / f"{os.getpid()}.{began(os.getpid())}-{name}")
        mark.file.write_text("\n".join([engine, *secrets]))
        try:
            yield mark
        finally:
            await asyncio.shield(self._over(mark, engine, secrets))

    async def _over(self, mark: Mark, engine: str, secrets: Sequence[str]) -> None:
        if not mark.stays and (not secrets or await _is_removed(engine, secrets)):
            mark.file.unlink(missing_ok=True)
            return
        _log.warning("%s could not be removed, with what belongs to it; it is tried again", mark.file.name)
        self._try_again([mark.file], self.again_s)

    def sweep(self) -> None:
        """End what a server on this data folder has left that was killed. Returns at once: an engine may take its time."""
        stale = [file for file in self.folder.glob("*-*") if not _is_alive(file)] if self.folder.is_dir() else []
        if stale:
            self._try_again(stale, 0.0)

    def _try_again(self, files: Iterable[Path], after_s: float) -> None:
        self.left.update(files)
        if self.trying is None or self.trying.done():
            self.trying = asyncio.get_running_loop().create_task(self._until_nothing_is_left(after_s))

    async def _until_nothing_is_left(self, after_s: float) -> None:
        while self.left:
            await asyncio.sleep(after_s)
            after_s = self.again_s
            for file in sorted(self.left):
                if await _is_ended(file):
                    self.left.discard(file)

    async def close(self) -> None:
        """Leave what is still to be ended to the next start."""
        if self.trying is not None:
            self.trying.cancel()
            await asyncio.gather(self.trying, return_exceptions=True)


async def end(engine: str, name: str) -> int:
    """End a container with everything in it; the engine's exit code. Raises OSError when the engine is gone."""
    removing = await container_client.started(
        engine, "rm", "--force", "--time=0" if container_client.is_podman(engine) else "--volumes", name
    )
    try:
        return await removing.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            removing.kill()
        raise


async def _is_ended(file: Path) -> bool:
    """Whether nothing is left of what a mark names, which is gone then."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            engine, *secrets = file.read_text().splitlines()
            if await end(engine, file.name.partition("-")[2]) != 0:
                return False
        if not secrets or await _is_removed(engine, secrets):
            file.unlink(missing_ok=True)
            return True
    return not file.exists()


async def _is_removed(engine: str, secrets: Sequence[str]) -> bool:
    try:
        return await container_secrets.remove(engine, secrets)
    except (OSError, TimeoutError):
        return False


def began(pid: int) -> str:
    """When a process began, in the kernel's words; "" when there is none. With its number it is no other's, also after a restart."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _is_alive(file: Path) -> bool:
    """Whether the server that made the mark of a container is still there."""
    owner = file.name.partition("-")[0]
    pid, _, at = owner.partition(".")
    return not pid.isdigit() or (bool(at) and began(int(pid)) == at)
