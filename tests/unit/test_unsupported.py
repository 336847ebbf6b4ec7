"""Nothing is accepted and ignored: what has no step yet is named, key by key."""

from pathlib import Path

import pytest

from retable.runner.spec.unsupported import unsupported, unsupported_for_dry_run
from support.builders import build_spec

PLAIN = """
spec: 1
name: plain
source:
  table: orders
  export: {{kind: native, location: s3://acme-exports/{export}}}
target:
  table: orders-v2
  key: {{partition: {{name: id, type: S}}}}
{rest}
"""
ROLE = "arn:aws:iam::111122223333:role/backup"
LATER = {
    "source.export.kind: files": (
        ", KIND: files, format: parquet",
        "rebuild: {freeze: resource-policy}",
    ),
    "rebuild.backup.with: aws-backup": (
        "",
        f"rebuild: {{backup: {{with: aws-backup, vault: v, role: '{ROLE}'}}}}",
    ),
}


def text_of(said: str) -> str:
    """Return a spec that asks for what ``said`` names."""
    export, rest = LATER[said]
    text = PLAIN.format(export=export.replace(", KIND: files", ""), rest=rest)
    if "KIND" in export:
        text = text.replace("kind: native", "kind: files")
    return text


@pytest.mark.parametrize("said", LATER)
def test_each_key_whose_step_comes_later_is_named(tmp_path: Path, said: str) -> None:
    found = unsupported(build_spec(tmp_path, text_of(said)))
    assert len(found) == 1
    assert found[0].startswith(said)


def test_a_plain_spec_asks_for_nothing_that_is_missing(tmp_path: Path) -> None:
    spec = build_spec(tmp_path, PLAIN.format(export="", rest=""))
    assert unsupported(spec) == ()
    assert unsupported_for_dry_run(spec) == ()


@pytest.mark.parametrize(
    ("said", "lines"), [("source.export.kind: files", 1), ("rebuild.backup.with: aws-backup", 0)]
)
def test_a_dry_run_needs_only_reading_and_mapping(tmp_path: Path, said: str, lines: int) -> None:
    spec = build_spec(tmp_path, text_of(said))
    assert len(unsupported_for_dry_run(spec)) == lines
