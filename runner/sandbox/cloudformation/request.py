"""One request to CloudFormation: its caller, its members, and what every operation needs."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.sandbox.call import credentials
from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.parameters import given_values, resolved_values
from retable.runner.sandbox.cloudformation.scope import scope_of
from retable.runner.sandbox.cloudformation.stack import DesiredState, Stack
from retable.runner.sandbox.cloudformation.stack_template import Template, parse_template
from retable.runner.sandbox.cloudformation.wire import invalid, parse_form
from retable.runner.sandbox.moto_app import Environ


@dataclass(frozen=True, slots=True)
class Request:
    """A request's action and members."""

    all_stacks: AllStacks
    environ: Environ
    region: str
    action: str
    body: Mapping[str, Any]

    @property
    def dynamodb(self) -> DynamoDB:
        """Return DynamoDB with the caller's credentials."""
        return DynamoDB(self.all_stacks.state, self.environ)

    @property
    def token(self) -> str | None:
        """Return the token that events are marked with."""
        return self.body.get("ClientRequestToken")

    @property
    def stack_name(self) -> str:
        """Return the stack's name or ARN.

        Raises:
            StackError: none is given.
        """
        name = self.body.get("StackName")
        if not name:
            message = "1 validation error detected: Value null at 'stackName' must not be null"
            raise invalid(message)
        return str(name)

    def find_stack(self) -> Stack | None:
        """Return the named stack, if it exists."""
        return self.all_stacks.find(self.region, self.stack_name)

    def stack(self, text: str = "Stack [{}] does not exist") -> Stack:
        """Return the named stack.

        Raises:
            StackError: it does not exist; ``text`` is the message.
        """
        found = self.find_stack()
        if found is None:
            message = text.format(self.stack_name)
            raise invalid(message)
        return found

    def is_set(self, name: str) -> bool:
        """Return a boolean member."""
        return str(self.body.get(name)).lower() == "true"

    def listed(self, name: str) -> list[Any]:
        """Return a list member; an empty list may be an empty string."""
        return self.body.get(name) or []


def parse_request(all_stacks: AllStacks, environ: Environ, raw: bytes) -> Request:
    """Return the request in ``raw``.

    Raises:
        StackError: it is not a form.
    """
    body = parse_form(raw)
    _, region = credentials(environ)
    return Request(all_stacks, environ, region, str(body.get("Action")), body)


def template_text(request: Request, stack: Stack | None) -> str:
    """Return the template's text: given, in S3, or the stack's current one.

    Raises:
        StackError: there is none.
    """
    body = request.body
    if body.get("TemplateBody"):
        return str(body["TemplateBody"])
    if body.get("TemplateURL"):
        return _from_s3(request, str(body["TemplateURL"]))
    if request.is_set("UsePreviousTemplate") and stack is not None and stack.current is not None:
        return stack.current.template.text
    message = "Either Template URL or Template Body must be specified."
    raise invalid(message)


def desired_state(request: Request, stack: Stack) -> DesiredState:
    """Return the desired state of the stack in a request.

    Raises:
        StackError: the template, its parameters or its rules are invalid.
    """
    template = parse_template(template_text(request, stack))
    current = stack.current
    before = {} if current is None else current.given
    given = given_values(template, request.listed("Parameters"), before)
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in request.listed("Tags")}
    if "Tags" not in request.body and current is not None:
        tags = dict(current.tags)
    imports = {
        str(one["LogicalResourceId"]): dict(one["ResourceIdentifier"])
        for one in request.listed("ResourcesToImport")
    }
    parameters = resolved_values(template, given, request.region)
    desired = DesiredState(template, parameters, given, tags, imports)
    _check_rules(request, stack, desired)
    _check_types(stack, template)
    return desired


def _check_rules(request: Request, stack: Stack, desired: DesiredState) -> None:
    """Refuse parameters that violate the template's rules."""
    scope = scope_of(request.all_stacks, stack, desired, frozenset())
    for rule in desired.template.section("Rules").values():
        if "RuleCondition" in rule and not scope.evaluated(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions") or ():
            if not scope.evaluated(assertion["Assert"]):
                message = (
                    "Template error: One or more assertions failed: "
                    f"{assertion.get('AssertDescription', '')}"
                )
                raise invalid(message)


def _check_types(stack: Stack, template: Template) -> None:
    """Refuse to change the type of an existing resource."""
    changed = sorted(
        name
        for name, resource in stack.resources.items()
        if name in template.resources
        and resource.made is not None
        and resource.declaration.type != template.resources[name].type
    )
    if changed:
        message = (
            "Update of resource type is not permitted. The new template modifies resource type of "
            f"the following resources: [{', '.join(changed)}]"
        )
        raise invalid(message)


def _from_s3(request: Request, url: str) -> str:
    """Return a template in the sandbox's S3.

    Raises:
        StackError: it does not exist.
    """
    parts = urllib.parse.urlsplit(url)
    host, path = parts.netloc, urllib.parse.unquote(parts.path).lstrip("/")
    bucket, _, key = path.partition("/")
    label = host.partition(".")[0]
    if not label.startswith(("s3", "localhost", "127")):
        # A bucket's own host: https://bucket.s3.region.amazonaws.com/key
        bucket, key = host.partition(".s3")[0], path
    moto = request.all_stacks.state.moto
    found = dict(moto.objects(bucket, key)).get(key) if moto.has_bucket(bucket) else None
    if found is None:
        message = f"S3 error: The specified key does not exist: {key}"
        raise invalid(message)
    return found.decode()
