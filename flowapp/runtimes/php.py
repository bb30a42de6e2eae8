"""PHP cells: `function main(string $x = "a")`, run by the host's PHP without its configuration."""

from __future__ import annotations

import re

from flowapp.runtimes.adapters import Setup
from flowapp.runtimes.programs import Program, Programs, adapter_of

PHP = Program(
    language="php",
    label="PHP",
    program="php",
    # Its own limit of memory would come before the job's.
    options=("-n", "-d", "memory_limit=-1", "-d", "display_errors=stderr", "-d", "html_errors=0"),
    code="cell.php",
    wrapper="php_wrapper.php",
    install="sudo apt install php-cli",
    place=re.compile(r"\bcell\.php(?:\(| on line |:)(\d+)"),
)


def adapter(setup: Setup) -> Programs:
    """See `adapters`."""
    return adapter_of(PHP, setup)
