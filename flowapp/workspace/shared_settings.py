"""The settings of a cell or flow as words for the page of a sharing link. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowapp.notebook import settings_table as table
from flowapp.notebook.settings_table import FORMS, SETTINGS
from flowapp.workspace.redaction import Redactor
from flowapp.workspace.shared_values import LONGEST_LEAF, Budget, cut

#: What is not said of a flow: a stand-in value is a result, and the path of a called script stands in the cell's head.
_UNSAID = frozenset({"mock", "called"})
_SECONDS = frozenset(
    ("timeout", "sleep", "cache_ttl", "delete_after_secs", "concurrency_time_window_s", "debounce_delay_s")
)
_YES = "Yes"
_NOTHING: tuple[Any, ...] = (None, False, "", [], {})


@dataclass(frozen=True, slots=True)
class Setting:
    """What is set in one form of the notebook: its title, and what it says, a line for each thing."""

    title: str
    text: str

    @property
    def block(self) -> bool:
        """Whether the text stands on lines of its own."""
        return len(self.text) > 60 or "\n" in self.text


def settings_of(
    kind: str, module: Mapping[str, Any], value: Mapping[str, Any], redactor: Redactor, budget: Budget
) -> tuple[Setting, ...]:
    """The settings of a cell of a kind, as far as the budget goes; with no kind those of a flow, of which there is only the `value`."""
    found = []
    for form in FORMS:
        lines: list[tuple[str, list[str]]] = []
        of_form = [each for each in SETTINGS if each.form == form.id and _belongs(each, kind)]
        for setting in of_form if form.id not in _UNSAID else ():
            held = cut((module if setting.place == "module" else value).get(setting.key))
            if held in _NOTHING or not budget.takes(held):
                continue
            # as a whole, since what an object names decides about what stands beside the name
            (clean,) = redactor.value({setting.key: held}, limit=LONGEST_LEAF).values()
            said = list(_lines(setting.key, clean)) if clean not in _NOTHING else []
            if said:
                lines.append((setting.label, said))
        if lines:
            found.append(Setting(form.title, _joined(lines, len(of_form) > 1)))
    return tuple(found)


def _belongs(setting: table.Setting, kind: str) -> bool:
    return kind in setting.kinds if kind else setting.place == "flow"


def _joined(lines: list[tuple[str, list[str]]], several: bool) -> str:
    """The lines of a form; `several`: it has more than one thing to set, so that a mere yes would not say what."""
    if len(lines) == 1:
        ((label, said),) = lines
        return label.capitalize() if said == [_YES] and several else "\n".join(said)
    return "\n".join(
        f"{label}: {said[0]}" if len(said) == 1 else "\n".join((f"{label}:", *_in(said))) for label, said in lines
    )


def _lines(name: str, clean: Any) -> Iterator[str]:
    """What a setting without secrets says, in lines; an object as its entries."""
    if isinstance(clean, Mapping):
        if isinstance(clean.get("expr"), str) and clean.get("type") != "static":
            yield clean["expr"].strip()
            clean = {key: item for key, item in clean.items() if key not in ("expr", "type")}
        elif clean.get("type") == "static" and "value" in clean:
            yield from _lines(name, clean["value"])
            return
        for key, item in clean.items():
            said = list(_lines(str(key), item)) if item not in _NOTHING else []
            label = str(key).replace("_", " ")
            if len(said) == 1:
                yield f"{label}: {said[0]}"
            elif said:
                yield f"{label}:"
                yield from _in(said)
    elif isinstance(clean, list):
        for item in clean:
            yield from (f"- {line}" for line in _lines("", item))
    else:
        yield _leaf(name, clean)


def _leaf(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _YES if value else "No"
    return f"{value:g} s" if name in _SECONDS and isinstance(value, (int, float)) else str(value)


def _in(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
