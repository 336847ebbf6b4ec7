"""The MD5 of a line: a checksum that DuckDB has as well, and no guard against anybody."""

import hashlib
from functools import partial

__all__ = ["md5"]

try:
    # OpenSSL looks the algorithm up anew for each line, which takes longer than the line itself.
    import _md5  # type: ignore[import-not-found]  # typeshed leaves it out
except ImportError:  # a Python that was built with OpenSSL's alone
    md5 = partial(hashlib.md5, usedforsecurity=False)
else:
    md5 = _md5.md5
