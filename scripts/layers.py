#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
layers.py [DIR]: holds the files of rust_pool, in DIR or this checkout, against the two tables in
rust_pool/README.rst.

A folder is rust_pool/NAME.rs and all that is below rust_pool/NAME/, C code included. It may use
itself and the folders that its row names, which are rows above it. C code may also call the
functions of the second table, each from the file that its row names. No files use each other in a
circle, such calls aside. What depends on the architecture is below one folder alone. Each fault
is a line with the place in the code, and a circle is a line for each of its steps.
"""

import os
import re
import sys

TOP = os.path.abspath(sys.argv[1] if __name__ == '__main__' and len(sys.argv) > 1
                      else os.path.join(os.path.dirname(__file__), '..'))
HOUSE = os.path.join(TOP, 'rust_pool')
ROOT = os.path.join(TOP, 'rust_pool.rs')
TABLE = 'rust_pool/README.rst'

# What module! puts into the root.
ROOT_HAS = {'LocalModule'}

# The text that is included: the declarations that bindgen makes of the C half.
INCLUDED = {'rust_pool/sys/raw.rs': 'include!(env!("RUST_POOL_BINDINGS"))'}

# The folder that may name the architecture, and patterns for such names.
ARCH = 'sys/arch'
ARCH_NAMES = re.compile('|'.join([
    # Headers, configuration, assembly.
    r'[<"]asm/', r'\b(?:target_arch|target_feature)\b', r'\b(?:core|std)::arch\b',
    r'\b(?:x86|CONFIG_X86|X86_)\w*', r'(?<!\w)(?:__)?(?:\w+_)?asm(?:__)?(?:!|\b)',
    # Registers, segments, instructions.
    r'%?\b[fg]s:', r'\b[er][a-d]x\b', r'\b[er][sb]p\b', r'\b[er][sd]i\b', r'\br(?:8|9|1[0-5])\b(?!::)',
    r'\bregs->(?:ip|sp|bp|[a-d]x|[sd]i|flags|orig_ax|cs|ss)\b', r'\b\w*(?:read|write)_cr[0-8]\b',
    r'\b(?:boot|static|this)_cpu_has\b', r'\bcpu_feature_enabled\b', r'\bMSR_\w+',
    r'\b(?:native_)?(?:rd|wr)msr\w*', r'\b(?:__|native_)?(?:rdtscp?|cpuid|clflush|clwb|invlpg)\w*',
    r'\bwbinvd\w*', r'\b[lms]fence\b',
    # Page tables, the cache types of memory.
    r'\b(?:pgd|p4d|pud|pmd|pte)_\w+\(', r'\bset_(?:pgd|p4d|pud|pmd|pte)\w*', r'\b_PAGE_[A-Z]\w*',
    r'\b__(?:pgd|p4d|pud|pmd|pte|pgprot)\b', r'\blookup_address\w*', r'\bset_(?:memory|pages)_\w+',
    r'\bflush_tlb\w*', r'\b__flush_tlb\w*',
]))

# Where else which names may be: a client notes its call site in its own code, and an entry for
# modpost is made of the assembler's directives alone.
ARCH_EXCEPT = {
    'include/rust_pool/wdm.h': ['CONFIG_X86_64', 'asm'],
    'rust_pool/lib/export.rs': ['core::arch', 'global_asm!'],
}

# What is left out of code: comments, and, unless they are wanted, strings and characters. A
# lifetime of Rust is no character.
LEFT_OUT = re.compile(
    r'(?P<comment>/\*|//[^\n]*)|(?<!\w)b?c?r(?P<raw>#*)".*?"(?P=raw)|"(?:\\.|[^"\\])*"'
    r"|'(?:\\(?:u\{[^}]*\}|x[0-9a-fA-F]{2}|[0-7]{3}|.)|[^\\'\n])'", re.S)

faults = []


def fault(where, text):
    """Notes a fault."""
    faults.append(f'{where}: {text}')


def blank(text):
    """Blanks in place of text that is left out, with the same lines and columns."""
    return re.sub(r'[^\n]', ' ', text)


def code_of(text, nested=False, strings=False):
    """The text without comments, which nest in Rust, and without strings unless they are wanted."""
    parts, at = [], 0
    while match := LEFT_OUT.search(text, at):
        end = match.end()
        if match.group() == '/*':
            depth = 1
            while depth and (mark := re.compile(r'/\*|\*/').search(text, end)):
                depth += (1 if nested else 0) if mark.group() == '/*' else -1
                end = mark.end()
            end = len(text) if depth else end
        parts.append(text[at:match.start()])
        whole = text[match.start():end]
        parts.append(whole if strings and not match.group('comment') else blank(whole))
        at = end
    return ''.join(parts) + text[at:]


def read(path):
    """The text of a file."""
    with open(path, encoding='utf-8') as text:
        return text.read()


def relative(path):
    """The path of a file as in a fault."""
    return os.path.relpath(path, TOP)


def inside(path):
    """The path of a file as in the second table."""
    return os.path.relpath(path, HOUSE)


def place(path, code, at):
    """Where a fault is."""
    return f'{relative(path)}:{code.count(chr(10), 0, at) + 1}'


class Tree:
    """
    The files by their names: `modules` of Rust, such as "verifier::options", and `c_files`, such
    as "api/wdm.c".
    """

    def __init__(self):
        self.modules, self.c_files = {}, {}
        for folder, _, names in os.walk(HOUSE):
            for name in names:
                path = os.path.join(folder, name)
                from_house = inside(path)
                if name.endswith('_generated.rs'):
                    continue
                if name == 'mod.rs':
                    fault(relative(path), 'a module is in the file of its name')
                elif name.endswith('.rs'):
                    self.modules['::'.join(from_house[:-3].split(os.sep))] = path
                elif name.endswith(('.c', '.h', '.S')):
                    self.c_files[from_house] = path
        self.files = self.modules | self.c_files
        # Those that clients include.
        self.headers = [os.path.join(folder, name)
                        for folder, _, names in os.walk(os.path.join(TOP, 'include'))
                        for name in names]
        self.folders = {folder_of(name) for name in self.files}

    def module_of(self, parts):
        """The module that a path from the crate's root leads into."""
        for end in range(len(parts), 0, -1):
            if '::'.join(parts[:end]) in self.modules:
                return '::'.join(parts[:end])
        return None


