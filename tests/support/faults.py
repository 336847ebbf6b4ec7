"""Every fault that an export can have between the service and us, put into a whole one."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from support.exports import MadeExport, md5_text, with_flipped_bit


@dataclass(frozen=True)
class Fault:
    """One way to damage an export, and what the message about it says."""

    damage: Callable[[MadeExport, int], None]
    """Damages the data file with that number in the files manifest."""
    says: str
    """A pattern; ``{file}`` is the data file's bare name."""


def _change(change: Callable[[bytes], bytes]) -> Callable[[MadeExport, int], None]:
    def damage(made: MadeExport, number: int) -> None:
        path = made.data(number)
        path.write_bytes(change(path.read_bytes()))

    return damage


def _wrong_digest(made: MadeExport, number: int) -> None:
    made.set_entry(number, md5Checksum=md5_text(b"another file"))


def _wrong_count(made: MadeExport, number: int) -> None:
    made.set_entry(number, itemCount=made.entries()[number]["itemCount"] + 1)
    made.set_summary(itemCount=sum(entry["itemCount"] for entry in made.entries()))


def _missing(made: MadeExport, number: int) -> None:
    made.data(number).unlink()


def _unsigned_crc(made: MadeExport, number: int) -> None:
    """Break the gzip's own checksum and sign the result: only unpacking finds it."""
    body = made.data(number).read_bytes()
    broken = with_flipped_bit(body, len(body) - 8)
    made.set_data(broken, made.entries()[number]["itemCount"], number)


def _summary_behind(made: MadeExport, _: int) -> None:
    made.set_summary(itemCount=sum(entry["itemCount"] for entry in made.entries()) + 1)


def _altered_manifest(made: MadeExport, _: int) -> None:
    made.change("manifest-files.json", lambda content: content.replace(b"itemCount", b"itemcount"))


def _unfinished(made: MadeExport, _: int) -> None:
    made.path("manifest-summary.md5").unlink()


MD5 = r"data file \S*{file}: MD5 is \S+; the manifest says \S+"
FAULTS: Mapping[str, Fault] = {
    "truncated": Fault(_change(lambda body: body[:-5]), MD5),
    "flipped byte": Fault(_change(lambda body: with_flipped_bit(body, len(body) // 2)), MD5),
    "empty file": Fault(_change(lambda _: b""), MD5),
    "replaced by another gzip": Fault(_change(lambda _: gzip.compress(b"{}\n")), MD5),
    "wrong digest": Fault(_wrong_digest, MD5),
    "wrong count": Fault(
        _wrong_count, r"data file \S*{file}: it has \d+ lines; the manifest says \d+"
    ),
    "missing file": Fault(_missing, r"data file \S*{file} is missing"),
    "broken CRC": Fault(
        _unsigned_crc, r"data file \S*{file}: expected a complete gzip file, found: incorrect data"
    ),
    "wrong sum": Fault(_summary_behind, r"\d+ items.* \d+"),
    "altered manifest": Fault(_altered_manifest, r"manifest-files"),
    "unfinished": Fault(_unfinished, r"manifest-summary\.md5 is missing"),
}
