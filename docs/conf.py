"""The site: `sphinx-build -W docs build/docs`. Pages are Markdown; some are made by the tests."""

project = "retable"
author = "the retable authors"
extensions = ["myst_parser"]
exclude_patterns = ["sample"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "retable"
html_copy_source = False
html_show_sphinx = False
