"""Whether the services would accept requests, as far as can be checked without a call."""

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
    """Check requests against the services' models, and against documented rules beyond them.

    Raises:
        Refused: the services would reject some; it names every fault.
    """
    faults = [
        f"{request.operation}: {fault}" for request in requests for fault in faults_of(request)
    ]
    if faults:
        message = f"the service would refuse the run's requests: {'; '.join(faults)}"
        raise Refused(message, "correct it in the spec, or in what the spec takes it from")


def faults_of(request: Request) -> Iterator[str]:
    """Yield each reason for which the service would reject ``request``."""
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
    """Return botocore's bundled model; no profile or environment variable affects it."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _too_long(value: Any, shape: Any, path: str) -> Iterator[str]:
    """Yield each string longer than the model's maximum, which ParamValidator does not check.

    Counts and numbers are not checked: services raise those limits from time to time.
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
            yield f"{path.removeprefix('.')} has at most {most:,} characters; found {len(value):,}"


def _tag_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield each fault of the tags (developer guide, "Tagging restrictions in DynamoDB")."""
    names = [tag["Key"] for tag in parameters["Tags"]]
    if len(names) > MAX_TAGS:
        yield f"a table has at most {MAX_TAGS} tags; found {len(names)}"
    for name in names:
        if name.lower().startswith(RESERVED_TAG_KEY):
            yield f"a tag's key must not start with {RESERVED_TAG_KEY}; found {name}"


def _bounds_faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    least, most = parameters["MinCapacity"], parameters["MaxCapacity"]
    if least > most:
        yield f"MinCapacity must be at most MaxCapacity, {most:,}; found {least:,}"


BEYOND_THE_MODEL: Mapping[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "PutResourcePolicy": lambda own: faults_of_policy(own["Policy"], own["ResourceArn"]),
    "RegisterScalableTarget": _bounds_faults,
    "TagResource": _tag_faults,
}
"""Checks that the services' models lack, by operation."""
