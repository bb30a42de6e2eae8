"""Every setting of a cell and of the flow: its name in OpenFlow, what it is called and does, and what values it takes.

One table for the operations (which refuse values of another shape), for staleness (which settings change a result), and for
the page, which draws its forms from `settings_table.json`, made from this table by scripts/make_settings_table.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, TypeAdapter, ValidationError

from flowapp.openflow import models

Place: TypeAlias = Literal["module", "value", "branch", "flow"]

SCRIPTS = ("rawscript", "script")
CALLS = (*SCRIPTS, "flow")
LOOPS = ("forloopflow", "whileloopflow")
BRANCHES = ("branchone", "branchall")
#: what runs something: a script, a model, or the cells inside of it
RUNS = (*CALLS, "aiagent", *LOOPS, *BRANCHES)
KINDS = (*RUNS, "identity")


@dataclass(frozen=True, slots=True)
class Form:
    """Settings that are set together, in one form of the page."""

    id: str
    title: str
    group: str
    help: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of OpenFlow that a person may set."""

    key: str
    place: Place
    #: what undo and messages call it
    label: str
    #: the form it is in; None for what is set elsewhere (the code's lock, a loop's list)
    form: str | None
    #: kinds of cells whose settings show it; empty for the flow's own
    kinds: tuple[str, ...] = KINDS
    #: whether a cell's result may be another one with it: then a change makes the result out of date
    changes_result: bool = False


FORMS = (
    Form("retry", "Retry", "When it fails", "Run the step again when it fails: at fixed waits, at growing waits, or both."),
    Form("continue_on_error", "Go on after an error", "When it fails", "The flow goes on with the error as this step's result. The last step's error still fails the flow."),
    Form("timeout", "Time limit", "When it fails", "Stop the step after so many seconds; it then counts as failed. Of a loop or branch: with all that runs or waits in it."),
    Form("stop_after_if", "Stop early", "Where the flow goes", "End the flow after this step when a condition is true. Inside a loop, only the loop ends."),
    Form("stop_after_all_iters_if", "Stop after all", "Where the flow goes", "End the flow after all iterations or branches when a condition is true."),
    Form("skip_if", "Skip", "Where the flow goes", "Do not run the step when a condition is true. It then hands on the result before it."),
    Form("suspend", "Wait for approval", "Where the flow goes", "After this step the flow waits until people have approved, and hands their answers on as resume."),
    Form("sleep", "Sleep", "Where the flow goes", "Wait after the step before the next one starts."),
    Form("mock", "Mock", "Results", "Do not run the step: return this value instead. For trying things out."),
    Form("cache", "Cache", "Results", "Reuse the result for so long while code and inputs are the same."),
    Form("loop", "Loop", "Loop and branches", "How the iterations run."),
    Form("branches", "Branches", "Loop and branches", "How the branches run."),
    Form("concurrency", "Concurrency limit", "Workers", "Run at most so many at a time, in all runs together. Others wait."),
    Form("debouncing", "Debouncing", "Workers", "Of several starts in a short time, run only the last one. Of a cell: runs that reach it meanwhile leave it, and what follows, to the last one."),
    Form("priority", "Priority", "Workers", "Steps of higher priority start first. 1 to 100."),
    Form("tag", "Worker tag", "Workers", "Run the step only on workers that have this tag."),
    Form("delete_after", "Delete data", "Data", "Delete arguments, log and result some time after the run."),
    Form("trigger", "Trigger", "Data", "The script looks for something new; the flow runs for what it finds."),
    Form("direct", "Pass the flow's input on", "Data", "The step gets the flow's input as it is; its own inputs are not used."),
    Form("called", "What is called", "Data", "The script or flow in the workspace, and the version that is pinned."),
    Form("same_worker", "Shared folder", "Workers", "All steps run on one worker, and share the folder ./shared. Nothing may run in parallel then."),
    Form("skip_expr", "Skip the run", "Where the flow goes", "End a run before its first step when a condition is true."),
    Form("early_return", "Early answer", "Where the flow goes", "Callers who wait get this step's result while the flow goes on."),
    Form("flow_env", "Constants", "Data", "Values that every expression reads as flow_env."),
    Form("tags", "Step tags", "Workers", "Whether steps keep their own worker tags when the flow has one."),
    Form("chat", "Chat", "Data", "The flow is used as a chat: its input is user_message."),
)  # fmt: skip


