# SPDX-License-Identifier: GPL-2.0
"""
Pictures that are made from text in the tree. Two directives for Sphinx:

    .. plot:: pictures/name.gp        what this gnuplot script draws
    .. layers:: ../rust_pool/README.rst
                                      the table of folders there as a graph

The other pictures are Graphviz's, pictures/*.dot, by Sphinx's own directive.
"""

import os
import subprocess
import sys

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.ext.graphviz import graphviz
from sphinx.util.docutils import SphinxDirective

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "scripts"))
import layers  # noqa: E402  (it is in scripts/)


class Plot(SphinxDirective):
    """Runs gnuplot in the script's directory and shows the SVG that it prints."""

    required_arguments = 1
    option_spec = {"alt": directives.unchanged_required}

    def run(self):
        name, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(name)
        done = subprocess.run(["gnuplot", path], cwd=os.path.dirname(path),
                              capture_output=True, text=True, check=False)
        if done.returncode or "<svg" not in done.stdout:
            raise self.error(f"gnuplot {path}: {done.stderr}")
        svg = done.stdout[done.stdout.index("<svg"):]
        return [nodes.raw("", f'<div class="plot">{svg}</div>', format="html"),
                nodes.comment("", self.options.get("alt", ""))]


class Layers(SphinxDirective):
    """Draws who may use whom. What follows from other edges is left out."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(self.env.relfn2path(self.arguments[0])[0])
        rows = layers.read_layers()
        below = {}
        for folder, used in rows.items():
            below[folder] = set(used).union(*(below[name] for name in used))
        edges = []
        for folder, used in rows.items():
            implied = set().union(*(below[name] for name in used))
            edges += [f'"{folder}" -> "{name}";' for name in used if name not in implied]
        code = ("digraph layers { rankdir=TB; ranksep=0.35; node [shape=box, style=filled,"
                ' fillcolor="#eef3f8", fontname="sans-serif", fontsize=11, height=0.3];'
                " edge [arrowsize=0.6]; " + " ".join(edges) + " }")
        picture = graphviz()
        picture["code"] = code
        picture["options"] = {"docname": self.env.docname}
        picture["alt"] = "the folders and who uses whom"
        return [picture]


def setup(app):
    """Sphinx calls this."""
    app.add_directive("plot", Plot)
    app.add_directive("layers", Layers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
