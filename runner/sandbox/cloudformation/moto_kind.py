"""All other resources: made by moto where it knows their type, else there in name only.

What is there in name only has a physical ID and attributes, and nothing behind them. A table is
never made here.
"""

import functools
from collections.abc import Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.schemas import fixed_properties, name_property_of
from retable.runner.sandbox.cloudformation.stack import STACK_TYPE, Made
from retable.runner.sandbox.sandbox_options import ACCOUNT

UNKNOWN_HERE = frozenset({STACK_TYPE, "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"})
"""What moto's own CloudFormation would make, wrongly."""


class MotoKind:
    """The kind of one type that has no rules of its own here."""

    def __init__(self, resource_type: str) -> None:
        """Look up what moto has for the type."""
        self._model = _model(resource_type)
        self._type = resource_type

    @property
    def name_property(self) -> str | None:
        """Return the property that names a resource, if one alone identifies it."""
        if self._model is not None and self._model.cloudformation_name_type():
            return str(self._model.cloudformation_name_type())
        return name_property_of(self._type)

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Make one."""
        name = self._name(site, properties)
        if self._model is None:
            return Made(name, properties, _MadeUp(site, name))
        body = {"Type": site.type, "Properties": dict(properties)}
        model = _carried_out(
            site,
            self._model.create_from_cloudformation_json,
            name,
            body,
            ACCOUNT,
            site.region,
            LogicalId=site.logical_id,
            StackId=site.stack_id,
            ResourceType=site.type,
        )
        return Made(str(model.physical_resource_id), properties, _Attributes(model), model)

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change one; where moto cannot, it fails rather than say that it did."""
        if made.model is None or made.properties == properties:
            return Made(made.physical_id, properties, made.attributes, made.model)
        update = _own(self._model, "update_from_cloudformation_json")
        if update is None:
            message = f"the sandbox cannot change {site.type}"
            raise ResourceError(message)
        body = {"Type": site.type, "Properties": dict(properties)}
        model = _carried_out(
            site,
            update,
            original_resource=made.model,
            new_resource_name=made.physical_id,
            cloudformation_json=body,
            account_id=ACCOUNT,
            region_name=site.region,
        )
        return Made(str(model.physical_resource_id), properties, _Attributes(model), model)

    def delete(self, site: Site, made: Made) -> None:
        """Delete one; where moto cannot, it fails rather than say that it did."""
        if made.model is None:
            return
        delete = _own(self._model, "delete_from_cloudformation_json")
        if delete is not None:
            body = {"Type": site.type, "Properties": dict(made.properties)}
            _carried_out(site, delete, made.physical_id, body, ACCOUNT, site.region)
            return
        plainly = getattr(made.model, "delete", None)
        if plainly is None:
            message = f"the sandbox cannot delete {site.type}"
            raise ResourceError(message)
        _carried_out(site, plainly, ACCOUNT, site.region)

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that the type's schema says are fixed for life."""
        return fixed_properties(site.type, old, new)

    def find(self, site: Site, name: str) -> Made | None:
        """Refuse: what is there without a stack is only known of tables."""
        message = f"the sandbox cannot import {site.type} {name}"
        raise ResourceError(message)

    def _name(self, site: Site, properties: Mapping[str, Any]) -> str:
        """Return the name a resource asks for, or the free one."""
        given = self.name_property
        return str(properties.get(given) or site.free_name) if given else site.free_name


class _MadeUp(dict[str, Any]):
    """Attributes of what is there in name only: something to refer to, and no more."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__()
        service = site.type.split("::")[1].lower()
        self._arn = f"arn:aws:{service}:{site.region}:{ACCOUNT}:{name}"

    def __missing__(self, name: str) -> Any:
        return self._arn if name.endswith("Arn") else f"{self._arn}/{name}"


class _Attributes(dict[str, Any]):
    """The attributes of something of moto's, asked for one by one."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, name: str) -> Any:
        """Ask moto.

        Raises:
            KeyError: it has no such attribute.
        """
        try:
            return self._model.get_cfn_attribute(name)
        except Exception as error:  # moto raises whatever it likes here
            raise KeyError(name) from error


@functools.cache
def _model(resource_type: str) -> Any:
    """Return moto's class for a type, or ``None``."""
    if resource_type in UNKNOWN_HERE:
        message = f"the sandbox does not make {resource_type}"
        raise ResourceError(message)
    # Loads thirty services.
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415 -- see above

    return get_model_map().get(resource_type)


def _own(model: Any, name: str) -> Any:
    """Return what moto's class does by that name, or ``None`` where it has no way."""
    found = getattr(model, name, None)
    return None if hasattr(found, "__isabstractmethod__") else found


def _carried_out(site: Site, action: Any, *arguments: Any, **named: Any) -> Any:
    """Return what moto's ``action`` returns.

    Raises:
        ResourceError: it raises anything.
    """
    try:
        return action(*arguments, **named)
    except Exception as error:
        reason = f"{site.type}: {getattr(error, 'message', None) or error!r}"
        raise ResourceError(reason) from error