def _module(
    key: str, label: str, form: str | None, kinds: tuple[str, ...] = KINDS, *, changes: bool = False
) -> Setting:
    return Setting(key, "module", label, form, kinds, changes)


def _value(key: str, label: str, form: str | None, kinds: tuple[str, ...], *, changes: bool = False) -> Setting:
    return Setting(key, "value", label, form, kinds, changes)


def _flow(key: str, label: str, form: str) -> Setting:
    return Setting(key, "flow", label, form, ())


SETTINGS = (
    _module("summary", "title", None),
    _module("retry", "retry", "retry"),
    _module("continue_on_error", "going on after an error", "continue_on_error", changes=True),
    _module("timeout", "time limit", "timeout", RUNS),
    _module("stop_after_if", "stop condition", "stop_after_if", (*CALLS, "identity", "aiagent", *LOOPS, "branchone"), changes=True),
    _module("stop_after_all_iters_if", "stop condition after all", "stop_after_all_iters_if", (*LOOPS, "branchall"), changes=True),
    _module("skip_if", "skip condition", "skip_if", changes=True),
    _module("suspend", "waiting for approval", "suspend"),
    _module("sleep", "sleep", "sleep"),
    _module("mock", "mock", "mock", changes=True),
    _module("cache_ttl", "cache", "cache", RUNS),
    _module("cache_ignore_s3_path", "cache of files", "cache", RUNS),
    _module("debouncing", "debouncing", "debouncing", RUNS),
    _module("priority", "priority", "priority", (*CALLS, "aiagent")),
    _module("delete_after_secs", "deletion of data", "delete_after", RUNS),
    _module("delete_after_use", "deletion of data", "delete_after", RUNS),
    _module("apply_preprocessor", "preprocessor of its own", "direct", CALLS, changes=True),
    _module("pass_flow_input_directly", "passing on the flow's input", "direct", CALLS, changes=True),
    _value("path", "path", "called", CALLS, changes=True),
    _value("hash", "pinned version", "called", ("script",), changes=True),
    _value("lock", "lock", None, ("rawscript",), changes=True),
    _value("assets", "assets", None, ("rawscript",)),
    _value("tag", "worker tag", "tag", ("rawscript", "aiagent")),
    _value("tag_override", "worker tag", "tag", ("script",)),
    _value("concurrent_limit", "concurrency limit", "concurrency", ("rawscript",)),
    _value("concurrency_time_window_s", "concurrency window", "concurrency", ("rawscript",)),
    _value("custom_concurrency_key", "concurrency key", "concurrency", ("rawscript",)),
    _value("is_trigger", "trigger", "trigger", SCRIPTS),
    _value("pass_flow_input_directly", "passing on the flow's input", None, ("script", "flow"), changes=True),
    _value("iterator", "list", None, ("forloopflow",), changes=True),
    _value("parallel", "parallel running", "loop", ("forloopflow",), changes=True),
    _value("parallelism", "most at a time", "loop", ("forloopflow",)),
    _value("parallel", "parallel running", None, ("whileloopflow",), changes=True),
    _value("parallelism", "most at a time", None, ("whileloopflow",)),
    _value("skip_failures", "going on after failures", "loop", LOOPS, changes=True),
    _value("squash", "one warm worker", "loop", LOOPS),
    _value("parallel", "parallel running", "branches", ("branchall",), changes=True),
    *(
        _value(key, key.replace("_", " "), None, ("aiagent",), changes=True)
        for key in ("tools", "parallel", "omit_output_from_conversation", "agent", "tool_inputs")
    ),
    Setting("summary", "branch", "name of a branch", None, BRANCHES),
    Setting("expr", "branch", "condition of a branch", None, ("branchone",), changes_result=True),
    Setting("skip_failure", "branch", "going on after a failed branch", "branches", ("branchall",), changes_result=True),
    Setting("parallel", "branch", "parallel running of a branch", None, ("branchall",), changes_result=True),
    _flow("same_worker", "shared folder", "same_worker"),
    _flow("skip_expr", "skip condition", "skip_expr"),
    _flow("early_return", "early answer", "early_return"),
    _flow("flow_env", "constants", "flow_env"),
    _flow("cache_ttl", "cache", "cache"),
    _flow("cache_ignore_s3_path", "cache of files", "cache"),
    _flow("concurrent_limit", "concurrency limit", "concurrency"),
    _flow("concurrency_time_window_s", "concurrency window", "concurrency"),
    _flow("concurrency_key", "concurrency key", "concurrency"),
    _flow("debounce_delay_s", "debouncing", "debouncing"),
    _flow("debounce_key", "debouncing key", "debouncing"),
    _flow("debounce_args_to_accumulate", "debounced inputs to collect", "debouncing"),
    _flow("max_total_debouncing_time", "longest debouncing", "debouncing"),
    _flow("max_total_debounces_amount", "most debounced starts", "debouncing"),
    _flow("priority", "priority", "priority"),
    _flow("preserve_step_tags", "step tags", "tags"),
    _flow("delete_after_secs", "deletion of data", "delete_after"),
    _flow("delete_after_use", "deletion of data", "delete_after"),
    _flow("chat_input_enabled", "chat", "chat"),
)  # fmt: skip