def folder_of(name):
    """The folder that a file is in."""
    return re.split('::|/', name)[0]


# Paths in Rust


def leaves(tree):
    """All paths of a `use`, each with the name that it gets: a::{b, c::d as e} has two."""
    paths, stack, path, word, alias = [], [], [], None, None
    for token in re.findall(r'\bas\s+\w+|[\w$*]+|::|[{},]', tree + ','):
        if token == '{':
            stack.append(path)
        elif token == '::':
            path, word = path + ([word] if word else []), ''
        elif token in ',}':
            if word:
                whole = path if word == 'self' and path else path + [word]
                paths.append((whole, alias or whole[-1]))
            word = alias = None
            if token == '}' and stack:
                stack.pop()
            path = stack[-1] if stack else []
        elif token.startswith('as') and token[2:3].isspace():
            alias = token.split()[1]
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


USES = re.compile(r'\buse\s+(::[^;]*|[\w$][^;]*|\{[^;]*);')
PATHS = re.compile(r'(?<![\w$])(?<!::)(?:\$crate|[A-Za-z_]\w*)(?:\s*::\s*[A-Za-z_]\w*)+')

# What leads a path to where this does not follow. The first is of macros, as crate::$folder.
UNFOLLOWED = [
    (re.compile(r'\b(?:crate|self|super)\s*::\s*\$'), 'leads where a macro is told'),
    (re.compile(r'#!?\[[^\]]*\bpath\s*='), 'a module is in the file of its name'),
    (re.compile(r'\binclude!\s*[({\[]'), 'includes a text'),
    (re.compile(r'#\[\s*macro_use\b'), 'takes macros without a path'),
    (re.compile(r'\bextern\s+crate\s+self\b'), 'is another name of the root'),
    (re.compile(r'\b(?:export_name|link_name)\s*='), 'is a function by another name'),
]


