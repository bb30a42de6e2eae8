"""The parts of isolation that can be read without a kernel: the filter program, paths, plans, user ids."""

from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from flowapp.runtimes.errors import IsolationTooLow
from flowapp.runtimes.guest import jail, seccomp
from flowapp.runtimes.guest.plan import Plan
from flowapp.runtimes.ladder import lowest_allowed
from flowapp.runtimes.probe import Seen, mechanisms

ALLOW, KILL = 0x7FFF0000, 0x80000000
X86 = 0xC000003E
ARM = 0xC00000B7


def verdict(program: bytes, number: int, *arguments: int, architecture: int = X86) -> int:
    """What a filter answers to a call, by the rules of classic BPF."""
    data = struct.pack("IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = [struct.unpack_from("HBBI", program, offset) for offset in range(0, len(program), 8)]
    accumulator, position = 0, 0
    while True:
        code, yes, no, value = steps[position]
        position += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            true = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            position += yes if true else no


def refused(number: int) -> int:
    return 0x00050000 | number


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_ordinary_calls_pass() -> None:
    program = seccomp.build(machine="x86_64")
    for number in (0, 1, 9, 57, 59, 231, 257, 302, 334):
        assert verdict(program, number) == ALLOW


@pytest.mark.parametrize(
    ("number", "name"), [(101, "ptrace"), (165, "mount"), (272, "unshare"), (321, "bpf"), (425, "io_uring")]
)
def test_dangerous_calls_are_refused(number: int, name: str) -> None:
    assert verdict(seccomp.build(machine="x86_64"), number) == refused(errno.EPERM), name


def test_the_same_on_arm() -> None:
    program = seccomp.build(machine="aarch64")
    assert verdict(program, 117, architecture=ARM) == refused(errno.EPERM)
    assert verdict(program, 221, architecture=ARM) == ALLOW
    assert verdict(program, 220, 0x10000000, architecture=ARM) == refused(errno.EPERM)


def test_another_architecture_is_killed() -> None:
    assert verdict(seccomp.build(machine="x86_64"), 0, architecture=0x40000003) == KILL


def test_the_other_32_bit_numbers_are_refused() -> None:
    assert verdict(seccomp.build(machine="x86_64"), 0x40000000 | 101) == refused(errno.ENOSYS)


def test_clone_only_without_namespaces() -> None:
    program = seccomp.build(machine="x86_64")
    assert verdict(program, 56, 0x003D0F00) == ALLOW
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, 56, flag | 17) == refused(errno.EPERM)
    assert verdict(program, 435) == refused(errno.ENOSYS)


def test_socket_families() -> None:
    program = seccomp.build(machine="x86_64")
    for family in (1, 2, 10, 16):
        assert verdict(program, 41, family) == ALLOW
    for family in (17, 38, 40):
        assert verdict(program, 41, family) == refused(errno.EAFNOSUPPORT)


def test_without_network_only_sockets_of_the_own_tree() -> None:
    for own_tree, unix in ((True, ALLOW), (False, refused(errno.ENETUNREACH))):
        program = seccomp.build(given=seccomp.Given(own_tree=own_tree, network=False), machine="x86_64")
        assert verdict(program, 41, 1) == unix
        for family in (2, 10, 16, 17, 40):
            assert verdict(program, 41, family) == refused(errno.ENETUNREACH)


def test_who_has_few_processors_stays_on_them(machine: str) -> None:
    number, architecture = (203, X86) if machine == "x86_64" else (122, ARM)
    few = seccomp.build(given=seccomp.Given(processors=False), machine=machine)
    assert verdict(few, number, architecture=architecture) == refused(errno.EPERM)
    assert verdict(seccomp.build(machine=machine), number, architecture=architecture) == ALLOW


def test_terminal_injection_is_refused() -> None:
    program = seccomp.build(machine="x86_64")
    assert verdict(program, 16, 1, 0x5412) == refused(errno.EPERM)
    assert verdict(program, 16, 1, 0x5401) == ALLOW


