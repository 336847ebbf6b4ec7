"""Plans: the order of their steps is what keeps items safe."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from retable.runner.failure import CheckFailed, Refused, Stale, Stopped
from retable.runner.plan.bounds import max_rejects
from retable.runner.plan.encoding import encode_plan, fingerprint, read_plan
from retable.runner.plan.export_steps import CheckExport, MakeExport, UseExport
from retable.runner.plan.finish_steps import (
    CompareSettings,
    LiftFence,
    RestoreSettings,
    VerifyTable,
)
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.source_steps import DeleteTable, FromExport, Settle
from retable.runner.plan.target_steps import CreateTable, LoadItems
from retable.runner.planning.compile import (
    compile_dry_run,
    compile_plan,
    compile_verification,
)
from retable.runner.planning.show import describe
from retable.runner.table.settings import Attached, Kinesis, Scaling, WarmThroughput
from retable.schema.spec import Spec
from support.attached import STREAM
from support.builders import build_spec
from support.observed import ARN, description, export, observed, settings

REPLACE = """
spec: 1
name: orders-by-customer
source:
  table: orders
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/orders/}
target:
  table: orders
  key:
    partition: {name: customer_id, type: S}
    sort: {name: order_key, type: S}
rebuild: {strategy: replace}
transform:
  fields:
    customer_id: customer.id
    order_key: join('#', [created_at, order_id])
