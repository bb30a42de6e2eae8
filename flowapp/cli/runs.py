"""`flowapp run`: run a deployed flow or script on a server, watch its logs, print its result."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowapp.cli.output import CommandFailed, complain, say, tell

if TYPE_CHECKING:
    from flowapp.cli.server import Server

_FINISHED = ("success", "failure", "canceled", "skipped")
_SOONEST_S, _LATEST_S = 0.1, 1.0


def run(
    flow: Annotated[str, typer.Argument(help="Path of a deployed flow, like f/team/report.")],
    args: Annotated[
        str,
        typer.Option(help="Arguments as a JSON object, or @FILE to read them from a file (@- reads standard input)."),
    ] = "",
    script: Annotated[bool, typer.Option("--script", help="The path is that of a script.")] = False,
    workspace: Annotated[str, typer.Option(help="Id of the workspace.")] = "main",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print no logs.")] = False,
) -> int:
    """Run a flow on the server of FLOWAPP_URL and print its result.

    Logs go to stderr while it runs, the result as JSON to stdout. The exit status is 0 if the run succeeded, else 1.
    """
    arguments = _arguments(args)
    from flowapp.cli.server import Server, path_in_address

    with Server(workspace) as server:
        kind = "p" if script else "f"
        job = server.post(f"jobs/run/{kind}/{path_in_address(flow)}", arguments).text
        try:
            status = _followed(server, job, logs=not quiet)
        except KeyboardInterrupt:
            tell(f"\nThe run goes on: {server.page(f'/runs/{job}')}")
            raise
        answer = server.get(f"jobs_u/completed/get_result/{job}")
        say(json.dumps(answer.json(), ensure_ascii=False, indent=2))
        if status in ("success", "skipped"):
            return 0
        complain("The run was canceled." if status == "canceled" else "The run failed.", server.page(f"/runs/{job}"))
        return 1


def _arguments(text: str) -> dict[str, Any]:
    """The arguments that `--args` says.

    Raises:
        CommandFailed: they cannot be read, or are no JSON object.
    """
    if text.startswith("@"):
        text = _read(text[1:])
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandFailed(f"--args is not JSON: {error}.", 'Write it like --args \'{"name": "Ada"}\'.') from None
    if not isinstance(value, dict):
        raise CommandFailed("--args must be a JSON object.", 'Write it like --args \'{"name": "Ada"}\'.')
    return value


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{name} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{name} is not UTF-8 text.") from None


def _followed(server: Server, job: str, *, logs: bool) -> str:
    """Wait for the end of a run and print the logs of its steps meanwhile; its final status."""
    import time

    read: dict[str, int] = {}
    whole: set[str] = set()
    pause = _SOONEST_S
    while True:
        found = server.get(f"runs/{job}").json()
        news = False
        for step in found["steps"] if logs else ():
            path = step["path"]
            if path in whole:
                continue
            news = _print_news(server, job, path, read) or news
            if step["status"] in _FINISHED:
                whole.add(path)
        status = str(found["run"]["status"])
        if status in _FINISHED:
            return status
        pause = _SOONEST_S if news else min(2 * pause, _LATEST_S)
        time.sleep(pause)


def _print_news(server: Server, job: str, path: str, read: dict[str, int]) -> bool:
    """Print what a step's log has that was not printed yet; whether there was anything."""
    begun = read.get(path, 0)
    while True:
        part = server.get(f"runs/{job}/logs", path=path, offset=read.get(path, 0)).json()
        if not part["text"]:
            return read.get(path, 0) != begun
        read[path] = part["next"]
        for line in part["text"].splitlines():
            tell(f"{path} │ {line}")
