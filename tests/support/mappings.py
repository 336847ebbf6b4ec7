"""Mappings whose outcomes a test knows in advance. They pickle, as the real one does."""

import os
import signal
from dataclasses import dataclass

import orjson

from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Outcome, Rejected
from support.ledgers import kept


class ByNumber:
    """Keeps items by their number ``id``: every third is dropped, every seventh rejected."""

    def apply(self, line: bytes) -> Outcome:
        """Return what becomes of ``line``."""
        try:
            number = int(orjson.loads(line)["Item"]["id"]["N"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Rejected(Reason.MALFORMED_LINE, "not JSON")
        if number % 3 == 0:
            return Dropped()
        if number % 7 == 0:
            return Rejected(Reason.MISSING_KEY, "there is no customer_id")
        return kept(str(number))


@dataclass(frozen=True)
class KilledAt(ByNumber):
    """Kills its own process at one item, as the kernel does where memory runs out."""

    item: bytes

    def apply(self, line: bytes) -> Outcome:
        """Return what becomes of ``line``, or die."""
        if self.item in line:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().apply(line)


@dataclass(frozen=True)
class InterruptedAt(ByNumber):
    """Interrupts the parent process at one item, as Ctrl-C does, and goes on."""

    item: bytes
    process: int

    def apply(self, line: bytes) -> Outcome:
        """Return what becomes of ``line``."""
        if self.item in line:
            os.kill(self.process, signal.SIGINT)
        return super().apply(line)
