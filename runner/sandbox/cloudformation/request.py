"""One request to CloudFormation: who asks for what, and what of it every operation needs."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retable.runner.sandbox.call import credentials
from retable.runner.sandbox.cloudformation.all_stacks import World
from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.parameters import given_values, resolved_values
from retable.runner.sandbox.cloudformation.scope import scope_of
from retable.runner.sandbox.cloudformation.stack import Stack, Wanted
from retable.runner.sandbox.cloudformation.stack_template import Template, parse_template
from retable.runner.sandbox.cloudformation.wire import invalid, parse_form
from retable.runner.sandbox.moto_app import Environ


@dataclass(frozen=True, slots=True)
class Request:
    """A request's action and members."""

    world: World
    environ: Environ
    region: str
    action: str
    body: Mapping[str, Any]

    @property
    def dynamodb(self) -> DynamoDB:
        """Return DynamoDB in the name of the caller."""
        return DynamoDB(self.world.state, self.environ)

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
        """Return the stack that is named, if there is one."""
        return self.world.find(self.region, self.stack_name)

    def stack(self, text: str = "Stack [{}] does not exist") -> Stack:
        """Return the stack that is named.

        Raises:
            StackError: there is none; ``text`` says so.
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
        """Return a list member; an empty list may come as an empty text."""
        return self.body.get(name) or []


def parse_request(world: World, environ: Environ, raw: bytes) -> Request:
    """Return the request in ``raw``.

    Raises:
        StackError: it is no form.
    """
    body = parse_form(raw)
    _, region = credentials(environ)
    return Request(world, environ, region, str(body.get("Action")), body)


def template_text(request: Request, stack: Stack | None) -> str:
    """Return the template's text: given, in S3, or the one the stack has.

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


def wanted_of(request: Request, stack: Stack) -> Wanted:
    """Return what a request wants the stack to become.

    Raises:
        StackError: the template, its parameters or its rules are not in order.
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
    wanted = Wanted(template, parameters, given, tags, imports)
    _check_rules(request, stack, wanted)
    _check_types(stack, template)
    return wanted


def _check_rules(request: Request, stack: Stack, wanted: Wanted) -> None:
    """Refuse parameters that the template's own rules refuse."""
    scope = scope_of(request.world, stack, wanted, frozenset())
    for rule in wanted.template.section("Rules").values():
        if "RuleCondition" in rule and not scope.judged(rule["RuleCondition"]):
            continue
        for assertion in rule.get("Assertions") or ():
            if not scope.judged(assertion["Assert"]):
                message = (
                    "Template error: One or more assertions failed: "
                    f"{assertion.get('AssertDescription', '')}"
                )
                raise invalid(message)


def _check_types(stack: Stack, template: Template) -> None:
    """Refuse to make another type of resource of one that is there."""
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
    """Return a template that lies in the sandbox's S3.

    Raises:
        StackError: it does not lie there.
    """
    parts = urllib.parse.urlsplit(url)
    host, path = parts.netloc, urllib.parse.unquote(parts.path).lstrip("/")
    bucket, _, key = path.partition("/")
    label = host.partition(".")[0]
    if not label.startswith(("s3", "localhost", "127")):
        # A bucket's own host: https://bucket.s3.region.amazonaws.com/key
        bucket, key = host.partition(".s3")[0], path
    moto = request.world.state.moto
    found = dict(moto.objects(bucket, key)).get(key) if moto.has_bucket(bucket) else None
    if found is None:
        message = f"S3 error: The specified key does not exist: {key}"
        raise invalid(message)
    return found.decode()
