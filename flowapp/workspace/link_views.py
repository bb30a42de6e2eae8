"""What whoever holds a signed link to a request reads of the job that it is about, without being signed in.

That is the run, as `get_flow` shows it, and the one job that the link was made for: no other step of it, no code and no logs.
Secrets that the run has read are hidden. It takes the right to answer, asked anew each time. `get_flow` hands out a token for
the rest of the hour, which reads the same and decides nothing; its key is made of the server's secret key, like those of our own links.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from flowapp.access import approving, policy
from flowapp.access.approving import Asker
from flowapp.access.errors import NotFound
from flowapp.access.identity import Identity
from flowapp.errors import FlowappError
from flowapp.jsontext import JsonText, dumps, loads
from flowapp.store.large_values import ValueRef
from flowapp.store.masks import masked
from flowapp.workspace import guard
from flowapp.workspace.approval_requests import Link, Request, Requests
from flowapp.workspace.approval_seen import note_request_seen
from flowapp.workspace.approval_views import HIDDEN
from flowapp.workspace.context import Context
from flowapp.workspace.errors import BadRequest, DataDeleted, JobNotOver
from flowapp.workspace.job_places import JobPlaces, Place
from flowapp.workspace.job_views import JobViews
from flowapp.workspace.known_secrets import hidden_of, password_places
from flowapp.workspace.passwords import covered

#: Seconds that a token for reading is good for.
TOKEN_S = 3600
_LONGEST_TOKEN = 4000
#: What the server itself says of a job: ids, moments and words, in which a short secret may stand by chance.
_OURS = frozenset(
    [
        *("id", "type", "job_kind", "workspace_id", "parent_job", "root_job", "script_hash", "language", "worker"),
        *("created_at", "started_at", "completed_at", "scheduled_for", "duration_ms", "priority", "suspend"),
    ]
)


class LinkViews:
    """Use-cases of holders of signed links who only read."""

    def __init__(self, context: Context, requests: Requests, places: JobPlaces, views: JobViews) -> None:
        self._context = context
        self._requests = requests
        self._places = places
        self._views = views
        self._key = context.secrets.key_for("tokens for reading")

    async def flow(self, link: Link, visitor: Identity | None) -> tuple[dict[str, Any], Request, str]:
        """The run that a link is about, as clients read jobs, the request, and a token for reading (see `job`).

        Raises:
            NotFound: the signature is wrong, or the job is gone.
            NotSignedIn, NotAllowed: whoever opened the link may not answer.
        """
        place, request = await self._answerable(await self._requests.by_link(link), link, visitor)
        return await self._shown(Place(place.run)), request, self._token(link, int(time.time()) + TOKEN_S)

    async def job(self, workspace: str, token: str, visitor: Identity | None, job: str) -> dict[str, Any]:
        """The job, by a token that `flow` gave: the run, or the job that the link was made for.

        Raises:
            NotFound: the token is wrong, its time is over, or it is for another job.
            NotSignedIn, NotAllowed: whoever holds it may not answer (any more).
        """
        link = self._opened(workspace, token)
        place, _ = await self._answerable(await self._requests.place(workspace, link.job_id), link, visitor)
        return await self._shown(_within(place, job))

    async def result(self, link: Link, visitor: Identity | None, job: str) -> JsonText:
        """The JSON text of the result of such a job, by the link itself.

        Raises:
            NotFound, NotSignedIn, NotAllowed: as `job`.
            JobNotOver: there is none yet.
            DataDeleted: it is gone.
            BadRequest: it is too large to be looked through for secrets.
        """
        place, _ = await self._answerable(await self._requests.by_link(link), link, visitor)
        place = _within(place, job)
        state = await self._views.state(place)
        if not state.over:
            raise JobNotOver(f"The job {place.id} is not over yet.", "Wait for it.")
        if state.deleted:
            raise DataDeleted(f"The arguments, result and logs of the job {place.id} were deleted after it ended.")
        text = await self._views.result(place, state)
        if ValueRef.from_text(text) is not None:
            raise BadRequest("This result is too large to be read by a link.", "Sign in to read it.")
        return dumps(masked(loads(text), await hidden_of(self._context, place.run), numbers=True))

    async def reads(self, identity: Identity | None, job: str) -> bool:
        """Whether somebody may read the job without any link; then they read all of it."""
        try:
            return identity is not None and await self._places.find(identity, "run.read", job) is not None
        except FlowappError:
            return False

    async def _answerable(self, place: Place, link: Link, visitor: Identity | None) -> tuple[Place, Request]:
        asker = Asker(visitor, by_link=True)
        request = await self._requests.at(place, asker, link.resume_id)
        approving.require(asker, request.conditions, guard.run_target(place.run))
        note_request_seen(self._context.store, request, visitor, link)
        return place, request

    async def _shown(self, place: Place) -> dict[str, Any]:
        job = await self._views.full(place, code=False)
        if place.is_run:
            job["args"] = covered(job["args"], await password_places(self._context, place.run), HIDDEN)
        return _without(job, await hidden_of(self._context, place.run))

    def _token(self, link: Link, until: int) -> str:
        # not the signature: whoever gets hold of the token only reads
        said = dumps([link.job_id, link.resume_id, link.approver, until])
        return f"{_encoded(said.encode('utf-8', 'surrogatepass'))}.{self._mark(link.workspace, said)}"

    def _opened(self, workspace: str, token: str) -> Link:
        said, _, mark = token[:_LONGEST_TOKEN].partition(".")
        try:
            text = base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)).decode("utf-8", "surrogatepass")
        except (binascii.Error, ValueError):
            text = ""
        if not hmac.compare_digest(self._mark(workspace, text).encode(), mark.encode("utf-8", "replace")):
            raise NotFound("This token for reading is not right.", "Open the link to the request again.")
        job_id, resume_id, approver, until = loads(text)
        if time.time() >= until:
            raise NotFound("The time of this token is over.", "Open the link to the request again.")
        return Link(workspace, job_id, resume_id, "", approver)

    def _mark(self, workspace: str, said: str) -> str:
        text = dumps([workspace, said])
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _without(job: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """The job with stars in place of what is hidden; of its flow's status, which is ours too, in what the job has set itself."""
    ours, status = {*_OURS, "flow_status"}, job.get("flow_status")
    found = {name: value if name in ours else masked(value, hidden, numbers=True) for name, value in job.items()}
    if isinstance(status, Mapping) and "user_states" in status:
        found["flow_status"] = {**status, "user_states": masked(status["user_states"], hidden, numbers=True)}
    return found


def _within(place: Place, job: str) -> Place:
    """The run of the link's job, or that job itself."""
    for shown in (Place(place.run), place):
        if shown.id == job:
            return shown
    raise policy.missing("run")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
