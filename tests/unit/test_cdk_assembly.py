"""Reading assemblies: every layout, stages, nested stacks, and what a hostile one tries."""

import json
import shutil
from pathlib import Path

import pytest

from retable.runner.cdk.assembly import read_assembly
from retable.runner.cdk.digest import digest
from retable.runner.cdk.json_file import MAX_DEPTH
from retable.runner.cdk.locate import find_stack, find_table, require_table
from retable.runner.failure import Refused
from support.assemblies import CASES, ORDERS, data, orders, table, write, write_assembly

INNER = "InnerNestedStackInnerNestedStackResource745E041B"
STAGES = ("stage", "old-stage", "stage-without-paths")


@pytest.mark.parametrize("variant", ["by-id", "old-by-id"])
def test_a_table_is_found_by_its_path_in_either_layout(variant: str) -> None:
    found = find_table(orders(variant), "OrdersTable", None)
    assert found is not None
    assert found.address == ORDERS


@pytest.mark.parametrize("variant", STAGES)
@pytest.mark.parametrize(
    ("construct", "address"),
    [
        ("Global", "Global7C59AC82"),
        ("Raw", "Raw"),
        ("Table", "TableCD117FA1"),
        ("Inner/Table", f"{INNER}/TableCD117FA1"),
    ],
)
def test_tables_of_all_kinds_are_found_in_stages_and_nested_stacks(
    variant: str, construct: str, address: str
) -> None:
    found = find_table(data(variant), construct, None)
    assert found is not None
    assert found.address == address


@pytest.mark.parametrize("variant", ["by-id", "old-by-id"])
def test_a_template_without_paths_is_read_with_the_assemblys_metadata(
    variant: str, tmp_path: Path
) -> None:
    folder = tmp_path / "cdk.out"
    shutil.copytree(CASES / variant, folder)
    file = folder / "OrdersStack.template.json"
    content = json.loads(file.read_text("utf-8"))
    for resource in content["Resources"].values():
        resource.pop("Metadata")
    write(file, content)
    found = find_table(find_stack(read_assembly(folder), "OrdersStack"), "OrdersTable", None)
    assert found is not None
    assert found.address == ORDERS


def test_without_any_paths_a_table_is_found_by_its_name(tmp_path: Path) -> None:
    named = {"A": table(TableName="a"), "B": table(TableName={"Fn::Sub": "b-${AWS::Region}"})}
    stack = find_stack(read_assembly(write_assembly(tmp_path, named)), "Hand")
    found = find_table(stack, "Any", "b-eu-west-1")
    assert found is not None
    assert (found.address, found.by) == ("B", "its name b-eu-west-1")
    assert find_table(stack, "Any", "c") is None
    assert find_table(stack, "Any", None) is None


def test_a_name_does_not_replace_a_wrong_path() -> None:
    assert find_table(orders("by-id"), "Order", "orders") is None


def test_the_message_lists_where_it_looked_and_the_existing_tables() -> None:
    with pytest.raises(Refused) as caught:
        require_table(data("stage"), "Inner/Tabel", None)
    assert caught.value.message == (
        "the stack Prod/Data has no table Prod/Data/Inner/Tabel: looked for it and its Resource "
        "in ProdData90A795AA.template.json and 1 nested, 9 known paths"
    )
    assert caught.value.hint == (
        "its tables: Prod/Data/Global/Resource (Global7C59AC82), Prod/Data/Inner/Table/Resource "
        f"({INNER}/TableCD117FA1), Prod/Data/Raw (Raw), Prod/Data/Table/Resource (TableCD117FA1)"
    )


@pytest.mark.parametrize("name", ["Prod/Data", "prod-data", "ProdData90A795AA"])
def test_a_stack_is_found_by_path_by_name_and_by_id(name: str) -> None:
    stack = find_stack(read_assembly(CASES / "stage"), name)
    assert (stack.path, stack.name, stack.account, stack.region) == (
        "Prod/Data",
        "prod-data",
        None,
        None,
    )


def test_a_stack_for_one_account_and_region_says_which() -> None:
    assert (orders("by-id").account, orders("by-id").region) == ("123456789012", "eu-west-1")


def test_an_absent_stack_is_refused_with_the_existing_ones() -> None:
    with pytest.raises(Refused, match="has no stack Other") as caught:
        find_stack(read_assembly(CASES / "stage"), "Other")
    assert caught.value.hint == "its stacks: Prod/Data (prod-data)"


def test_two_stacks_of_one_name_must_be_named_by_path(tmp_path: Path) -> None:
    write_assembly(tmp_path, {})
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    one = manifest["artifacts"]["Hand"]
    properties = {**one["properties"], "stackName": "same"}
    manifest["artifacts"] = {
        name: {**one, "displayName": f"{name}/Data", "properties": properties}
        for name in ("Test", "Prod")
    }
    write(tmp_path / "manifest.json", manifest)
    with pytest.raises(Refused, match=r"2 stacks in .* are called same") as caught:
        find_stack(read_assembly(tmp_path), "same")
    assert caught.value.hint == "name one by its path: Prod/Data, Test/Data"
    assert find_stack(read_assembly(tmp_path), "Prod/Data").id == "Prod"


