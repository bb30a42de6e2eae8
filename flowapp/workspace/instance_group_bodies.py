"""What bodies say of instance groups, looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flowapp.jsontext import dumps
from flowapp.store.tables import InstanceGroupRow
from flowapp.workspace.errors import BadRequest
from flowapp.workspace.members import email_in
from flowapp.workspace.stored import name_of, text_in

MOST_GROUPS = 1000
#: In all of them together; who is in two counts twice.
MOST_PEOPLE = 20_000
#: What Windmill's clients say of a group beside its people: kept as they said it.
_BESIDE = ("id", "scim_display_name", "external_id")
_NO_ROLE = (None, "", "user")


def groups_in(body: Any) -> dict[str, tuple[InstanceGroupRow, list[str]]]:
    """The groups of a list, with their people, by name.

    Raises:
        BadRequest: no such list, a name twice, a role, or too many groups or people.
    """
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise BadRequest("The body must be a list of groups.", 'Send [{"name": "ops", "emails": ["ada@example.org"]}].')
    if len(body) > MOST_GROUPS:
        raise BadRequest(f"There may be {MOST_GROUPS} instance groups at most.")
    found: dict[str, tuple[InstanceGroupRow, list[str]]] = {}
    total = 0
    for one in body:
        name = name_of(one.get("name"), "instance group")
        if name in found:
            raise BadRequest(f"The instance group {name} is there twice.")
        refuse_role(one)
        people = emails_in(one) or []
        total += len(people)
        if total > MOST_PEOPLE:  # before anything is written
            raise BadRequest(f"Instance groups have at most {MOST_PEOPLE} members in all.")
        beside = {key: text_in(one, key, limit=200) for key in _BESIDE if one.get(key) is not None}
        found[name] = (InstanceGroupRow(name=name, summary=summary_in(one), extra=dumps(beside)), people)
    return found


def new_name_in(body: Mapping[str, Any]) -> str:
    """The name of a group that somebody makes: as Windmill has it, in small letters and with `_` for spaces.

    Those of a list that is brought in (`groups_in`) are as they were where they come from.

    Raises:
        BadRequest: it is none.
    """
    given = body.get("name")
    return name_of(given.replace(" ", "_").lower() if isinstance(given, str) else given, "instance group")


def emails_in(body: Mapping[str, Any]) -> list[str] | None:
    """The emails of a body, each once; None where it says nothing of them.

    Raises:
        BadRequest: no list of emails, or too many.
    """
    given = body.get("emails")
    if given is None:
        return None
    if not isinstance(given, list):
        raise BadRequest("emails must be a list of email addresses.", 'Send {"emails": ["ada@example.org"]}.')
    if len(given) > MOST_PEOPLE:
        raise BadRequest(f"Instance groups have at most {MOST_PEOPLE} members in all.")
    return list(dict.fromkeys(email_in({"email": one}) for one in given))


def summary_in(body: Mapping[str, Any], key: str = "summary") -> str | None:
    """The summary of a body; None where there is none.

    Raises:
        BadRequest: no text, or more than 1000 characters.
    """
    return None if body.get(key) is None else text_in(body, key, limit=1000)


def refuse_role(body: Mapping[str, Any]) -> None:
    """Windmill's groups may make their people super admins; these make nobody anything.

    Raises:
        BadRequest: the body gives a role.
    """
    if body.get("instance_role") not in _NO_ROLE:
        raise BadRequest("An instance group gives no role here.", "Leave instance_role out.")
