"""R cells: `main <- function(x = 1) …`, run by the host's Rscript with the package jsonlite."""

from __future__ import annotations

import re

from flowapp.runtimes.adapters import Setup
from flowapp.runtimes.programs import Program, Programs, adapter_of

R = Program(
    language="rlang",
    label="R",
    program="Rscript",
    options=("--vanilla",),
    code="cell.R",
    wrapper="r_wrapper.R",
    install="sudo apt install r-base-core r-cran-jsonlite",
    place=re.compile(r"\bcell\.R:(\d+):"),
)


def adapter(setup: Setup) -> Programs:
    """See `adapters`."""
    return adapter_of(R, setup)
