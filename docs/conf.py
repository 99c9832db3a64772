"""How Sphinx builds these pages: `python3 noxfile.py docs`. Nothing is fetched while it does."""

from __future__ import annotations

import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import imednet

sys.path.insert(0, str(Path(__file__).with_name("_extensions")))

project = "imednet"
author = "The imednet developers"
copyright = "The imednet developers"
release = version = imednet.__version__
language = "en"
smartquotes = False  # it would make a dash of the two hyphens before a flag

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_reference",
    "fenced_docstrings",
]
exclude_patterns = ["_extensions", "images/*.py"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
default_role = "literal"
# A study is a row, and the resources of one study: an annotation may mean either.
suppress_warnings = ["ref.python"]
# Types of other packages, and short names that autodoc cannot place, are text here: a link
# would need their inventories, and so the network.
nitpick_ignore_regex = [("py:.*", r"(?!imednet).*"), ("py:class", r"imednet\.listing\.M")]

html_theme = "furo"
html_title = f"imednet {release}"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sourcelink = False


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)  # Pygments has none
