"""A first spec from a live table, through the installed command."""

from pathlib import Path

from retable.schema import load_spec
from support.command import SPECS, migrate, standing_sandbox


def test_a_spec_is_drafted_from_a_live_table_and_can_be_planned(tmp_path: Path) -> None:
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        drafted = migrate("init", "--from-table", "orders", cwd=tmp_path, env=env)
        assert drafted.code == 0, drafted.err
        path = tmp_path / "specs" / "orders.migrate.yaml"
        spec = load_spec(path)
        assert spec.target.key.partition.name == "order_id"
        assert len(spec.tests) == 3
        assert "TTL on expires_at, a stream of NEW_AND_OLD_IMAGES" in path.read_text("utf-8")
        checked = migrate("lint", "--fail-on", "warning", cwd=tmp_path)
        assert (checked.code, checked.out) == (0, "")
        assert migrate("test", cwd=tmp_path).code == 0
        text = path.read_text("utf-8")
        path.write_text(text.replace("s3://bucket/prefix/", "s3://acme-exports/orders/"), "utf-8")
        assert migrate("plan", path, cwd=tmp_path, env=env).code == 0
        missing = migrate("init", "--from-table", "nowhere", cwd=tmp_path, env=env)
        assert missing.code == 2
        assert missing.err.startswith("error: the table nowhere does not exist\n")


def test_a_spec_is_drafted_from_an_export_in_s3_and_can_be_dry_run(tmp_path: Path) -> None:
    orders = SPECS / "orders.migrate.yaml"
    place = "s3://acme-exports/orders/"
    with standing_sandbox(orders) as env:
        empty = migrate("init", "--from-export", f"{place}none/", cwd=tmp_path, env=env)
        assert (empty.code, "there is no finished export at" in empty.err) == (2, True)
        drafted = migrate("init", "--from-export", place, cwd=tmp_path, env=env)
        assert drafted.code == 0, drafted.err
        path = tmp_path / "specs" / "orders.migrate.yaml"
        spec = load_spec(path)
        assert (spec.source.table, spec.target.key.partition.name) == ("orders", "order_id")
        assert spec.source.export.location == place
        checked = migrate("lint", "--fail-on", "warning", cwd=tmp_path)
        assert (checked.code, checked.out) == (0, "")
        assert migrate("test", cwd=tmp_path).code == 0
        dry = migrate("run", path, "--dry-run", cwd=tmp_path, env=env)
        assert dry.code == 0, dry.err
        again = migrate("init", "--from-export", place, cwd=tmp_path, env=env)
        assert (again.code, "already exists" in again.err) == (2, True)
