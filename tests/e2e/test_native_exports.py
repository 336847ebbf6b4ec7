"""Native exports of every kind, through the installed command on the sandbox."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from support.command import Ended, migrate, standing_sandbox
from support.exports import make_export

ALL_TYPES: list[dict[str, Any]] = [
    {
        "id": {"S": f"o-{number}"},
        "n": {"N": str(number)},
        "digits": {"N": "12345678901234567890123456789012345678"},
        "small": {"N": "-0." + "0" * 129 + "1"},
        "large": {"N": "9" * 38 + "0" * 88},
        "b": {"B": "AAEC/w=="},
        "yes": {"BOOL": True},
        "nothing": {"NULL": True},
        "empty": {"S": ""},
        "l": {"L": [{"N": "1.5"}, {"NULL": True}, {"L": []}, {"M": {}}]},
        "m": {"M": {"é x": {"S": "Zoë\n\"'"}, "null": {"BOOL": False}}},
        "ss": {"SS": ["a", "b\u2028"]},
        "ns": {"NS": ["-1", "2.5"]},
        "bs": {"BS": ["AA==", "/w=="]},
    }
    for number in range(40)
]
SPEC = """
spec: 1
name: everything
source:
  table: things
  region: eu-west-1
  export: {export}
target:
  table: things-v2
  key: {{partition: {{name: n, type: N}}}}
verify:
  queries:
    - name: all are there
      sql: select count(*) from source
      expect: 40
    - name: types are kept
      sql: select count(*) from source where type_of(item, 'ns') = 'NS' and type_of(item, 'b') = 'B'
      expect: 40
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""


def write_spec(folder: Path, export: str) -> Path:
    """Write the spec and its seed into ``folder``."""
    lines = (json.dumps({"Item": item}, ensure_ascii=False) + "\n" for item in ALL_TYPES)
    (folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = folder / "things.migrate.yaml"
    spec.write_text(SPEC.format(export=export), "utf-8")
    return spec


def require_passed(ended: Ended) -> None:
    """Every item was loaded, and both sides agree."""
    assert ended.code == 0, ended.err
    report = ended.report
    assert report["verdict"] == "passed"
    assert report["counts"]["loaded"] == len(ALL_TYPES)
    assert report["differences"] == {"missing": 0, "extra": 0, "different": 0}
    assert [check["outcome"] for check in report["checks"]] == ["passed"] * 7


@pytest.mark.parametrize("form", ["dynamodb-json", "ion"])
def test_an_export_that_the_run_makes_rebuilds_every_type(tmp_path: Path, form: str) -> None:
    export = f"{{kind: native, location: s3://acme-exports/t/, format: {form}}}"
    spec = write_spec(tmp_path, export)
    require_passed(migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path))


def test_a_run_keeps_no_copy_of_the_export_where_the_spool_holds_nothing(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "{kind: native, location: s3://acme-exports/t/}")
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path, env={"RETABLE_SPOOL": "0"})
    require_passed(ended)
    assert not list(tmp_path.glob(".migrate/*/spool/**/*.gz"))


@pytest.mark.parametrize("form", ["dynamodb-json", "ion"])
def test_an_export_copied_into_any_folder_rebuilds_every_type(tmp_path: Path, form: str) -> None:
    items = [json.dumps(item, ensure_ascii=False).encode() for item in ALL_TYPES]
    made = make_export(
        tmp_path / "copies" / "of" / "last year",
        items,
        prefix="rebuild/things",
        table_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/things",
        output_format="ION" if form == "ion" else "DYNAMODB_JSON",
    )
    spec = write_spec(
        tmp_path,
        f"{{kind: native, location: copies/, id: {made.id}, format: {form}}}",
    )
    dry = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert dry.code == 0, dry.err
    assert dry.report["counts"]["kept"] == len(ALL_TYPES)
    require_passed(migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path))


def test_an_export_in_another_format_than_the_spec_says_is_refused(tmp_path: Path) -> None:
    made = make_export(tmp_path / "export", 5, output_format="ION")
    spec = write_spec(tmp_path, f"{{kind: native, location: export/, id: {made.id}}}")
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 2
    assert f"export {made.id} is in ION; the spec says dynamodb-json" in ended.err


def test_a_bucket_of_another_account_is_named_and_no_other_is_taken(tmp_path: Path) -> None:
    """I5: every call says whose bucket it means; S3 refuses where another account has it."""
    theirs = "{kind: native, location: 's3://acme-exports/t/', bucket_owner: '210987654321'}"
    spec = write_spec(tmp_path, theirs)
    with standing_sandbox(spec) as env:
        run = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        require_passed(run)
        spec.write_text(spec.read_text("utf-8").replace("210987654321", "111111111111"), "utf-8")
        ended = migrate("run", spec, "--dry-run", cwd=tmp_path, env=env)
        assert ended.code == 3
        assert "access was denied" in ended.err


def test_a_new_export_is_encrypted_with_the_key_that_the_spec_names(tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/0123abcd"
    spec = write_spec(
        tmp_path, f"{{kind: native, location: 's3://acme-exports/t/', kms_key: '{key}'}}"
    )
    with standing_sandbox(spec) as env:
        ended = migrate("export", spec, cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        s3 = boto3.client(
            "s3",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        name = f"t/AWSDynamoDB/{ended.out.strip()}/manifest-summary.json"
        summary = json.loads(s3.get_object(Bucket="acme-exports", Key=name)["Body"].read())
        s3.close()
    assert (summary["s3SseAlgorithm"], summary["s3SseKmsKeyId"]) == ("KMS", key)


def test_the_newest_full_export_in_the_specs_format_is_taken_and_named(tmp_path: Path) -> None:
    ids = ["01790000000000-0000000a", "01790000000001-0000000b", "01790000000002-0000000c"]
    arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/things"
    items = [json.dumps(item).encode() for item in ALL_TYPES]
    for export_id, form in zip(ids, ["ION", "ION", "DYNAMODB_JSON"], strict=True):
        make_export(
            tmp_path / "export",
            items,
            export_id=export_id,
            table_arn=arn,
            output_format=form,  # type: ignore[arg-type]  # one of the two
        )
    spec = write_spec(tmp_path, "{kind: native, location: export/, format: ion}")
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.report["steps"][0]["title"] == f"use the finished export {ids[1]}"