class Scope:
    """A module's names: what a `use` brings in, and what is taken in whole."""

    def __init__(self):
        self.names, self.globs = {}, []


class Rust:
    """The paths of all modules, and where they lead."""

    def __init__(self, tree):
        self.tree = tree
        self.scopes = {}
        self.paths = []
        for name, file in [('', ROOT)] + sorted(tree.modules.items()):
            if os.path.exists(file):
                self.collect(name, file)

    def collect(self, name, file):
        """Reads a file: its scopes, and its paths."""
        text = read(file)
        code = code_of(text, nested=True)
        inner = inner_modules(code)
        home = name.split('::') if name else []
        self.scopes.setdefault(tuple(home), Scope())

        def where(at):
            return home + [within for start, end, within in inner if start <= at < end]

        for match in USES.finditer(code):
            scope = self.scopes.setdefault(tuple(where(match.start())), Scope())
            at = match.start(1)
            for path, alias in leaves(match.group(1)):
                # The position of the last name, approximately.
                found = re.compile(r'(?<!\w)' + re.escape(path[-1]) + r'(?!\w)').search(code, at)
                self.paths.append((name, file, code, found.start() if found else at,
                                   where(match.start()), path, True))
                if path[-1] == '*':
                    scope.globs.append((where(match.start()), path[:-1]))
                else:
                    scope.names[alias] = (where(match.start()), path)
        rest = USES.sub(lambda match: blank(match.group()), code)
        for match in PATHS.finditer(rest):
            self.paths.append((name, file, code, match.start(), where(match.start()),
                               re.findall(r'\w+', match.group()), False))
        if name:
            self.unfollowed(file, text, code, rest)

    def unfollowed(self, file, text, code, rest):
        """Notes what is not followed."""
        for pattern, why in UNFOLLOWED:
            for match in pattern.finditer(code):
                if not text.startswith(INCLUDED.get(relative(file), '\0'), match.start()):
                    fault(place(file, code, match.start()), f'"{match.group()}" {why}')
        for match in re.finditer(r'\bcrate\b(?!\s*(?:::\s*[\w$]|\)))', rest):
            fault(place(file, code, match.start()), 'names the root in another way than crate::')

    def absolute(self, where, path, seen=()):
        """A path from the root, or None if it leads out of the crate or is of no interest."""
        parts = [part.lstrip('$') for part in path]
        where = list(where)
        if (tuple(where), tuple(parts)) in seen:
            return None
        seen += ((tuple(where), tuple(parts)),)
        if not parts or not parts[0]:
            return None
        if parts[0] in ('crate', 'self', 'super'):
            while parts and parts[0] in ('crate', 'self', 'super'):
                where = {'crate': [], 'super': where[:-1]}.get(parts[0], where)
                parts = parts[1:]
            return where + parts
        return self.named(where, parts, seen)

    def named(self, where, parts, seen):
        """What a path leads to whose first name is a child's, or one that a `use` brings in."""
        if '::'.join(where + parts[:1]) in self.tree.modules or tuple(
                where + parts[:1]) in self.scopes:
            return where + parts
        scope = self.scopes.get(tuple(where), Scope())
        if parts[0] in scope.names:
            found = self.absolute(*scope.names[parts[0]], seen)
            return found + parts[1:] if found else None
        for within, path in scope.globs:
            found = self.absolute(within, path, seen)
            if found and tuple(found) in self.scopes and (
                    further := self.absolute(found, parts, seen)):
                return further
        return None

    def edges(self):
        """Adds the edges of all paths."""
        edges = {}
        for name, file, code, at, where, path, is_use in self.paths:
            if not name:
                continue
            parts = self.absolute(where, path)
            if parts is None:
                continue
            if parts and parts[0] not in self.tree.folders:
                # The root's own names, which it has from a folder.
                parts = self.absolute([], parts) or parts
            used = self.tree.module_of(parts)
            if used and used != name:
                edges.setdefault((name, used), place(file, code, at))
            elif not used and not ROOT_HAS.intersection(parts):
                fault(place(file, code, at),
                      f'crate::{"::".join(parts)} is in no folder' if parts and parts != ['*'] else
                      'brings the root into scope' if is_use else 'names the root')
        return edges


