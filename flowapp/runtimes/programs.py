"""Cells that a program runs: the pool of processes that write its files, start it, and take what it leaves."""

from __future__ import annotations

KIND = "program"
