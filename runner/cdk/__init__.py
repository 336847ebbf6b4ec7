"""CDK: reads and checks assemblies and templates, and runs the command line."""
