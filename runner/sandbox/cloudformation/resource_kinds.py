"""Which kind handles a resource type."""

from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.kind import Kind
from retable.runner.sandbox.cloudformation.moto_kind import MotoKind
from retable.runner.sandbox.cloudformation.scaling import (
    POLICY,
    TARGET,
    ScalableTargets,
    ScalingPolicies,
)
from retable.runner.sandbox.cloudformation.table_kind import Tables
from retable.runner.sandbox.cloudformation.table_properties import GLOBAL_TABLE, TABLE


def kind_of(resource_type: str, dynamodb: DynamoDB) -> Kind:
    """Return the kind that handles a type, with the credentials of ``dynamodb``.

    Raises:
        ResourceError: the sandbox cannot handle the type correctly.
    """
    if resource_type in {TABLE, GLOBAL_TABLE}:
        return Tables(dynamodb)
    if resource_type == TARGET:
        return ScalableTargets()
    if resource_type == POLICY:
        return ScalingPolicies()
    return MotoKind(resource_type)
