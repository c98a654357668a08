#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
widths.py FILE...: finds the comments and the prose that have lines of more than 100 columns.

That is comments in Rust, C, shell and Python, and what is to be read in .rst and .md. The width of
code is for rustfmt and checkpatch, and a message in a string is one line, however long. Literal
blocks, tables and lines with an address on the web may be wider. Each fault is a line with the
place.
"""

import re
import sys
import tokenize

WIDEST = 100

# What is in a string is no comment, and a quote in a comment begins no string.
RUST = re.compile(r'(//[^\n]*|/\*.*?\*/)|r(#*)".*?"\2|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
C = re.compile(r'(//[^\n]*|/\*.*?\*/)|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)
SHELL = re.compile(r'^[ \t]*(#[^\n]*)', re.M)

# A line of a table of reStructuredText that is drawn: a border, or a row of a grid.
BORDER = re.compile(r'\s*=+(?: +=+)+\s*$|\s*\+[-=+]+\+\s*$|\s*\|')

LITERAL = re.compile(r'\.\. (?:code-block|parsed-literal)::')
BULLETS = re.compile(r'(?:[-*] )*')


def by(pattern):
    """Finds the lines of what the pattern's first group matches."""
    def find(path):
        with open(path, encoding='utf-8') as source:
            text = source.read()
        found = set()
        for match in pattern.finditer(text):
            if match.group(1):
                first = text.count('\n', 0, match.start(1))
                found.update(range(first, first + match.group(1).count('\n') + 1))
        return found
    return find


def of_python(path):
    """Finds the lines of comments, and of strings that are a statement."""
    found, before = set(), tokenize.NEWLINE
    with open(path, 'rb') as source:
        for token in tokenize.tokenize(source.readline):
            alone = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
            if token.type == tokenize.COMMENT or token.type == tokenize.STRING and alone:
                found.update(range(token.start[0] - 1, token.end[0]))
            if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING):
                before = token.type
    return found


def of_rst(path):
    """Finds the lines that are in no literal block and no drawn table."""
    found, literal, table = set(), None, False
    with open(path, encoding='utf-8') as source:
        lines = source.read().expandtabs().split('\n')
    for at, line in enumerate(lines):
        text = line.strip()
        indent = len(line) - len(line.lstrip())
        if literal is not None:
            if not text or indent > literal:
                continue
            literal = None
        if BORDER.match(line):
            # The border below the titles is followed by a row, the last one by nothing.
            table = not table or bool(lines[at + 1].strip())
        elif not table:
            found.add(at)
        if text.endswith('::') and not text.startswith('.. ') or LITERAL.match(text):
            # What is further right than the text, without its bullets, is the block.
            literal = indent + len(BULLETS.match(text).group())
    return found


def of_markdown(path):
    """Finds the lines that are in no block of code and no table."""
    found, fenced = set(), False
    with open(path, encoding='utf-8') as source:
        for at, line in enumerate(source):
            if re.match(r'\s*```', line):
                fenced = not fenced
            elif not fenced and not re.match(r'\s*\||    ', line):
                found.add(at)
    return found


KINDS = {'rs': by(RUST), 'c': by(C), 'h': by(C), 'sh': by(SHELL), 'py': of_python,
         'rst': of_rst, 'md': of_markdown}


def kind_of(path):
    """What finds the lines of a file, by its name or its first line; or none."""
    ending = re.search(r'\.(\w+)$', path)
    if ending:
        return KINDS.get(ending.group(1))
    with open(path, 'rb') as source:
        first = source.readline(64)
    if not first.startswith(b'#!'):
        return None
    return of_python if b'python' in first else by(SHELL)


def main():
    """Prints the faults, and returns the status."""
    status = 0
    for path in sys.argv[1:]:
        find = kind_of(path)
        if not find:
            continue
        lines = find(path)
        with open(path, encoding='utf-8') as source:
            for at, line in enumerate(source.read().split('\n')):
                width = len(line.expandtabs())
                if at in lines and width > WIDEST and '://' not in line:
                    print(f'{path}:{at + 1}: has {width} columns, not at most {WIDEST}')
                    status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
