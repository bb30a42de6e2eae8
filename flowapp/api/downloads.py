"""Headers of files that a browser saves."""

from __future__ import annotations

from urllib.parse import quote


def attachment(name: str, *, inline: bool = False) -> dict[str, str]:
    """`Content-Disposition` for a file of any name; the sandbox keeps what a browser shows from running as our page."""
    kind = "inline" if inline else "attachment"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return {
        "content-disposition": f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        "x-content-type-options": "nosniff",
    }
