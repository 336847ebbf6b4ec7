"""What a spec may contain. ``load_spec`` reads one file; everything else here supports it."""

from retable.schema.load import load_spec

__all__ = ["load_spec"]
