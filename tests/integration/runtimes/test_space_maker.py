"""What is left when the process ends that makes the process namespaces of jobs."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from flowapp.jsontext import JsonText
from flowapp.runtimes import Job, Runtimes, RuntimeSettings
from tests.integration.runtimes.test_jobs import ROOT, children_of, is_running, makers, until

#: somebody lives in a namespace that whoever ends the maker knows nothing of
_ENDING = """
import os, time
from flowapp.runtimes.guest import kernel, spaces
own = os.open("/proc/self/ns/pid", os.O_RDONLY)
try:
    made = spaces.Spaces.make(own)
except PermissionError:
    print("refused")
    raise SystemExit
space = made.take()
if spaces.fork_into(own, space.namespace, kernel.fork_without_hooks) == 0:
    while True:
        time.sleep(60)
made.end()
print("ended")
"""
_WAITING = "import time\ndef main():\n    print('started', flush=True)\n    time.sleep(60)\n"


async def test_without_their_maker_jobs_end_and_the_next_ones_have_another(tmp_path: Path) -> None:
    runtimes = Runtimes(RuntimeSettings(home=tmp_path, idle=2, idle_deno=0, idle_bun=0))
    await runtimes.start()
    (launcher,) = children_of(os.getpid(), "flowapp/runtimes/guest", str(runtimes.settings.python))[-1:]
    try:
        if runtimes.describe()["isolation"]["level"] not in ("full", "user"):
            assert makers("flowapp-spaces", launcher) == []  # no namespaces, nobody to make them
            return
        log: list[str] = []
        hit = asyncio.create_task(runtimes.run(Job("hit", "python3", _WAITING, JsonText("{}")), log.append))
        await until(lambda: "started" in "".join(log))
        before = makers("flowapp-spaces", launcher)
        assert len(before) > 2  # the maker, and the first processes of the jobs' namespaces
        os.kill(min(before), signal.SIGKILL)
        outcome = await asyncio.wait_for(hit, 60)
        assert outcome.error is not None
        await until(lambda: not any(is_running(pid) for pid in before))
        for number in range(4):
            after = await runtimes.run(Job(f"n{number}", "python3", "def main(): return 1", JsonText("{}")), log.append)
            assert after.result == "1", after.error
        later = makers("flowapp-spaces", launcher)
    finally:
        await runtimes.close()
    await until(lambda: not is_running(launcher))
    assert not any(is_running(pid) for pid in [*before, *later])


async def test_the_end_waits_for_nobody() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _ENDING, stdout=subprocess.PIPE, cwd=ROOT)
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert output.decode().strip() == ("ended" if os.geteuid() == 0 else "refused")
