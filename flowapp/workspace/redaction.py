"""Taking out of texts and values what is, or looks like, a secret: for people who have nothing but a link.

Pure. Hidden are: references (`$var:…`, `$res:…`), the texts that are known to be secrets (also as they stand in JSON, in an
address, or in base64), whatever a key names that is called like a secret, and texts of the shapes that keys and tokens have.
A look-alike hidden too much is a pity; one hidden too little is a leak, so doubt hides.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from flowapp.store.masks import LONGEST, SHORTEST
from flowapp.workspace.passwords import is_password, leaves

HIDDEN = "•••••"
#: Words that make a key a secret's, wherever they stand in it: compared without case, spaces and signs.
_WORDS = (
    *("password", "passwd", "passphrase", "passcode", "pwd", "secret", "token", "apikey", "accesskey", "privatekey"),
    *("signingkey", "encryptionkey", "sshkey", "authorization", "credential", "cookie", "connectionstring", "bearer"),
    *("databaseurl", "webhookurl", "sessionid", "signature"),
)
_WHOLE = frozenset({"auth", "dsn", "pin", "pass", "jwt", "sid", "otp"})
#: Of an object like {"name": "Authorization", "value": "…"}: what names, and what is named.
_NAMING, _NAMED = ("name", "key", "header"), ("value", "content", "default")
#: What a schema says of the values that it is for.
_SAMPLES = ("default", "enum", "examples", "const")
_KEY = (
    r"[\w.-]{0,40}(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"
    r"|authorization)[\w-]{0,40}"
)
_QUOTED = r"(?P<quote>[\"'])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\\n])+)"
_PLAIN = r"(?P<plain>(?:(?:bearer|basic|token|digest|apikey) )?[^\s\"',;&)}\]]+)"
#: Repetitions that something must follow are bounded: no text may take a search for ever.
_SHAPES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\$(?:var|res|jsonvar|encrypted):[^\s\"'<>,;)\]}]+",
        r"-----BEGIN [A-Z ]{0,40}(?:KEY|CERTIFICATE)[A-Z ]{0,40}-----[\s\S]*?(?:-----END [A-Z ]{1,80}-----|\Z)",
        r"(?i)(?<=bearer )[\w.~+/=-]{6,}",
        r"(?<=[Bb]asic )(?=\S*[A-Z0-9])[\w+/=-]{8,}",
        r"\beyJ[\w-]{5,1000}\.[\w.-]{5,}",
        r"(?<=://)[^\s/@:\"']{0,200}:[^\s/\"']{1,500}(?=@)",
        rf"(?i)\b{_KEY}\\{{0,3}}[\"']?\]?\s{{0,20}}(?::=|=>|<-|[:=])\s{{0,20}}\\{{0,3}}(?:{_QUOTED}|{_PLAIN})",
        r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
        r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{16,}",
        r"\bgh[opsur]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}",
        r"\bxox[a-z]-[\w-]{10,}|\bhooks\.slack\.com/services/[\w/]+",
        r"\bAIza[\w-]{30,}|\bya29\.[\w-]{20,}",
        r"\bf[asivl]_[\w-]{40,}",
    )
)
#: What stands behind a secret's name in code and is none: a type, a call, a subscript, what a flow or an environment holds.
_NO_SECRET = re.compile(
    r"(?:(?:str|string|bytes|int|float|number|bool|boolean|any|unknown|object|dict|list|None|null|undefined)\b(?=\s*(?:[,)=|\[<;?]|$))"
    r"|[A-Za-z_]\w*(?:\.\w+)*[(\[]|(?:results|flow_input|previous_result|flow_env|process\.env|os\.environ)\b|\$\d|\$[({])",
    re.MULTILINE | re.IGNORECASE,
)
#: Code that gives what is called like a secret a value behind its type: `key: str = "…"`, `string key = "…"` is found as it is.
_TYPED = re.compile(rf"(?i)\b{_KEY}\s{{0,20}}\??:\s{{0,20}}[\w.\[\]| ]{{1,80}}=\s{{0,20}}{_QUOTED}")
_LONGEST_LINE = 400
#: What may begin a text or a comment: behind it in a line nothing is taken for code.
_QUOTES = re.compile(r"[\"'`#]|//|--")


def secret_key(name: str) -> bool:
    """Whether a key is called like what holds a secret: `password`, `api_key`, `clientSecret`, `X-Auth-Token`."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _WHOLE or any(word in plain for word in _WORDS)


