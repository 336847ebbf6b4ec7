"""Writes rejected lines, each complete and with its reason. It does not read them back."""

import base64
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from retable.runner.disk import replace_durably
from retable.transforms.item_outcome import Rejected


class RejectWriter:
    """Writes the rejected lines of one data file to ``path``, if there are any.

    A context manager: a normal exit finishes the file, an exception leaves nothing behind.
    """

    def __init__(self, path: Path) -> None:
        """Prepare to write ``path``; its folder must exist."""
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def add(self, source_file: str, source_line: int, line: bytes, outcome: Rejected) -> None:
        """Write one rejected line with its place and reason.

        A line that is not UTF-8 is kept as ``line_base64``, so that no byte is lost.
        """
        entry: dict[str, Any] = {
            "source_file": source_file,
            "source_line": source_line,
            "reason": outcome.reason.value,
            "detail": outcome.detail.encode("utf-8", "backslashreplace").decode(),
        }
        try:
            entry["line"] = line.decode("utf-8")
        except UnicodeDecodeError:
            entry["line_base64"] = base64.b64encode(line).decode()
        if self._file is None:
            self._file = self._part.open("wb")
        self._file.write(orjson.dumps(entry) + b"\n")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the file, or discard it."""
        if self._file is None:
            return
        try:
            self._file.close()
            if kind is None:
                replace_durably(self._part, self._path)
        finally:
            self._part.unlink(missing_ok=True)
