# SPDX-License-Identifier: GPL-2.0
#
# Sphinx's configuration, for "make doc". The reference of the C routines is made
# from the comments in the header by the kernel's own extension, out of the kernel
# source that srctree names.

import os
import sys

srctree = os.environ["srctree"]
sys.path.insert(0, os.path.join(srctree, "Documentation", "sphinx"))

project = "rust_pool"
author = "The rust_pool authors"
copyright = author
extensions = ["kerneldoc"]
kerneldoc_srctree = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
kerneldoc_verbosity = 0

language = "en"
highlight_language = "none"
primary_domain = "c"
html_theme = "alabaster"
html_theme_options = {"page_width": "65em", "body_max_width": "none"}
html_sidebars = {"**": ["about.html", "searchbox.html", "localtoc.html",
                        "navigation.html"]}
html_show_copyright = False
