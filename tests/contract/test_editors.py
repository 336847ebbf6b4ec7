"""What editors show of a spec, tested with the real yaml-language-server.

npm install --no-audit --no-fund --prefix /tmp/yls yaml-language-server@1.25.0
RETABLE_YAML_LANGUAGE_SERVER=/tmp/yls/node_modules/.bin/yaml-language-server pytest …
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retable.schema.validate import SCHEMA_FILE
from support.small_specs import small_spec
from support.yaml_server import Server, yaml_server

HEAD = f"# yaml-language-server: $schema={SCHEMA_FILE.as_uri()}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with yaml_server() as started:
        yield started


def opened(server: Server, path: Path, text: str) -> tuple[Path, list[str]]:
    # A unique name, as the server still reports on files that were opened before.
    path = path / f"{len(list(path.iterdir()))}.migrate.yaml"
    path.write_text(HEAD + text)
    return path, [found["message"] for found in server.open(path)]


@pytest.mark.parametrize(
    ("text", "place", "labels"),
    [
        ("spec: 1\n\n", (3, 1), {"source", "target", "transform", "rebuild", "verify", "tests"}),
        ("rebuild:\n  strategy: \n", (3, 13), {"side-by-side", "replace", "recover"}),
        (
            "source:\n  table: a\n  export:\n    kind: native\n    format: \n",
            (6, 13),
            {"dynamodb-json", "ion"},
        ),
        ("transform:\n  \n", (3, 3), {"where", "copy", "drop", "fields", "max_rejects"}),
    ],
)
def test_possible_keys_and_values_are_offered(
    server: Server, tmp_path: Path, text: str, place: tuple[int, int], labels: set[str]
) -> None:
    path, _ = opened(server, tmp_path, text)
    offered = server.at("completion", path, *place)["items"]
    assert labels <= {item["label"] for item in offered}
    told = [item for item in offered if item["label"] in labels and item.get("documentation")]
    assert told or text.endswith(": \n")


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("rebuild:\n  settle: 5m\n", (3, 4), "freeze"),
        ("transform:\n  max_rejects: 0\n", (3, 4), "reject"),
        ("source:\n  table: a\n  export: {kind: native}\n", (4, 13), "read"),
        ("target:\n  key:\n    partition: {name: a, type: S}\n", (4, 18), "attribute's name"),
    ],
)
def test_hovering_over_a_key_shows_its_description(
    server: Server, tmp_path: Path, text: str, place: tuple[int, int], words: str
) -> None:
    path, _ = opened(server, tmp_path, text)
    hover = server.at("hover", path, *place)
    assert words in hover["contents"]["value"]


def test_mistakes_are_underlined_and_nothing_else(server: Server, tmp_path: Path) -> None:
    assert opened(server, tmp_path, small_spec())[1] == []
    _, found = opened(server, tmp_path, small_spec().replace("transform:", "transfrom:"))
    assert any("transfrom" in message for message in found), found
