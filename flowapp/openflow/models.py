"""The OpenFlow document as types (OpenFlow specification 1.644).

The models only check and give typed access; they never change a document. Keys that they do not know are kept, nulls are
allowed wherever a field is optional, nothing is coerced (`"5"` is not a number), and `model_dump(exclude_unset=True)`
returns what was read, in the order in which it was written.

A default here is what an engine takes when the key is missing. Null means the same as missing.

One long file on purpose: it is the specification's own list, in its order, and is read beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

Number = int | float


class Part(BaseModel):
    """Base of every object of the specification. Immutable; remembers which keys were written, and in which order."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, serialize_by_alias=True)

    _keys: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _note_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Part]) -> Part:
        if not isinstance(data, Mapping):
            return handler(data)
        if "input_transform" in data and "input_transforms" not in data and "input_transforms" in cls.model_fields:
            part = handler({_plural(key): value for key, value in data.items()})
        else:
            part = handler(data)
        part._keys = tuple(data)
        return part

    @model_serializer(mode="wrap")
    def _as_written(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = handler(self)
        written = {}
        for key in self._keys:
            if key in dumped:
                written[key] = dumped.pop(key)
            elif _plural(key) in dumped:
                written[key] = dumped.pop(_plural(key))
        return {**written, **dumped}


def _plural(key: str) -> str:
    """`input_transform` is an accepted alias."""
    return "input_transforms" if key == "input_transform" else key


# --- input transforms


class Static(Part):
    """A fixed value; a missing one is null."""

    type: Literal["static"]
    value: Any = None


class Javascript(Part):
    """An expression; a missing one is empty and gives null."""

    type: Literal["javascript"]
    expr: str | None = ""


class Ai(Part):
    """The model of an AI agent fills it in. Anywhere else the argument is left out."""

    type: Literal["ai"]


InputTransform = Annotated[Static | Javascript | Ai, Field(discriminator="type")]
InputTransforms = dict[str, InputTransform]


# --- what a module may have besides its value


class Predicate(Part):
    """`skip_if`, `retry_if`."""

    expr: str


class StopAfterIf(Part):
    """Ends the flow (or breaks the loop) after the step when `expr` is true."""

    expr: str
    skip_if_stopped: bool | None = False
    error_message: str | None = None
    error_include_result: bool | None = False


class ConstantRetry(Part):
    """Re-runs at a constant distance."""

    attempts: int | None = 0
    seconds: Number | None = 0


class ExponentialRetry(Part):
    """The n-th retry waits `multiplier * seconds ** n` seconds, ± `random_factor` percent, 6 hours at most."""

    attempts: int | None = 0
    multiplier: Number | None = 1
    seconds: Number | None = 0
    random_factor: Number | None = None


class Retry(Part):
    """`attempts` are re-runs; the constant ones come first."""

    constant: ConstantRetry | None = None
    exponential: ExponentialRetry | None = None
    retry_if: Predicate | None = None


class ResumeForm(Part):
    """The form that an approver fills in."""

    schema_: dict[str, Any] | None = Field(default=None, alias="schema")


class Suspend(Part):
    """Wait for events (approvals) after the step, before the next one."""

    required_events: int | None = 0
    timeout: Number | None = 1800
    resume_form: ResumeForm | None = None
    hide_cancel: bool | None = False
    user_auth_required: bool | None = False
    user_groups_required: InputTransform | None = None
    self_approval_disabled: bool | None = False
    continue_on_disapprove_timeout: bool | None = False
    skin: str | None = None


class Mock(Part):
    """Instead of running, the step returns `return_value`."""

    enabled: bool | None = False
    return_value: Any = None


class Debouncing(Part):
    """Runs that follow each other closely become one."""

    debounce_delay_s: Number | None = None
    debounce_key: str | None = None
    debounce_args_to_accumulate: list[str] | None = None
    max_total_debouncing_time: Number | None = None
    max_total_debounces_amount: int | None = None


# --- module values


class RawScript(Part):
    """Code in the flow itself."""

    type: Literal["rawscript"]
    content: str
    language: str
    input_transforms: InputTransforms | None = None
    path: str | None = None
    lock: str | None = None
    tag: str | None = None
    concurrent_limit: int | None = None
    concurrency_time_window_s: Number | None = None
    custom_concurrency_key: str | None = None
    is_trigger: bool | None = False
    assets: list[Any] | None = None


class PathScript(Part):
    """A script of the workspace or of the hub. The path is empty while nobody has chosen one."""

    type: Literal["script"]
    path: str
    hash: str | int | None = None
    input_transforms: InputTransforms | None = None
    tag_override: str | None = None
    is_trigger: bool | None = False
    pass_flow_input_directly: bool | None = False


class PathFlow(Part):
    """A flow of the workspace."""

    type: Literal["flow"]
    path: str
    input_transforms: InputTransforms | None = None
    pass_flow_input_directly: bool | None = False


class ForLoop(Part):
    """Runs `modules` for each item of a list. Documents should write `skip_failures`: tools differ on its default."""

    type: Literal["forloopflow"]
    modules: list[FlowModule]
    iterator: InputTransform
    skip_failures: bool | None = False
    parallel: bool | None = False
    parallelism: Number | InputTransform | None = None
    squash: bool | None = False


class WhileLoop(Part):
    """Runs `modules` until one of them stops the loop."""

    type: Literal["whileloopflow"]
    modules: list[FlowModule]
    skip_failures: bool | None = False
    parallel: bool | None = False
    """In the specification, and without a meaning."""
    squash: bool | None = False


class OneOf(Part):
    """A branch of `branchone`."""

    summary: str | None = None
    expr: str
    modules: list[FlowModule]


class BranchOne(Part):
    """Runs the first branch whose predicate is true, or `default`."""

    type: Literal["branchone"]
    branches: list[OneOf]
    default: list[FlowModule] | None = None


class AllOf(Part):
    """A branch of `branchall`."""

    summary: str | None = None
    modules: list[FlowModule]
    skip_failure: bool | None = False


class BranchAll(Part):
    """Runs all branches."""

    type: Literal["branchall"]
    branches: list[AllOf]
    parallel: bool | None = True


class Identity(Part):
    """Returns the previous result."""

    type: Literal["identity"]


class McpTool(Part):
    """The tools of an MCP server."""

    tool_type: Literal["mcp"]
    resource_path: str
    include_tools: list[str] | None = None
    exclude_tools: list[str] | None = None


class WebSearchTool(Part):
    """The model provider's own web search."""

    tool_type: Literal["websearch"]


def _tool_kind(value: Any) -> str:
    kind = value.get("tool_type") if isinstance(value, Mapping) else getattr(value, "tool_type", None)
    # Any module may be a tool; older documents have no tool_type on it.
    return kind if kind in ("mcp", "websearch") else "flowmodule"


class AgentTool(Part):
    """`summary` is the name of the function that the model sees."""

    id: str | None = None
    summary: str | None = None
    description: str | None = None
    value: Annotated[
        Annotated[McpTool, Tag("mcp")]
        | Annotated[WebSearchTool, Tag("websearch")]
        | Annotated[ModuleValue, Tag("flowmodule")],
        Discriminator(_tool_kind),
    ]


class AiAgent(Part):
    """A model that may call tools."""

    type: Literal["aiagent"]
    input_transforms: InputTransforms | None = None
    tools: list[AgentTool] | None = None
    parallel: bool | None = None
    tag: str | None = None
    omit_output_from_conversation: bool | None = False
    agent: str | None = None
    tool_inputs: dict[str, Any] | None = None


ModuleValue = Annotated[
    RawScript | PathScript | PathFlow | ForLoop | WhileLoop | BranchOne | BranchAll | Identity | AiAgent,
    Field(discriminator="type"),
]


class FlowModule(Part):
    """One step. Old documents have its input transforms here instead of in the value."""

    id: str | None = None
    value: ModuleValue
    summary: str | None = None
    stop_after_if: StopAfterIf | None = None
    stop_after_all_iters_if: StopAfterIf | None = None
    skip_if: Predicate | None = None
    suspend: Suspend | None = None
    mock: Mock | None = None
    retry: Retry | None = None
    sleep: InputTransform | None = None
    cache_ttl: Number | None = None
    cache_ignore_s3_path: bool | None = None
    timeout: Number | InputTransform | None = None
    priority: int | None = None
    delete_after_use: bool | None = None
    delete_after_secs: Number | None = None
    continue_on_error: bool | None = False
    apply_preprocessor: bool | None = None
    pass_flow_input_directly: bool | None = False
    debouncing: Debouncing | None = None
    input_transforms: InputTransforms | None = None


class FlowValue(Part):
    """The steps of a flow, and how it runs."""

    modules: list[FlowModule]
    failure_module: FlowModule | None = None
    preprocessor_module: FlowModule | None = None
    same_worker: bool | None = False
    preserve_step_tags: bool | None = False
    concurrent_limit: int | None = None
    concurrency_time_window_s: Number | None = None
    concurrency_key: str | None = None
    debounce_delay_s: Number | None = None
    debounce_key: str | None = None
    debounce_args_to_accumulate: list[str] | None = None
    max_total_debouncing_time: Number | None = None
    max_total_debounces_amount: int | None = None
    skip_expr: str | None = None
    cache_ttl: Number | None = None
    cache_ignore_s3_path: bool | None = None
    early_return: str | None = None
    priority: int | None = None
    chat_input_enabled: bool | None = None
    flow_env: dict[str, Any] | None = None
    delete_after_secs: Number | None = None
    delete_after_use: bool | None = None
    notes: list[Any] | None = None
    groups: list[Any] | None = None


class OpenFlow(Part):
    """A flow. The keys after `schema` are those of a flow stored in a workspace."""

    summary: str | None = None
    description: str | None = None
    value: FlowValue
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    path: str | None = None
    tag: str | None = None
    timeout: Number | None = None
    dedicated_worker: bool | None = None
    ws_error_handler_muted: bool | None = None
    visible_to_runner_only: bool | None = None
    on_behalf_of: str | None = None
    on_behalf_of_email: str | None = None
    labels: list[str] | None = None
    deployment_message: str | None = None
    priority: int | None = None


for _model in (ForLoop, WhileLoop, OneOf, BranchOne, AllOf, BranchAll, AgentTool, AiAgent, FlowModule, FlowValue):
    _model.model_rebuild()
OpenFlow.model_rebuild()
