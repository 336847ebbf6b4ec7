"""Whether the services would take requests, as far as that can be told without asking them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from retable.runner.failure import Refused
from retable.runner.table.requests import Request
from retable.runner.table.resource_policy import faults_of_policy
from retable.schema.limits import MAX_TAGS, RESERVED_TAG_KEY


def require_valid(requests: Iterable[Request]) -> None:
    """Hold requests against the services' own models, and what is known beyond these.

    Raises:
        Refused: some would be turned down; it names every fault.
    """
    faults = [
        f"{request.operation}: {fault}" for request in requests for fault in faults_of(request)
    ]
    if faults:
        message = f"the service would refuse what the run is to ask for: {'; '.join(faults)}"
        raise Refused(message, "put it right in the spec, or where the spec takes it from")


def faults_of(request: Request) -> Iterator[str]:
    """Yield in words everything for which the service would turn ``request`` down."""
    shape: Any = _model(request.service).operation_model(request.operation).input_shape
    report = ParamValidator().validate(dict(request.parameters), shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
        return
    yield from _too_long(request.parameters, shape, "")
    beyond = BEYOND_THE_MODEL.get(request.operation)
    if beyond is not None:
        yield from beyond(request.parameters)


@cache
def _model(service: str) -> ServiceModel:
    """Return the model that botocore brings along; no profile or environment has a say in it."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _too_long(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Yield each text that is longer than the model has it, which ParamValidator does not look at.

    Counts and figures are left alone: services raise those from time to time.
    """
    if shape.type_name == "structure":
        for name, inner in value.items():
            yield from _too_long(inner, shape.members[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from _too_long(inner, shape.member, f"{path}[{index}]")
    elif shape.type_name == "map":
        for name, inner in value.items():
            yield from _too_long(inner, shape.value, f"{path}.{name}")
    elif shape.type_name == "string":
        most = shape.metadata.get("max")
        if most is not None and len(value) > most:
            yield f"{path.removeprefix('.')} has {most:,} characters at most; found {len(value):,}"


def _tag_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with tags (developer guide, "Tagging restrictions in DynamoDB")."""
    names = [tag["Key"] for tag in parameters["Tags"]]
    if len(names) > MAX_TAGS:
        yield f"a table has {MAX_TAGS} tags at most; found {len(names)}"
    for name in names:
        if name.lower().startswith(RESERVED_TAG_KEY):
            yield f"a tag's key is not {RESERVED_TAG_KEY}…; found {name}"


def _bounds_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    least, most = parameters["MinCapacity"], parameters["MaxCapacity"]
    if least > most:
        yield f"MinCapacity must be at most MaxCapacity, {most:,}; found {least:,}"


BEYOND_THE_MODEL: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "PutResourcePolicy": lambda own: faults_of_policy(own["Policy"], own["ResourceArn"]),
    "RegisterScalableTarget": _bounds_faults,
    "TagResource": _tag_faults,
}
"""What services ask for and their models do not say, by operation."""
