"""``migrate run`` against an endpoint that knows tables and items and little else."""

from pathlib import Path

import pytest

from support.command import migrate
from support.dynalite import dynalite_command, running_dynalite
from support.dynamodb_wire import Wire
from support.exports import make_export

SPEC = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {{kind: {export}}}
target:
  table: things-v2
  key: {{partition: {{name: n, type: N}}}}
rebuild: {{backup: none}}
"""
COUNT = 60


@pytest.mark.parametrize("export", ["native, location: exports, id: {id}", "scan, segments: 2"])
def test_a_table_is_rebuilt_and_what_the_endpoint_does_not_support_is_reported(
    tmp_path: Path, export: str
) -> None:
    command = dynalite_command()
    items = [b'{"id":{"S":"o-%d"},"n":{"N":"%d"}}' % (n, n) for n in range(COUNT)]
    arn = "arn:aws:dynamodb:eu-west-1:000000000000:table/things"
    made = make_export(tmp_path / "exports", items, table_arn=arn)
    spec = tmp_path / "things.migrate.yaml"
    spec.write_text(SPEC.format(export=export.format(id=made.id)), "utf-8")
    with running_dynalite(command) as endpoint, Wire(endpoint) as wire:
        wire.done(
            "CreateTable",
            {
                "TableName": "things",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            },
        )
        for n in range(COUNT):
            item = {"id": {"S": f"o-{n}"}, "n": {"N": str(n)}}
            wire.done("PutItem", {"TableName": "things", "Item": item})
        env = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }
        ended = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        # Another connection: dynalite closes one that was idle for as long as a run may take.
        with Wire(endpoint) as later:
            found = later.done("Scan", {"TableName": "things-v2", "Select": "COUNT"})["Count"]
    assert found == COUNT
    assert ended.report["verdict"] == "passed"
    assert "the target is not fenced" in ended.err
