# SPDX-License-Identifier: GPL-2.0
"""screen.py COLUMNS ROWS PROGRAM...: runs the program in a pseudo-terminal of that size, types
keys and reads the screen. Standard input says what, a line each:

  type TEXT   the characters of a Python string without its quotes, as in \\x1b[B
  see REGEX   waits until a line of the screen matches
  gone REGEX  waits until none does
  show        prints the screen
  run COMMAND runs a command of the shell, which has to succeed
  size COLUMNS ROWS
              makes the terminal that large
  signal NAME sends the program a signal, as in TERM
  end STATUS  waits for the program to end with this status, or -N for signal N; the terminal has
              to be as it was, and no longer shows the screen

Fails at the first that does not come true, and prints the screen."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

PATIENCE = 60


class Screen:
    """As much of a terminal as the program uses."""

    ESCAPE = re.compile(r"\x1b\[([?>]?[0-9;]*)([A-Za-z])|\x1b[=>()].?|\r|\n|[^\x1b\r\n]", re.S)

    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.clear()
        self.rest = ""
        # Whether the program has the screen to itself.
        self.alternate = False

    def clear(self):
        """Nothing but blanks."""
        self.cells = [[" "] * self.columns for _ in range(self.rows)]
        self.row = self.column = 0

    def feed(self, text):
        """What the program has written."""
        text = self.rest + text
        at = 0
        while at < len(text):
            match = self.ESCAPE.match(text, at)
            if not match:
                break
            at = match.end()
            self.take(match)
        self.rest = text[at:]

    def take(self, match):
        """One character, or one command."""
        parameters, command = match.groups()
        text = match.group()
        if command == "H":
            row, column = (list(map(int, filter(None, parameters.split(";")))) + [1, 1])[:2]
            self.row, self.column = row - 1, column - 1
        elif command == "J":
            self.clear()
        elif parameters == "?1049":
            self.alternate = command == "h"
        elif command is None and text == "\r":
            self.column = 0
        elif command is None and text == "\n":
            self.row = min(self.row + 1, self.rows - 1)
        elif command is None and text[0] != "\x1b":
            if self.row < self.rows and self.column < self.columns:
                self.cells[self.row][self.column] = text
            self.column += 1

    def lines(self):
        """The rows as texts."""
        return ["".join(row).rstrip() for row in self.cells]


def main():
    """Does what the head of the file says."""
    columns, rows = int(sys.argv[1]), int(sys.argv[2])
    steps = [(line.rstrip("\n") + " ").split(" ", 1) for line in sys.stdin if line.strip()]
    steps = [(what, text[:-1]) for what, text in steps]
    terminal, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(program)
    child = os.fork()
    if child == 0:
        os.close(terminal)
        os.login_tty(program)
        os.execv(sys.argv[3], sys.argv[3:])
    screen = Screen(columns, rows)
    decoder = codecs.getincrementaldecoder("utf-8")()

    def read():
        """Takes what there is; false at the end."""
        if not select.select([terminal], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return False
        screen.feed(decoder.decode(data))
        return bool(data)

    def wait(true):
        """Until it is true."""
        until = time.monotonic() + PATIENCE
        while not true():
            if not read() or time.monotonic() > until:
                return true()
        return True

    for what, text in steps:
        if what == "size":
            columns, rows = map(int, text.split())
            screen.columns, screen.rows = columns, rows
            screen.clear()
            fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            # The terminal of a process that leads no session has no foreground to tell.
            os.kill(child, signal.SIGWINCH)
            done = True
        elif what == "signal":
            os.kill(child, getattr(signal, "SIG" + text))
            done = True
        elif what == "type":
            os.write(terminal, codecs.decode(text, "unicode_escape").encode())
            done = True
        elif what == "show":
            print("\n".join(screen.lines()))
            done = True
        elif what == "run":
            done = subprocess.run(text, shell=True, check=False).returncode == 0
        elif what == "end":
            status = None

            def ended():
                nonlocal status
                pid, how = os.waitpid(child, os.WNOHANG)
                status = os.waitstatus_to_exitcode(how) if pid else None
                return pid != 0

            done = wait(ended)
            # What it has written last.
            while select.select([terminal], [], [], 0)[0] and read():
                pass
            if status != int(text):
                print(f"it has ended with {status}")
                done = False
            if termios.tcgetattr(program) != before or screen.alternate:
                print("the terminal is not as it was")
                done = False
        else:
            regex = re.compile(text)

            def seen():
                return any(regex.search(line) for line in screen.lines())

            done = wait(seen if what == "see" else lambda: not seen())
        if not done:
            print(f"{what} {text}: not so")
            print("\n".join(screen.lines()))
            return 1
    return 0


sys.exit(main())