# C functions, in C and in Rust


class Functions:
    """Who uses the functions and variables that C code knows."""

    def __init__(self, tree):
        self.tree = tree
        self.homes = {}
        self.codes = {}
        for name, file in sorted(tree.files.items()):
            code = code_of(read(file), nested=name in tree.modules)
            # These are no functions: the names of events and of suites.
            self.codes[name] = re.sub(r'\b(?:TRACE_EVENT(?:_FN)?|kunit_tests)\(\w+',
                                      lambda match: blank(match.group()), code)
            for symbol in (self.defined_in_rust if name in tree.modules
                           else self.defined_in_c)(name):
                self.homes[symbol] = name

    def defined_in_rust(self, name):
        """The names that a Rust file defines for C."""
        return re.findall(r'\bno_mangle\b[^;{]*?\b(?:fn|static(?:\s+mut)?)\s+(\w+)',
                          self.codes[name])

    def flat(self, name):
        """C code with blanks for directives, and for all that is within braces."""
        code = re.sub(r'^[ \t]*#(?:\\\n|[^\n])*', lambda match: blank(match.group()),
                      self.codes[name], flags=re.M)
        depth, parts = 0, []
        for char in code:
            depth -= char == '}'
            parts.append(char if depth == 0 or char == '\n' else ' ')
            depth += char == '{'
        if depth:
            fault(relative(self.tree.files[name]), 'has braces that do not match')
        return ''.join(parts)

    def defined_in_c(self, name):
        """The names that a C file defines for others, or a header for who includes it."""
        flat = self.flat(name)
        nested = r'(?:[^(){};]|\((?:[^(){};]|\([^(){};]*\))*\))*'
        for match in re.finditer(r'\b(\w+)\s*\(' + nested + r'\)[\s\w]*\{', flat):
            begin = max(flat.rfind(mark, 0, match.start()) for mark in ';}')
            if not re.search(r'\bstatic\b', flat[begin + 1:match.start()]):
                yield match.group(1)
        if name.endswith('.h'):
            return
        for match in re.finditer(r'(?:^|[;}])([^;{}()]*?)\b(\w+)\s*(?:\[[^]]*\]\s*)*[=;]', flat):
            before = match.group(1).strip()
            if re.search(r'\w[\s*]*$', before) and not re.search(
                    r'\b(?:static|extern|typedef)\b', before) and before not in (
                        'struct', 'union', 'enum'):
                yield match.group(2)

    def uses_of(self, name):
        """(position, symbol) of each use, which a declaration or a definition is not."""
        code = self.codes[name]
        flat = self.flat(name) if name in self.tree.c_files else ''
        for match in re.finditer(r'\b[A-Za-z_]\w*\b', code):
            if self.homes.get(match.group(), name) == name:
                continue
            if flat.startswith(match.group(), match.start()):
                begin = max(flat.rfind(mark, 0, match.start()) for mark in ';}')
                before = flat[begin + 1:match.start()]
                if re.search(r'\bextern\b', before) or (
                        re.search(r'[\w*]\s*$', before) and '(' not in before):
                    continue
            yield match.start(), match.group()

    def edges(self):
        """{(user, used): {symbol: "file:line"}}; an #include has the symbol ''."""
        edges = {}
        for name, file in sorted(self.tree.files.items()):
            code = self.codes[name]
            for at, symbol in self.uses_of(name):
                # What a header's macros call is in the file that they are expanded in.
                if name.endswith('.h') and self.homes[symbol] == name[:-1] + 'c':
                    continue
                edges.setdefault((name, self.homes[symbol]), {}).setdefault(
                    symbol, place(file, code, at))
            if name in self.tree.c_files:
                text = code_of(read(file), strings=True)
                for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', text, re.M):
                    used = os.path.relpath(
                        os.path.normpath(os.path.join(os.path.dirname(file), match.group(1))),
                        HOUSE)
                    if used in self.tree.files:
                        edges.setdefault((name, used), {}).setdefault(
                            '', place(file, text, match.start(1)))
        return edges


def reached(edges, start):
    """All files that one uses, and those that these use."""
    found, queue = set(), [start]
    while queue:
        at = queue.pop()
        for user, used in edges:
            if user == at and used not in found:
                found.add(used)
                queue.append(used)
    return found


