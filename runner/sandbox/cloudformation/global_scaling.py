"""The autoscaling that a GlobalTable declares, as scalable targets of its table."""

from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.kind import Site
from retable.runner.sandbox.cloudformation.scaling import BETWEEN, ScalableTargets
from retable.runner.sandbox.cloudformation.stack import Made

SERVICE = "dynamodb"
SIDES = ("Read", "Write")

Properties = Mapping[str, Any]


def scale(site: Site, table: str, old: Properties, new: Properties) -> None:
    """Bring the targets of ``table`` from those that ``old`` declares to those of ``new``.

    Both are properties of a single-Region GlobalTable; empty ones declare nothing.

    Raises:
        ResourceError: the bounds are invalid.
    """
    targets = ScalableTargets()
    before, after = (dict(_targets(table, properties)) for properties in (old, new))
    for resource, dimension in sorted(set(before) - set(after)):
        identity = BETWEEN.join((resource, dimension, SERVICE))
        targets.delete(site, Made(identity, {}))
    for (resource, dimension), settings in after.items():
        if before.get((resource, dimension)) != settings:
            bounds = {name: settings[name] for name in ("MinCapacity", "MaxCapacity")}
            where = {"ResourceId": resource, "ScalableDimension": dimension}
            targets.create(site, {**where, **bounds, "ServiceNamespace": SERVICE})


def _targets(table: str, properties: Properties) -> Iterator[tuple[tuple[str, str], Properties]]:
    """Yield resource id and dimension of each scaled capacity, with its settings."""
    replica: Properties = next(iter(properties.get("Replicas") or ()), {})
    yield from _sides(f"table/{table}", "table", {**properties, **replica})
    reads = {one["IndexName"]: one for one in replica.get("GlobalSecondaryIndexes") or ()}
    for index in properties.get("GlobalSecondaryIndexes") or ():
        name = index["IndexName"]
        resource = f"table/{table}/index/{name}"
        yield from _sides(resource, "index", {**index, **reads.get(name, {})})


def _sides(
    resource: str, kind: str, settings: Properties
) -> Iterator[tuple[tuple[str, str], Properties]]:
    """Yield the scaled capacity dimensions of a table or an index."""
    for side in SIDES:
        throughput = settings.get(f"{side}ProvisionedThroughputSettings") or {}
        scaling = throughput.get(f"{side}CapacityAutoScalingSettings")
        if scaling:
            yield (resource, f"{SERVICE}:{kind}:{side}CapacityUnits"), scaling
