#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
crash_dump.py TOP WORK: what rust_pool-crash says of the dumps that crash_dump.sh has made, or that
kdump.sh has, compared with what the machine itself said before it panicked. Prints "ok NAME" or
"not ok NAME" for each case.
"""

import os
import re
import subprocess
import sys
import time

TOP, WORK = sys.argv[1:3]
PROGRAM = os.path.join(TOP, 'scripts/rust_pool-crash')
LOGS = os.path.join(WORK, 'logs')
CONSOLE = os.path.join(LOGS, 'console')


def sections():
    """What the console has behind each line "== NAME"."""
    found, name = {}, None
    with open(CONSOLE, errors='replace') as file:
        for line in file:
            line = line.rstrip('\r\n')
            if line.startswith('== '):
                name = line[3:]
            elif name:
                found.setdefault(name, []).append(line)
    return found


def run(dump, *words):
    """Runs the program on a dump; returns its status and what it said."""
    begin = time.monotonic()
    done = subprocess.run([sys.executable, PROGRAM, '-c', os.path.join(LOGS, dump), *words],
                          capture_output=True, text=True, check=False)
    print(f'# {" ".join(words)}: {time.monotonic() - begin:.1f} s')
    return done.returncode, done.stdout.splitlines(), done.stderr


def answer(*words):
    """The lines that the program says of the machine that panicked."""
    status, said, wrong = run('panicked', *words)
    if status or wrong:
        print('# ' + wrong.replace('\n', '\n# '))
    return said


def expect(got, want):
    """Passes if both are the same, and shows both if not."""
    if got != want:
        print(f'# got:    {got}\n# wanted: {want}')
    return got == want


def fields(addr):
    """What `pool` says of an address, by the words in front."""
    said = answer('pool', addr)
    print('\n'.join('# ' + line for line in said))
    return {line.split(':', 1)[0]: line.split(':', 1)[1].strip() for line in said}


LIVE = sections()
# What the client told of its blocks: what, state, tag, bytes, address.
TOLD = [line.split(' ') for line in LIVE.get('log', []) if ' 0x' in line]
LEAKED = {words[4] for words in TOLD if words[0] == 'leaked'}
NAMED = {words[0]: words for words in TOLD if words[0] != 'leaked'}


def unloaded():
    """The first dump was written after rust_pool was unloaded."""
    status, said, wrong = run('unloaded', 'poolused')
    return expect((status, said, wrong), (
        1, [], 'rust_pool-crash: rust_pool was not loaded: no descriptor is in the memory of '
        'modules\n'))


def info():
    """The symbols of the kernel, and both modules."""
    said = '\n'.join(answer('info'))
    print('# ' + said.replace('\n', '\n# '))
    return all(expect(bool(re.search(words, said, re.M)), True) for words in (
        r'^kernel: +[0-9]+\.', r'^modules: +rp_crash_client rust_pool$',
        r'^symbols: +[0-9]{5,} of the kernel'))


def poolused():
    """The rows of the file `tags`, with the most bytes first."""
    rows = answer('poolused')[3:]
    used = [int(row[4:].split()[5]) for row in rows]
    return all((expect(sorted(rows), sorted(LIVE['tags'][3:])),
                expect(used, sorted(used, reverse=True))))


def leak():
    """The leak is the tag with the most bytes; who, how many and where is in the dump."""
    rows = answer('poolused', 'Leak')[3:]
    found = answer('poolfind', 'Leak')
    live = [line.split(' ') for line in found if line.startswith('0x')]
    return all((
        expect(answer('poolused')[3:4], rows),
        expect([row[4:].split()[3:5] for row in rows], [['4000', '4000000']]),
        expect(bool(re.search(r' forget_to_free\+0x[0-9a-f]+/0x[0-9a-f]+ \[rp_crash_client\]$',
                              rows[0])), True),
        expect(len({words[0] for words in live}), 4000),
        expect(LEAKED - {words[0] for words in live}, set()),
        expect(len(LEAKED), 100),
        expect({words[5] for words in live}, {'rp_crash_client'}),
        expect(found[-1].split(' ')[:5], ['#', 'live', '4000', 'bytes', '4000000'])))


def blocks():
    """Each block that the client told of, by an address inside of it."""
    good = True
    for _, state, tag, size, addr in NAMED.values():
        said = fields(f'{int(addr, 16) + 33:x}')
        block = said.get('block', '').split(';')
        good = all((
            expect(said.get('state'), state),
            expect(block[0].startswith(f'{addr}, {size} bytes asked for, '), True),
            expect(block[-1], ' the address is 33 bytes into it'),
            expect(said.get('tag', '').split(' ')[0], tag),
            expect(bool(re.search(r'\bhold_(blocks|charged)\+0x', said.get('caller', ''))), True),
            expect(said.get('module'), 'rp_crash_client'))) and good
    return expect(len(NAMED), 10) and good


def charged():
    """Blocks that are charged to a process, and others."""
    return expect({name: fields(NAMED[name][4]).get('quota') for name in (
        'quota', 'quota_pages', 'quota_large', 'small', 'pages', 'large')}, {
            'quota': 'charged to a process', 'quota_pages': 'charged to a process',
            'quota_large': 'charged to a process', 'small': None, 'pages': None, 'large': None})


def kept():
    """Blocks that were freed are not live, whether the depot keeps them or the heap."""
    freed = [line.split(' ')[2] for line in answer('poolfind', '-f', 'Kept')[2:-1]]
    return all((
        expect(answer('poolfind', 'Kept')[2:], ['# live 0 bytes 0 used 0']),
        expect(set(freed), {'freed'})))


def tracked():
    """A block that is tracked has the stack that the file `live` has."""
    rows = [line for line in LIVE['live'][3:] if NAMED['small'][4] in line]
    stack = rows[0].split(' ', 5)[5]
    return expect(fields(NAMED['small'][4])['caller'], stack)


def special():
    """A block of special pool that was freed, and who freed it; behind it nothing is mapped."""
    addr = int(NAMED['late'][4], 16)
    said, beyond = fields(f'{addr:x}'), fields(f'{(addr | 0xfff) + 16:x}')
    return all((
        expect('hold_blocks+0x' in said.get('freed', ''), True),
        expect('not mapped' in said['after'], True),
        expect(beyond['block'].split(',')[0] in (NAMED['late'][4], NAMED['special'][4]), True)))


def neighbours():
    """Beside some of the blocks that were leaked there are others."""
    beside = [fields(block).get(place, '') for block in sorted(LEAKED)[48:52]
              for place in ('before', 'after')]
    return expect(any(' live Leak ' in line for line in beside), True)


def contiguous():
    """Contiguous memory has the row of its file."""
    words = LIVE['contiguous'][3].split(' ')
    said = answer('families')
    rows = [line for line in said if line.startswith('contiguous')]
    huge = [line for line in said if f' {NAMED["large"][4]} 3000000 ' in line]
    return expect(rows, [' '.join(['contiguous', words[0], words[2], words[3], '-'] + words[5:7])]
                  ) and expect([line.split(' ')[0] for line in huge], ['Paged'])


def violations():
    """The rows of the file."""
    said = answer('violations')
    return expect(said[3:], LIVE['violations'][3:]) and expect(len(said[3:]) >= 2, True)


def verifier():
    """The options that were written, and how many blocks are tracked."""
    count = re.search(r'tracked (\d+) untracked (\d+)', LIVE['verifier'][1])
    return expect(answer('verifier'), ['# tracked {} untracked {}'.format(*count.groups())]
                  + LIVE['verifier'][3:])


def elsewhere():
    """Addresses of the kernel and of nobody."""
    return all(expect(fields(addr).get('state'), 'no block of rust_pool is known there')
               for addr in ('ffffffff81000000', 'ffff888000001000', '1234'))


def check(name, case):
    """Runs a case."""
    try:
        passed = case()
    except Exception as error:  # pylint: disable=broad-except
        print(f'# {type(error).__name__}: {error}')
        passed = False
    print(f'{"ok" if passed else "not ok"} {name}', flush=True)


# kdump.sh makes the second dump alone.
if os.path.exists(os.path.join(LOGS, 'unloaded')):
    check('dump: rust_pool was unloaded', unloaded)
check('dump: info', info)
check('dump: poolused has the rows of tags', poolused)
check('dump: a leak is found', leak)
check('dump: pool knows blocks of each kind', blocks)
check('dump: pool knows which blocks are charged', charged)
check('dump: poolfind knows what was freed', kept)
check('dump: pool has the stack of a tracked block', tracked)
check('dump: pool knows special pool', special)
check('dump: pool knows the neighbours', neighbours)
check('dump: families', contiguous)
check('dump: violations has the rows of its file', violations)
check('dump: verifier has the options', verifier)
check('dump: addresses of no block', elsewhere)
