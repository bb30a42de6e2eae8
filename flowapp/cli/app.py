"""All commands put together, and how their errors end. Nothing here imports what a command needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from flowapp import __version__
from flowapp.cli import backups, doctor, documents, keys, people, runs, serving, tokens
from flowapp.cli.output import complain, say
from flowapp.errors import FlowappError

app = typer.Typer(
    name="flowapp",
    help="A browser notebook for workflows.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"flowapp {__version__}")
        raise typer.Exit


@app.callback()
def _flowapp(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A browser notebook for workflows."""


for command in (serving.serve, serving.worker, serving.build, serving.migrate):
    app.command()(command)
app.command(name="run")(runs.run)
app.command(name="import")(documents.import_)
app.command(name="export")(documents.export)
app.add_typer(people.app, name="user")
app.add_typer(tokens.app, name="token")
app.command()(backups.backup)
app.command()(backups.restore)
app.command(name="rotate-key")(keys.rotate_key)
app.command(name="doctor")(doctor.doctor)


def call(arguments: Sequence[str] | None = None) -> int:
    """Run a command; answers the exit status: 0 done, 1 not done, 2 not understood, 130 interrupted."""
    command = typer.main.get_command(app)
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = command.main(given, prog_name="flowapp", standalone_mode=False)
    except typer.TyperException as error:
        if not given:
            return 2  # the help was printed
        complain(" ".join(error.format_message().split()), f"See: flowapp {_asked(given)}--help")
        return error.exit_code
    except typer.Exit as ended:
        return ended.exit_code
    except FlowappError as error:
        complain(error.message, error.hint)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except BrokenPipeError:  # whoever read our output has gone
        sys.stderr.close()
        return 1
    return status if isinstance(status, int) else 0


def _asked(given: Sequence[str]) -> str:
    """The command that a mistaken call is about, as far as there is one, ending in a space."""
    found, here = "", app
    for word in given:
        groups = {group.name: group.typer_instance for group in here.registered_groups}
        if word in groups:
            found, here = f"{found}{word} ", groups[word] or here
            continue
        # as Typer names a command after its function
        names = {known.name or _name_of(known.callback) for known in here.registered_commands}
        return f"{found}{word} " if word in names else found
    return found


def _name_of(function: Callable[..., object] | None) -> str:
    return getattr(function, "__name__", "").strip("_").replace("_", "-")
