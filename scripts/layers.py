#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
layers.py [DIR]: holds the files of rust_pool, in DIR or this checkout, against the table of folders
in rust_pool/README.rst.

A folder is rust_pool/NAME.rs and all that is below rust_pool/NAME/, C code included. It may use
itself and the folders that its row names, which are rows above it. No files use each other in a
circle. What depends on the architecture is below one folder alone. Each fault is a line with the
place in the code, and a circle is a line for each of its steps.
"""

import os
import re
import sys

TOP = os.path.abspath(sys.argv[1] if __name__ == '__main__' and len(sys.argv) > 1
                      else os.path.join(os.path.dirname(__file__), '..'))
HOUSE = os.path.join(TOP, 'rust_pool')
TABLE = 'rust_pool/README.rst'

# The folder that may name the architecture, and a pattern for such names.
ARCH = 'sys/arch'
ARCH_NAMES = re.compile(
    r'<asm/|\basm!|\btarget_arch\b|\bx86|\bCONFIG_X86|%?\b[fg]s:'
    r'|\b[er][a-d]x\b|\b[er][sb]p\b|\b[er][sd]i\b|\b(?:pgd|p4d|pud|pmd|pte)_\w+\(|\bflush_tlb\w*')

faults = []


def fault(where, text):
    """Notes a fault."""
    faults.append(f'{where}: {text}')


def blank(match):
    """Blanks in place of text that is left out, with the same lines and columns."""
    return re.sub(r'[^\n]', ' ', match.group())


def code_of(text):
    """The text without comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', blank, text, flags=re.S)


class Tree:
    """The files: `modules` by their names, such as "verifier::options", and `c_files`."""

    def __init__(self):
        self.modules = {}
        self.c_files = []
        for folder, _, names in os.walk(HOUSE):
            for name in names:
                path = os.path.join(folder, name)
                if name.endswith('_generated.rs'):
                    continue
                if name.endswith('.rs'):
                    self.modules['::'.join(os.path.relpath(path, HOUSE)[:-3].split(os.sep))] = path
                elif name.endswith(('.c', '.h')):
                    self.c_files.append(path)
        self.c_files.sort()

    def module_of(self, parts):
        """The module that a path from the crate's root leads into."""
        for end in range(len(parts), 0, -1):
            if '::'.join(parts[:end]) in self.modules:
                return '::'.join(parts[:end])
        return None


def leaves(tree):
    """All paths of a `use`: a::{b, c::d} has two."""
    paths, stack, path, word = [], [], [], ''
    for token in re.findall(r'[\w$*]+|::|[{},]', re.sub(r'\bas\s+\w+', '', tree) + ','):
        if token == '{':
            stack.append(path)
        elif token == '::':
            path, word = path + [word], ''
        elif token in ',}':
            if word:
                paths.append(path + [word])
            word = ''
            if token == '}':
                stack.pop()
            path = stack[-1] if stack else []
        else:
            word = token
    return paths


def inner_modules(code):
    """(start, end, name) of each `mod name { }`."""
    found = []
    for match in re.finditer(r'\bmod\s+(\w+)\s*\{', code):
        depth, at = 1, match.end()
        while depth and at < len(code):
            depth += {'{': 1, '}': -1}.get(code[at], 0)
            at += 1
        found.append((match.end(), at, match.group(1)))
    return found


def paths_in(code):
    """Each path that the code has: where it stands, its names, and whether it is a `use`."""
    uses = re.compile(r'^[ \t]*(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]*);', re.M)
    for match in uses.finditer(code):
        for path in leaves(match.group(1)):
            # The position of the last name, approximately.
            name = path[-2] if path[-1] == 'self' else path[-1]
            at = re.search(r'(?<!\w)' + re.escape(name) + r'(?!\w)', match.group(1))
            yield match.start(1) + (at.start() if at else 0), path, True
    for match in re.finditer(r'(?<![\w:])\$?(?:crate|super|self)(?:::\w+)+', uses.sub(blank, code)):
        yield match.start(), match.group().lstrip('$').split('::'), False


