"""A table made by API and taken into its stack, by the real CDK through the installed command."""

from pathlib import Path

import pytest

from support.cdk import require_cdk, with_cdk
from support.checkout import ROOT
from support.command import migrate

EXAMPLE = ROOT / "specs" / "cdk-orders"


@pytest.fixture(scope="module", autouse=True)
def cdk_is_there() -> None:
    require_cdk()


def test_a_table_made_by_api_is_taken_into_its_stack_once_it_is_verified(tmp_path: Path) -> None:
    text = (EXAMPLE / "orders.migrate.yaml").read_text("utf-8")
    text = text.replace("with: cdk", "with: cdk-import").replace(
        "app: infra/", f"app: {EXAMPLE}/infra/"
    )
    spec = tmp_path / "orders.migrate.yaml"
    spec.write_text(text, "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((EXAMPLE / "orders.jsonl").read_bytes())
    arguments = ("run", spec, "--sandbox", "--yes", "--allow-delete", "orders")
    ended = migrate(*arguments, cwd=tmp_path, env=with_cdk())
    assert ended.code == 0, ended.err
    done = [step["title"] for step in ended.report["steps"]]
    made = done.index("create orders, fenced")
    assert done[made + 2] == "verify both sides"
    assert done[made + 3].startswith("import the table into OrdersStack as OrdersTable")
    assert done[made + 4] == "deploy OrdersStack in its final state"
    assert ended.report["verdict"] == "passed"
