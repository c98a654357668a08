#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
crash_qmp.py TOP WORK SOCKET DUMP WHAT: has a QEMU that listens there write a dump of its machine.
With "quit" for WHAT, QEMU ends then; with "go-on" the machine does.
"""

import json
import socket
import sys

ADDRESS, DUMP, WHAT = sys.argv[3:6]


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
        call(stream, 'dump-guest-memory', paging=False, protocol='file:' + DUMP)
        if WHAT == 'quit':
            call(stream, 'quit')
