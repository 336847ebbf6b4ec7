"""What must outlive the old table: keys, buckets, vaults, and exports that other stacks import."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from retable.runner.cdk.cdk_finding import Finding
from retable.runner.cdk.difference import changes
from retable.runner.cdk.intrinsics import DeployTarget, Unknown, resolved
from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.table_in_template import RETAINED
from retable.runner.cdk.template import Part, Template, parts, template_at

KEY_TYPES = frozenset(["AWS::KMS::Alias", "AWS::KMS::Key", "AWS::KMS::ReplicaKey"])
BUCKET, VAULT = "AWS::S3::Bucket", "AWS::Backup::BackupVault"
KEPT_DAYS = 35
"""How long a deleted table can be recovered otherwise; the export must be kept as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """The resources that hold the table, its backup, its export and the run's state."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """KMS keys, by id, ARN or alias, and what each is used for: ``the export``."""
    buckets: Mapping[str, str] = field(default_factory=dict)
    """S3 buckets by name, and what each is used for."""
    vaults: Mapping[str, str] = field(default_factory=dict)
    """Backup vaults by name, and what each is used for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of an export."""

    bucket: str
    prefix: str
    physical: Mapping[str, str] = field(default_factory=dict)
    """The names of buckets that CloudFormation generated, by address."""


def prove_kept(
    deployed: Template, absent: Template, physical: Mapping[str, str], uses: Uses
) -> Iterator[Finding]:
    """Yield what ``absent`` removes and is needed later.

    ``physical`` has the physical id of each resource of the deployed stack, by address.
    """
    for change in changes(deployed, absent):
        part = change.part
        if change.kind != "removed":
            continue
        user = _user(part, physical.get(part.address), uses)
        if user is None:
            continue
        retained = part.body.get("DeletionPolicy") in RETAINED
        message = f"the absent template removes {part.shown}, which {user} needs"
        if retained:
            message += "; it would be retained, but outside of any stack"
        yield Finding(
            code="needed-later",
            subject=part.address,
            message=message,
            hint="keep it in all templates, or use another one",
            weight="acceptable" if retained else "refused",
        )


def prove_lasting(
    template: Template, at: DeployTarget, place: Place, today: date
) -> Iterator[Finding]:
    """Yield the lifecycle rules of a template that would expire an export too early."""
    for address, part in parts(template).items():
        if part.type != BUCKET:
            continue
        body = template_at(template, part.scope).body
        found = mapping(resolved(dict(part.properties), body, at))
        if place.bucket not in {found.get("BucketName"), place.physical.get(address)}:
            continue
        rules = mapping(found.get("LifecycleConfiguration")).get("Rules")
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            if _expires(mapping(rule), place.prefix, today):
                name = mapping(rule).get("Id") or f"number {number + 1}"
                message = f"the lifecycle rule {name} of {part.shown} deletes objects below "
                message += f"s3://{place.bucket}/{place.prefix} in less than {KEPT_DAYS} days"
                hint = "export to another prefix, or change the rule"
                yield Finding(
                    code="export-expires",
                    subject=address,
                    message=message,
                    hint=hint,
                    weight="refused",
                )


def lost_exports(deployed: Template, absent: Template) -> tuple[str, ...]:
    """Return the stack's exported outputs that would be removed or changed, by logical id."""
    return tuple(
        change.part.name
        for change in changes(deployed, absent)
        if change.part.section == "Outputs"
        and not change.part.scope
        and change.kind != "added"
        and "Export" in parts(deployed)[change.address].body
    )


def prove_not_imported(
    deployed: Template, absent: Template, importers: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    """Yield the exports that would be removed while other stacks import them.

    ``importers`` are the stacks that import each output, by its logical id.
    """
    for name in lost_exports(deployed, absent):
        stacks = importers.get(name, ())
        if stacks:
            message = f"the absent template removes the output {name}, which is imported by "
            message += ", ".join(stacks)
            yield Finding(
                code="export-imported",
                subject=f"Outputs.{name}",
                message=message,
                hint="CloudFormation would refuse that: get the value elsewhere in those stacks",
                weight="refused",
            )


def _user(part: Part, physical: str | None, uses: Uses) -> str | None:
    """Return what needs a resource, judging by its physical id."""
    if part.type in KEY_TYPES:
        known = {_last(key): user for key, user in uses.keys.items()}
        return None if physical is None else known.get(_last(physical))
    if part.type == BUCKET:
        return uses.buckets.get(physical or str(part.properties.get("BucketName")))
    if part.type == VAULT:
        return uses.vaults.get(physical or str(part.properties.get("BackupVaultName")))
    return None


def _last(key: str) -> str:
    """Return the key id or alias at the end of a KMS key's ARN."""
    return key.rpartition("/")[2]


def _expires(rule: Mapping[str, Any], prefix: str, today: date) -> bool:
    """Return whether a rule may delete the export's objects too early."""
    scope = rule.get("Prefix", "")
    # The export's objects have no tags, and a rule with tags applies to objects that have them all.
    if rule.get("Status") == "Disabled" or rule.get("TagFilters"):
        return False
    if isinstance(scope, str) and not (prefix.startswith(scope) or scope.startswith(prefix)):
        return False
    return _is_early(rule.get("ExpirationInDays"), rule.get("ExpirationDate"), today)


def _is_early(days: Any, when: Any, today: date) -> bool:
    """Return whether an expiry is too early; an unknown one counts as too early."""
    if days is not None:
        return not str(days).isdecimal() or int(str(days)) < KEPT_DAYS
    if when is None:
        return False
    if isinstance(when, Unknown):
        return True
    try:
        return date.fromisoformat(str(when)[:10]) < today + timedelta(days=KEPT_DAYS)
    except ValueError:
        return True
