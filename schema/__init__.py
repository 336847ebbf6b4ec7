"""What a spec may say. ``load_spec`` reads one file; everything else here serves it."""

from retable.schema.load import load_spec

__all__ = ["load_spec"]
