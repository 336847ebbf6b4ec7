"""I1: a table whose writers are not stopped is deleted by name only; their writes are listed."""

import json
from pathlib import Path

import boto3
import pytest

from support.command import SPECS, migrate, standing_sandbox
from support.sandboxes import set_faults

ORDERS = SPECS / "orders.migrate.yaml"
ALLOWED = ("--yes", "--allow-delete", "orders")
UNFROZEN = (*ALLOWED, "--allow-unfrozen", "orders")


def write_spec(folder: Path, *, export: str = "kind: native", accept: str = "") -> Path:
    """Write the example's spec without a freeze and without its sandbox's seed."""
    text = ORDERS.read_text("utf-8").partition("sandbox:")[0]
    for old, new in (
        ("  freeze: resource-policy\n  settle: 5m\n", f"  freeze: none\n{accept}"),
        ("kind: native", export),
    ):
        assert old in text
        text = text.replace(old, new)
    spec = folder / "unfrozen.migrate.yaml"
    spec.write_text(text, "utf-8")
    return spec


class Table:
    """The table that is replaced."""

    def __init__(self, env: dict[str, str]) -> None:
        self._client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name=env["AWS_REGION"],
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        self.first = self.table_id()

    def table_id(self) -> str:
        return str(self._client.describe_table(TableName="orders")["Table"]["TableId"])

    def policies(self, folder: Path) -> list[str]:
        """Return the steps that the run in ``folder`` has frozen anything by."""
        (journal,) = folder.glob(".migrate/*/journal.jsonl")
        steps = [json.loads(line)["step"] for line in journal.read_text("utf-8").splitlines()]
        return [step for step in steps if step in {"freeze", "settle"}]

    def close(self) -> None:
        self._client.close()


def test_i1_nobody_deletes_an_unfrozen_table_without_naming_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    with standing_sandbox(ORDERS) as env:
        table = Table(env)
        ended = migrate("run", spec, *ALLOWED, cwd=tmp_path, env=env)
        other = migrate("run", spec, *ALLOWED, "--allow-unfrozen", "o", cwd=tmp_path, env=env)
        planned = migrate("plan", spec, cwd=tmp_path, env=env)
        frozen = migrate("run", ORDERS, *UNFROZEN, cwd=tmp_path, env=env)
        assert table.table_id() == table.first
        table.close()
    assert (ended.code, other.code, frozen.code) == (2, 2, 2)
    assert ended.err == (
        "error: this run deletes the table orders while its writers may still write to it; what "
        "they write after the export is lost\n"
        "  = help: remove freeze: none from the spec; or, where nothing writes to it, add "
        "--allow-unfrozen orders\n"
    )
    assert "--allow-unfrozen orders: this run deletes no unfrozen table" in frozen.err
    assert "--allow-delete orders --allow-unfrozen orders" in planned.out
    assert not list(tmp_path.glob(".migrate/*/journal.jsonl"))


def test_a_quiet_table_is_replaced_without_a_freeze_by_name(tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    with standing_sandbox(ORDERS) as env:
        table = Table(env)
        ended = migrate("run", spec, *UNFROZEN, cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        assert table.table_id() != table.first
        table.close()
    assert table.policies(tmp_path) == []
    (told,) = (note for note in ended.report["notes"] if "were written after its export" in note)
    assert told.startswith("0 items of orders")


def test_i1_what_was_written_since_the_export_stops_the_run_before_the_delete(
    tmp_path: Path,
) -> None:
    spec = write_spec(tmp_path)
    with standing_sandbox(ORDERS, "--writer", "20") as env:
        table = Table(env)
        ended = migrate("run", spec, *UNFROZEN, cwd=tmp_path, env=env)
        assert ended.code == 1
        assert "and would be lost" in ended.err
        assert table.table_id() == table.first
        (tmp_path / "given-up").mkdir()
        spec = write_spec(tmp_path / "given-up", accept="  accept: [later-writes]\n")
        ended = migrate("run", spec, *UNFROZEN, cwd=tmp_path / "given-up", env=env)
        assert ended.code == 0, ended.err
        assert table.table_id() != table.first
        table.close()


def test_i2_stopped_at_the_delete_and_resumed_it_is_named_again(tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    with standing_sandbox(ORDERS) as env:
        table = Table(env)
        denied = {"operation": "DeleteTable", "code": "AccessDeniedException", "times": 1}
        set_faults(env["AWS_ENDPOINT_URL"], errors=[denied])
        stopped = migrate("run", spec, *UNFROZEN, cwd=tmp_path, env=env)
        assert stopped.code == 3, stopped.err
        assert "--allow-delete orders --allow-unfrozen orders" in stopped.err
        assert table.table_id() == table.first
        unnamed = migrate("run", spec, "--resume", *ALLOWED, cwd=tmp_path, env=env)
        assert unnamed.code == 2
        ended = migrate("run", spec, "--resume", *UNFROZEN, cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        assert table.table_id() != table.first
        table.close()


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ("kind: native\n    id: 01763608000000-0a1b2c3d", "an existing export"),
        ("kind: scan", "kind: scan (no export shows later writes)"),
    ],
)
def test_i1_what_shows_no_later_write_is_too_little_for_an_unfrozen_table(
    tmp_path: Path, export: str, said: str
) -> None:
    ended = migrate("run", write_spec(tmp_path, export=export), *UNFROZEN, cwd=tmp_path)
    assert ended.code == 2
    assert f"rebuild.freeze: none with replace and {said}" in ended.err
