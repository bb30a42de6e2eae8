"""Which `$var:`, `$res:` and `$jsonvar:` texts count as references: those that somebody wrote.

Data that a step got from elsewhere (an answer of a web server, a cell of a CSV file, a mail) may hold such a text as well. If it
counted, whoever writes that data could have a secret put into an argument, and from there to where they can read it.
So a text counts only if the very same one stands in the document of the run or of a flow that it calls, or in the arguments that
the run was started with, where a person or program gave these: what a schedule tells its handlers of a run is data. To build a
path from data on purpose, an expression calls `variable()` or `resource()`.
"""

from __future__ import annotations

import re

from flowapp.jsontext import JsonText, dumps, loads

_REFERENCE = re.compile(r"\$(?:var|res|jsonvar|encrypted):[A-Za-z0-9_.@/-]+")
_MARK = re.compile(r"\$(?:var|res|jsonvar|encrypted):")


def written(text: JsonText) -> frozenset[str]:
    """All references that stand in a text, as values or inside of code and expressions."""
    return frozenset(_REFERENCE.findall(text)) if _MARK.search(text) else frozenset()


def of_run(document: JsonText, args: JsonText, trigger: str | None) -> frozenset[str]:
    """The references that somebody wrote in a run's document or arguments.

    None for a task, whose arguments are data: that its code has the same text somewhere does not make them one.
    """
    if trigger and '"function"' in trigger and loads(trigger).get("function"):
        return frozenset()
    return written(document) | written(given(args, trigger))


def given(args: JsonText, trigger: str | None) -> JsonText:
    """The arguments of a run without those that its trigger calls data (`{"data": [names]}`): nobody wrote these."""
    names = loads(trigger).get("data") if trigger and '"data"' in trigger else None
    if not names:
        return args
    return dumps({name: value for name, value in loads(args).items() if name not in names})
