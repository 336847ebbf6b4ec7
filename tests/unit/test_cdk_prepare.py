"""Getting an app's assemblies and its stack ready for the proofs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retable.runner.cdk.assembly import read_assembly
from retable.runner.cdk.cdk_finding import blocking
from retable.runner.cdk.digest import template_digest
from retable.runner.cdk.prepare import Prepared, Question, open_variant, prepare
from retable.runner.cdk.prove import prove
from retable.runner.cdk.stacks import Stacks
from retable.runner.cdk.template import EMPTY
from retable.runner.failure import Refused
from retable.schema.spec import CdkProvision, CdkVariant
from support.assemblies import CASES, ORDERS, orders
from support.cdk_cases import KNOWN, WANT
from support.fake_cdk import FakeCdk, opened
from support.fake_stacks import FakeCloudFormation

TABLE = "AWS::DynamoDB::Table"


class App:
    """An app with the checked-in assemblies."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeCdk(folder / "bin")
        self.cdk = opened(folder, self.fake)
        self.cloud = FakeCloudFormation()
        self.cloud.deployed(orders("by-id").template)
        self.cloud.resources["OrdersStack"] = [
            ("Exports", "AWS::S3::Bucket", "acme-exports"),
            (ORDERS, TABLE, "orders"),
        ]
        provision = CdkProvision(
            app="app",
            stack="OrdersStack",
            construct="OrdersTable",
            absent=CdkVariant(assembly="absent"),
            present=CdkVariant(assembly="by-customer"),
            final=CdkVariant(assembly="final"),
        )
        self.question = Question(
            provision=provision,
            base=CASES,
            folder=folder / "run" / "cdk",
            source="orders",
            target="orders",
            replaces=True,
            gone=False,
            account="123456789012",
            region="eu-west-1",
        )

    def prepared(self, **change: Any) -> Prepared:
        """Return what is prepared, with another question."""
        return prepare(replace(self.question, **change), self.cdk, Stacks(self.cloud))

    def provided(self, **change: Any) -> Prepared:
        """Return what is prepared, with another provision."""
        return self.prepared(provision=replace(self.question.provision, **change))


def test_an_apps_variants_and_its_stack_are_ready_to_be_proved(tmp_path: Path) -> None:
    app = App(tmp_path)
    ready = app.prepared()
    assert list(ready.variants) == ["absent", "present", "final", "original"]
    assert (ready.case.old, ready.case.new) == (ORDERS, ORDERS)
    assert ready.before == template_digest(orders("by-id").template)
    assert ready.deletion_policy == "Delete"
    assert ready.physical["Exports"] == "acme-exports"
    assert blocking(prove(ready.case, WANT, KNOWN), ()) == ()


def test_what_is_deployed_later_is_in_the_run_folder(tmp_path: Path) -> None:
    app = App(tmp_path)
    ready = app.prepared()
    folder = app.question.folder / "absent"
    assert ready.variants["absent"].assembly.folder == folder
    assert open_variant(folder, "OrdersStack").digest == ready.variants["absent"].digest
    assert app.prepared().variants["absent"].digest == ready.variants["absent"].digest


def test_a_variant_of_a_context_is_synthesized_and_one_that_is_given_is_read_by_the_command_line(
    tmp_path: Path,
) -> None:
    app = App(tmp_path)
    app.fake.want(assembly=str(CASES / "absent"))
    app.provided(absent=CdkVariant(context={"orders-table": "absent"}), final=None)
    commands = [call["arguments"][0] for call in app.fake.calls]
    assert commands == ["--version", "synth", "ls"]


def test_the_old_table_is_the_one_of_the_sources_name_wherever_its_construct_was(
    tmp_path: Path,
) -> None:
    app = App(tmp_path)
    deployed = orders("by-id").template.body
    resources = dict(deployed["Resources"])
    resources["Moved"] = resources.pop(ORDERS)
    app.cloud.templates["OrdersStack"] = {**deployed, "Resources": resources}
    app.cloud.resources["OrdersStack"] = [("Moved", TABLE, "orders")]
    assert app.prepared().case.old == "Moved"


def test_a_source_that_the_stack_does_not_have_is_refused(tmp_path: Path) -> None:
    app = App(tmp_path)
    with pytest.raises(Refused, match="the table other is not in the stack OrdersStack"):
        app.prepared(source="other")
    app.cloud.status = None
    with pytest.raises(Refused, match="the table orders is not in the stack OrdersStack"):
        app.prepared()


def test_a_stack_that_does_not_exist_yet_is_prepared_side_by_side(tmp_path: Path) -> None:
    app = App(tmp_path)
    app.cloud.status = None
    ready = app.prepared(replaces=False, target="orders")
    assert (ready.state, ready.before, ready.case.deployed) == (None, None, EMPTY)
    assert (ready.case.old, ready.deletion_policy) == (None, None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"account": "999999999999"}, "for the account 123456789012, the run for 999999999999"),
        ({"region": "us-east-1"}, "for the region eu-west-1, the run for us-east-1"),
    ],
)
def test_a_stack_for_another_account_or_region_is_refused(
    change: dict[str, str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=words):
        App(tmp_path).prepared(**change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stack": "Other"}, "has no stack Other"),
        ({"construct": "Other"}, "has no table OrdersStack/Other"),
        ({"final": CdkVariant(assembly="absent")}, "in the present template and nowhere in the"),
        ({"absent": CdkVariant(assembly="app")}, "is not a cloud assembly"),
    ],
)
def test_an_app_that_lacks_what_the_spec_names_is_refused(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=words):
        App(tmp_path).provided(**change)


def test_stacks_that_import_removed_outputs_are_found(tmp_path: Path) -> None:
    app = App(tmp_path)
    app.cloud.outputs = [{"OutputKey": "TableArn", "ExportName": "orders-arn"}]
    app.cloud.imports["orders-arn"] = ["billing"]
    ready = app.prepared()
    assert ready.importers == {"TableArn": ("billing",)}
    known = replace(KNOWN, importers=ready.importers)
    found = blocking(prove(ready.case, WANT, known), ())
    assert [one.code for one in found] == ["export-imported"]


def test_an_assembly_that_is_given_is_not_changed(tmp_path: Path) -> None:
    before = sorted(str(path) for path in (CASES / "absent").rglob("*"))
    App(tmp_path).prepared()
    assert sorted(str(path) for path in (CASES / "absent").rglob("*")) == before
    assert read_assembly(CASES / "absent").stacks
