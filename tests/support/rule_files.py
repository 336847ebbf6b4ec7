"""The files that break rules which no example can show."""

from pathlib import Path

_BOMB = "a0: &a0 x\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 11)
)
UNSHOWN: dict[str, bytes | None] = {
    "MIG101": None,
    "MIG102": b"#" * ((1 << 20) + 1),
    "MIG103": "description: café\n".encode("latin-1"),
    "MIG113": _BOMB.encode(),
    "MIG114": f"tests: {'[' * 90}{']' * 90}\n".encode(),
}
"""By code; ``None`` is no file at all."""


def write_unshown(code: str, path: Path) -> None:
    """Write the file that breaks the rule ``code``."""
    content = UNSHOWN[code]
    if content is not None:
        path.write_bytes(content)
