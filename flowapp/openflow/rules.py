"""The lint rules of flow documents. Each is described in docs/lint-rules.md, which a test keeps complete."""

from __future__ import annotations

from flowapp.openflow.problems import Severity

RULES: dict[str, str] = {
    "doc.shape": "The document is not shaped as OpenFlow says.",
    "id.missing": "A step has no id.",
    "id.duplicate": "Two steps have the same id.",
    "id.invalid": "A step id has characters that ids may not have.",
    "id.reserved": "A step id belongs to the engine or the editor.",
    "wire.unknown_step": "An expression reads the result of a step that does not exist.",
    "wire.later_step": "An expression reads the result of a step that has not run by then.",
    "wire.self": "An expression reads the result of its own step before there is one.",
    "wire.enclosing": "A step reads the result of the loop or branch that it is in.",
    "wire.other_branch": "A step reads the result of a step in another branch.",
    "wire.inside_loop": "A step reads, from outside a loop, the result of a step inside it.",
    "wire.unknown_flow_input": "An expression reads a flow input that the flow does not declare.",
    "wire.unknown_field": "An expression reads a field that the value does not have.",
    "wire.type_mismatch": "An input is wired to a value of another type than it takes.",
    "wire.iter_outside_loop": "An expression reads `flow_input.iter` outside a loop.",
    "wire.resume_without_approval": "An expression reads the answers of an approval where there are none.",
    "expr.syntax": "An expression is not JavaScript.",
    "expr.empty": "An input is set to an expression, and the expression is empty.",
    "expr.no_return": "An expression written as statements never returns a value.",
    "expr.unknown_name": "An expression uses a name that nothing defines.",
    "code.empty": "A script has no code.",
    "code.syntax": "The code of a script does not parse.",
    "code.no_main": "A script has no entry function that can be called by name.",
    "language.unknown": "The language of a script is not known.",
    "language.not_runnable": "Scripts of this language cannot run on this version.",
    "field.missing_input": "A script needs an input that is not set.",
    "field.unknown_input": "An input is set that the script does not take.",
    "field.ai_outside_agent": "An input is left to an AI model outside an AI agent.",
    "agent.input_missing": "An AI agent has no provider, model or message.",
    "agent.unsupported": "An AI agent asks for something that this version cannot do.",
    "agent.not_used": "A step says what its agent, a resource, decides.",
    "agent.tool_name": "A tool of an AI agent has no name by which a model can call it.",
    "loop.iterator_missing": "A for loop has nothing to go over.",
    "loop.iterator_not_list": "A for loop goes over a fixed value that is not a list.",
    "loop.endless": "A while loop has nothing that stops it.",
    "branch.no_predicate": "A branch has no condition.",
    "path.empty": "No script or flow has been chosen for a step.",
    "path.absolute": "The path of a script or flow begins with a slash.",
    "path.shape": "The path of a script or flow does not begin with u/, f/, g/ or hub/.",
    "flow.cycle": "A flow calls itself.",
    "retry.exponential_zero": "An exponential retry waits zero seconds each time.",
    "suspend.no_events": "A step is set to wait for approvals, and for none of them.",
    "stop.ignored": "A stop condition is set where it has no effect.",
    "mock.enabled": "A step returns a fixed value instead of running.",
    "worker.parallel": "A flow on one worker has a parallel loop or branch.",
    "early_return.unknown_step": "The step for the early answer does not exist.",
    "failure.kind": "The failure handler is not a script.",
    "preprocessor.kind": "The preprocessor is not a script.",
    "retry.negative": "A retry has a negative number of attempts or seconds.",
    "retry.random_factor": "The waits of a retry are spread by less than 0 or more than 100 per cent.",
    "retry.no_attempts": "A step is set to be retried, and no times.",
    "retry.expr_empty": "The condition for a retry is empty.",
    "suspend.negative": "A step waits for a negative number of approvals.",
    "suspend.timeout": "A step waits for approval no time at all.",
    "suspend.form": "The form of an approval is not a form.",
    "suspend.extras": "A setting for reminders, messages or handing on is not right.",
    "suspend.self_approval": "Approving one's own run is forbidden, and nobody has to sign in.",
    "stop.expr_empty": "A stop condition is empty.",
    "skip.expr_empty": "A skip condition is empty.",
    "timeout.invalid": "A time limit is not a number of seconds above 0.",
    "sleep.invalid": "A sleep is not a number of seconds.",
    "cache.negative": "A result is cached for a negative time.",
    "cache.trigger": "The result of a trigger is cached.",
    "cache.unforeseen": "A result is cached that depends on something nobody can know before the run.",
    "priority.range": "A priority is not from 0 to 100.",
    "delete_after.negative": "Data is to be deleted before the run has ended.",
    "concurrency.limit": "A concurrency limit lets nothing run.",
    "concurrency.window": "The time window of a concurrency limit is negative.",
    "concurrency.no_limit": "A concurrency key or window is set without a limit.",
    "debounce.delay": "The delay of debouncing is not above 0.",
    "debounce.no_delay": "Debouncing is set without a delay.",
    "debounce.most": "A bound of debouncing is not above 0.",
    "debounce.unknown_input": "Debouncing collects an input that does not exist.",
    "debounce.no_inputs": "A key of debouncing names an input of a step that has none.",
    "loop.parallelism": "A loop runs fewer than one iteration at a time.",
    "loop.parallelism_ignored": "A number of iterations at a time is set for a loop that is not parallel.",
    "continue_on_error.last": "The last step is to go on after its error.",
    "trigger.not_first": "A step that is not the first one is a trigger.",
}
"""Rule id -> what it finds, in one line."""

_WARNINGS = (
    "wire.other_branch wire.inside_loop wire.unknown_flow_input wire.unknown_field wire.type_mismatch wire.iter_outside_loop wire.resume_without_approval "
    "expr.empty expr.no_return expr.unknown_name language.not_runnable field.unknown_input field.ai_outside_agent agent.not_used loop.endless suspend.no_events "
    "stop.ignored mock.enabled failure.kind preprocessor.kind retry.no_attempts retry.expr_empty suspend.self_approval "
    "cache.trigger cache.unforeseen debounce.no_inputs concurrency.no_limit debounce.no_delay debounce.unknown_input loop.parallelism_ignored "
    "continue_on_error.last trigger.not_first"
)
WARNINGS = frozenset(_WARNINGS.split())
"""Rules whose problems are warnings."""


def severity_of(rule: str) -> Severity:
    """How bad a breach of the rule is."""
    return "warning" if rule in WARNINGS else "error"