def test_protected_processes_cannot_be_signalled() -> None:
    program = seccomp.build((1234,), machine="x86_64")
    for target in (1234, -1234 & 0xFFFFFFFF, 0xFFFFFFFF):
        assert verdict(program, 62, target, 9) == refused(errno.EPERM)
        assert verdict(program, 434, target) == refused(errno.EPERM)
    assert verdict(program, 62, 1235, 9) == ALLOW
    assert verdict(seccomp.build(machine="x86_64"), 62, 1234, 9) == ALLOW


def test_what_only_a_tree_of_its_own_makes_harmless() -> None:
    alone, among = seccomp.build(machine="x86_64"), seccomp.build(given=seccomp.Given(own_tree=False), machine="x86_64")
    for number in (29, 64, 68, 240):
        assert verdict(alone, number) == ALLOW
        assert verdict(among, number) == refused(errno.ENOSYS)
    assert verdict(among, 41, 1) == refused(errno.EAFNOSUPPORT)
    assert verdict(among, 41, 2) == ALLOW
    assert verdict(among, 53, 1) == ALLOW  # socketpair connects to nobody


def test_what_only_a_user_of_its_own_makes_harmless() -> None:
    for number in (90, 268, 92, 260, 188, 76, 452):
        assert verdict(seccomp.build(given=seccomp.Given(own_user=False), machine="x86_64"), number) == ALLOW
        assert verdict(seccomp.build(given=seccomp.Given(own_tree=False), machine="x86_64"), number) == ALLOW
        assert verdict(
            seccomp.build(given=seccomp.Given(own_tree=False, own_user=False), machine="x86_64"), number
        ) == refused(errno.EPERM)
    assert (
        verdict(seccomp.build(given=seccomp.Given(own_tree=False, own_user=False), machine="x86_64"), 91) == ALLOW
    )  # fchmod


def plan(
    level: str = "basic", *, home: str = "/nowhere", readable: tuple[str, ...] = (), first_uid: int | None = None
) -> Plan:
    return Plan(level, home, "/scaffold", readable, "/shared", "/packages", None, None, first_uid, (1,), 64)


def test_plans_travel_as_json() -> None:
    assert Plan.from_json(plan(readable=("/a",)).to_json()) == plan(readable=("/a",))


def test_the_data_folder_is_cut_out_of_what_is_readable(tmp_path: Path) -> None:
    for name in ("app/bin", "app/data/keys", "app/lib/deep"):
        (tmp_path / name).mkdir(parents=True)
    shown = jail.readable_paths(plan(home=str(tmp_path / "app/data"), readable=(str(tmp_path / "app"),)))
    ours = sorted(path for path in shown if path.startswith(str(tmp_path)))
    assert ours == [str(tmp_path / "app/bin"), str(tmp_path / "app/lib")]


def test_a_folder_inside_the_data_folder_is_not_readable(tmp_path: Path) -> None:
    (tmp_path / "data/inner").mkdir(parents=True)
    shown = jail.readable_paths(plan(home=str(tmp_path / "data"), readable=(str(tmp_path / "data/inner"),)))
    assert not [path for path in shown if path.startswith(str(tmp_path))]


def test_levels_by_name() -> None:
    assert lowest_allowed("") == "basic"
    assert lowest_allowed("none") == "none"
    with pytest.raises(IsolationTooLow, match="must be one of none, basic, user, full"):
        lowest_allowed("strict")


def seen(**changes: bool) -> Seen:
    names = dict.fromkeys(
        (
            "reads_data",
            "changes_data",
            "reads_server",
            "signals_server",
            "is_root",
            "makes_namespaces",
            "own_processes",
            "opens_sockets",
        ),
        False,
    )
    return Seen(**{**names, "own_processes": True, **changes})


def test_leaks_per_level() -> None:
    assert seen().leaks("full") == []
    assert seen(reads_data=True).leaks("basic") == ["read the data folder"]
    assert seen(changes_data=True).leaks("basic") == ["change the data folder"]
    assert seen(own_processes=False).leaks("basic") == []
    assert seen(own_processes=False).leaks("user") == ["see other processes"]
    assert seen(is_root=True).leaks("full") == ["act as root"]


def test_mechanisms_say_what_stands() -> None:
    found = mechanisms(plan("full", first_uid=5), {"landlock": 0, "seccomp": True}, seen())
    assert found["own user"]
    assert not found["landlock"]
    assert found["data folder hidden"]
