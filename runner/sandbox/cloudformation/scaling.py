"""Autoscaling in stacks, stored in moto's Application Auto Scaling, which scales nothing."""

from collections.abc import Mapping
from typing import Any

from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    applicationautoscaling_backends,
)
from moto.core.exceptions import JsonRESTError, ServiceException

from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.schemas import fixed_properties
from retable.runner.sandbox.cloudformation.stack import Made
from retable.runner.sandbox.sandbox_options import ACCOUNT

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
BETWEEN = "|"
"""Between the parts of a scalable target's Ref: resource, dimension, service."""


class ScalableTargets:
    """The kind of AWS::ApplicationAutoScaling::ScalableTarget."""

    name_property = None

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Register a target; registering it again changes its bounds."""
        resource, dimension = properties["ResourceId"], properties["ScalableDimension"]
        service = properties["ServiceNamespace"]
        try:
            _backend(site).register_scalable_target(
                service,
                resource,
                dimension,
                int(properties["MinCapacity"]),
                int(properties["MaxCapacity"]),
                properties.get("RoleARN", ""),
                properties.get("SuspendedState") or {},  # type: ignore[arg-type]  # moto's annotation is wrong
            )
        except (JsonRESTError, ServiceException) as error:
            raise ResourceError(str(error)) from error
        identity = BETWEEN.join((resource, dimension, service))
        return Made(identity, properties, {"Id": identity})

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change a target's bounds."""
        del made
        return self.create(site, properties)

    def delete(self, site: Site, made: Made) -> None:
        """Deregister a target."""
        resource, dimension, service = made.physical_id.split(BETWEEN)
        backend = _backend(site)
        if backend.describe_scalable_targets(service, [resource], dimension):
            backend.deregister_scalable_target(service, resource, dimension)

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that require a new target."""
        return fixed_properties(site.type, old, new)

    def find(self, site: Site, name: str) -> Made | None:
        """Refuse to import."""
        raise _not_imported(site, name)


class ScalingPolicies:
    """The kind of AWS::ApplicationAutoScaling::ScalingPolicy."""

    name_property = None

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Put a policy on its target; a second put changes it."""
        target = properties.get("ScalingTargetId")
        if target is None:
            names = ("ResourceId", "ScalableDimension", "ServiceNamespace")
            resource, dimension, service = (properties[name] for name in names)
        else:
            resource, dimension, service = str(target).split(BETWEEN)
        kind = str(properties["PolicyType"])
        try:
            policy = _backend(site).put_scaling_policy(
                str(properties["PolicyName"]),
                service,
                resource,
                dimension,
                properties.get(f"{kind}PolicyConfiguration") or {},
                kind,
            )
        except (JsonRESTError, ServiceException) as error:
            raise ResourceError(str(error)) from error
        made = (policy.policy_name, service, resource, dimension)
        return Made(str(policy.policy_arn), properties, {"Arn": policy.policy_arn}, made)

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change a policy."""
        del made
        return self.create(site, properties)

    def delete(self, site: Site, made: Made) -> None:
        """Remove a policy from its target."""
        name, service, resource, dimension = made.model
        backend = _backend(site)
        _, found = backend.describe_scaling_policies(service, resource, dimension, None, "")
        if any(one.policy_name == name for one in found):
            backend.delete_scaling_policy(name, service, resource, dimension)

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that require a new policy."""
        return fixed_properties(site.type, old, new)

    def find(self, site: Site, name: str) -> Made | None:
        """Refuse to import."""
        raise _not_imported(site, name)


def _backend(site: Site) -> ApplicationAutoscalingBackend:
    return applicationautoscaling_backends[ACCOUNT][site.region]


def _not_imported(site: Site, name: str) -> ResourceError:
    return ResourceError(f"the sandbox cannot import {site.type} {name}")
