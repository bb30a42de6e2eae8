"""What steps see that share a folder, and what others see of it."""

from __future__ import annotations

from tests.integration.runtimes.scenario import Scenario, gives
from tests.integration.runtimes.scenarios_in_python import READS, WRITES

_LEAVES = """
import os
def main():
    os.mkdir("shared/deep")
    open("shared/deep/note", "w").write("left by another")
"""
_TAKES = """
import os
def main():
    text = open("shared/deep/note").read()
    open("shared/deep/note", "a").write("!")
    os.rename("shared/deep", "shared/mine")
    return [text, os.listdir("shared")]
"""

OF_SHARED_FOLDERS: dict[str, Scenario] = {
    "python shares files with another step": Scenario(
        "python3", _TAKES, gives(["left by another", ["mine"]]), before=_LEAVES
    ),
    "bash shares files with another step": Scenario(
        "bash",
        "cat shared/deep/note > shared/copy; echo '!' >> shared/deep/note; cat shared/copy",
        gives("left by another"),
        before=_LEAVES,
    ),
    "deno shares files with another step": Scenario(
        "deno",
        "export function main() { Deno.writeTextFileSync('shared/more', 'x'); return Deno.readTextFileSync('shared/deep/note'); }",
        gives("left by another"),
        before=_LEAVES,
    ),
    "bun shares files with another step": Scenario(
        "bun",
        "export const main = async () => { await Bun.write('shared/more', 'x'); return Bun.file('shared/deep/note').text(); }",
        gives("left by another"),
        before=_LEAVES,
    ),
    "python reads the shared files of others": Scenario(
        "python3",
        READS,
        gives([]),
        {"paths": ["{shared}", "{shared}/deep/note", "{shared}/..", "{home}"]},
        before=_LEAVES,
        shares=False,
    ),
    "python lists the shared folders": Scenario(
        "python3", READS, gives([]), {"paths": ["{shared}/.."]}, before=_LEAVES
    ),
    "python writes to the shared files of others": Scenario(
        "python3", WRITES, gives([]), {"paths": ["{shared}", "{shared}/.."]}, before=_LEAVES, shares=False
    ),
}
