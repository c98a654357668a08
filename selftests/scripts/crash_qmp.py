#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
crash_qmp.py TOP WORK SOCKET WHAT...: has a QEMU that listens there do one thing after the other:
"dump FILE" writes a dump of its machine, "press KEYS" presses keys there, "quit" ends it.
"""

import json
import socket
import sys

ADDRESS, WHAT = sys.argv[3], iter(sys.argv[4:])


def call(file, name, **arguments):
    """Calls a command, and waits until it has returned."""
    file.write(json.dumps({'execute': name, 'arguments': arguments}) + '\n')
    file.flush()
    for line in file:
        answer = json.loads(line)
        if 'return' in answer:
            return
        if 'error' in answer:
            sys.exit(f'{name}: {answer["error"]["desc"]}')
    if name != 'quit':
        sys.exit(f'{name}: QEMU has ended')


with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(ADDRESS)
    with connection.makefile('rw') as stream:
        stream.readline()
        call(stream, 'qmp_capabilities')
        for word in WHAT:
            if word == 'dump':
                call(stream, 'dump-guest-memory', paging=False, protocol='file:' + next(WHAT))
            elif word == 'press':
                call(stream, 'human-monitor-command', **{'command-line': 'sendkey ' + next(WHAT)})
            else:
                call(stream, word)
