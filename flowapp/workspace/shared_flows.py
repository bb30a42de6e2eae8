"""What the page of a sharing link shows of its flow: the input form, and the cells with code, inputs and settings; without secrets.

Pure but for `SharedFlows`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.jsontext import loads
from flowapp.store.tables import FlowVersionRow
from flowapp.workspace.context import Context
from flowapp.workspace.known_secrets import secrets_of
from flowapp.workspace.passwords import is_password, password_fields, texts_at
from flowapp.workspace.redaction import Redactor, samples_of_secrets, secret_key, secrets_in, strings_in
from flowapp.workspace.shared_cells import LONGEST_TEXT, Cell, Cells, shown_text, text_of
from flowapp.workspace.shared_settings import Setting, settings_of
from flowapp.workspace.shared_values import Budget, cut
from flowapp.workspace.sharing import Opened

MOST_FIELDS = 100
_TYPES = {
    "string": "Text",
    "number": "Number",
    "integer": "Whole number",
    "boolean": "Yes or no",
    "array": "List",
    "object": "Object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the flow's input form. `default` and `choices` are texts."""

    name: str
    title: str
    kind: str
    required: bool
    help: str
    default: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SharedFlow:
    """Everything on the page. Times are stored texts."""

    title: str
    path: str
    description: str
    version: int
    deployed_at: str
    expires_at: str
    fields: tuple[Field, ...]
    settings: tuple[Setting, ...]
    cells: tuple[Cell, ...]
    #: There are more cells than a page holds, more fields, and more in inputs and settings.
    cut: bool
    fields_cut: bool
    texts_cut: bool

    @property
    def contents(self) -> list[Cell]:
        """All cells, also those inside of others, in order."""
        return [each for cell in self.cells for each in cell.all()]


class SharedFlows:
    """Makes the page's content of a link that has been opened: `Sharing.open` has asked the policy."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, version: FlowVersionRow, opened: Opened) -> SharedFlow:
        """The page of the version that is deployed now."""
        secrets = await self._secrets(version, opened)
        return await asyncio.to_thread(flow_page, version, opened.expires_at, secrets)

    async def _secrets(self, version: FlowVersionRow, opened: Opened) -> frozenset[str]:
        """The secrets of who made the link and of who deployed the version: theirs may stand in what they wrote.

        Not those of everybody: who writes a long list of words into a flow could see which of them are others' secrets.
        """
        deployer = await self._context.sessions.identity_named(version.created_by, version.workspace)
        theirs = await secrets_of(self._context, deployer, gone=deployer.role == "none")
        if opened.maker.username == version.created_by:
            return theirs
        return theirs | await secrets_of(self._context, opened.maker)


def flow_page(version: FlowVersionRow, expires_at: str, secrets: Iterable[str] = ()) -> SharedFlow:
    """The page of a version, without these secrets, what is fixed in it under a secret's name, and what looks like one."""
    flow: dict[str, Any] = loads(version.document)
    schema = flow["schema"] if isinstance(flow.get("schema"), Mapping) else {}
    redactor = Redactor([*secrets, *_written(flow, schema)]).among([*strings_in(flow), version.path, version.summary])
    cells = Cells(redactor)
    value = flow["value"] if isinstance(flow.get("value"), Mapping) else {}
    settings = settings_of("", {}, value, redactor, cells.budget)
    names = _names(schema)
    shown = cells.singles(value.get("preprocessor_module"), "Preprocessor")
    shown += cells.of(value.get("modules"), 0)
    shown += cells.singles(value.get("failure_module"), "When a step fails")
    return SharedFlow(
        title=redactor.text(version.summary or version.path),
        path=redactor.text(version.path),
        description=redactor.text(text_of(flow.get("description")), LONGEST_TEXT),
        version=version.version,
        deployed_at=version.created_at,
        expires_at=expires_at,
        fields=tuple(_fields(schema, names[:MOST_FIELDS], redactor, cells.budget)),
        settings=settings,
        cells=tuple(shown),
        cut=cells.cut,
        fields_cut=len(names) > MOST_FIELDS,
        texts_cut=cells.budget.spent,
    )


def _written(flow: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """What is written into a document as a secret: it is hidden wherever else it stands."""
    value = flow.get("value")
    places = password_fields(schema)
    yield from texts_at(_defaults(schema), places)
    yield from secrets_in(_defaults(schema))
    yield from samples_of_secrets([schema, value])
    yield from secrets_in(value.get("flow_env") if isinstance(value, Mapping) else None)
    yield from _fixed_secrets(value)


def _fixed_secrets(value: Any) -> Iterator[str]:
    """The fixed values of inputs that are called like secrets, wherever the inputs are."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, Mapping) and item.get("type") == "static":
                yield from secrets_in({name: item.get("value")})
            else:
                yield from _fixed_secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from _fixed_secrets(item)


def _defaults(schema: Any) -> Any:
    """The default values of a schema, as an object like the one that it describes."""
    if not isinstance(schema, Mapping):
        return None
    properties = schema.get("properties")
    if schema.get("default") is None and isinstance(properties, Mapping):
        return {str(name): _defaults(field) for name, field in properties.items()}
    return schema.get("default")


def _names(schema: Mapping[str, Any]) -> list[str]:
    """The names of all fields, in order."""
    properties, order = schema.get("properties"), schema.get("order")
    fields = properties if isinstance(properties, Mapping) else {}
    first = [name for name in order if isinstance(name, str) and name in fields] if isinstance(order, list) else []
    return list(dict.fromkeys([*first, *fields]))


def _fields(schema: Mapping[str, Any], names: list[str], redactor: Redactor, budget: Budget) -> Iterator[Field]:
    required = schema.get("required")
    asked = required if isinstance(required, list) else []
    places = password_fields(schema)
    for name in names:
        field = schema["properties"][name]
        default = cut(_defaults(field))
        field = field if isinstance(field, Mapping) else {}
        enum = field.get("enum")
        told = not is_password(field) and not secret_key(name)
        choices = [cut(one) for one in enum[:50]] if told and isinstance(enum, list) else []
        if not budget.takes([name, field.get("title"), field.get("description"), default, choices]):
            continue
        ((name_shown, clean),) = redactor.value({name: default}, places, LONGEST_TEXT).items()
        yield Field(
            name=name_shown,
            title=redactor.text(text_of(field.get("title")), LONGEST_TEXT) or name_shown,
            kind=_type_of(field),
            required=name in asked,
            help=redactor.text(text_of(field.get("description")), LONGEST_TEXT),
            default="" if clean in (None, "", [], {}) else shown_text(clean),
            choices=tuple(shown_text(redactor.value(one, limit=200)) for one in choices),
        )


def _type_of(field: Mapping[str, Any]) -> str:
    kind, form = field.get("type"), text_of(field.get("format"))
    if is_password(field) and kind != "array":
        return "Password"
    if form.startswith("resource-"):
        return f"Resource ({form.removeprefix('resource-')})"
    if field.get("contentEncoding") == "base64":
        return "File"
    names = [
        _TYPES[each]
        for each in (kind if isinstance(kind, list) else [kind])
        if isinstance(each, str) and each in _TYPES
    ]
    return " or ".join(names) + (f" ({form})" if names and re.fullmatch(r"[a-z-]{1,20}", form) else "")
