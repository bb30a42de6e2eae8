"""GraphQL cells: one request over HTTP, sent by a process of the jobs' Python that has imported what that needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.runtimes import handover
from flowapp.runtimes.adapters import Prepared, Refused, Setup, Talk
from flowapp.runtimes.guest.plan import CLIENT
from flowapp.runtimes.jobs import Job
from flowapp.signatures import SignatureProblem, infer
from flowapp.signatures.graphql import API

_LANGUAGE = "graphql"


def adapter(_setup: Setup) -> Graphql:
    """See `adapters`."""
    return Graphql()


class Graphql:
    """Which variables a query has is read here; the process gets them as data."""

    def pools(self) -> Mapping[str, int]:
        """See `Adapter.pools`. The processes are those of Python jobs."""
        return {}

    async def start(self) -> None:
        """Nothing is to be found out."""

    async def prepare(self, job: Job, _talk: Talk) -> Prepared:
        """See `Adapter.prepare`."""
        signature = infer(_LANGUAGE, job.code)
        if isinstance(signature, SignatureProblem):
            raise Refused(signature.message, signature.line, "SyntaxError")
        inputs = signature.schema["properties"]
        header = {
            "api": API,
            # A variable with a default is left to the server where there is no value for it.
            "variables": {name: "default" in schema for name, schema in inputs.items() if name != API},
            "timeout_s": job.timeout_s,
        }
        return Prepared(CLIENT, handover.texts(job, runs="graphql", graphql=header))

    def facts(self) -> Mapping[str, dict[str, Any]]:
        """See `Adapter.facts`."""
        return {_LANGUAGE: {"available": True, "version": None}}

    async def close(self) -> None:
        """Nothing is under way."""
