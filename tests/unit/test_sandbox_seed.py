"""Seeding creates what a spec expects, from its seed file or from its rows."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.failure import Refused
from retable.runner.sandbox.generate import generate_items, guess_key
from retable.runner.sandbox.seed import seed
from retable.runner.sandbox.server import SandboxServer
from retable.schema import load_spec
from retable.schema.spec import Spec
from support.dynamodb_wire import Wire
from support.sandboxes import ARN, count

SPECS = Path(__file__).resolve().parents[2] / "specs"
EXAMPLES = sorted(SPECS.glob("*.migrate.yaml"))
SPEC = """\
spec: 1
name: people
source: {table: people, export: {kind: native, location: "s3://acme-exports/people/"}}
target: {table: people-2, key: {partition: {name: mail, type: S}}}
"""
ROWS = """\
tests:
  - {name: a, given: {tags: [x], mail: a@b, id: 7, born: "2000-01-01"}, expect: dropped}
  - {name: b, given: {id: 8, mail: b@c, born: "x"}, expect_some: {id: 8}}
  - {name: c, given: {mail: c}, expect: {rejected: missing-key}}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def wire(server: SandboxServer) -> Iterator[Wire]:
    with Wire(server.endpoint) as connected:
        yield connected
        for name in connected.done("ListTables", {})["TableNames"]:
            unprotect = {"TableName": name, "DeletionProtectionEnabled": False}
            connected.done("UpdateTable", unprotect)
            connected.done("DeleteTable", {"TableName": name})


@pytest.fixture
def spec_of(tmp_path: Path) -> Callable[..., Spec]:
    def write(*parts: str) -> Spec:
        path = tmp_path / "people.migrate.yaml"
        path.write_text("".join(parts), "utf-8")
        return load_spec(path)

    return write


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_seeded_with_each_line_and_exported(
    server: SandboxServer, wire: Wire, path: Path
) -> None:
    spec = load_spec(path)
    assert spec.sandbox is not None
    assert spec.sandbox.seed is not None
    lines = (path.parent / spec.sandbox.seed).read_bytes().splitlines()
    report = seed(server.endpoint, spec, deploy_app)
    assert (report.table, report.items, report.guessed) == (
        spec.source.table_name,
        len(lines),
        None,
    )
    if spec.sandbox.lost:
        gone = wire.ask("DescribeTable", {"TableName": report.table})
        assert gone.code == "ResourceNotFoundException"
    else:
        later = 1 if spec.sandbox.damage else 0  # the one item of it that is new
        assert count(wire, report.table) == len(lines) + later
    if spec.source.export.kind != "native":
        assert report.export_id is None
        return
    arn = f"{ARN.format(report.table)}/export/{report.export_id}"
    export = wire.done("DescribeExport", {"ExportArn": arn})["ExportDescription"]
    assert (export["ExportStatus"], export["ItemCount"]) == ("COMPLETED", len(lines))


