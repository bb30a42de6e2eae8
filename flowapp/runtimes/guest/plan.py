"""What the server asks of the launcher: the first message on the control socket, as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

FULL = "full"
USER = "user"
BASIC = "basic"
NONE = "none"
#: the kind of the processes for all other jobs in Python, Bash and programs
SCRIPT = "script"
#: the kind of the processes for Python jobs that import more than what every job finds loaded
CLIENT = "client"
#: the kind of the processes that help people who write code
EDITING = "editing"
#: names inside the jail, and the places that stand for them where there is no mount namespace
JAIL_TMP = "/tmp"  # noqa: S108  # a private tmpfs of the job, not the host's /tmp
WORK = "work"
PACKAGES_IN_JAIL = "/packages"


@dataclass(frozen=True, slots=True)
class Plan:
    """How jobs of one launcher are kept apart.

    `level` is one of full, user, basic, none. `home` is the data folder that no job may see. `scaffold` is an empty
    folder: the jail's root is mounted on it (full, user), or the jobs' own folders are made in it (basic, none).
    `readable` are files and folders that interpreters need. `shared` holds the `./shared` folders of runs.
    `packages` holds the folders of installed packages, which jobs read and never write. `drivers` is the folder with packages that our own processes in sandboxes use: drivers of SQL cells, tools for editing.
    `bun` may name a program that is only installed later, in a folder of its own that exists. `wrapper` is the program that calls TypeScript cells; the launcher fills it in.
    Without `network` jobs open no sockets to it; `cpus` is how many processors each may use (0: all).
    """

    level: str
    home: str
    scaffold: str
    readable: tuple[str, ...]
    shared: str
    packages: str
    deno: str | None
    bun: str | None
    first_uid: int | None
    protected: tuple[int, ...]
    scratch_mb: int
    drivers: str = ""
    wrapper: str = ""
    network: bool = True
    cpus: int = 0

    @property
    def has_namespaces(self) -> bool:
        """Whether jobs get a file tree, processes and IPC of their own."""
        return self.level in (FULL, USER)

    def to_json(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The plan that `to_json` wrote."""
        data = json.loads(text)
        for name in ("readable", "protected"):
            data[name] = tuple(data[name])
        return cls(**data)


def staged_packages(plan: Plan) -> str:
    """Where packages are linked for jobs of other users, when there is no mount namespace to show them in."""
    return f"{plan.scaffold}/packages"
