"""All other resources: created by moto if it supports their type, else placeholders.

A placeholder has a physical ID and attributes, and nothing behind them. Tables are
never created here.
"""

import functools
from collections.abc import Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.schemas import fixed_properties, name_property_of
from retable.runner.sandbox.cloudformation.stack import STACK_TYPE, Made
from retable.runner.sandbox.sandbox_options import ACCOUNT

UNKNOWN_HERE = frozenset({STACK_TYPE, "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"})
"""Types that moto's own CloudFormation would create wrongly."""


class MotoKind:
    """The kind of a type without rules of its own here."""

    def __init__(self, resource_type: str) -> None:
        """Look up moto's class for the type."""
        self._model = _model(resource_type)
        self._type = resource_type

    @property
    def name_property(self) -> str | None:
        """Return the property that names a resource, if a single one identifies it."""
        if self._model is not None and self._model.cloudformation_name_type():
            return str(self._model.cloudformation_name_type())
        return name_property_of(self._type)

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Make one."""
        name = self._name(site, properties)
        if self._model is None:
            return Made(name, properties, _Placeholder(site, name))
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
        """Change one; fail, rather than claim success, if moto cannot."""
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
        """Delete one; fail, rather than claim success, if moto cannot."""
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
        """Return the changed properties that the type's schema declares create-only."""
        return fixed_properties(site.type, old, new)

    def find(self, site: Site, name: str) -> Made | None:
        """Refuse: only tables can be found outside of a stack."""
        message = f"the sandbox cannot import {site.type} {name}"
        raise ResourceError(message)

    def _name(self, site: Site, properties: Mapping[str, Any]) -> str:
        """Return the resource's declared name, or the generated one."""
        given = self.name_property
        return str(properties.get(given) or site.free_name) if given else site.free_name


class _Placeholder(dict[str, Any]):
    """Attributes of a placeholder: values to refer to, and nothing more."""

    def __init__(self, site: Site, name: str) -> None:
        super().__init__()
        service = site.type.split("::")[1].lower()
        self._arn = f"arn:aws:{service}:{site.region}:{ACCOUNT}:{name}"

    def __missing__(self, name: str) -> Any:
        return self._arn if name.endswith("Arn") else f"{self._arn}/{name}"


class _Attributes(dict[str, Any]):
    """The attributes of a moto resource, read one by one."""

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
        except Exception as error:  # moto may raise any exception here
            raise KeyError(name) from error


@functools.cache
def _model(resource_type: str) -> Any:
    """Return moto's class for a type, or ``None``."""
    if resource_type in UNKNOWN_HERE:
        message = f"the sandbox does not support {resource_type}"
        raise ResourceError(message)
    # Loads thirty services.
    from moto.cloudformation.parsing import get_model_map  # noqa: PLC0415 -- see above

    return get_model_map().get(resource_type)


def _own(model: Any, name: str) -> Any:
    """Return the method of moto's class by that name, or ``None`` if it has none."""
    found = getattr(model, name, None)
    return None if hasattr(found, "__isabstractmethod__") else found


def _carried_out(site: Site, action: Any, *arguments: Any, **named: Any) -> Any:
    """Return the result of moto's ``action``.

    Raises:
        ResourceError: it raises any exception.
    """
    try:
        return action(*arguments, **named)
    except Exception as error:
        reason = f"{site.type}: {getattr(error, 'message', None) or error!r}"
        raise ResourceError(reason) from error
