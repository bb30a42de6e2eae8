"""`flowapp import` and `flowapp export`: flows between files and a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from flowapp.cli.output import CommandFailed, say, tell

if TYPE_CHECKING:
    from flowapp.cli.server import Server
    from flowapp.openflow.models import OpenFlow

Form = Literal["yaml", "json", "zip", "folder"]
_MOST_BYTES = 16 << 20
#: The document's own keys in their usual order, and what a server tells beside them.
_FIRST = ("summary", "description", "value", "schema")
_EMPTY = (("description", ""), ("schema", None), ("ws_error_handler_muted", False))
_OF_THE_SERVER = ("path", "edited_by", "edited_at", "archived", "extra_perms", "starred", "version_id", "workspace_id")


def import_(
    source: Annotated[Path, typer.Argument(help="YAML or JSON file, folder of a flow, or zip archive of one.")],
    path: Annotated[str, typer.Option(help="Path of the flow, like f/team/report; a draft finds one by itself.")] = "",
    deploy: Annotated[bool, typer.Option("--deploy", help="Deploy it at --path instead of making a draft.")] = False,
    message: Annotated[str, typer.Option(help="What changed, for the list of versions (with --deploy).")] = "",
    workspace: Annotated[str, typer.Option(help="Id of the workspace.")] = "main",
) -> None:
    """Bring an OpenFlow document to the server of FLOWAPP_URL, as a draft of yours or as a deployed flow."""
    if deploy and not path:
        raise CommandFailed("--deploy needs a path.", "Say where, like --path f/team/report.")
    from flowapp.cli.server import Server, path_in_address
    from flowapp.openflow import documents

    flow = documents.dump(_read(source))
    with Server(workspace) as server:
        if not deploy:
            made = server.post("drafts", {"flow": flow, "path": path}).json()
            say(server.page(f"/flows/{made['id']}"))
            tell(f"Made a draft at {made['path']}.")
            return
        there = server.get(f"flows/exists/{path_in_address(path)}").json()
        where = f"flows/update/{path_in_address(path)}" if there else "flows/create"
        server.post(where, {"summary": "", **flow, "path": path, "deployment_message": message})
        say(path)
        tell("Deployed a new version." if there else "Deployed.")


def export(
    path: Annotated[str, typer.Argument(help="Path of a deployed flow; leave it out with --all.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="The whole workspace, as a zip archive.")] = False,
    output: Annotated[Path | None, typer.Option(help="File (or folder) to write; standard output if left out.")] = None,
    form: Annotated[str, typer.Option("--format", help="yaml, json, zip or folder, for a single flow.")] = "yaml",
    workspace: Annotated[str, typer.Option(help="Id of the workspace.")] = "main",
) -> None:
    """Get a deployed flow, or all that one may read of a workspace, from the server of FLOWAPP_URL.

    The archive of a workspace has the layout of Windmill's command line. Secrets are left out.
    """
    if bool(path) == everything:
        raise CommandFailed("Say what to export:", "the path of a flow, or --all for the whole workspace.")
    if form not in get_args(Form):
        raise CommandFailed(f"There is no format {form!r}.", f"Use one of {', '.join(get_args(Form))}.")
    from flowapp.cli.server import Server

    with Server(workspace) as server:
        if everything:
            query = {"archive_type": "zip", "include_schedules": "true", "skip_secrets": "true"}
            _write(output, server.get("workspaces/tarball", **query).content)
        else:
            _write_flow(server, path, form, output)


def _write_flow(server: Server, path: str, form: str, output: Path | None) -> None:
    from flowapp.cli.server import path_in_address
    from flowapp.openflow import documents

    found: dict[str, Any] = server.get(f"flows/get/{path_in_address(path)}").json()
    flow = documents.parse(_document(found))
    match form:
        case "yaml":
            _write(output, documents.to_yaml(flow).encode())
        case "json":
            _write(output, documents.to_json(flow).encode("utf-8", "surrogatepass"))
        case "zip":
            _write(output, documents.to_archive(flow, path.rpartition("/")[2]))
        case _:
            if output is None:
                raise CommandFailed("A folder needs a name.", "Say where, like --output report.flow.")
            for name, text in documents.to_folder(flow).items():
                _write(output / name, text.encode())


def _document(found: dict[str, Any]) -> dict[str, Any]:
    """The OpenFlow document in a server's answer, which has keys of its own and names what the flow lacks."""
    lacking = {name for name, empty in _EMPTY if found.get(name) == empty}
    names = [*_FIRST, *(name for name in found if name not in _FIRST)]
    return {name: found[name] for name in names if name in found and name not in {*_OF_THE_SERVER, *lacking}}


def _write(output: Path | None, content: bytes) -> None:
    try:
        if output is None:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
            return
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written ({error.strerror}).") from None
    tell(f"Wrote {output}.")


def _read(source: Path) -> OpenFlow:
    """The document of a file, folder or archive.

    Raises:
        CommandFailed: it cannot be read, or is no OpenFlow document.
    """
    from flowapp.openflow import documents
    from flowapp.openflow.errors import DocumentInvalid

    try:
        if source.is_dir():
            return documents.from_folder(_files(source))
        if source.stat().st_size > _MOST_BYTES:
            raise CommandFailed(f"{source} is bigger than {_MOST_BYTES >> 20} MB.")
        content = source.read_bytes()
        if content.startswith(b"PK"):
            return documents.from_archive(content)
        return documents.read_text(content.decode())
    except OSError as error:
        raise CommandFailed(f"{source} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{source} is not UTF-8 text.") from None
    except DocumentInvalid as invalid:
        problems = [f"{problem.pointer or '/'}: {problem.message}" for problem in invalid.problems[:5]]
        raise CommandFailed(f"{source} is not an OpenFlow document:\n  " + "\n  ".join(problems)) from None


def _files(folder: Path) -> dict[str, str]:
    found, size = {}, 0
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts):
            size += file.stat().st_size
            if size > _MOST_BYTES:
                raise CommandFailed(f"The files in {folder} are bigger than {_MOST_BYTES >> 20} MB together.")
            found[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8")
    return found
