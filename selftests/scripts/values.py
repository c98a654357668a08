#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# values.py INCLUDE MINGW LLVM: prints C that compiles after the headers in INCLUDE only if each
# number, size and offset that these have in common with mingw-w64's is the same. MINGW has the
# latter; libclang, which is in LLVM, reads them as a compiler for Windows would.

import pathlib
import re
import sys

from clang import cindex

# What differs, and why.
APART = {
    "DMA_OPERATIONS": "mingw-w64 has version 1 of three",
    "DEVICE_DESCRIPTION": "mingw-w64 has version 2 of three",
    "SCATTER_GATHER_LIST": "mingw-w64 counts one element; the WDK's array has none",
    "GENERAL_LOOKASIDE": "ours is not filled to a multiple of its alignment",
}

ARGUMENTS = [
    "--target=x86_64-w64-mingw32", "-ffreestanding", "-fms-extensions", "-w",
    "-ferror-limit=0", "-DNTDDI_VERSION=0x0A000000", "-D_WIN32_WINNT=0x0A00",
]
HEADERS = ("ntstatus.h", "sdkddkver.h", "ntifs.h", "ntintsafe.h")


def expressions(include):
    """The numbers, sizes and offsets that our headers have, as far as a regex finds them."""
    found = {}
    for path in sorted(include.rglob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for name in re.findall(r"(?m)^\s*#\s*define[ \t]+(\w+)[ \t]+\S", text):
            found[name] = None
        for body in re.findall(r"enum\s*\w*\s*\{(.*?)\}", text, re.S):
            for name in re.findall(r"(?m)\b([A-Za-z_]\w*)\s*(?:=[^,}]*)?(?:,|$)", body):
                found[name] = None
        for name, fields in structures(text):
            if name not in APART:
                found[f"sizeof({name})"] = None
            for field in fields:
                found[f"__builtin_offsetof({name}, {field})"] = None
    return list(found)


def structures(text):
    """Each typedef of a structure or union: its name and the names in it."""
    for start in re.finditer(r"typedef\s+(?:struct|union)\b[^;{]*\{", text):
        depth, end = 1, start.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        name = re.match(r"[^;]*?\b(\w+)\s*[,;]", text[end:])
        body = text[start.end():end]
        fields = re.findall(r"\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*;|\(\s*\*(\w+)\s*\)\s*\(", body)
        if name:
            yield name[1], [one or other for one, other in fields]


def values(expressions, mingw, llvm):
    """What each is there; those that are not there, or are no number, are left out."""
    cindex.Config.set_library_path(str(llvm))
    lines = [f"#include <{header}>" for header in HEADERS]
    first = len(lines) + 1
    lines += [f"enum {{ value_{i} = (long long)({one}) }};" for i, one in enumerate(expressions)]
    own, = llvm.glob("clang/*/include")
    include = [word for path in (mingw / "ddk", mingw, own) for word in ("-isystem", str(path))]
    unit = cindex.Index.create().parse(
        "values.c", ARGUMENTS + include, unsaved_files=[("values.c", "\n".join(lines))])
    for diagnostic in unit.diagnostics:
        if diagnostic.severity == cindex.Diagnostic.Fatal:
            sys.exit(f"{diagnostic.location.file}: {diagnostic.spelling}")
    wrong = {d.location.line for d in unit.diagnostics
             if d.severity >= cindex.Diagnostic.Error and str(d.location.file) == "values.c"}
    for cursor in unit.cursor.get_children():
        if cursor.kind != cindex.CursorKind.ENUM_DECL or str(cursor.location.file) != "values.c":
            continue
        line = cursor.location.line
        if line not in wrong:
            for constant in cursor.get_children():
                yield expressions[line - first], constant.enum_value


def main():
    include, mingw, llvm = map(pathlib.Path, sys.argv[1:])
    both = list(values(expressions(include), mingw, llvm))
    print(f"{len(both)} are compared", file=sys.stderr)
    for expression, value in both:
        print(f'_Static_assert((unsigned long long)({expression}) == {value & 0xffffffffffffffff}ULL,'
              f' "{expression} is {value:#x} in mingw-w64");')


if __name__ == "__main__":
    main()