def edges_of(tree):
    """{(user, used): "file:line"} of all modules."""
    edges = {}
    for name, file in sorted(tree.modules.items()):
        with open(file, encoding='utf-8') as text:
            code = code_of(text.read())
        inner = inner_modules(code)
        for at, path, is_use in paths_in(code):
            where = name.split('::') + [
                within for start, end, within in inner if start <= at < end]
            parts = list(path)
            if parts[0] == 'crate':
                where, parts = [], parts[1:]
            elif parts[0] == 'self':
                parts = parts[1:]
            elif parts[0] == 'super':
                while parts and parts[0] == 'super':
                    where, parts = where[:-1], parts[1:]
            elif not is_use or '::'.join(where + parts[:1]) not in tree.modules:
                continue
            used = tree.module_of(where + parts)
            if used and used != name:
                line = code[:at].count('\n') + 1
                edges.setdefault((name, used), f'{os.path.relpath(file, TOP)}:{line}')
    return edges


def circles(edges):
    """A shortest circle for each set of modules that use each other, as a list of names."""
    follow = {}
    for user, used in sorted(edges):
        follow.setdefault(user, []).append(used)
    found, done = [], set()
    for start in sorted(follow):
        came, queue, way = {start: None}, [start], None
        while queue and not way and start not in done:
            at = queue.pop(0)
            for used in follow.get(at, []):
                if used == start:
                    way = [at]
                    while came[way[0]]:
                        way.insert(0, came[way[0]])
                    break
                if used not in came and used not in done:
                    came[used] = at
                    queue.append(used)
        if way:
            found.append(way)
            done.update(way)
    return found


def read_table():
    """{folder: the folders that it may use}, in the order of the table's rows."""
    rows, columns, folder = {}, None, None
    with open(os.path.join(TOP, TABLE), encoding='utf-8') as text:
        lines = text.read().split('\n')
    for line, behind in zip(lines, lines[1:]):
        if re.fullmatch(r'=+( +=+)+', line):
            if rows:
                break
            if behind.startswith('folder '):
                columns = [match.span() for match in re.finditer('=+', line)]
        elif columns and line.strip() and not line.startswith('folder '):
            first, second = (line[start:end].strip().strip('`/') for start, end in columns[:2])
            if first:
                folder = first
                rows[folder] = []
            rows[folder] += re.findall(r'\w+', second)
    return rows


def check_edges(tree, edges):
    """Notes wrong edges, circles, folders without a row in the table, and rows without a folder."""
    rows = read_table()
    folder_of = {name: name.split('::')[0] for name in tree.modules}
    order = list(rows)
    for at, folder in enumerate(order):
        for used in rows[folder]:
            if used not in order[:at]:
                fault(TABLE, f'{folder} may use {used}, but that is no row above it')
        if folder not in folder_of.values():
            fault(TABLE, f'{folder} is no folder')
    for name, folder in sorted(folder_of.items()):
        if rows and name == folder and folder not in rows:
            fault(TABLE, f'{folder} is not in the table')
    for (user, used), where in sorted(edges.items()):
        here, there = folder_of[user], folder_of[used]
        if here != there and here in rows and there not in rows[here]:
            file = os.path.relpath(tree.modules[used], TOP)
            fault(where, f'{user} uses {used} ({file}), but {here} may not use {there}')
    for way in circles(edges):
        for user, used in zip(way, way[1:] + way[:1]):
            fault(edges[user, used], f'circle: {user} uses {used}')
    return rows


def check_arch(tree):
    """Notes code that depends on the architecture outside of the folder for that."""
    for path in sorted(tree.modules.values()) + tree.c_files:
        place = os.path.relpath(path, HOUSE)
        if place.startswith(ARCH):
            continue
        with open(path, encoding='utf-8') as text:
            code = re.sub(r'/\*.*?\*/|//[^\n]*', blank, text.read(), flags=re.S)
        for match in ARCH_NAMES.finditer(code):
            line = code[:match.start()].count('\n') + 1
            fault(f'rust_pool/{place}:{line}', f'"{match.group()}" is for {ARCH} alone')


def main():
    """Prints the faults, and returns the status."""
    tree = Tree()
    if check_edges(tree, edges_of(tree)):
        check_arch(tree)
    print('\n'.join(faults), end='\n' if faults else '')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
