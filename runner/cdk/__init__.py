"""CDK: its assemblies and templates read and judged, and its command line run."""