def test_a_folder_without_a_manifest_is_not_an_assembly(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not a cloud assembly"):
        read_assembly(tmp_path)


@pytest.mark.parametrize("version", ["1.21.0", "latest", ""])
def test_a_schema_of_another_layout_is_refused(version: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="has the schema version"):
        read_assembly(write_assembly(tmp_path, {}, version=version))


@pytest.mark.parametrize(
    "artifact",
    [
        {"properties": {"templateFile": "../outside.json"}},
        {"properties": {"templateFile": "/etc/hostname"}},
        {"properties": {"templateFile": "link.json"}},
        {"additionalMetadataFile": "../outside.json"},
        {"type": "cdk:cloud-assembly", "properties": {"directoryName": ".."}},
    ],
    ids=str,
)
def test_no_file_outside_of_the_assembly_is_read(artifact: dict[str, str], tmp_path: Path) -> None:
    folder = write_assembly(tmp_path / "cdk.out", {}, artifact=artifact)
    write(tmp_path / "outside.json", {"Resources": {}})
    (folder / "link.json").symlink_to(tmp_path / "outside.json")
    with pytest.raises(Refused, match="outside of it"):
        read_assembly(folder)


def test_a_stack_nested_in_itself_without_end_is_refused(tmp_path: Path) -> None:
    itself = {"Type": "AWS::CloudFormation::Stack"}
    itself["Metadata"] = {"aws:asset:path": "Hand.template.json"}  # type: ignore[assignment]
    folder = write_assembly(tmp_path, {f"S{n}": itself for n in range(9)})
    with pytest.raises(Refused, match="nested more than"):
        read_assembly(folder)


def test_an_assembly_that_is_its_own_stage_is_read_once(tmp_path: Path) -> None:
    write_assembly(tmp_path, {})
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
    manifest["artifacts"]["Again"] = stage
    write(tmp_path / "manifest.json", manifest)
    assert [stack.id for stack in read_assembly(tmp_path).stacks] == ["Hand"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "is not a JSON object"),
        ('{"a": NaN}', "is not JSON"),
        ("{", "is not JSON"),
        ('{"a": ' + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + "}", "levels"),
        ('{"a": ' + "[" * 200_000, "is not JSON"),
    ],
    ids=["array", "nan", "torn", "deep", "abyss"],
)
def test_anything_but_a_bounded_json_object_is_refused(text: str, why: str, tmp_path: Path) -> None:
    write_assembly(tmp_path, {})
    (tmp_path / "Hand.template.json").write_text(text, "utf-8")
    with pytest.raises(Refused, match=why):
        read_assembly(tmp_path)


def test_two_syntheses_of_one_app_have_one_digest(tmp_path: Path) -> None:
    again = tmp_path / "elsewhere"
    shutil.copytree(CASES / "by-id", again)
    (again / "tree.json").unlink()
    (again / "read.123.1.lock").touch()
    metadata = json.loads((again / "OrdersStack.metadata.json").read_text("utf-8"))
    metadata["/OrdersStack"].append({"type": "aws:cdk:creationStack", "data": ["another trace"]})
    write(again / "OrdersStack.metadata.json", metadata)
    assert _digest(again, "OrdersStack") == _digest(CASES / "by-id", "OrdersStack")


def test_each_thing_that_is_deployed_changes_the_digest(tmp_path: Path) -> None:
    seen = {_digest(CASES / "stage", "prod-data")}
    files = sorted((CASES / "stage" / "assembly-Prod").glob("*.json"))
    deployed = [file.name for file in files if "metadata" not in file.name]
    for name in deployed:
        again = tmp_path / name
        shutil.copytree(CASES / "stage", again)
        file = again / "assembly-Prod" / name
        text = file.read_text("utf-8")
        assert "prod-data" in text or "TableCD117FA1" in text
        changed = text.replace("prod-data", "other").replace('"AttributeType": "S"', '"X": "N"')
        file.write_text(changed, "utf-8")
        stack = "other" if name == "manifest.json" else "prod-data"
        seen.add(_digest(again, stack))
    assert len(seen) == len(deployed) + 1


def test_the_files_of_a_folder_asset_are_covered_and_must_lie_inside(tmp_path: Path) -> None:
    folder = _with_asset(tmp_path / "cdk.out", "asset.1")
    code = folder / "asset.1" / "deep"
    code.mkdir(parents=True)
    (code / "index.js").write_text("one", "utf-8")
    (folder / "asset.1" / "link").symlink_to("/etc/hostname")
    first = _digest(folder, "Hand")
    (code / "index.js").write_text("two", "utf-8")
    second = _digest(folder, "Hand")
    (folder / "asset.1" / "link").unlink()
    (folder / "asset.1" / "link").symlink_to("/etc/hosts")
    assert len({first, second, _digest(folder, "Hand")}) == 3

    outside = _with_asset(tmp_path / "other", "../cdk.out/asset.1")
    with pytest.raises(Refused, match="outside of it"):
        _digest(outside, "Hand")
    with pytest.raises(Refused, match=r"the asset .* is missing"):
        _digest(_with_asset(tmp_path / "third", "gone"), "Hand")


def _with_asset(folder: Path, path: str) -> Path:
    """Write an assembly whose stack uploads ``path``."""
    write_assembly(folder, {}, artifact={"dependencies": ["Assets"]})
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assets = {"type": "cdk:asset-manifest", "properties": {"file": "Hand.assets.json"}}
    manifest["artifacts"]["Assets"] = assets
    write(folder / "manifest.json", manifest)
    source = {"path": path, "packaging": "zip"}
    write(folder / "Hand.assets.json", {"files": {"1": {"source": source}}})
    return folder


def _digest(folder: Path, stack: str) -> str:
    assembly = read_assembly(folder)
    return digest(assembly, find_stack(assembly, stack))