FLOW_SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS if setting.place == "flow"}
MODULE_SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS if setting.place == "module"}

#: Settings that change when, where or how often a step runs, but not what it answers.
HARMLESS = frozenset(
    setting.key for setting in SETTINGS if setting.place in ("module", "value") and not setting.changes_result
)


def value_settings(kind: str) -> Iterator[Setting]:
    """The settings that a cell of a kind has in its module's value."""
    return (setting for setting in SETTINGS if setting.place == "value" and kind in setting.kinds)


def setting_of(kind: str, place: Place, key: str) -> Setting | None:
    """The setting of that name that a cell of a kind (or the flow) has at a place, or None."""
    named = (setting for setting in SETTINGS if setting.place == place and setting.key == key)
    if place in ("module", "flow"):
        return next(named, None)
    return next((setting for setting in named if kind in setting.kinds), None)


def takes(setting: Setting, kind: str, value: Any) -> bool:
    """Whether a value has the shape that OpenFlow gives the setting. Null means the same as no value."""
    try:
        _adapter(setting.place, kind, setting.key).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@cache
def _adapter(place: Place, kind: str, key: str) -> TypeAdapter[Any]:
    field = _model(place, kind).model_fields.get(key)
    # some tools write fields where OpenFlow gives them no meaning; nothing reads them
    return TypeAdapter(Any if field is None else field.rebuild_annotation())


def _model(place: Place, kind: str) -> type[BaseModel]:
    if place == "module":
        return models.FlowModule
    if place == "flow":
        return models.FlowValue
    if place == "branch":
        return models.OneOf if kind == "branchone" else models.AllOf
    return _VALUES[kind]


_VALUES: Mapping[str, type[BaseModel]] = {
    "rawscript": models.RawScript,
    "script": models.PathScript,
    "flow": models.PathFlow,
    "forloopflow": models.ForLoop,
    "whileloopflow": models.WhileLoop,
    "branchone": models.BranchOne,
    "branchall": models.BranchAll,
    "identity": models.Identity,
    "aiagent": models.AiAgent,
}


def table_json() -> dict[str, Any]:
    """The table as the page reads it: `{"forms": […], "settings": […]}`, without settings that have no form."""
    return {
        "forms": [{"id": form.id, "title": form.title, "group": form.group, "help": form.help} for form in FORMS],
        "settings": [
            {
                "key": setting.key,
                "place": setting.place,
                "form": setting.form,
                "kinds": list(setting.kinds),
                "changes_result": setting.changes_result,
            }
            for setting in SETTINGS
            if setting.form is not None
        ],
    }
