"""Tables of a stack: created, changed and deleted by DynamoDB requests.

What requires a replacement and what fails follows the service's resource provider, as far as it is
documented; "AWS::DynamoDB::Table" in the CloudFormation template reference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.sandbox.cloudformation.dynamodb_calls import CallError, DynamoDB
from retable.runner.sandbox.cloudformation.global_scaling import scale
from retable.runner.sandbox.cloudformation.kind import ResourceError, Site
from retable.runner.sandbox.cloudformation.stack import Made
from retable.runner.sandbox.cloudformation.table_properties import (
    GLOBAL_TABLE,
    TableProperties,
    table_properties,
)

HANDLER_CODES = {
    "AccessDeniedException": "AccessDenied",
    "InternalServerError": "ServiceInternalError",
    "LimitExceededException": "ServiceLimitExceeded",
    "ResourceInUseException": "ResourceConflict",
    "ResourceNotFoundException": "NotFound",
    "ThrottlingException": "Throttling",
}
"""CloudFormation's codes for DynamoDB's errors; all others are InvalidRequest."""
AT_ONCE: Mapping[str, Any] = {
    "DeletionProtectionEnabled": False,
    "TableClass": "STANDARD",
    "OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1},
    "SSESpecification": {"Enabled": False},
}
"""Properties that UpdateTable takes unchanged, and the value that removes each."""
FIXED = ("KeySchema", "Projection")
"""Properties of an index that cannot change."""


class Tables:
    """The kind of AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable."""

    name_property = "TableName"

    def __init__(self, dynamodb: DynamoDB) -> None:
        """Send requests through ``dynamodb``."""
        self._dynamodb = dynamodb

    def create(self, site: Site, properties: Mapping[str, Any]) -> Made:
        """Create a table with all settings; its policy is in force from the start."""
        desired = table_properties(site.type, properties, site.region)
        name = properties.get("TableName") or site.free_name
        body = {**desired.request, "TableName": name, "Tags": _tag_list(desired.tags)}
        if desired.policy is not None:
            body["ResourcePolicy"] = desired.policy
        try:
            self._dynamodb.ask("CreateTable", body)
        except CallError as error:
            if error.code == "ResourceInUseException":
                raise _exists(site, name) from error
            raise failed(site, error) from error
        made = Made(name, properties)
        try:
            self._dynamodb.await_active(name)
            nothing = TableProperties(
                desired.request, desired.tags, desired.policy, None, {}, frozenset()
            )
            self._settings(name, nothing, desired)
            if site.type == GLOBAL_TABLE:
                scale(site, name, {}, properties)
            return self._described(made)
        except CallError as error:
            raise failed(site, error, made) from error

    def update(self, site: Site, made: Made, properties: Mapping[str, Any]) -> Made:
        """Change a table in place."""
        old = table_properties(site.type, made.properties, site.region)
        new = table_properties(site.type, properties, site.region)
        name = made.physical_id
        before = made.properties
        updates = list(_updates(old.request, new.request))
        try:
            self._dynamodb.await_active(name)
            for body in updates:
                self._dynamodb.ask("UpdateTable", {**body, "TableName": name})
                # From here on there is something to undo.
                made = Made(name, properties)
                self._dynamodb.await_active(name)
            self._settings(name, old, new)
            if site.type == GLOBAL_TABLE:
                scale(site, name, before, properties)
            return self._described(Made(name, properties))
        except CallError as error:
            raise failed(site, error, made) from error

    def delete(self, site: Site, made: Made) -> None:
        """Delete a table and wait until it is deleted."""
        name = made.physical_id
        try:
            if self._dynamodb.describe(name) is not None:
                self._dynamodb.await_active(name)
                self._dynamodb.ask("DeleteTable", {"TableName": name})
                self._dynamodb.await_deleted(name)
        except CallError as error:
            if error.code != "ResourceNotFoundException":
                raise failed(site, error, made) from error
        if site.type == GLOBAL_TABLE:
            scale(site, name, made.properties, {})

    def replacing(
        self, site: Site, old: Mapping[str, Any], new: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the changed properties that require a replacement."""
        once = ["TableName", "KeySchema"]
        if site.type == GLOBAL_TABLE:
            once.append("LocalSecondaryIndexes")
        found = {name for name in once if old.get(name) != new.get(name)}
        before, after = _types(old), _types(new)
        if any(after.get(name, kind) != kind for name, kind in before.items()):
            found.add("AttributeDefinitions")
        return frozenset(found)

    def find(self, site: Site, name: str) -> Made | None:
        """Return the table called ``name``."""
        try:
            found = self._dynamodb.describe(name)
            return None if found is None else self._described(Made(name, {}))
        except CallError as error:
            raise failed(site, error) from error

    def _described(self, made: Made) -> Made:
        """Return ``made`` with its table's current attributes."""
        table = self._dynamodb.ask("DescribeTable", {"TableName": made.physical_id})["Table"]
        attributes = {"Arn": table["TableArn"], "TableId": table["TableId"]}
        if (table.get("StreamSpecification") or {}).get("StreamEnabled"):
            attributes["StreamArn"] = table["LatestStreamArn"]
        return Made(made.physical_id, made.properties, attributes)

    def _settings(self, name: str, old: TableProperties, new: TableProperties) -> None:
        """Bring the settings outside of CreateTable and UpdateTable from ``old`` to ``new``."""
        ask = self._dynamodb.ask
        arn = ask("DescribeTable", {"TableName": name})["Table"]["TableArn"]
        for attribute, enabled in ((old.ttl, False), (new.ttl, True)):
            if old.ttl != new.ttl and attribute is not None:
                specification = {"AttributeName": attribute, "Enabled": enabled}
                body = {"TableName": name, "TimeToLiveSpecification": specification}
                ask("UpdateTimeToLive", body)
        if old.recovery != new.recovery:
            body = {"TableName": name, "PointInTimeRecoverySpecification": new.recovery}
            ask("UpdateContinuousBackups", body)
        for index in sorted(old.insights ^ new.insights):
            body = {"TableName": name, **({"IndexName": index} if index else {})}
            action = "ENABLE" if index in new.insights else "DISABLE"
            ask("UpdateContributorInsights", {**body, "ContributorInsightsAction": action})
        gone = sorted(key for key, value in old.tags.items() if new.tags.get(key) != value)
        if gone:
            ask("UntagResource", {"ResourceArn": arn, "TagKeys": gone})
        come = {key: value for key, value in new.tags.items() if old.tags.get(key) != value}
        if come:
            ask("TagResource", {"ResourceArn": arn, "Tags": _tag_list(come)})
        if old.policy != new.policy:
            if new.policy is None:
                ask("DeleteResourcePolicy", {"ResourceArn": arn})
            else:
                ask("PutResourcePolicy", {"ResourceArn": arn, "Policy": new.policy})


