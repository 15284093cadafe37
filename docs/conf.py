"""Sphinx builds the documentation with `make docs`: warnings are errors, and nothing is fetched."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cyclevox

project = "cyclevox"
author = "The cyclevox authors"
copyright = "2026, The cyclevox authors"  # noqa: A001  (Sphinx names it so)
release = version = cyclevox.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_generate_overwrite = True
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature shows them; shapes stand in the docstring
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"cyclevox {release}"
