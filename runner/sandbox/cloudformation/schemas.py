"""CloudFormation's registry schemas of resource types, as bundled with cfn-lint."""

import functools
from collections.abc import Mapping
from typing import Any

REGION = "us-east-1"
"""The region of the schemas; the parts in use are equal in all regions."""


def identifier_of(resource_type: str) -> list[str]:
    """Return the properties that identify a resource; none for an unknown type."""
    return _names(resource_type, "primaryIdentifier")


def name_property_of(resource_type: str) -> str | None:
    """Return the writable property that identifies a resource on its own."""
    names = identifier_of(resource_type)
    given = len(names) == 1 and names[0] not in _names(resource_type, "readOnlyProperties")
    return names[0] if given else None


def fixed_properties(
    resource_type: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> frozenset[str]:
    """Return the changed create-only properties."""
    names = _names(resource_type, "createOnlyProperties")
    return frozenset(name for name in names if old.get(name) != new.get(name))


def _names(resource_type: str, key: str) -> list[str]:
    """Return the top-level properties in a list of the schema."""
    paths = [str(path) for path in _schema(resource_type).get(key) or ()]
    names = [path.removeprefix("/properties/") for path in paths]
    return [name for name in names if "/" not in name]


@functools.cache
def _schema(resource_type: str) -> Mapping[str, Any]:
    """Return a type's schema; empty for an unknown type."""
    # Takes a second, and only stacks need it.
    from cfnlint.schema import (  # noqa: PLC0415 -- see above
        PROVIDER_SCHEMA_MANAGER,
        ResourceNotFoundError,
    )

    try:
        found = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type)
    except ResourceNotFoundError:
        return {}
    return dict(found.schema)