def failed(site: Site, error: CallError, made: Made | None = None) -> ResourceError:
    """Return DynamoDB's error as CloudFormation reports it."""
    code = HANDLER_CODES.get(error.code, "InvalidRequest")
    message = f"{error.message} (Service: DynamoDb, Error Code: {error.code})"
    return handler_error(site, message, code, made)


def handler_error(site: Site, message: str, code: str, made: Made | None = None) -> ResourceError:
    """Return a resource provider's failure message."""
    reason = (
        f'Resource handler returned message: "{message}" '
        f"(RequestToken: {site.logical_id}, HandlerErrorCode: {code})"
    )
    return ResourceError(reason, made)


def _exists(site: Site, name: str) -> ResourceError:
    message = f"Resource of type '{site.type}' with identifier '{name}' already exists."
    return handler_error(site, message, "AlreadyExists")


def _updates(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the UpdateTable requests that turn one table into another, in order.

    Raises:
        ResourceError: UpdateTable cannot make the change.
    """
    _check_definitions(new)
    if old.get("LocalSecondaryIndexes") != new.get("LocalSecondaryIndexes"):
        message = "Updates to LocalSecondaryIndexes are not supported"
        raise ResourceError(message)
    for name, default in AT_ONCE.items():
        if old.get(name) != new.get(name):
            yield {name: new.get(name, default)}
    before, after = _indexes(old), _indexes(new)
    yield from _capacity_updates(old, new, before, after)
    yield from _index_updates(new, before, after)
    if old.get("StreamSpecification") != new.get("StreamSpecification"):
        if "StreamSpecification" in old:
            # A stream's view cannot be changed; another stream can replace it.
            yield {"StreamSpecification": {"StreamEnabled": False}}
        if "StreamSpecification" in new:
            yield {"StreamSpecification": new["StreamSpecification"]}


def _check_definitions(request: Mapping[str, Any]) -> None:
    """Refuse attributes that no key uses, or keys with undefined attributes.

    UpdateTable would refuse them, but the change may not need an UpdateTable request.
    """
    indexes = (
        *(request.get("GlobalSecondaryIndexes") or ()),
        *(request.get("LocalSecondaryIndexes") or ()),
    )
    schemas = (request, *indexes)
    used = {part["AttributeName"] for schema in schemas for part in schema["KeySchema"]}
    defined = set(_types(request))
    if used != defined:
        message = (
            "One or more parameter values were invalid: Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: {sorted(defined)}, keys used: {sorted(used)}"
        )
        raise ResourceError(message)


def _capacity_updates(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """Yield the request that changes the billing of the table and its remaining indexes."""
    body: dict[str, Any] = {}
    if old["BillingMode"] != new["BillingMode"]:
        body["BillingMode"] = new["BillingMode"]
    for name in ("ProvisionedThroughput", "WarmThroughput"):
        if old.get(name) != new.get(name) and new.get(name):
            body[name] = new[name]
    updates = []
    for index in sorted(set(before) & set(after)):
        was, is_ = before[index], after[index]
        if any(was[part] != is_[part] for part in FIXED):
            message = (
                "Cannot update GSI's properties other than Provisioned Throughput and Contributor "
                "Insights Specification. You can create a new GSI with a different name."
            )
            raise ResourceError(message)
        changed = {name: value for name, value in is_.items() if was.get(name) != value}
        if changed:
            updates.append({"Update": {"IndexName": index, **changed}})
    if updates:
        body["GlobalSecondaryIndexUpdates"] = updates
    if body:
        yield body


def _index_updates(
    new: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the request that creates or deletes an index: an update may have one."""
    updates = [{"Delete": {"IndexName": name}} for name in sorted(set(before) - set(after))]
    updates += [{"Create": after[name]} for name in sorted(set(after) - set(before))]
    if len(updates) > 1:
        message = "Cannot perform more than one GSI creation or deletion in a single update"
        raise ResourceError(message)
    if updates:
        yield {
            "AttributeDefinitions": new["AttributeDefinitions"],
            "GlobalSecondaryIndexUpdates": updates,
        }


def _indexes(request: Mapping[str, Any]) -> dict[str, Any]:
    return {index["IndexName"]: index for index in request.get("GlobalSecondaryIndexes") or ()}


def _types(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the type of each attribute that a table defines."""
    definitions = properties.get("AttributeDefinitions") or ()
    return {one["AttributeName"]: one["AttributeType"] for one in definitions}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
