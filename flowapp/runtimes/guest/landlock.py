"""Landlock: an allow-list of files for this process and all its descendants. It needs no privilege (Linux 5.13).

Constants and meanings: the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from flowapp.runtimes.guest import kernel

_CREATE_RULESET = 444
_ADD_RULE = 445
_RESTRICT_SELF = 446
_VERSION_QUERY = 1
_RULE_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE = 1 << 14
_IOCTL_DEVICE = 1 << 15
_FIRST_ABI_RIGHTS = (1 << 13) - 1
_REFER = 1 << 13
_ALLOWED_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3
_ABI_WITH_SCOPES = 6


def abi() -> int:
    """The version that this kernel speaks; 0 when there is none."""
    try:
        return kernel.syscall(_CREATE_RULESET, 0, 0, _VERSION_QUERY, what="landlock")
    except OSError:
        return 0


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Allow reading and executing below `readable`, everything below `writable`, and nothing else.

    From ABI 6 on it also keeps signals and abstract sockets inside; from ABI 1 on, ptrace. Paths that do not exist are
    passed over. The caller has set no-new-privileges.
    """
    version = abi()
    every = _rights(version)
    scopes = _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _ABI_WITH_SCOPES else 0
    attributes = struct.pack("QQQ", every, 0, scopes)[: 24 if version >= _ABI_WITH_SCOPES else 8]
    ruleset = kernel.syscall(_CREATE_RULESET, attributes, len(attributes), 0, what="landlock_create_ruleset")
    try:
        for path in readable:
            _allow(ruleset, path, (_EXECUTE | _READ_FILE | _READ_DIR) & every)
        for path in writable:
            _allow(ruleset, path, every)
        kernel.syscall(_RESTRICT_SELF, ruleset, 0, what="landlock_restrict_self")
    finally:
        os.close(ruleset)


def _rights(version: int) -> int:
    rights = _FIRST_ABI_RIGHTS
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE)):
        if version >= since:
            rights |= right
    return rights


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ALLOWED_ON_FILES
        rule = struct.pack("=Qi", rights, descriptor)
        kernel.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0, what=f"landlock_add_rule {path}")
    finally:
        os.close(descriptor)
