"""Specs for tests: from YAML text, or from a minimal valid spec with a few sections changed."""

import base64
import copy
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from retable.schema import load_spec
from retable.schema.spec import Spec

_NOT_AS_IT_IS = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
MINIMAL: Mapping[str, Any] = {
    "spec": 1,
    "name": "things",
    "source": {"table": "things", "export": {"kind": "native", "location": "exports"}},
    "target": {"table": "things-by-id", "key": {"partition": {"name": "id", "type": "S"}}},
}


def build_spec(
    tmp_path: Path, text_or_overrides: str | Mapping[str, Any] | None = None, **sections: Any
) -> Spec:
    """Return the spec that YAML text says, or the minimal one with overrides merged into it.

    ``None`` as an override removes the key.
    """
    path = tmp_path / "spec.migrate.yaml"
    path.write_text(spec_text(text_or_overrides, **sections), encoding="utf-8")
    return load_spec(path)


def spec_text(text_or_overrides: str | Mapping[str, Any] | None = None, **sections: Any) -> str:
    """Return the YAML text of a spec: the one given, or the minimal one with overrides."""
    if isinstance(text_or_overrides, str):
        return text_or_overrides
    merged = _merged(copy.deepcopy(dict(MINIMAL)), {**(text_or_overrides or {}), **sections})
    return "".join(f"{key}: {as_yaml(value)}\n" for key, value in merged.items())


def as_yaml(value: Any) -> str:
    """Return ``value`` as flow YAML that reads back as the same value."""
    match value:
        case set() | frozenset():
            members = sorted(as_yaml(member) for member in value)
            return "!!set {" + ", ".join(members) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(as_yaml, value)) + "]"
        case Mapping():
            entries = (f"{as_yaml(key)}: {as_yaml(entry)}" for key, entry in value.items())
            return "{" + ", ".join(entries) + "}"
        case bytes():
            return f'!!binary "{base64.b64encode(value).decode()}"'
        case Decimal():
            return str(value)
        case _:
            # Not all of what JSON leaves as it is may stand in YAML as it is.
            text = json.dumps(value, ensure_ascii=False)
            return _NOT_AS_IT_IS.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _merged(base: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in overrides.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(base.get(key), dict):
            base[key] = _merged(base[key], value)
        else:
            base[key] = value
    return base
