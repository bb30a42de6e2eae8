"""A system call filter, assembled by hand (classic BPF), so that no native package is needed.

It takes away what a script has no use for and what kernels were broken through: namespaces and mounts, ptrace, other
processes' memory, kernel modules, BPF, keyrings, io_uring, and rare kinds of socket.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flowapp.runtimes.guest import kernel

_LOAD, _JUMP_EQ, _JUMP_GE, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_SET_MODE_FILTER = 1
_X32_BIT = 0x40000000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
#: every CLONE_NEW* flag
_NEW_NAMESPACE = 0x7E020000
_UNIX = 1
_NETWORK = (2, 10, 16)  # inet, inet6, netlink (name lookups use it)
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C

# fmt: off
#: name → (x86_64, aarch64); None where the call does not exist
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "perf_event_open": (298, 241),
    "userfaultfd": (323, 282), "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "acct": (163, 89), "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None), "quotactl": (179, 60),
    "syslog": (103, 116), "vhangup": (153, 58), "lookup_dcookie": (212, 18), "fanotify_init": (300, 262),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_SET_AFFINITY = (203, 122)
_SOCKET = (41, 198)
_IOCTL = (16, 29)
#: chmod, fchmodat, fchmodat2, chown, lchown, fchownat, setxattr, lsetxattr, removexattr, lremovexattr, truncate,
#: setxattrat, removexattrat, file_setattr; what takes an open file stays, because opening is guarded
_ATTRIBUTES_BY_PATH: tuple[tuple[int | None, int | None], ...] = (
    (90, None), (268, 53), (452, 452), (92, None), (94, None), (260, 54), (188, 5), (189, 6), (197, 14), (198, 15),
    (76, 45), (463, 463), (466, 466), (469, 469),
)
_INTERPROCESS: tuple[tuple[int | None, int | None], ...] = ((29, 194), (64, 190), (68, 186), (240, 180))  # shmget, semget, msgget, mq_open
#: calls whose first argument is a process to act on
_AIMED_AT_A_PROCESS: tuple[tuple[int, int], ...] = (
    (62, 129), (200, 130), (234, 131), (129, 138), (297, 240), (434, 434),
)  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open
# fmt: on

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """What a job has of its own, and may use.

    Where it has no file tree of its own (`own_tree`), Landlock hides files, but it does not speak about connecting to
    a socket in the file system (a desktop's bus, Docker), and System V IPC would outlive the job: both are refused.
    Where it has no user of its own either, nothing but this keeps it from changing the mode, the owner or the attributes
    of the server's files, which Landlock does not speak about. Without `network` the only sockets are those of its own file
    tree. Without `processors` it stays on those that it was given.
    """

    own_tree: bool = True
    own_user: bool = True
    network: bool = True
    processors: bool = True

    @property
    def families(self) -> tuple[int, ...]:
        """The kinds of socket."""
        return (_UNIX,) * self.own_tree + _NETWORK * self.network


class _SockFprog(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def build(protected: Sequence[int] = (), given: Given = Given(), machine: str = kernel.machine) -> bytes:
    """The filter program.

    `protected` are process ids that must not be signalled: needed only where jobs share the server's user and the
    kernel has no other way to keep them apart. Each stands for its process group as well.
    """
    column = 0 if machine == "x86_64" else 1
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQ, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        program += [(_JUMP_GE, 0, 1, _X32_BIT), _refuse(errno.ENOSYS)]
    program += _refuse_all(_DENIED.values(), column, errno.EPERM)
    if not given.own_tree:
        program += _refuse_all(_INTERPROCESS, column, errno.ENOSYS)
    if not given.own_tree and not given.own_user:
        program += _refuse_all(_ATTRIBUTES_BY_PATH, column, errno.EPERM)
    if not given.processors:
        program += _refuse_all((_SET_AFFINITY,), column, errno.EPERM)
    # clone3 hides its flags in memory that a filter cannot read; without it the C library falls back to clone.
    program += [(_JUMP_EQ, 0, 1, _CLONE3[column]), _refuse(errno.ENOSYS)]
    program += _with_argument(
        _CLONE[column], _FIRST_ARGUMENT, [(_JUMP_SET, 0, 1, _NEW_NAMESPACE), _refuse(errno.EPERM)]
    )
    otherwise = errno.EAFNOSUPPORT if given.network else errno.ENETUNREACH
    program += _with_argument(_SOCKET[column], _FIRST_ARGUMENT, _only(given.families, otherwise))
    program += _with_argument(_IOCTL[column], _SECOND_ARGUMENT, _none_of((_TIOCSTI, _TIOCLINUX)))
    if protected:
        targets = [value & 0xFFFFFFFF for pid in protected for value in (pid, -pid)] + [0xFFFFFFFF]
        for calls in _AIMED_AT_A_PROCESS:
            program += _with_argument(calls[column], _FIRST_ARGUMENT, _none_of(targets))
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def apply(program: bytes) -> None:
    """Put the filter on this process and all its descendants. The caller has set no-new-privileges."""
    # The kernel reads the program where it lies: a buffer would be a new type for ctypes, which each job would make again.
    header = _SockFprog(len(program) // 8, program)
    kernel.syscall(kernel.number_of("seccomp"), _SET_MODE_FILTER, 0, ctypes.byref(header), what="seccomp")


def _refuse_all(calls: Iterable[tuple[int | None, int | None]], column: int, number: int) -> list[Instruction]:
    """One answer for all: the kernel translates a program, and tries it with every call, each time that it is put on a process."""
    *others, last = [value for call in calls if (value := call[column]) is not None]
    checks: list[Instruction] = [(_JUMP_EQ, len(others) - index, 0, value) for index, value in enumerate(others)]
    return [*checks, (_JUMP_EQ, 0, 1, last), _refuse(number)]


def _refuse(number: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | number)


def _with_argument(call: int, argument: int, body: list[Instruction]) -> list[Instruction]:
    """`body` sees the argument; afterwards the call number is loaded again."""
    inner = [(_LOAD, 0, 0, argument), *body, (_LOAD, 0, 0, _NUMBER)]
    return [(_JUMP_EQ, 0, len(inner), call), *inner]


def _none_of(values: Iterable[int]) -> list[Instruction]:
    return [step for value in values for step in ((_JUMP_EQ, 0, 1, value), _refuse(errno.EPERM))]


def _only(values: Sequence[int], otherwise: int) -> list[Instruction]:
    last = len(values) - 1
    checks: list[Instruction] = [(_JUMP_EQ, last - index + 1, 0, value) for index, value in enumerate(values)]
    return [*checks, _refuse(otherwise)]
