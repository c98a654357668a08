# SPDX-License-Identifier: GPL-2.0
#
# Sphinx's configuration, for "make doc". The kernel's own extension makes the
# reference of the C routines from the comments in the headers; srctree names the
# kernel source that has it. "pictures" is in this directory.

import os
import sys

from docutils import nodes

srctree = os.environ["srctree"]
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(srctree, "Documentation", "sphinx"))
sys.path.insert(0, here)

project = "rust_pool"
author = "The rust_pool authors"
copyright = author
extensions = ["kerneldoc", "sphinx.ext.graphviz", "pictures"]
kerneldoc_srctree = os.path.dirname(here)
kerneldoc_verbosity = 0
graphviz_output_format = "svg"

language = "en"
highlight_language = "none"
primary_domain = "c"
# The theme of the kernel's own documents. Its pages are as wide as the window.
html_theme = "alabaster"
html_theme_options = {
    "description": "The WDK's memory routines for Linux",
    "page_width": "auto",
    "body_max_width": "none",
    "sidebar_width": "15em",
    "fixed_sidebar": True,
}
html_static_path = ["static"]
html_sidebars = {"**": ["about.html", "searchbox.html", "localtoc.html",
                        "navigation.html"]}
html_show_copyright = False


def mark_logs(app, doctree):
    """Gives samples of the kernel log a class, by which static/custom.css wraps their lines."""
    for block in doctree.findall(nodes.literal_block):
        if "rust_pool: " in block.astext():
            block["classes"].append("log")


def setup(app):
    """Sphinx calls this."""
    app.connect("doctree-read", mark_logs)
