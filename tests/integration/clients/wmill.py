"""The unmodified command line of Windmill (npm `windmill-cli`), run in a folder of its own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from flowapp.build import use_packaged_node
from tests.live import TOKEN

PACKAGE = "windmill-cli@1.819.0"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def install(folder: Path) -> Path:
    """Install the command into a folder; where it is."""
    use_packaged_node()
    (folder / "package.json").write_text('{"name": "test", "private": true}')
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", PACKAGE]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180)
    return folder / "node_modules" / ".bin" / "wmill"


@dataclass(frozen=True, slots=True)
class Wmill:
    """The command in a working folder, with what it needs to know of a server in its environment."""

    program: Path
    url: str
    folder: Path
    token: str = TOKEN
    workspace: str = "main"
    env: dict[str, str] = field(default_factory=dict)

    async def __call__(self, *words: str, code: int = 0, seconds: float = 60) -> str:
        """Run a command; what it prints, without colours. It must end with `code`."""
        process = await self.started(*words)
        try:
            output, _ = await asyncio.wait_for(process.communicate(), seconds)
        except TimeoutError:
            process.kill()
            raise
        text = _COLOURS.sub("", output.decode())
        assert process.returncode == code, f"wmill {' '.join(words)}: {process.returncode}\n{text}"
        return text

    async def started(self, *words: str) -> asyncio.subprocess.Process:
        """A command that has begun; who asks for it ends it."""
        known = {"WM_TOKEN": self.token, "WM_WORKSPACE": self.workspace, "BASE_INTERNAL_URL": self.url}
        return await asyncio.create_subprocess_exec(
            "node",
            str(self.program),
            *words,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.program.parent), **known, **self.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def write(self, files: dict[str, str]) -> None:
        """Put files into the folder, by name."""
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def files(self) -> dict[str, str]:
        """All files of the folder but for those that only the command's own bookkeeping needs."""
        found = sorted(path for path in self.folder.rglob("*") if path.is_file())
        names = {str(path.relative_to(self.folder)): path for path in found}
        return {name: path.read_text() for name, path in names.items() if not name.startswith("wmill")}