"""
READERS = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": ARN}
BESIDE = REPLACE.replace("  table: orders\n  key", "  table: orders-v2\n  key").replace(
    "rebuild: {strategy: replace}\n", ""
)


@pytest.fixture
def replace_spec(tmp_path: Path) -> Spec:
    return build_spec(tmp_path, REPLACE)


@pytest.fixture
def beside_spec(tmp_path: Path) -> Spec:
    return build_spec(tmp_path, BESIDE)


def ids(plan: Plan) -> list[str]:
    return [step.id for step in plan.steps]


def test_i1_a_replace_proves_everything_before_it_deletes(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed())
    assert ids(plan) == [
        "export-rehearsal",
        "check-rehearsal",
        "dry-run-rehearsal",
        "approve",
        "freeze",
        "backup",
        "settle",
        "export-final",
        "check-final",
        "dry-run-final",
        "delete",
        "create",
        "load",
        "verify",
        "settings",
        "lift-fence",
        "compare-settings",
    ]
    assert plan.deletes == "orders"


def test_i1_the_settle_time_is_in_both_the_wait_and_the_gate(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed())
    waits = [step.seconds for step in plan.steps if isinstance(step, Settle)]
    ends = [step.successor for step in plan.steps if isinstance(step, DeleteTable)]
    gates = [end.settle_seconds for end in ends if isinstance(end, FromExport)]
    assert waits == gates == [300]
    sandbox = compile_plan(replace_spec, observed(sandbox=True))
    assert [step.seconds for step in sandbox.steps if isinstance(step, Settle)] == [0]


def test_a_table_that_another_run_has_stopped_is_not_frozen_again(
    replace_spec: Spec, beside_spec: Spec
) -> None:
    with pytest.raises(Refused, match="another run has stopped the writes to orders"):
        compile_plan(replace_spec, observed(fenced=True))
    assert compile_plan(beside_spec, observed(fenced=True)).steps


def test_side_by_side_deletes_nothing(beside_spec: Spec) -> None:
    plan = compile_plan(beside_spec, observed())
    assert plan.deletes is None
    assert ids(plan)[:5] == ["export-only", "check-only", "dry-run-only", "approve", "backup"]


def test_i9_the_fence_is_lifted_last_and_after_verification(replace_spec: Spec) -> None:
    kinds = [type(step) for step in compile_plan(replace_spec, observed()).steps]
    order = [CreateTable, LoadItems, VerifyTable, RestoreSettings, LiftFence, CompareSettings]
    assert kinds[-6:] == order


def test_i8_the_settings_of_the_source_are_in_the_plan_and_are_restored(replace_spec: Spec) -> None:
    source = settings(
        description(stream="NEW_IMAGE", deletion_protection=True),
        ttl="expires_at",
        tags={"team": "shop"},
        policy=json.dumps({"Statement": READERS}),
    )
    plan = compile_plan(replace_spec, observed(source))
    assert plan.settings == source
    restore = next(step for step in plan.steps if isinstance(step, RestoreSettings))
    assert (restore.ttl, restore.stream, restore.pitr) == ("expires_at", "NEW_IMAGE", True)
    assert restore.deletion_protection
    assert restore.tags == {"team": "shop"}
    lift = next(step for step in plan.steps if isinstance(step, LiftFence))
    assert lift.policy == source.policy
    steps = ids(plan)
    assert steps.index("unprotect") == steps.index("delete") - 1


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a policy of another table": (
        {"policy": json.dumps({"Statement": {**READERS, "Resource": f"{ARN}-old"}})},
        f"PutResourcePolicy: Statement.Resource: .* own table, {ARN}; found {ARN}-old",
    ),
    "a policy of no principal": (
        {"policy": '{"Statement": [{"Effect": "Deny", "Action": "*"}]}'},
        "PutResourcePolicy: Statement.0: a statement needs Principal or NotPrincipal",
    ),
    "expiry by no name": ({"ttl": "x" * 256}, "UpdateTimeToLive: .*AttributeName"),
    "more tags than a table has": (
        {"tags": {str(number): "" for number in range(51)}},
        "TagResource: a table has at most 50 tags; found 51",
    ),
    "recovery of no days": ({"pitr_days": 0}, "UpdateContinuousBackups: .*RecoveryPeriodInDays"),
    "a stream that is no ARN": (
        {"attached": Attached(kinesis=(Kinesis(stream_arn="arn:x", precision=None),))},
        "EnableKinesisStreamingDestination: .*StreamArn",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_i8_a_plan_whose_later_requests_would_be_refused_is_refused(
    replace_spec: Spec, name: str
) -> None:
    captured, said = REFUSED[name]
    with pytest.raises(Refused, match=said):
        compile_plan(replace_spec, observed(settings(**captured)))


def test_a_policy_that_is_kept_is_about_the_new_table(beside_spec: Spec) -> None:
    own = json.dumps({"Statement": {**READERS, "Resource": [ARN, f"{ARN}/index/by_status"]}})
    plan = compile_plan(beside_spec, observed(settings(policy=own)))
    lift = next(step for step in plan.steps if isinstance(step, LiftFence))
    assert json.loads(lift.policy or "")["Statement"]["Resource"] == [
        f"{ARN}-v2",
        f"{ARN}-v2/index/by_status",
    ]


def test_a_policy_may_hold_fractions(tmp_path: Path) -> None:
    policy = '{Effect: Deny, Principal: "*", Action: "*", Condition: {NumericLessThan: {a: 1.50}}}'
    said = f"  settings: {{policy: {{Statement: {policy}}}}}\nrebuild"
    spec = build_spec(tmp_path, REPLACE.replace("rebuild", said))
    plan = compile_plan(spec, observed())
    lift = next(step for step in plan.steps if isinstance(step, LiftFence))
    found = json.loads(lift.policy or "")["Statement"]["Condition"]
    assert found == {"NumericLessThan": {"a": "1.50"}}


def test_a_rehearsal_uses_the_available_export_and_the_final_one_is_made(
    replace_spec: Spec,
) -> None:
    steps = compile_plan(replace_spec, observed(export=export())).steps
    assert isinstance(steps[0], UseExport)
    assert steps[0].export_id == "01790000000000-0a1b2c3d"
    assert any(isinstance(step, MakeExport) and step.role == "final" for step in steps)


def test_an_export_that_is_loaded_is_a_new_one_unless_it_is_named(
    tmp_path: Path, beside_spec: Spec
) -> None:
    made = compile_plan(beside_spec, observed(export=export())).steps
    assert isinstance(made[0], MakeExport)
    named = BESIDE.replace("location:", "id: 01790000000000-0a1b2c3d, location:")
    taken = compile_plan(build_spec(tmp_path, named), observed(export=export())).steps
    assert isinstance(taken[0], UseExport)


def test_i1_the_final_export_must_be_of_the_planned_physical_table(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed())
    bound = [step.table_id for step in plan.steps if isinstance(step, CheckExport)]
    assert bound == [description().table_id] * 2


def test_pitr_is_turned_on_first_where_it_is_off(replace_spec: Spec) -> None:
    assert ids(compile_plan(replace_spec, observed(settings(pitr=False))))[0] == "pitr"


def test_i7_a_plan_is_equal_to_itself_and_survives_its_file(
    tmp_path: Path, replace_spec: Spec
) -> None:
    plan = compile_plan(replace_spec, observed(export=export()))
    again = compile_plan(replace_spec, observed(export=export()))
    assert fingerprint(plan) == fingerprint(again)
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(plan))
    assert read_plan(path) == plan


def test_a_plan_that_was_altered_is_stale(tmp_path: Path, replace_spec: Spec) -> None:
    path = tmp_path / "plan.json"
    text = encode_plan(compile_plan(replace_spec, observed())).replace(b"300", b"301")
    path.write_bytes(text)
    with pytest.raises(Stale, match="was altered"):
        read_plan(path)


@pytest.mark.parametrize(
    ("world", "kind", "said"),
    [
        (observed(settings(description(status="UPDATING"))), Stopped, "orders is UPDATING"),
        (observed(target=description(name="orders-v2")), CheckFailed, "orders-v2 already exists"),
    ],
)
def test_tables_that_do_not_allow_the_plan_are_refused(
    beside_spec: Spec, world: object, kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        compile_plan(beside_spec, world)  # type: ignore[arg-type]  # parametrized


def test_a_source_that_is_not_there_is_refused(beside_spec: Spec) -> None:
    with pytest.raises(Refused, match="orders does not exist"):
        compile_plan(beside_spec, replace(observed(), source=None))


def test_what_a_replace_would_lose_is_refused(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed(settings(unkept=("vector indexes",))))
    assert plan.unsupported == ("orders has vector indexes, which would be lost with it",)
    assert plan.steps == ()


def test_a_table_with_replicas_is_not_replaced(replace_spec: Spec, beside_spec: Spec) -> None:
    world = observed(settings(description(replicas=("eu-north-1", "us-east-1"))))
    with pytest.raises(Refused, match="with replicas in eu-north-1, us-east-1") as caught:
        compile_plan(replace_spec, world)
    assert "side-by-side" in (caught.value.hint or "")
    assert compile_plan(beside_spec, world).steps


def test_what_will_not_be_restored_is_listed_before_approval(replace_spec: Spec) -> None:
    attached = Attached(
        kinesis=(Kinesis(stream_arn=STREAM, precision=None),),
        warm={"": WarmThroughput(read=20_000, write=4_000)},
    )
    source = settings(description(stream="KEYS_ONLY"), attached=attached)
    told = compile_plan(replace_spec, observed(source)).notes[:5]
    assert told == (
        "the stream of orders is deleted with it: the new one has another ARN",
        "consumers must be pointed at the new stream of orders: it has no loaded items",
        "no record of a loaded item goes to the Kinesis stream of orders",
        (
            "the point-in-time history of orders is deleted with it and starts over; DynamoDB "
            "keeps a backup of the deleted table for 35 days"
        ),
        "raising the warm throughput of orders is charged once",
    )


def test_what_an_on_demand_table_cannot_keep_is_listed(replace_spec: Spec) -> None:
    scaling = Scaling(index="", side="Read", least=1, most=9)
    insights = {"": "THROTTLED_KEYS", "by_status": "THROTTLED_KEYS"}
    source = settings(attached=Attached(scaling=(scaling,), insights=insights))
    plan = compile_plan(replace_spec, observed(source))
    assert "the autoscaling of read capacity of orders is not kept" in plan.notes
    assert "the contributor insights of the index by_status are not kept" in plan.notes
    restored = next(step for step in plan.steps if isinstance(step, RestoreSettings))
    assert restored.attached == Attached(insights={"": "THROTTLED_KEYS"})


def test_what_a_table_has_from_its_creation_is_not_requested(replace_spec: Spec) -> None:
    warm = {"": WarmThroughput(read=12_000, write=4_000)}
    plan = compile_plan(replace_spec, observed(settings(attached=Attached(warm=warm))))
    restored = next(step for step in plan.steps if isinstance(step, RestoreSettings))
    assert restored.attached == Attached()


def test_step_ids_are_unique_and_every_step_has_a_title(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed(settings(description(deletion_protection=True))))
    assert len(set(ids(plan))) == len(plan.steps)
    assert all(step.title for step in plan.steps)


def test_every_step_refers_to_earlier_ones_only(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed())
    known: set[str] = set()
    for step in plan.steps:
        assert references(step, plan) <= known, step.id
        known.add(step.id)


def references(step: Step, plan: Plan) -> set[str]:
    """Return the ids of other steps that ``step`` names."""
    values = {
        getattr(step, name)
        for name in step.__slots__
        if name != "id" and isinstance(getattr(step, name), str)
    }
    return values & {other.id for other in plan.steps}


def test_i5_reading_plans_hold_no_step_that_writes(replace_spec: Spec) -> None:
    dry = compile_dry_run(replace_spec, export())
    verification = compile_verification(
        replace_spec, export().id, (), "s3://acme-exports/orders/", None
    )
    assert [type(step).__name__ for step in dry.steps] == ["UseExport", "CheckExport", "DryRun"]
    assert [type(step).__name__ for step in verification.steps][-1] == "VerifyTable"


def test_the_plan_in_words_names_key_steps_and_command(replace_spec: Spec) -> None:
    plan = compile_plan(replace_spec, observed(export=export()))
    text = "\n".join(describe(plan, replace_spec, fingerprint(plan)))
    assert "~ partition key   order_id S  ->  customer_id S" in text
    assert "+ sort key        order_key S" in text
    assert "--allow-delete orders" in text
    assert all(text.index(a.title) < text.index(b.title) for a, b in pairwise(plan.steps[3:6]))


@pytest.mark.parametrize(("allowed", "items", "most"), [("7", 10, 7), ("1%", 250, 2), ("0", 9, 0)])
def test_max_rejects_is_a_count_or_a_share_rounded_down(
    tmp_path: Path, allowed: str, items: int, most: int
) -> None:
    spec = build_spec(tmp_path, REPLACE + f"  max_rejects: {allowed}\n")
    assert max_rejects(spec, items) == most


@pytest.mark.parametrize(
    ("billing", "rate"),
    [("on-demand", 2_000), ("{read: 5, write: 30}", 15), ("{read: 1, write: 1}", 1)],
)
def test_a_rate_in_percent_is_a_share_of_the_new_tables_own(
    tmp_path: Path, billing: str, rate: int
) -> None:
    text = BESIDE.replace("target:", f"target:\n  billing: {billing}")
    plan = compile_plan(build_spec(tmp_path, text + "load: {rate: {percent: 50}}\n"), observed())
    (load,) = [step for step in plan.steps if isinstance(step, LoadItems)]
    assert load.rate == rate


@pytest.mark.parametrize(("sandbox", "settles"), [(False, 120), (True, 0)])
def test_a_target_that_is_read_by_export_can_be_exported_and_settles_first(
    tmp_path: Path, *, sandbox: bool, settles: int
) -> None:
    """A minute before it was asked for is what an export surely has; a sandbox needs no time."""
    spec = build_spec(tmp_path, BESIDE + "verify: {read: export}\n")
    plan = compile_plan(spec, observed(sandbox=sandbox))
    steps = ids(plan)
    assert steps[steps.index("verify") - 1] == "pitr-target"
    (verify,) = [step for step in plan.steps if isinstance(step, VerifyTable)]
    assert verify.export is not None
    assert (verify.export.bucket, verify.export.settle_seconds) == ("acme-exports", settles)
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(plan))
    assert read_plan(path) == plan


def test_a_table_that_is_there_is_exported_only_if_it_can_be(tmp_path: Path) -> None:
    text = BESIDE.replace("orders-v2", "orders-v2\n  nonempty: accept")
    spec = build_spec(tmp_path, text + "verify: {read: export}\n")
    target = description(name="orders-v2", key=spec.target.key)
    with pytest.raises(Refused, match="orders-v2 has no point-in-time recovery"):
        compile_plan(spec, observed(target=target))
    steps = ids(compile_plan(spec, observed(target=target, target_pitr=True)))
    assert "pitr-target" not in steps


def test_a_load_that_a_stream_would_publish_needs_consent(tmp_path: Path) -> None:
    text = BESIDE.replace("orders-v2", "orders-v2\n  nonempty: accept")
    spec = build_spec(tmp_path, text)
    target = description(name="orders-v2", key=spec.target.key)
    world = observed(target=target, target_channels=("a stream", "a Kinesis stream"))
    with pytest.raises(Refused, match="a stream and a Kinesis stream: the load would send"):
        compile_plan(spec, world)
    lets = build_spec(tmp_path, text + "rebuild: {accept: [stream-replay]}\n")
    assert "load" in ids(compile_plan(lets, world))