def secrets_in(value: Any) -> Iterator[str]:
    """What stands in a value under keys that are called like secrets, or beside such a name."""
    if isinstance(value, Mapping):
        named = _names_a_secret(value)
        for name, item in value.items():
            hidden = secret_key(str(name)) or (named and str(name).lower() in _NAMED)
            yield from leaves(item) if hidden else secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets_in(item)


def samples_of_secrets(value: Any) -> Iterator[str]:
    """Defaults, choices and examples in the schemas of passwords and of what is called like a secret, wherever the schemas are."""
    if isinstance(value, Mapping):
        if is_password(value):
            yield from _samples(value)
        for name, item in value.items():
            if isinstance(item, Mapping) and secret_key(str(name)):
                yield from _samples(item)
            yield from samples_of_secrets(item)
    elif isinstance(value, list):
        for item in value:
            yield from samples_of_secrets(item)


def strings_in(value: Any, limit: int | None = None) -> Iterator[str]:
    """All texts in a value, keys too, as far as `Redactor.text` with this limit looks at them."""
    if isinstance(value, str):
        yield value if limit is None else value[: limit + LONGEST]
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from strings_in(item, limit)
    elif isinstance(value, list):
        for item in value:
            yield from strings_in(item, limit)


class Redactor:
    """Hides secrets in texts and values. `secrets` are texts that are known to be some; short ones cannot be told from others."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {text for secret in secrets for text in _parts(secret)}
        self._whole = frozenset(known)
        self._texts = tuple(sorted({form for text in known for form in _forms(text)}, key=len, reverse=True))

    @property
    def known_count(self) -> int:
        """How many texts are looked for in each text: in a short one that is most of the work."""
        return len(self._texts)

    def text(self, text: str, limit: int | None = None) -> str:
        """The text with `HIDDEN` in place of secrets, of its first `limit` characters; a secret that the end would cut goes whole."""
        return self._clean(text, limit, _shaped)

    def code(self, text: str, limit: int | None = None) -> str:
        """As `text`, for source code: types and calls behind a secret's name (`token: str`, `key = load()`) stay readable."""
        return self._clean(text, limit, _shaped_in_code)

    def _clean(self, text: str, limit: int | None, shaped: Callable[[str], Iterator[tuple[int, int]]]) -> str:
        end = len(text) if limit is None else min(limit, len(text))
        window = text[: end + LONGEST]
        parts, at = [], 0
        for start, stop in _merged([*self._known(window), *shaped(window)]):
            if start >= end:
                break
            parts += [window[at:start], HIDDEN]
            at = stop
        return "".join([*parts, window[at:end]])

    def known(self, text: str) -> str:
        """The text with `HIDDEN` in place of what is known to be a secret, and of nothing that only looks like one."""
        parts, at = [], 0
        for start, stop in _merged(list(self._known(text))):
            parts += [text[at:start], HIDDEN]
            at = stop
        return "".join([*parts, text[at:]])

    def value(self, value: Any, places: frozenset[tuple[str, ...]] = frozenset(), limit: int | None = None) -> Any:
        """The value with secrets hidden, at `places` (see `password_fields`) too; texts longer than `limit` are cut, and say so."""
        shown = self.among(strings_in(value, limit))
        if () in places and isinstance(value, Mapping):
            return {shown.text(str(name)): HIDDEN for name in value}
        return shown._hidden(value, (), places, limit)

    def among(self, texts: Iterable[str]) -> Redactor:
        """One that is as good for these texts, and quick: most secrets of a workspace stand in none of them."""
        found = "\0".join(texts)
        narrowed = Redactor()
        narrowed._whole = self._whole
        narrowed._texts = tuple(text for text in self._texts if text in found)
        return narrowed

    def _hidden(self, value: Any, at: tuple[str, ...], places: frozenset[tuple[str, ...]], limit: int | None) -> Any:
        if at in places and value is not None:
            return HIDDEN
        if isinstance(value, str):
            cut = limit is not None and len(value) > limit
            return self.text(value, limit) + (f"… ({len(value)} characters in all)" if cut else "")
        if isinstance(value, list):
            return [self._hidden(item, at, places, limit) for item in value]
        if isinstance(value, Mapping):
            named = (*(_NAMED if _names_a_secret(value) else ()), *(_SAMPLES if is_password(value) else ()))
            return {
                self.text(str(name)): HIDDEN
                if _holds(item) and (secret_key(str(name)) or str(name).lower() in named)
                else self._hidden(item, (*at, str(name)), places, limit)
                for name, item in value.items()
            }
        if isinstance(value, (int, float)) and not isinstance(value, bool) and str(value) in self._whole:
            return HIDDEN
        return value

    def _known(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in self._texts:
            at = text.find(secret)
            while at >= 0:
                yield at, at + len(secret)
                at = text.find(secret, at + 1)


def _samples(schema: Mapping[str, Any]) -> Iterator[str]:
    for name in _SAMPLES:
        yield from leaves(schema.get(name))


def _names_a_secret(value: Mapping[Any, Any]) -> bool:
    return any(
        str(name).lower() in _NAMING and isinstance(item, str) and secret_key(item) for name, item in value.items()
    )


def _holds(value: Any) -> bool:
    """Whether there is anything to hide: nothing, yes and no are no secrets."""
    return value is not None and not isinstance(value, bool) and value not in ("", [], {})


def _parts(secret: str) -> Iterator[str]:
    """A secret, and the lines of one with several, as far as they are long enough to be told from others."""
    lines = (line.strip() for line in secret.splitlines()) if "\n" in secret else ()
    yield from (text for text in (secret, secret.strip()) if SHORTEST <= len(text) <= LONGEST)
    yield from (line for line in lines if 8 <= len(line) <= LONGEST)


def _forms(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogatepass")
    yield text
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(text)[1:-1]
    yield quote(raw, safe="")
    if len(raw) >= 6:
        yield base64.b64encode(raw).decode().rstrip("=")
        yield base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _shaped(text: str) -> Iterator[tuple[int, int]]:
    for shape in _SHAPES:
        for found in shape.finditer(text):
            yield found.span(found.lastgroup or 0)


def _shaped_in_code(text: str) -> Iterator[tuple[int, int]]:
    for found in _TYPED.finditer(text):
        yield found.span("quoted")
    for shape in _SHAPES:
        for found in shape.finditer(text):
            if found.lastgroup != "plain" or not _is_code(text, found):
                yield found.span(found.lastgroup or 0)


def _is_code(text: str, found: re.Match[str]) -> bool:
    """Whether what stands behind a secret's name is code for sure: not in a text or comment, and no value itself."""
    far = max(0, found.start() - _LONGEST_LINE)
    line = text.rfind("\n", far, found.start()) + 1 or far
    if line == far > 0:
        return False
    return not _QUOTES.search(text, line, found.start()) and _NO_SECRET.match(text, found.start("plain")) is not None


def _merged(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one."""
    begun: tuple[int, int] | None = None
    for start, stop in sorted(spans):
        if begun is not None and start <= begun[1]:
            begun = (begun[0], max(begun[1], stop))
            continue
        if begun is not None:
            yield begun
        begun = (start, stop)
    if begun is not None:
        yield begun
