"""The lines of a checked data file, one exported item each. Parsing them is the mapping's."""

from collections.abc import Iterator

from retable.runner.export.check import DAMAGED, CheckedFile, md5_of, plain_chunks
from retable.runner.failure import CheckFailed

MAX_LINE_BYTES = 8_000_000
"""The longest line that is read. A 400 KB item of control characters, each escaped with six
bytes, makes a line of about 2.5 MB; a longer one is no item and must not fill the memory."""


def read_lines(file: CheckedFile) -> Iterator[tuple[int, bytes]]:
    """Yield each line of ``file`` with its number, from 1, and without its newline.

    The bytes are proved again before the first line: between the check and now the file may have
    been replaced.

    Raises:
        CheckFailed: it is not the file that was checked, or it has another number of lines.
    """
    found = md5_of(file.path)
    if found != file.md5:
        message = f"data file {file.key}: MD5 is {found} now; it was checked with {file.md5}"
        raise CheckFailed(message, "the file was replaced since; make a new export")
    number = 0
    rest = b""
    for chunk in plain_chunks(file.path, file.key):
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if len(rest) > MAX_LINE_BYTES:
            message = f"data file {file.key}: line {number + len(lines) + 1} has no end"
            raise CheckFailed(message, DAMAGED)
        for line in lines:
            number += 1
            yield number, line
    if rest:
        number += 1
        yield number, rest
    if number != file.item_count:
        message = f"data file {file.key}: it has {number:,} lines, expected {file.item_count:,}"
        raise CheckFailed(message, DAMAGED)
