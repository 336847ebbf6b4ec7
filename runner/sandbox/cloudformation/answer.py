"""Handles a CloudFormation request by its action; answers in XML."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from retable.runner.sandbox.cloudformation import change_sets, operations, stack_questions
from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.request import Request, parse_request
from retable.runner.sandbox.cloudformation.wire import StackError, render
from retable.runner.sandbox.moto_app import Environ

ACTIONS: Mapping[str, Callable[[Request], dict[str, Any] | None]] = {
    "ContinueUpdateRollback": operations.continue_update_rollback,
    "CreateChangeSet": change_sets.create_change_set,
    "CreateStack": operations.create_stack,
    "DeleteChangeSet": change_sets.delete_change_set,
    "DeleteStack": operations.delete_stack,
    "DescribeChangeSet": change_sets.describe_change_set,
    "DescribeStackEvents": stack_questions.describe_stack_events,
    "DescribeStackResource": stack_questions.describe_stack_resource,
    "DescribeStackResources": stack_questions.describe_stack_resources,
    "DescribeStacks": stack_questions.describe_stacks,
    "ExecuteChangeSet": change_sets.execute_change_set,
    "GetStackPolicy": stack_questions.get_stack_policy,
    "GetTemplate": stack_questions.get_template,
    "GetTemplateSummary": stack_questions.get_template_summary,
    "ListChangeSets": change_sets.list_change_sets,
    "ListExports": stack_questions.list_exports,
    "ListImports": stack_questions.list_imports,
    "ListStackResources": stack_questions.list_stack_resources,
    "ListStacks": stack_questions.list_stacks,
    "RollbackStack": operations.rollback_stack,
    "UpdateStack": operations.update_stack,
    "UpdateTerminationProtection": operations.update_termination_protection,
    "ValidateTemplate": stack_questions.validate_template,
}


def answer_cloudformation(all_stacks: AllStacks, environ: Environ, raw: bytes) -> tuple[int, bytes]:
    """Return status and body of the answer to a request."""
    try:
        with all_stacks.lock:
            request = parse_request(all_stacks, environ, raw)
            all_stacks.state.counters[f"requests:{request.action}"] += 1
            action = ACTIONS.get(request.action, _unknown)
            return HTTPStatus.OK, render(request.action, action(request))
    except StackError as error:
        return error.status, error.body()


def _unknown(request: Request) -> None:
    """Refuse an unsupported action."""
    code = "InvalidAction"
    message = f"the sandbox does not support {request.action}"
    raise StackError(code, message)
