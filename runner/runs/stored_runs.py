"""Stores runs in S3, and fetches them into a run folder.

Below the prefix: ``runs/<run-id>/plan.json``, ``spec.yaml``, ``journal/<number>.json`` with one
record each, ``files/`` with what the run folder holds, ``report.json``, ``diff.jsonl``; and
``locks/``. The journal says which of the objects under ``files/`` count; others are leftovers.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from retable.runner.aws.objects import Seen
from retable.runner.aws.state_address import Address
from retable.runner.disk import not_written, replace_durably
from retable.runner.failure import CheckFailed, Refused
from retable.runner.runs.folder import RUN_ID, RunFolder
from retable.runner.runs.journal import RUN, Record, decode_record

KEPT, REMOVED = "kept", "gone"
"""Events of the run: files of its folder that were stored in S3, and files that were removed."""
AT_ONCE = 16
"""Records that are fetched in parallel."""
ALTERED = "the state in S3 was altered; restore it, or start a new run"


class Bucket(Protocol):
    """The S3 calls that storing runs needs."""

    def look(self, bucket: str, key: str) -> Seen | None:
        """Return a small object, or ``None`` if there is none."""
        ...

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Store a small object."""
        ...

    def put_if(self, bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
        """Store it if the object still has that ETag; return the new ETag, or ``None``."""
        ...

    def upload(self, bucket: str, key: str, path: Path) -> None:
        """Store the content of a file, in parts if it is large."""
        ...

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        """Fetch an object into ``path``."""
        ...

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys that start with ``prefix``."""
        ...

    def list_folders(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the names below ``prefix``, up to the next slash."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPart:
    """A range of a file of the run folder, and the object that holds it.

    A part at offset 0 replaces the file; any other continues where the previous one ended.
    """

    path: str
    key: str
    offset: int
    size: int
    sha256: str


class StoredRuns:
    """The runs below one prefix."""

    def __init__(self, address: Address, bucket: Bucket) -> None:
        """Use the runs at ``address``."""
        self.address = address
        self.bucket = bucket

    def publish(self, run_id: str, name: str, body: bytes) -> None:
        """Store a small file of a run as ``name``."""
        self.bucket.put(self.address.bucket, self._key(run_id, name), body)

    def publish_file(self, run_id: str, name: str, path: Path) -> None:
        """Store a file of a run as ``name``."""
        self.bucket.upload(self.address.bucket, self._key(run_id, name), path)

    def has(self, run_id: str) -> bool:
        """Return whether the run is here."""
        return self._look(run_id, "plan.json") is not None

    def put_record(self, run_id: str, number: int, line: bytes) -> bool:
        """Store a record of a run; return ``False`` if there is one with its number already."""
        key = self._key(run_id, "journal", f"{number:08d}.json")
        return self.bucket.put_if(self.address.bucket, key, line, None) is not None

    def put_part(self, run_id: str, name: str, path: Path, offset: int) -> str:
        """Store a file from ``offset`` on as ``name`` and return the object's key."""
        key = self._key(run_id, "files", name)
        if offset == 0:
            self.bucket.upload(self.address.bucket, key, path)
            return key
        with path.open("rb") as file:
            file.seek(offset)
            self.bucket.put(self.address.bucket, key, file.read())
        return key

    def fetch_heads(self, folder: Path, run_id: str | None = None) -> None:
        """Write the plan, the journal and the report of every run, or of one, into ``folder``.

        Raises:
            CheckFailed: a journal has a gap or a damaged record.
        """
        if run_id is not None and not RUN_ID.fullmatch(run_id):
            return
        names = self._run_ids() if run_id is None else [run_id]
        for name in names:
            plan = self._look(name, "plan.json")
            if plan is None:
                continue
            run = RunFolder(folder / name)
            run.path.mkdir(parents=True)
            run.plan.write_bytes(plan.body)
            moment = plan.modified.timestamp()
            os.utime(run.plan, (moment, moment))
            self._write_journal(run)
            report = self._look(name, "report.json")
            if report is not None:
                run.report.write_bytes(report.body)

    def fetch(self, run: RunFolder, *, only: Collection[str] | None = None) -> None:
        """Restore the run folder as its journal in S3 describes it.

        What is in the folder is removed first, except fetched data files, whose digests are checked
        again. With ``only``, just the files of those subfolders are fetched; the others stay.

        Raises:
            Refused: there is no such run.
            CheckFailed: the journal has a gap, or a file is not the one that was stored.
            Stopped: S3 does not answer, or the disk is full.
        """
        plan = self._look(run.run_id, "plan.json")
        if plan is None:
            message = f"there is no run {run.run_id} in {self.address}"
            raise Refused(message, "migrate status --state lists the runs")
        try:
            if only is None:
                _empty(run)
            for made in (run.path, run.quarantine, run.ledger):
                made.mkdir(parents=True, exist_ok=True)
            run.plan.write_bytes(plan.body)
            for part in kept_parts(self._write_journal(run)):
                if only is None or PurePosixPath(part.path).parts[0] in only:
                    self._fetch_part(run, part)
        except OSError as error:
            raise not_written(error, run.path) from error

    def _write_journal(self, run: RunFolder) -> list[Record]:
        """Write the journal's file from the records in S3, and return them."""
        prefix = self._key(run.run_id, "journal") + "/"
        keys = sorted(self.bucket.list_keys(self.address.bucket, prefix))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda key: self.bucket.look(self.address.bucket, key), keys))
        lines = [seen.body if seen is not None else b"" for seen in found]
        records = []
        for number, (key, line) in enumerate(zip(keys, lines, strict=True), start=1):
            record = decode_record(line)
            named = key == f"{prefix}{number:08d}.json"
            if record is None or not named or record.number != number:
                message = f"the journal in {self.address} is damaged at s3://…/{key}"
                raise CheckFailed(message, ALTERED)
            records.append(record)
        part = run.journal.with_suffix(".part")
        part.write_bytes(b"".join(lines))
        replace_durably(part, run.journal)
        return records

    def _fetch_part(self, run: RunFolder, part: KeptPart) -> None:
        """Fetch a range of a file and put it in its place."""
        path = run.path / part.path
        path.parent.mkdir(parents=True, exist_ok=True)
        arriving = path.with_name(f"{path.name}.part")
        try:
            self.bucket.download(self.address.bucket, part.key, arriving, None)
        except CheckFailed as error:
            raise CheckFailed(error.message, ALTERED) from error
        if (arriving.stat().st_size, sha256_of(arriving)) != (part.size, part.sha256):
            message = f"s3://{self.address.bucket}/{part.key} is not what was stored"
            raise CheckFailed(message, ALTERED)
        if part.offset == 0:
            arriving.replace(path)
            return
        with path.open("ab") as file:
            if file.tell() != part.offset:
                message = (
                    f"s3://{self.address.bucket}/{part.key} does not continue the part before it"
                )
                raise CheckFailed(message, ALTERED)
            file.write(arriving.read_bytes())
        arriving.unlink()

    def _run_ids(self) -> list[str]:
        prefix = self.address.key("runs") + "/"
        found = self.bucket.list_folders(self.address.bucket, prefix)
        return [name for name in found if RUN_ID.fullmatch(name)]

    def _look(self, run_id: str, name: str) -> Seen | None:
        return self.bucket.look(self.address.bucket, self._key(run_id, name))

    def _key(self, run_id: str, *parts: str) -> str:
        return self.address.key("runs", run_id, *parts)


