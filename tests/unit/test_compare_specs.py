"""What changed between two specs: in words, by weight, from files and from git."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from retable.runner.cli.spec_diff import spec_diff
from retable.runner.failure import Refused
from retable.runner.spec.compare_specs import compare
from retable.schema import load_spec
from retable.schema.problem import SpecError
from support.checkout import ROOT
from support.small_specs import small_spec

EVERYTHING = (ROOT / "tests" / "cases" / "valid" / "everything" / "spec.yaml").read_text("utf-8")
ORDERS = (ROOT / "specs" / "orders.migrate.yaml").read_text("utf-8")
CHANGES = [
    ("{name: order_key, type: S}", "{name: order_key, type: N}", "~ sort key type S -> N"),
    ("{name: order_key, type: S}", "{name: placed, type: S}", "~ sort key order_key S -> placed S"),
    ("    sort: {name: order_key, type: S}\n  indexes", "  indexes", "- sort key order_key S"),
    ("status != 'DELETED'", "status == 'NEW'", "~ where status != 'DELETED' -> status == 'NEW'"),
    ("  where: status != 'DELETED'\n", "", "- where status != 'DELETED'"),
    ("drop: [legacy_flag]", "drop: [legacy_flag, note]", "+ drop note"),
    (
        "customer_id: customer.id",
        "customer_id: customer.key",
        "~ field customer_id customer.id",
    ),
    ("required: true}", "required: false}", "~ field total_cents multiply(total, `100`), type N, "),
    ("max_rejects: 0", "max_rejects: 5%", "~ max_rejects 0 -> 5%: changes what protects the data"),
    ("freeze: resource-policy", "freeze: none", "~ rebuild.freeze resource-policy -> none"),
    ("settle: 5m", "settle: 10m", "~ rebuild.settle 300 -> 600"),
    ("rate: 4000", "rate: 8000", "~ load.rate 4000 -> 8000: changes how a run goes"),
    (
        "billing: on-demand",
        "billing: {read: 5, write: 9}",
        "~ billing on-demand -> 5 read, 9",
    ),
    ("projection: all", "projection: keys", "~ index by_status (status S, created_at S) proje"),
    ("settings: keep", "settings: {ttl: expires_at}", "+ settings.ttl expires_at"),
    ("no negative totals", "no totals", "+ query 'no totals': changes what protects the data"),
    ("drops deleted orders", "drops them", "- row test 'drops deleted orders': changes no table"),
    ("tags: [orders]", "tags: [orders, a]", "~ tags orders -> orders, a: changes no table"),
    ("id: c-1}, status: NEW, total: 12.5}", "id: c-1}, total: 12.5}", "~ row test 'joins time a"),
]


def changes(tmp_path: Path, before: str, after: str) -> list[str]:
    one, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text(before, encoding="utf-8")
    other.write_text(after, encoding="utf-8")
    return [str(change) for change in compare(load_spec(one), load_spec(other))]


@pytest.mark.parametrize(("old", "new", "words"), CHANGES)
def test_a_change_is_described_in_words(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in ORDERS
    found = changes(tmp_path, ORDERS, ORDERS.replace(old, new, 1))
    assert any(line.startswith(words) for line in found), found
    assert len(found) <= 2


def test_what_re_keys_comes_first(tmp_path: Path) -> None:
    after = ORDERS
    for old, new, _ in (CHANGES[0], *CHANGES[3:12:2]):
        after = after.replace(old, new, 1)
    found = changes(tmp_path, ORDERS, after)
    weights = [line.rpartition(": ")[2] for line in found]
    assert found[0] == "~ sort key type S -> N: re-keys every item"
    assert weights == sorted(weights, key=weights.index)


def test_the_same_spec_written_another_way_has_not_changed(tmp_path: Path) -> None:
    after = "# another comment\n" + ORDERS.replace("tags: [orders]", "tags:\n  - 'orders'")
    assert changes(tmp_path, ORDERS, after) == []
    assert changes(tmp_path, EVERYTHING, EVERYTHING) == []


@settings(max_examples=20)
@given(st.sampled_from(CHANGES), st.sampled_from(CHANGES))
def test_a_reverted_change_is_reported_with_opposite_signs(
    tmp_path_factory: pytest.TempPathFactory, one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    folder = tmp_path_factory.mktemp("specs")
    before = ORDERS.replace(one[0], one[1], 1)
    after = ORDERS.replace(other[0], other[1], 1)
    there, back = changes(folder, before, after), changes(folder, after, before)
    turned = {"+": "-", "-": "+", "~": "~"}
    assert sorted(turned[line[0]] for line in there) == sorted(line[0] for line in back)
    assert (there == []) == (one == other)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    path = tmp_path / "specs" / "a.migrate.yaml"
    path.write_text(small_spec(mail="c@d"))
    identity = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b"}
    identity |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    for command in ("init -q -b main", "add .", "commit -q -m one"):
        subprocess.run(  # noqa: S603 -- git itself
            ["git", *command.split()],  # noqa: S607 -- the git that is there
            check=True,
            env={**os.environ, **identity, "GIT_CONFIG_GLOBAL": "/dev/null"},
        )
    path.write_text(small_spec())
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(spec_diff, arguments)


@pytest.mark.usefixtures("repository")
def test_a_revision_of_git_is_compared_with_a_file() -> None:
    result = run("main:specs/a.migrate.yaml", "specs/a.migrate.yaml")
    assert (result.exit_code, result.output) == (
        0,
        "~ row test 'lowers the mail': changes no table\n",
    )
    assert run("HEAD:specs/a.migrate.yaml", "main:specs/a.migrate.yaml").output == (
        "nothing changed\n"
    )


@pytest.mark.usefixtures("repository")
def test_changes_are_rendered_for_machines_and_pull_requests() -> None:
    both = ("main:specs/a.migrate.yaml", "specs/a.migrate.yaml")
    assert json.loads(run(*both, "--format", "json").output) == {
        "format_version": 1,
        "changes": [
            {"sign": "~", "weight": "words", "thing": "row test 'lowers the mail'", "detail": ""}
        ],
    }
    assert run(*both, "--format", "markdown").output == (
        "### `main:specs/a.migrate.yaml -> specs/a.migrate.yaml`\n\n"
        "```diff\n~ row test 'lowers the mail': changes no table\n```\n"
    )


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["main:nowhere.yaml", "nowhere:specs/a.migrate.yaml", "m:a:b"])
def test_what_git_does_not_have_is_refused(name: str) -> None:
    error = run(name, "specs/a.migrate.yaml").exception
    assert isinstance(error, Refused)
    assert error.message.startswith(f"git has no {name}: fatal: ")


@pytest.mark.parametrize("name", ["--output=x:specs/a.yaml", "nowhere.yaml", ":a"])
def test_what_is_no_revision_is_taken_for_a_file(name: str) -> None:
    assert isinstance(run("--", name, name).exception, SpecError)