def circles(edges):
    """A shortest circle for each set of files that use each other, as a list of names."""
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


# The tables


def read_table(head):
    """
    {first column: the text of the second}, in the order of its rows, of the table whose first
    column has this head.
    """
    rows, columns, key = {}, None, None
    lines = read(os.path.join(TOP, TABLE)).split('\n')
    for line, behind in zip(lines, lines[1:]):
        if re.fullmatch(r'=+( +=+)+', line):
            if rows:
                break
            if behind.startswith(head + ' '):
                columns = [match.span() for match in re.finditer('=+', line)]
        elif columns and line.strip() and not line.startswith(head + ' '):
            first, second = (line[start:end].strip() for start, end in columns[:2])
            if first:
                key = first.strip('`/')
                if key in rows:
                    fault(TABLE, f'{key} has two rows')
                rows[key] = ''
            rows[key] += second + ' '
    return rows


def read_layers():
    """{folder: the folders that it may use}, in the order of the table."""
    return {folder: re.findall(r'\w+', may) for folder, may in read_table('folder').items()}


def check_folders(tree):
    """Notes folders without a row in the table, and rows without a folder. Returns the rows."""
    rows = read_layers()
    if not rows:
        fault(TABLE, 'has no table of folders, whose first column is "folder"')
    order = list(rows)
    for at, folder in enumerate(order):
        for used in rows[folder]:
            if used not in order[:at]:
                fault(TABLE, f'{folder} may use {used}, but that is no row above it')
        if folder not in tree.folders:
            fault(TABLE, f'{folder} is no folder')
    for folder in sorted(tree.folders):
        if rows and folder not in rows:
            fault(TABLE, f'{folder} is not in the table')
    return rows


def check_edge(tree, rows, user, used, where):
    """Notes an edge that the table does not allow."""
    here, there = folder_of(user), folder_of(used)
    if here != there and here in rows and there not in rows[here]:
        fault(where, f'{user} uses {used} ({relative(tree.files[used])}), '
              f'but {here} may not use {there}')


def check_edges(tree):
    """Notes wrong edges and circles."""
    rows = check_folders(tree)
    edges = Rust(tree).edges()
    for (user, used), where in sorted(edges.items()):
        check_edge(tree, rows, user, used, where)
    functions = Functions(tree)
    calls = {name: re.findall(r'[\w/.]+', by) for name, by in read_table('function').items()}
    seen = set()
    for (user, used), symbols in sorted(functions.edges().items()):
        for symbol, where in symbols.items():
            if inside(tree.files[user]) in calls.get(symbol, []):
                seen.add((symbol, inside(tree.files[user])))
            else:
                edges.setdefault((user, used), where)
                check_edge(tree, rows, user, used, where)
    for name, users in calls.items():
        home = functions.homes.get(name)
        for user in users or ['']:
            if not home or (name, user) not in seen:
                fault(TABLE, f'{name} is not called by {user or "anything"}')
            elif folder_of(home) in rows.get(folder_of(user), []) + [folder_of(user)] and (
                    user not in reached(edges, home)):
                fault(TABLE, f'{user} calls {name} from above, not from below')
    for way in circles(edges):
        for user, used in zip(way, way[1:] + way[:1]):
            fault(edges[user, used], f'circle: {user} uses {used}')


def check_arch(tree):
    """Notes code that depends on the architecture outside of the folder for that."""
    for path in sorted(set(tree.files.values()) | set(tree.headers)):
        within = inside(path)
        if within.startswith(ARCH + '/') or within == ARCH + '.rs':
            continue
        code = code_of(read(path), nested=path.endswith('.rs'), strings=True)
        for match in ARCH_NAMES.finditer(code):
            if match.group() not in ARCH_EXCEPT.get(relative(path), []):
                fault(place(path, code, match.start()), f'"{match.group()}" is for {ARCH} alone')


def main():
    """Prints the faults, and returns the status."""
    tree = Tree()
    check_edges(tree)
    check_arch(tree)
    print('\n'.join(faults), end='\n' if faults else '')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