def _empty(run: RunFolder) -> None:
    """Remove what may be out of date: another machine may have resumed the run since."""
    for path in run.path.iterdir() if run.path.is_dir() else ():
        if path.is_dir() and not path.is_symlink():
            if path != run.spool:
                shutil.rmtree(path)
        else:
            path.unlink()


def kept_parts(records: Iterable[Record]) -> list[KeptPart]:
    """Return the parts of the run folder, in the order in which to assemble them."""
    files: dict[str, list[KeptPart]] = {}
    for record in records:
        if record.step == RUN and record.event == KEPT:
            for fields in record.data["parts"]:
                part = _part(fields)
                files[part.path] = [*(files.get(part.path, []) if part.offset else []), part]
        elif record.step == RUN and record.event == REMOVED:
            for path in record.data["paths"]:
                files.pop(path, None)
    return [part for parts in files.values() for part in parts]


def as_fields(part: KeptPart) -> Mapping[str, Any]:
    """Return a part as the journal's JSON fields."""
    return asdict(part)


def sha256_of(path: Path, offset: int = 0) -> str:
    """Return the SHA-256 of a file from ``offset`` on, as hex digits."""
    with path.open("rb") as file:
        file.seek(offset)
        return hashlib.file_digest(file, "sha256").hexdigest()


def _part(fields: Mapping[str, Any]) -> KeptPart:
    """Return a part from its fields in the journal; its path is in the run folder.

    Raises:
        CheckFailed: its path escapes the run folder.
    """
    part = KeptPart(**fields)
    path = PurePosixPath(part.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        message = f"the journal names {part.path!r}, which is not in the run folder"
        raise CheckFailed(message, ALTERED)
    return part
