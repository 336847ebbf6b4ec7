"""The MD5 of a line: a checksum that DuckDB has too, not a protection against tampering."""

import hashlib
from functools import partial

__all__ = ["md5"]

try:
    # OpenSSL looks up the algorithm for each line, which takes longer than hashing the line.
    import _md5  # type: ignore[import-not-found]  # typeshed leaves it out
except ImportError:  # a Python built with only OpenSSL's
    md5 = partial(hashlib.md5, usedforsecurity=False)
else:
    md5 = _md5.md5