def test_settings_are_those_of_the_section(server: SandboxServer, wire: Wire) -> None:
    seed(server.endpoint, load_spec(SPECS / "orders.migrate.yaml"), deploy_app)
    name = {"TableName": "orders"}
    table = wire.done("DescribeTable", name)["Table"]
    assert table["DeletionProtectionEnabled"] is True
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    ttl = wire.done("DescribeTimeToLive", name)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "expires_at")
    tags = wire.done("ListTagsOfResource", {"ResourceArn": table["TableArn"]})["Tags"]
    assert {"Key": "team", "Value": "checkout"} in tags
    backups = wire.done("DescribeContinuousBackups", name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_recovery_is_disabled_again_if_the_section_does_not_enable_it(
    server: SandboxServer, wire: Wire
) -> None:
    report = seed(server.endpoint, load_spec(SPECS / "readings.migrate.yaml"), deploy_app)
    assert report.export_id is not None
    found = wire.done("DescribeContinuousBackups", {"TableName": report.table})
    recovery = found["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "DISABLED"


def test_without_a_section_the_key_is_guessed_and_rows_are_varied(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec]
) -> None:
    report = seed(server.endpoint, spec_of(SPEC, ROWS), deploy_app)
    assert (report.items, report.guessed) == (1000, "mail")
    assert count(wire, "people") == 1000


def test_the_key_is_the_first_scalar_that_every_row_has(spec_of: Callable[..., Spec]) -> None:
    key = guess_key(spec_of(SPEC, ROWS.replace("{mail: c}", "{id: 1}")))
    assert (key.partition.name, key.partition.type, key.sort) == ("id", "N", None)


def test_rejected_rows_do_not_affect_the_guess_and_are_not_varied(
    spec_of: Callable[..., Spec],
) -> None:
    spec = spec_of(SPEC, ROWS.replace("{mail: c}", "{other: 1}"))
    key = guess_key(spec)
    assert key.partition.name == "mail"
    assert not any("other" in item for item in generate_items(spec, key, 10))


def test_generated_items_differ_in_source_key_and_target_key(spec_of: Callable[..., Spec]) -> None:
    fields = "transform: {fields: {mail: \"join('#', [born, mail])\"}}\n"
    spec = spec_of(
        SPEC, fields, ROWS, "sandbox: {key: {partition: {name: id, type: N}}, items: 99}\n"
    )
    assert spec.sandbox is not None
    items = list(generate_items(spec, spec.sandbox.key, 99))
    assert len({item["id"]["N"] for item in items}) == 99
    assert len({(item["born"]["S"], item["mail"]["S"]) for item in items}) == 99
    assert items[2]["born"] == {"S": "2000-01-03"}
    assert items == list(generate_items(spec, spec.sandbox.key, 99))


def test_a_spec_without_rows_and_without_a_section_is_refused(
    server: SandboxServer, spec_of: Callable[..., Spec]
) -> None:
    with pytest.raises(Refused, match="does not know the key of people") as refused:
        seed(server.endpoint, spec_of(SPEC), deploy_app)
    assert "sandbox:" in str(refused.value.hint)


def test_a_section_without_seed_and_without_rows_is_refused(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec]
) -> None:
    del wire
    section = "sandbox: {key: {partition: {name: id, type: N}}}\n"
    with pytest.raises(Refused, match="has no items for people"):
        seed(server.endpoint, spec_of(SPEC, section), deploy_app)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b'{"Item": {"id": {"N": "1"}}}\nnonsense\n', "line 2 is not an item"),
        (b'{"id": {"N": "1"}}\n', "line 1 is not an item"),
        (b'{"Item": {"id": {"N": "1"}}}\n{"Item": {"id": {"S": "secret"}}}\n', "line 2: people"),
    ],
)
def test_a_bad_seed_line_is_named_without_its_values(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec], lines: bytes, said: str
) -> None:
    del wire
    spec = spec_of(SPEC, "sandbox: {key: {partition: {name: id, type: N}}, seed: s.jsonl}\n")
    (spec.origin.folder / "s.jsonl").write_bytes(lines)
    with pytest.raises(Refused, match=said) as refused:
        seed(server.endpoint, spec, deploy_app)
    assert "secret" not in str(refused.value)


def test_a_missing_seed_file_is_named(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec]
) -> None:
    del wire
    spec = spec_of(SPEC, "sandbox: {key: {partition: {name: id, type: N}}, seed: none.jsonl}\n")
    with pytest.raises(Refused, match=r"none\.jsonl"):
        seed(server.endpoint, spec, deploy_app)


def test_a_compressed_seed_may_name_a_key_twice_and_the_last_wins(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec]
) -> None:
    spec = spec_of(SPEC, "sandbox: {key: {partition: {name: id, type: N}}, seed: s.jsonl.gz}\n")
    lines = b'{"Item": {"id": {"N": "1"}, "v": {"S": "a"}}}\n{"Item": {"id": {"N": "1.0"}}}\n'
    (spec.origin.folder / "s.jsonl.gz").write_bytes(gzip.compress(lines))
    assert seed(server.endpoint, spec, deploy_app).items == 1
    assert wire.done("Scan", {"TableName": "people"})["Items"] == [{"id": {"N": "1"}}]


def test_an_export_from_a_folder_needs_no_bucket_and_gets_none(
    server: SandboxServer, wire: Wire, spec_of: Callable[..., Spec]
) -> None:
    del wire
    spec = spec_of(SPEC.replace('"s3://acme-exports/people/"', "out/"), ROWS)
    report = seed(server.endpoint, spec, deploy_app)
    assert report.export_id is None


def test_a_setting_that_cannot_be_kept_is_refused(
    server: SandboxServer, spec_of: Callable[..., Spec]
) -> None:
    spec = spec_of(SPEC, ROWS, "sandbox: {key: {partition: {name: mail, type: S}}}\n")
    assert spec.sandbox is not None
    settings: dict[Any, Any] = {"autoscaling": {"write": {}}}
    with pytest.raises(Refused, match="autoscaling"):
        seed(
            server.endpoint,
            replace(spec, sandbox=replace(spec.sandbox, settings=settings)),
            deploy_app,
        )
