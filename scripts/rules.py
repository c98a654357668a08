#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
rules.py [--write] [DIR]: holds Documentation/violation-codes.txt, in DIR or this checkout, against
the table of violations in rust_pool/report/rule.rs, or makes it anew.

The file has a table for each bug check, which Documentation/violations.rst includes. Each fault is
a line that names the row.
"""

import difflib
import os
import re
import sys

ARGUMENTS = [argument for argument in sys.argv[1:] if argument != '--write']
TOP = os.path.abspath(ARGUMENTS[0] if ARGUMENTS
                      else os.path.join(os.path.dirname(__file__), '..'))
TABLE = 'rust_pool/report/rule.rs'
TYPES = 'rust_pool/report/violation.rs'
MADE = 'Documentation/violation-codes.txt'
PAGE = 'Documentation/violations.rst'

RULE = re.compile(
    r'((?:^/// [^\n]*\n)+)^pub\(crate\) const (\w+): Rule<\d> = rule\(\s*(\w+),\s*\[(.*?)\],\s*'
    r'"([^"]*)",\s*(\w+),?\s*\);$', re.M | re.S)
COLUMN = re.compile(r'(?:(Is|Ours)\((\w+)\)|(Irql)|Given\(\s*"([^"]+)",?\s*\)),?\s*')

HEAD = f'''.. SPDX-License-Identifier: GPL-2.0
.. Made from {TABLE} by scripts/rules.py: do not edit it, but run "make fmt".
'''

faults = []


def fault(text):
    """Notes a fault."""
    faults.append(text)


def read(path):
    """A file's text; none if there is no such file."""
    path = os.path.join(TOP, path)
    if not os.path.exists(path):
        return ''
    with open(path, encoding='utf-8') as text:
        return text.read()


def comment(lines):
    """A comment of Rust as reStructuredText."""
    text = ' '.join(line[4:] for line in lines.splitlines())
    return '``'.join(part if at % 2 else part.replace('*', r'\*')
                     for at, part in enumerate(text.split('`')))


def number(text):
    """A number as the log shows it."""
    return hex(int(text.replace('_', ''), 0))


def columns_of(text):
    """The four parameters of a row as the documentation has them; a number is a number."""
    found, at = [], 0
    while at < len(text.strip()):
        match = COLUMN.match(text.strip(), at)
        if not match:
            return None
        kind, value, irql, meaning = match.groups()
        if kind:
            found.append(number(value) + (r'\*' if kind == 'Ours' else ''))
        else:
            found.append('IRQL' if irql else meaning.replace('*', r'\*'))
        at = match.end()
    return found if len(found) == 4 else None


def variants(enum, text):
    """{variant: the comment on it, or the number that it is} of an enumeration."""
    body = re.search(r'enum ' + enum + r' \{(.*?)^\}', text, re.M | re.S)
    rows = body.group(1) if body else ''
    return {**dict(re.findall(r'(\w+) = (\w+),', rows)),
            **{name: said for said, name in re.findall(r'/// ([^\n]*)\n\s*(\w+),', rows)}}


def rules():
    """[(line, name, check, columns, words, what happened, what becomes of it)] of the table."""
    text, types = read(TABLE), read(TYPES)
    checks, thens = variants('Check', types), variants('Then', types)
    found = []
    for match in RULE.finditer(text):
        said, name, check, columns, words, then = match.groups()
        line = text[:match.start(2)].count('\n') + 1
        columns = columns_of(columns)
        if columns and check in checks and then in thens:
            found.append((line, name, check, columns, words, comment(said), thens[then]))
    names = [row[1] for row in found]
    for match in re.finditer(r'^.*\bconst (\w+)', text, re.M):
        if match.group(1) not in names:
            line = text[:match.start()].count('\n') + 1
            fault(f'{TABLE}:{line}: {match.group(1)} is no row that can be read')
    return found


def code_at(rows):
    """Which parameter says what is wrong, in all rows of a check."""
    for at in (0, 3):
        if all(row[3][at].startswith('0x') for row in rows):
            return at
    return None


def cells(texts):
    """A row of a list-table."""
    return '   * - ' + '\n     - '.join(texts) + '\n'


def tables():
    """The file, as [(text, where it is from)]: heads and rows."""
    types = read(TYPES)
    names = dict(re.findall(r'Self::(\w+) => "([A-Z_]+)"', types))
    rows, made = rules(), [(HEAD, TABLE)]
    for check in dict.fromkeys(row[2] for row in rows):
        name = names[check]
        mine = [row for row in rows if row[2] == check]
        code = code_at(mine)
        rest = [at for at in range(4) if at != code]
        head = ['What happened, and what the log says', *(f'P{at + 1}' for at in rest),
                'What becomes of it']
        widths = '34 14 14 14 14'
        if code is not None:
            head, widths = [f'P{code + 1}', *head], '8 34 14 14 14 16'
        else:
            widths += ' 16'
        made.append((f'\n.. rows of {name}\n\n.. list-table::\n   :header-rows: 1\n'
                     f'   :widths: {widths}\n\n' + cells(head), TABLE))
        for line, rule, _, columns, words, said, then in mine:
            texts = [f'{said}\n\n       ``{words}``', *(columns[at] for at in rest), then]
            if code is not None:
                texts.insert(0, columns[code])
            made.append((cells(texts), f'{TABLE}:{line}: {rule}'))
        made.append((f'\n.. end of {name}\n', TABLE))
        if f'rows of {name}\n' not in read(PAGE):
            fault(f'{PAGE}: does not include the rows of {name}')
    return made


def compare(made):
    """Notes the rows of the file in the tree that are not those that the table makes."""
    text = read(MADE)
    there = re.split(r'(?=^   \* - |^\n\.\. (?:rows|end) of )', text, flags=re.M)
    # A head of a table is one piece with the row of its titles.
    pieces = []
    for piece in there:
        if pieces and re.search(r':widths:.*\n\n$', pieces[-1]):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    lines = [sum(piece.count('\n') for piece in pieces[:at]) + 1 for at in range(len(pieces))]
    wanted = [piece for piece, _ in made]
    for what, first, last, begin, end in difflib.SequenceMatcher(
            None, pieces, wanted, autojunk=False).get_opcodes():
        if what == 'equal':
            continue
        here, there = list(range(first, last)), list(range(begin, end))
        for at in there[len(here):]:
            fault(f'{made[at][1]}: is not in {MADE}')
        for at in here[len(there):]:
            fault(f'{MADE}:{lines[at]}: no row of {TABLE} makes it')
        for at, row in zip(here, there):
            fault(f'{MADE}:{lines[at]}: is not what the table makes of {made[row][1]}')


def main():
    """Compares or writes, prints the faults, and returns the status."""
    made = tables()
    if '--write' not in sys.argv:
        compare(made)
    elif not faults:
        with open(os.path.join(TOP, MADE), 'w', encoding='utf-8') as out:
            out.write(''.join(piece for piece, _ in made))
    print('\n'.join(faults), end='\n' if faults else '')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
