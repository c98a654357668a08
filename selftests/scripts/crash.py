#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
crash.py TOP WORK: tests scripts/rust_pool-crash on a machine's memory that is made here: page
tables, the kernel's symbols, two modules, and what rust_pool has in memory, with other layouts than
any compiler would choose. With drgn it reads the same memory from dumps as well. Prints "ok NAME"
or "not ok NAME" for each case.
"""

import importlib.machinery
import importlib.util
import os
import re
import struct
import subprocess
import sys
import zlib

TOP, WORK = sys.argv[1:3]
PROGRAM = os.path.join(TOP, 'scripts/rust_pool-crash')

U64 = (1 << 64) - 1
PAGE = 4096
# Where this machine has its memory, and where its kernel maps that.
RAM, RAM_END = 0x100000, 0xc00000
DIRECT, VMALLOC, PAGES = 0xffff888000000000, 0xffffc90000000000, 0xffffea0000000000
IMAGE, IMAGE_AT = 0xffffffff81000000, 0x200000
MODULE, MODULE_AT = 0xffffffffc0000000, 0x400000
PAGES_AT = 0x600000
# The tables that map it.
TABLES_AT = 0x180000
SECRET = 0x9e3779b97f4a7c15


def loaded():
    """The program, as a module of Python."""
    loader = importlib.machinery.SourceFileLoader('rust_pool_crash', PROGRAM)
    spec = importlib.util.spec_from_loader('rust_pool_crash', loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


crash = loaded()


class Machine:
    """Memory, which is written by virtual addresses."""

    def __init__(self):
        self.ram = bytearray(RAM_END - RAM)
        self.tables = TABLES_AT
        self.top = self.table()
        for virtual, physical, count in (
                (DIRECT, 0, 6), (IMAGE, IMAGE_AT, 1), (PAGES, PAGES_AT, 1)):
            for at in range(count):
                self.map(virtual + (at << 21), physical + (at << 21), 2)
        for at in range(64):
            # Every other page of the first of these is missing.
            if at >= 8 or at % 2 == 0:
                self.map(MODULE + at * PAGE, MODULE_AT + at * PAGE, 1)
        self.heap = DIRECT + 0x800000
        self.text = MODULE + 0x20000
        self.note = b''

    def table(self):
        """A new page table."""
        self.tables += PAGE
        return self.tables - PAGE

    def entry(self, table, virtual, level):
        """Where the entry for an address is."""
        return table - RAM + (virtual >> 12 + 9 * (level - 1) & 511) * 8

    def map(self, virtual, physical, level):
        """Maps a page, of 2 MiB at level 2."""
        table = self.top
        for above in range(4, level, -1):
            at = self.entry(table, virtual, above)
            word = struct.unpack_from('<Q', self.ram, at)[0]
            if not word:
                word = self.table() | 0x63
                struct.pack_into('<Q', self.ram, at, word)
            table = word & ~0xfff
        bits = 0x8000000000000163 | (0x80 if level == 2 else 0)
        struct.pack_into('<Q', self.ram, self.entry(table, virtual, level), physical | bits)

    def place(self, virtual):
        """The index in `ram` of an address."""
        table = self.top
        for level in (4, 3, 2, 1):
            word = struct.unpack_from('<Q', self.ram, self.entry(table, virtual, level))[0]
            if not word & 1:
                raise crash.Fault(hex(virtual))
            table = word & 0x000ffffffffff000
            if level == 1 or (level < 4 and word & 0x80):
                size = 1 << 12 + 9 * (level - 1)
                at = table + virtual % size - RAM
                if not 0 <= at < len(self.ram):
                    raise crash.Fault(hex(virtual))
                return at, size - virtual % size
        return None

    def read(self, addr, size):
        """As the program reads."""
        data = b''
        while size:
            at, room = self.place(addr)
            room = min(room, size, len(self.ram) - at)
            data += self.ram[at:at + room]
            addr, size = addr + room, size - room
        return data

    def physical(self, addr, size):
        """The same at a physical address."""
        if not RAM <= addr <= RAM_END - size:
            raise crash.Fault(hex(addr))
        return bytes(self.ram[addr - RAM:addr - RAM + size])

    def write(self, addr, data):
        """Writes bytes, over pages as well."""
        for at, byte in enumerate(data):
            self.ram[self.place(addr + at)[0]] = byte

    def put(self, addr, *words, form='Q'):
        """Writes numbers."""
        self.write(addr, struct.pack(f'<{len(words)}{form}', *words))

    def new(self, size):
        """Memory in the direct map, aligned to 64 bytes."""
        self.heap += size + 63 & -64
        return self.heap - (size + 63 & -64)

    def static(self, data):
        """The same in the memory of modules."""
        addr, self.text = self.text, self.text + len(data) + 63 & -64
        self.write(addr, data)
        return addr

    def words(self, *words):
        """A static of some words."""
        return self.static(struct.pack(f'<{len(words)}Q', *words))

    def string(self, text):
        """A text in the memory of modules, for a `&str`."""
        data = text.encode()
        return self.static(data + b'?'), len(data)


class Layouts:
    """Offsets for each layout of the descriptor: fields that are apart, in an order that changes
    from one to the next."""

    def __init__(self):
        self.values = {}
        for number, (name, parts) in enumerate(crash.LAYOUTS.items()):
            order = list(range(len(parts)))
            order = order[number % len(order):] + order[:number % len(order)]
            self.values[name] = {part: 16 + 16 * order[at] for at, part in enumerate(parts)}
        for name, changes in {
                'module_layout': {'area_bytes': 64, 'area_count': 3, 'name': 96, 'areas': 192,
                                  'list': 16, 'base': 8, 'size': 32},
                'page_layout': {'bytes': 64, 'words': 32},
                'chunks_layout': {'count': 1024, 'rows': 64},
                'row_layout': {'bytes': 192},
                'row_indices': {'allocs': 3, 'frees': 1, 'used': 2, 'drift': 0},
                'site_layout': {'bytes': 48, 'caller': 24, 'name': 8, 'text': 40, 'start': 8},
                'stack_layout': {'sites': 8, 'count': 3, 'optional': 16},
                'regions_layout': {'buckets': 4, 'stride': 40, 'first': 8},
                'records_layout': {'buckets': 8, 'stride': 24, 'first': 16},
                'region_layout': {'pool_tag': 300, 'contiguous_tag': 320, 'reserved_tag': 340},
                'record_layout': {'stack': 200, 'memory': 160},
                'memory_layout': {'number': 0, 'rust_block': 1, 'kind': 4},
                'span_layout': {'map': 128},
                'log_layout': {'parts': 64, 'part_count': 16, 'slots': 16, 'part_bytes': 24,
                               'start': 8, 'spare': 24, 'newest': 48},
                'entry_layout': {'bytes': 400, 'module': 96, 'module_len': 200, 'violation': 224},
                'special_layout': {'bytes': 600, 'allocated': 200, 'freed': 400},
                'violation_layout': {'check': 0, 'parameters': 16, 'words': 88, 'detail': 104,
                                     'tag': 4}}.items():
            self.values[name].update(changes)

    def __getattr__(self, name):
        return type('Layout', (), self.values[name])


class Made(Machine):
    """A machine with what rust_pool has there, of which the cases know each block."""

    def __init__(self, loaded=True, version=crash.VERSION):
        super().__init__()
        self.layout = Layouts()
        self.kernel()
        if loaded:
            self.pool(version)
        self.finish()

    def kernel(self):
        """The kernel's symbols: two functions, one with two names."""
        self.put(IMAGE + 0x100000, self.top, form='Q')
        names = ['T_text', 'Tfirst', 'tfirst_alias', 'Tsecond' + 'x' * 130, 'D_end']
        at = [0x1000, 0x1000, 0x1000, 0x1040, 0x1080]
        offsets, table = IMAGE + 0x2000, IMAGE + 0x8000
        packed = b''
        for name in names:
            size = len(name)
            packed += bytes([size] if size < 128 else [size & 0x7f | 0x80, size >> 7])
            packed += name.encode()
        self.write(IMAGE + 0x4000, packed)
        self.put(IMAGE + 0x3000, len(names), form='I')
        tokens = b''.join(bytes([byte or 1, 0]) for byte in range(256))
        self.write(table, tokens)
        self.put(IMAGE + 0x9000, *range(0, 512, 2), form='H')
        self.put(offsets, *(place - 0x2000 - 4 * number for number, place in enumerate(at)),
                 form='i')
        # The head of the list of modules.
        self.modules = IMAGE + 0xa000
        self.put(self.modules, self.modules, self.modules)

    def module(self, name, areas, symbols):
        """A module in the kernel's list."""
        of, symbol = self.layout.module_layout, self.layout.symbols_layout
        addr = self.static(bytes(1024))
        self.write(addr + of.name, name.encode() + b'\0')
        for number, (base, size) in enumerate(areas):
            area = addr + of.areas + number * of.area_bytes
            self.put(area + of.base, base)
            self.put(area + of.size, size, 0xffffffff, form='I')
        strings, table = b'\0', bytes(24)
        for text, value, section in symbols:
            table += struct.pack('<IBBHQQ', len(strings), 2, 0, section, value, 0)
            strings += text.encode() + b'\0'
        place = self.static(bytes(256))
        self.put(addr + symbol.symbols, place)
        self.put(place + symbol.table, self.static(table))
        self.put(place + symbol.count, len(symbols) + 1, form='I')
        self.put(place + symbol.names, self.static(strings))
        # At the end of the list.
        last = self.modules
        while struct.unpack('<Q', self.read(last, 8))[0] != self.modules:
            last = struct.unpack('<Q', self.read(last, 8))[0]
        self.put(last, addr + of.list)
        self.put(addr + of.list, self.modules)
        return addr

    def site(self, addr, caller=0, name=None):
        """Writes a call site."""
        of = self.layout.site_layout
        self.put(addr + of.caller, caller)
        if name:
            text = self.new(len(name))
            self.write(text, name.encode())
            place = self.new(128)
            # Length and capacity are around the address.
            self.put(place + of.text, len(name) + 3, text, len(name))
            self.put(addr + of.name, place)

    def check(self, addr, first, second):
        """The check word, written here once more from rust_pool/header.rs."""
        mixed = first ^ ((addr << 24 | addr >> 40) & U64) ^ (second << 20)
        return second | (mixed * SECRET & U64) >> 32 << 32

    def header(self, place, tag, asked, row=2, kind=0, live=True, units=None, front=None,
               charged=False):
        """Writes the header of a small block, and returns the block's address."""
        units = units or (asked + 31) // 16
        first = 2 << 24 | kind << 24 | units << 16 | int.from_bytes(tag, 'little') << 32
        first |= 8 << 24 if charged else 0
        if front is not None:
            first |= 4 << 24 | front
        second = self.check(place, first, asked | row << 16)
        self.put(place, first if live else first & ~(2 << 24), second)
        return place + 16

    def spare(self, place, units):
        """Writes a header in front of which no block was."""
        second = self.check(place, 2 << 24 | units << 16, 0)
        self.put(place, units << 16, second)

    def page(self, addr, first, second):
        """Writes the words of a page."""
        of = self.layout.page_layout
        self.put(PAGES + (addr - DIRECT) // PAGE * of.bytes + of.words, first, second)

    def block_of_pages(self, addr, tag, asked, order=None, shared=False, live=True, kind=1,
                       charged=False):
        """Writes the header of a block of pages."""
        form = 4 << 24 if shared else 0 if order is None else order + 1 << 20
        form |= 64 << 24 if charged else 0
        first = (10 | kind) << 24 | form | asked | int.from_bytes(tag, 'little') << 32
        second = self.check(addr, first, 3 << 16)
        self.page(addr, first if live else first & ~(2 << 24), second)
        return addr

    def span(self, base, pages, used, front=False, retired=0):
        """Writes the record of a span, in which these units are used."""
        of = self.layout.span_layout
        last = base + (pages - 1) * PAGE
        record = self.new(256)
        bits = sum(1 << unit for unit in used)
        self.put(record + of.base, base)
        self.put(record + of.map, *(bits >> 64 * at & U64 for at in range(4)))
        self.put(record + of.pages, pages, 0xff, form='B')
        self.put(record + of.front, front, 0xff, form='B')
        self.put(record + of.retired, retired, 0xffff, form='H')
        seal = (record ^ ((last << 24 | last >> 40) & U64)) * SECRET & U64
        self.page(last, seal, record)

    def table(self, *given):
        """A page table, or, with a layout, a hash table."""
        if not given:
            return super().table()
        of, items, link = given
        addr = self.new(of.buckets * of.stride + of.first + 8)
        for number, item in enumerate(items):
            bucket = addr + (number % of.buckets) * of.stride + of.first
            self.put(item + link, *struct.unpack('<Q', self.read(bucket, 8)))
            self.put(bucket, item)
        return addr

    def region(self, number, base, asked, used, caller, **tags):
        """The record of a region."""
        of = self.layout.region_layout
        addr = self.new(512)
        self.put(addr + of.base, base)
        self.put(addr + of.asked, asked)
        self.put(addr + of.used, used)
        self.put(addr + of.number, number, 0xee, form='B')
        for place, words in tags.items():
            self.put(addr + getattr(of, place), *words, form='I')
        self.site(addr + of.site, caller)
        return addr

    def record(self, addr, size, tag, number, kind, rust, time, callers):
        """A record of the verifier."""
        of = self.layout.record_layout
        record = self.new(512)
        self.put(record + of.addr, addr)
        self.put(record + of.bytes, size)
        self.put(record + of.tag, int(tag is not None), int.from_bytes(tag or b'', 'little'),
                 form='I')
        self.write(record + of.memory, struct.pack('<BBxxI', number, rust, kind))
        self.put(record + of.time, time)
        for at, caller in enumerate(callers):
            self.site(record + of.stack + self.layout.stack_layout.sites
                      + at * self.layout.site_layout.bytes, caller)
        return record

    def row(self, chunk, index, key, owner, first, live, peak, caller, counters, name=None):
        """A row of the tag table: `counters` are those of each CPU, in the program's order."""
        of, order = self.layout.row_layout, self.layout.row_indices
        addr = chunk + index * of.bytes
        cookie = 0x4000 + index * 32
        self.put(addr + of.key, key)
        self.put(addr + of.owner, owner)
        self.put(addr + of.counters, cookie)
        self.put(addr + of.first, first)
        self.put(addr + of.live, live & U64)
        self.put(addr + of.peak, peak)
        self.site(addr + of.site, caller, name)
        failed = 0
        for cpu, values in enumerate(counters):
            words = [0] * 4
            *values, failures = values
            for part, value in zip(('allocs', 'frees', 'used', 'drift'), values):
                words[getattr(order, part)] = value & U64
            self.put(self.percpu[cpu] + cookie, *words)
            failed += failures
        self.put(addr + of.failures, failed)
        return addr

    def violation(self, slots, slot, number, check, parameters, words, detail, tag=None, module='',
                  caller=0):
        """A violation in a slot."""
        of, parts = self.layout.entry_layout, self.layout.violation_layout
        entry = slots + slot * of.bytes
        at = entry + of.violation
        self.put(entry + of.number, number)
        self.put(entry + of.time, number * 10**9 + 123456789)
        self.site(entry + of.site, caller)
        self.write(entry + of.module, module.encode())
        self.put(entry + of.module_len, len(module))
        self.put(at + parts.check, check, form='I')
        for place, (is_address, value) in enumerate(parameters):
            self.write(at + parts.parameters + 16 * place,
                       struct.pack('<IIQ', is_address, 0xdead, value))
        self.put(at + parts.words, *self.string(words))
        self.write(at + parts.detail, detail)
        if tag:
            self.put(at + parts.tag, 1, int.from_bytes(tag, 'little'), form='I')

    def pool(self, version):
        """All of rust_pool."""
        page = DIRECT + 0x900000
        self.client = self.module('client', [(MODULE + 0x10000, 0x1000)], [
            ('leak_all', MODULE + 0x10100, 1), ('$t', MODULE + 0x10180, 1),
            ('free_some', MODULE + 0x10200, 1), ('gone', MODULE + 0x10140, 0)])
        self.own = self.module('rust_pool', [(MODULE + 0x20000, 0x20000)], [])
        classes = [max(2, units) for units in range(17)]
        while len(classes) < 256:
            step = max(1, (1 << (len(classes) - 1).bit_length() - 4))
            classes.append(min(255, (len(classes) + step - 1) // step * step))
        self.classes = classes
        statics = {
            'cpu_offsets': self.words(DIRECT + 0xa00000, DIRECT + 0xa10000),
            'cpus': self.static(struct.pack('<II', 2, 0xffff)),
            'direct_map': self.words(DIRECT), 'vmalloc': self.words(VMALLOC),
            'pages': self.words(PAGES), 'secret': self.words(SECRET),
            'class_of': self.static(struct.pack('<256I', *(
                number << 16 | units * 16 for number, units in enumerate(classes)))),
            'claimed': self.words(6), 'missed': self.words(4), 'reported': self.words(300),
            'panic': self.static(struct.pack('<II', 1, 0)), 'module': self.own}
        self.percpu = (DIRECT + 0xa00000, DIRECT + 0xa10000)

        # The heap: a page of small blocks, and one that a larger block shares.
        self.small = self.header(page + 0x20, b'Ring', 300, row=2)
        self.freed = self.header(page + 0x20 + 320, b'Name', 20, row=3, live=False)
        # In the block before, so no neighbour of anything.
        self.header(page + 0x20 + 64, b'Old ', 32, live=False)
        self.spare(page + 0x20 + 320 + 48, 4)
        self.bare = page + 0x20 + 320 + 48 + 64
        self.behind = self.header(self.bare + 32, b'Ring', 100, row=4, kind=0)
        start = 2
        end = (self.behind - page) // 16 - 1 + classes[8]
        self.span(page, 1, [unit for unit in range(start, end)])
        self.free = page + end * 16
        # A block that was freed, and whose memory the heap has again.
        self.gone = self.header(self.free + 0x80, b'Gone', 40, row=2, live=False)
        large = DIRECT + 0x910000
        self.large = self.block_of_pages(large, b'Big1', 2 * PAGE + 100, shared=True)
        self.beside = self.header(large + 2 * PAGE + 112, b'Tiny', 5, row=3, units=2)
        self.span(large, 3, range(9), front=True)
        # A page with blocks that have no header, but records: one of the Rust API, in which an
        # older header is left, and in front of one that was freed; and one that lost its header.
        self.bare_page = DIRECT + 0x918000
        self.header(self.bare_page + 0x10, b'Old ', 16, live=False)
        self.header(self.bare_page + 0x40, b'Old ', 16, live=False)
        self.span(self.bare_page, 1, range(12))
        # Pages of an order, live and in a magazine.
        self.order = self.block_of_pages(DIRECT + 0x920000, b'Ring', 5000, order=1, kind=0)
        self.kept = self.block_of_pages(DIRECT + 0x922000, b'Name', 4096, order=0, live=False)
        # An object of a slab cache, cache-aligned, in which an older header is left.
        slab = DIRECT + 0x930000
        self.aligned = self.header(slab + 0x230, b'Line', 200, row=3, units=16, front=3)
        self.header(slab + 0x260, b'Old ', 16, live=False)
        # Objects of 192 bytes, as of kmalloc, for blocks that need 128; behind the first of these
        # is what an older block has left, and the last was freed. And pages that are charged.
        self.quota = self.header(slab + 0x1000, b'Quot', 100, row=4, charged=True)
        self.header(slab + 0x1080, b'Old ', 16, live=False)
        self.quota_aligned = self.header(slab + 0x10f0, b'Quot', 50, row=4, units=5, front=3,
                                         charged=True)
        self.quota_freed = self.header(slab + 0x1180, b'Quot', 110, row=4, charged=True, live=False)
        self.quota_pages = self.block_of_pages(slab + 0x4000, b'Quot', 9000, charged=True)
        # A page that the heap has emptied: its words say nothing.
        self.emptied = self.header(slab + 0x9000, b'Dept', 40, row=3, live=False)
        self.page(slab + 0x9000, 0, 0)

        # Records.
        self.huge = 0xffffc90000100000
        code = MODULE + 0x10100
        self.regions = regions = [
            self.region(0, self.huge, 3000000, 3002368, code + 0x40, kind=(1,),
                        pool_tag=(int.from_bytes(b'Huge', 'little'),)),
            self.region(1, DIRECT + 0x940000, 5000, 8192, code + 0x90,
                        contiguous_tag=(1, int.from_bytes(b'Cont', 'little'))),
            self.region(1, DIRECT + 0x950000, 1, 4096, IMAGE + 0x1010, contiguous_tag=(0, 7)),
            self.region(9, DIRECT + 0x800001, 8192, 8192, code),
            self.region(0, self.huge + 0x400000, 100000, 102400, code + 0x30, kind=(0,),
                        charged=(1,), pool_tag=(int.from_bytes(b'Huge', 'little'),)),
            # A view has no memory, whatever it says where pool says that it is charged.
            self.region(12, DIRECT + 0x970105, 8192, 0, code + 0x70, charged=(1,))]
        statics['regions'] = self.words(self.table(
            self.layout.regions_layout, regions, self.layout.region_layout.next))
        self.rust = DIRECT + 0x960010
        records = [
            self.record(self.small, 300, b'Ring', 0, 0, 0, 12345678901,
                        [code + 0x23, IMAGE + 0x1041]),
            self.record(self.rust, 64, b'RsTg', 0, 1, 1, 5, [code + 0x50]),
            self.record(self.bare_page, 64, b'RsHp', 0, 1, 1, 5, [code + 0x51]),
            self.record(self.bare_page + 0x90, 40, b'Lost', 0, 0, 0, 5, [code + 0x52]),
            # The locked pages of an MDL are not where its record says.
            self.record(self.freed - 1, 1 << 20, None, 8, 0, 0, 5, [code + 0x53])]
        statics['records'] = self.words(self.table(
            self.layout.records_layout, records, self.layout.record_layout.next))

        # Rows: the first two are (other), of which one is used; Ring is of two modules.
        self.chunk = chunk = self.new(64 * self.layout.row_layout.bytes)
        statics['chunks'] = self.words(chunk, *([0] * 1023))
        ring = int.from_bytes(b'Ring', 'little')
        none = [(0, 0, 0, 0, 0)] * 2
        self.row(chunk, 0, 0, 0, 0, 0, 0, 0, none)
        self.row(chunk, 1, 0, 0, 0, 0, 0, 0, [(1, 0, 64, 40, 0), (0, 0, 0, 0, 2)])
        first = self.row(chunk, 2, ring, self.client, 0, 16000, 60000, code + 0x23,
                         [(5, 1, 17000, 1300, 1), (2, 4, -200, -300, 0)])
        self.row(chunk, 3, int.from_bytes(b'Name', 'little') | 1 << 32, 1, 0, 0, 90, 0,
                 [(3, 1, 96, 60, 0), (0, 0, 0, 0, 0)], name='was_there+0x1/0x20 [old]')
        self.row(chunk, 4, ring, self.own, first, 100, 0, 0, [(1, 0, 112, 0, 0), (0, 0, 0, 0, 0)])
        # Row 5 was claimed, but lost the race for its tag.
        self.row(chunk, 5, 0, 0, 0, 0, 0, 0, [(9, 9, 9, 9, 9)] * 2)

        # Special pool: a place without a block, a live block, and one that was freed.
        of = self.layout.special_layout
        self.special = 0xffffc90000800000
        slots = self.new(3 * of.bytes)
        for number, state, size, freed in ((0, 0, 0, 2), (1, 2, 40, 0), (2, 3, 100, 1)):
            slot = slots + number * of.bytes
            self.put(slot + of.state, state, 0xff, form='B')
            self.put(slot + of.addr, self.special + (2 * number + 2) * PAGE - size)
            self.put(slot + of.size, size)
            self.put(slot + of.tag, int.from_bytes(b'Spec', 'little'), form='I')
            self.put(slot + of.kind, 1, form='I')
            self.put(slot + of.row, first)
            self.site(slot + of.allocated + self.layout.stack_layout.sites, code + 0x60)
            self.put(slot + of.freed, freed)
            self.site(slot + of.freed + self.layout.stack_layout.optional
                      + self.layout.stack_layout.sites, code + 0x110)
        statics['special_start'] = self.words(self.special)
        statics['special_bytes'] = self.words(7 * PAGE)
        statics['special_slots'] = self.words(slots)

        # Violations: the ring has gone round, and one slot is left of an older load.
        of = self.layout.log_layout
        log = self.new(1024)
        self.put(log + of.newest, 300)
        for part in range(of.part_count):
            self.put(log + of.parts + part * of.part_bytes + of.start, 8)
        slots = [self.new(16 * self.layout.entry_layout.bytes) for _ in range(3)]
        for part, memory in ((2, slots[0]), (3, slots[1])):
            self.put(log + of.parts + part * of.part_bytes + of.start, memory)
        self.put(log + of.spare + of.start, slots[2])
        tag = lambda text: struct.pack('<I', int.from_bytes(text, 'little'))
        plain = [(0, 7), (0, 0), (0, ring), (1, self.freed)]
        # 300 is 256 + 2 * 16 + 12.
        self.violation(slots[0], 12, 300, 0xc2, [(0, 0xa), (1, self.small), (0, ring), (0, 1)],
                       'free of a {block} block with tag {given} (a block of {bytes} bytes)',
                       struct.pack('<I', 2) + tag(b'Ring') + tag(b'Pool') + bytes(4)
                       + struct.pack('<Q', 300), b'Ring', 'client', code + 0x36)
        self.violation(slots[0], 11, 299, 0xc2, plain, 'block freed twice', bytes(40), b'A b ',
                       caller=code + 0x36)
        context = struct.pack('<IIQQ', 1, 2, *self.string('preemption disabled'))
        self.violation(slots[1], 2, 290 + 16, 0xc2, plain, 'too new', bytes(40))
        self.violation(slots[1], 3, 51, 0xc2, plain, 'paged pool: {context}', context)
        self.violation(slots[1], 4, 52 - 256 + 256, 0x77, plain, 'of no code', bytes(40))
        self.violation(slots[2], 8, 296, 0xc4, [(0, 0x62)] + [(0, 0)] * 3,
                       '{what}: {blocks}, {bytes}',
                       struct.pack('<IIQQQQ', 4, 0, *self.string('leaked'), 1, 20),
                       caller=IMAGE + 0x1041)
        statics['log'] = self.words(log)
        options = self.new(256)
        text = self.new(64)
        self.write(text, b'tracking tag=Ring\ndma\n\0')
        self.put(options + self.layout.options_layout.text, text)
        statics['options'] = self.words(options)

        # The descriptor, at the end of a page, and in front of it what is none.
        at = MODULE + 0x32000 - 64
        layouts = [value for name, parts in crash.LAYOUTS.items()
                   for value in (self.layout.values[name][part] for part in parts)]
        for own, place in ((0, MODULE + 0x31000), (at, at)):
            statics['own'] = own
            self.write(place, crash.DESCRIPTOR.pack(
                crash.MAGIC, version, crash.DESCRIPTOR.size,
                *(statics[name] for name in crash.ADDRESSES), *layouts))
        self.descriptor = at

    def finish(self):
        """The note VMCOREINFO, in a page of its own."""
        base = IMAGE_AT - (IMAGE - 0xffffffff80000000)
        lines = ['OSRELEASE=7.3.4+deb13-amd64', 'BUILD-ID=00', 'PAGESIZE=4096',
                 f'SYMBOL(swapper_pg_dir)={0xffffffff80000000 + self.top - base:x}',
                 f'SYMBOL(_stext)={IMAGE:x}', f'NUMBER(phys_base)={base}',
                 'NUMBER(pgtable_l5_enabled)=0', 'KERNELOFFSET=0',
                 f'NUMBER(KERNEL_IMAGE_SIZE)={0x40000000}', 'NUMBER(sme_mask)=0']
        for name, at in (('names', 0x4000), ('num_syms', 0x3000), ('token_table', 0x8000),
                         ('token_index', 0x9000), ('offsets', 0x2000)):
            lines.append(f'SYMBOL(kallsyms_{name})={IMAGE + at:x}')
        note = '\n'.join(lines) + '\n'
        # Two that are not of this kernel come first.
        for at, name in ((0x110004, 'swapper_pg_dir'), (0x112004, '_stext')):
            self.note = re.sub(rf'({name}\))=.*', r'\1=0', note).replace('7.3.4', '7.3.3')
            self.write(DIRECT + at, self.elf_note())
        self.note = note
        self.write(DIRECT + 0xb00004, self.elf_note())

    def elf_note(self):
        """The note as ELF has it."""
        data = self.note.encode()
        head = struct.pack('<III', 11, len(data), 0) + b'VMCOREINFO\0\0'
        return head + data + bytes(-len(data) % 4)

    def dump(self, path, with_note):
        """Writes a dump as QEMU does: without virtual addresses."""
        note = struct.pack('<III', 5, 336, 1) + b'CORE\0\0\0\0' + bytes(336)
        note += struct.pack('<III', 5, 440, 0) + b'QEMU\0\0\0\0' + bytes(440)
        note += self.elf_note() if with_note else b''
        head = 64 + 3 * 56
        half = (RAM_END - RAM) // 2
        with open(path, 'wb') as file:
            file.write(struct.pack('<16sHHIQQQIHHHHHH', b'\x7fELF\2\1\1', 4, 62, 1, 0, 64, 0, 0, 64,
                                   56, 3, 0, 0, 0))
            file.write(struct.pack('<IIQQQQQQ', 4, 0, head, 0, 0, len(note), len(note), 0))
            for at in (0, half):
                file.write(struct.pack('<IIQQQQQQ', 1, 0, head + len(note) + at, 0, RAM + at, half,
                                       half, 0))
            file.write(note)
            file.write(self.ram)

    def kdump(self, path):
        """Writes a dump as makedumpfile does: compressed, and without free pages. Here these are
        those of the pool's memory that are zero."""
        count = RAM_END // PAGE
        pages = {at // PAGE: bytes(self.ram[at - RAM:at - RAM + PAGE])
                 for at in range(RAM, RAM_END, PAGE)}
        heap = (self.heap - DIRECT) // PAGE
        written = [page for page in sorted(pages) if page < heap or any(pages[page])]
        note = struct.pack('<III', 5, 336, 1) + b'CORE\0\0\0\0' + bytes(336) + self.elf_note()
        maps = [sum(1 << page for page in which).to_bytes(PAGE, 'little')
                for which in (pages, written)]
        system = b''.join(word.ljust(65, b'\0')
                          for word in (b'Linux', b'host', b'7.3.4', b'#1', b'x86_64', b''))
        base = int(re.search(r'phys_base\)=(-?[0-9]+)', self.note).group(1))
        with open(path, 'wb') as file:
            file.write(struct.pack('<8sI390s6x16x10I', b'KDUMP   ', 6, system, 1, PAGE, 2, 2, count,
                                   0, 0, 0, 0, 1).ljust(PAGE, b'\0'))
            file.write(struct.pack('<qii11Q', base, 31, 0, 0, 0, 0, 0, 2 * PAGE, len(note), 0, 0, 0,
                                   0, count).ljust(PAGE, b'\0'))
            file.write(note.ljust(PAGE, b'\0'))
            file.write(b''.join(maps))
            packed = [zlib.compress(pages[page]) for page in written]
            at = 5 * PAGE + 24 * len(packed)
            for data in packed:
                file.write(struct.pack('<QIIQ', at, len(data), 1, 0))
                at += len(data)
            file.write(b''.join(packed))


made = Made()
pool = crash.Pool(crash.Memory(made))
CODE = MODULE + 0x10100


def lines(command):
    """What a command prints."""
    return list(command)


def fields(addr):
    """What `pool` says of an address, by the words in front."""
    return dict(line.split(':', 1) for line in (
        re.sub(r': +', ':', line, count=1) for line in pool.pool(addr)))


def expect(got, want):
    """Passes if both are the same, and shows both if not."""
    if got != want:
        print(f'# got:    {got}\n# wanted: {want}')
    return got == want


def describes():
    """The fields of the descriptor are those of the source, in order."""
    with open(os.path.join(TOP, 'rust_pool/crash.rs')) as file:
        source = file.read()
    body = re.search(r'struct Descriptor \{(.*?)\n\}', source, re.S).group(1)
    found = re.findall(r'^    (\w+): ([^,]+),', body, re.M)
    want = [('magic', '[u8; 16]'), ('version', 'u32'), ('bytes', 'u32')]
    want += [(name, 'Address') for name in crash.ADDRESSES]
    want += [(name, f'[u16; {len(parts)}]') for name, parts in crash.LAYOUTS.items()]
    version = re.search(r'const VERSION: u32 = (\d+);', source).group(1)
    return expect(found, want) and expect(int(version), crash.VERSION)


def numbers():
    """The numbers of memory types, of families and of checks are those of the source."""
    def enumeration(path, name):
        with open(os.path.join(TOP, path)) as file:
            body = re.search(rf'enum {name} \{{(.*?)\n\}}', file.read(), re.S).group(1)
        found = re.findall(r'^    (?:\w+(?:\(.*\))?|\}) = (\w+),$', body, re.M)
        return [int(number, 0) for number in found]

    types = enumeration('rust_pool/types/memory_type.rs', 'MemoryType')
    owners = enumeration('rust_pool/record.rs', 'Owner')
    checks = enumeration('rust_pool/report/violation.rs', 'Check')
    return (expect(types, list(range(len(crash.MEMORY))))
            and expect(sorted(owners), sorted(crash.OWNERS))
            and expect(sorted(checks), sorted(crash.CHECKS)))


def finds():
    """The descriptor is found, not the copy in front of it."""
    return expect(pool.desc.own, made.descriptor)


def refuses(machine, words):
    """One line says why a machine's memory is not read."""
    try:
        crash.Pool(crash.Memory(machine))
    except crash.Trouble as trouble:
        return expect(bool(re.search(words, str(trouble))), True)
    return False


def names():
    """Places in code have the names that %pS gives."""
    own = pool.names
    return all((
        expect(own.of(CODE + 0x23), 'leak_all+0x23/0x100 [client]'),
        expect(own.of(CODE + 0x90), 'leak_all+0x90/0x100 [client]'),
        expect(own.of(CODE + 0x180), 'free_some+0x80/0xe00 [client]'),
        expect(own.of(MODULE + 0x10004), f'{MODULE + 0x10004:#018x} [client]'),
        expect(own.of(IMAGE + 0x1010), '_text+0x10/0x40'),
        expect(own.of(IMAGE + 0x1041), f'second{"x" * 130}+0x1/0x40'),
        expect(own.of(IMAGE + 0x1090), f'{IMAGE + 0x1090:#018x}'),
        expect([it.name for it in own.modules], ['rust_pool', 'client']),
        expect(crash.module_of('a+0x1/0x2 [b 1234]'), 'b'),
        expect(crash.module_of('_R[a]+0x1/0x2'), 'vmlinux')))


def poolused():
    """Sums of CPUs and modules."""
    rows = lines(pool.poolused())[3:]
    words = [row.split() for row in rows]
    return all((
        expect([row[0] for row in words], ['Ring', 'Name', '(other)']),
        expect(words[0][1:10], ['Nonp', '8', '5', '3', '17100', '16912', '5700', '60000', '1']),
        expect(words[0][10:], ['leak_all+0x23/0x100', '[client]']),
        expect(words[1][1:], ['Paged', '3', '1', '2', '60', '96', '30', '90', '0',
                              'was_there+0x1/0x20', '[old]']),
        expect(words[2][1:10], ['Paged', '1', '0', '1', '40', '64', '40', '40', '2']),
        expect(lines(pool.poolused('R?n*'))[3:], rows[:1]),
        expect(lines(pool.poolused('[R]ing'))[3:], []),
        expect(rows[0].startswith('Ring Nonp             8            5            3 '), True)))


def by_module():
    """A row for each module."""
    rows = [line.split() for line in lines(pool.poolused('*', True))[3:]]
    return expect([(row[0], row[4], row[8], ' '.join(row[10:])) for row in rows], [
        ('Ring', '2', '-', 'client'), ('Ring', '1', '-', 'rust_pool'),
        ('Name', '2', '-', 'old (gone)'), ('(other)', '1', '-', '(unknown)')])


def small_block():
    """A small block of the heap, by an address inside of it."""
    said = fields(made.small + 60)
    return all((
        expect(said['state'], 'live'),
        expect(said['block'], f'{made.small:#018x}, 300 bytes asked for, 320 taken; the address is '
               '60 bytes into it'),
        expect(said['tag'], 'Ring Nonp'), expect(said['module'], 'client'),
        expect(said['caller'], f'leak_all+0x23/0x100 [client] < second{"x" * 130}+0x1/0x40'),
        expect(said['time'], '12.345 s after boot'),
        expect(said['before'], f'{made.small - 0x30:#018x} free memory of the heap, 32 bytes'),
        expect(said['after'], f'{made.freed:#018x} freed Name Nonp 20 bytes, 48 taken')))


def freed_block():
    """A block that was freed, and one behind it that never was one."""
    said, spare = fields(made.freed), fields(made.freed + 48)
    return all((
        expect(said['state'], 'freed'), expect(said['tag'], 'Name Nonp'),
        expect(said['before'].split(' ')[1:3], ['live', 'Ring']),
        expect(said['after'], f'{made.freed + 32:#018x} never used, 64 bytes'),
        expect(spare['state'], 'never used')))


def freed_into_the_heap():
    """A block that was freed, and what is around it now."""
    said = fields(made.gone + 39)
    return all((
        expect(said['state'], 'freed'), expect(said['tag'], 'Gone Nonp'),
        expect(said['block'].split(',')[0], f'{made.gone:#018x}'),
        expect(said['where'].split(', ')[-1], 'which has its memory again'),
        expect([fields(addr)['state'] for addr in (made.gone - 17, made.gone + 48)],
               ['free memory of the heap'] * 2)))


def without_header():
    """What is in use without a header, and free memory."""
    said, free = fields(made.bare + 8), fields(made.free)
    return all((
        expect(said['memory'], f'{made.bare:#018x}, 32 bytes'),
        expect(said['after'].split(' ')[:3], [f'{made.behind:#018x}', 'live', 'Ring']),
        expect(free['state'], 'free memory of the heap'), expect(free['after'], '-'),
        expect(fields(made.behind)['caller'], 'not tracked; the tag was first used at -')))


def pages():
    """Blocks of pages, by addresses in their first page and in their last."""
    said, last, order = (fields(addr) for addr in (
        made.large, made.large + 2 * PAGE + 99, made.order + 3 * PAGE))
    return all((
        expect(said['block'], f'{made.large:#018x}, 8292 bytes asked for, 8304 taken; the address '
               'is its start'),
        expect(said['tag'], 'Big1 Paged'), expect(last['state'], 'live'),
        expect(last['after'].split(' ')[:3], [f'{made.beside:#018x}', 'live', 'Tiny']),
        expect(fields(made.beside)['before'].split(' ')[:3],
               [f'{made.large:#018x}', 'live', 'Big1']),
        expect(order['state'], 'no block of rust_pool is known there'),
        expect(fields(made.order + 8191)['block'].split(';')[1],
               ' the address is 3191 bytes behind its end'),
        expect(fields(made.order)['after'].split(' ')[:3],
               [f'{made.kept:#018x}', 'freed', 'Name'])))


def slab_object():
    """A cache-aligned block outside of the heap, not the header that is left inside of it."""
    said = fields(made.aligned + 64)
    return all((
        expect(said['block'].split(',')[0], f'{made.aligned:#018x}'),
        expect(said['tag'], 'Line Nonp'), expect(said['where'], 'an object of a slab cache'),
        expect(fields(made.aligned - 3)['block'].split('; ')[1],
               'the address is 3 bytes in front of it')))


def recorded():
    """Blocks that have a record, with their call site."""
    huge, cont = fields(made.huge + 0x1000), fields(DIRECT + 0x941fff)
    return all((
        expect(huge['tag'], 'Huge Paged'), expect(huge['module'], 'client'),
        expect(huge['caller'], 'leak_all+0x40/0x100 [client]'),
        expect(cont['tag'], 'Cont contiguous'),
        expect(fields(DIRECT + 0x950000)['tag'], '- contiguous'),
        expect(fields(DIRECT + 0x950000)['caller'], '_text+0x10/0x40'),
        expect(fields(made.rust + 3)['where'], 'memory of the Rust API'),
        expect(fields(DIRECT + 0x970105)['state'], 'no block of rust_pool is known there'),
        expect(lines(pool.families())[1:], [
            f'Nonp {made.huge + 0x400000:#018x} 100000 102400 Huge leak_all+0x30/0x100 [client]',
            f'Paged {made.huge:#018x} 3000000 3002368 Huge leak_all+0x40/0x100 [client]',
            f'contiguous {DIRECT + 0x940000:#018x} 5000 8192 Cont leak_all+0x90/0x100 [client]',
            f'contiguous {DIRECT + 0x950000:#018x} 1 4096 - _text+0x10/0x40',
            f'mdl_pages {DIRECT + 0x800001:#018x} 8192 8192 - leak_all+0x0/0x100 [client]',
            f'view {DIRECT + 0x970105:#018x} 8192 0 - leak_all+0x70/0x100 [client]'])))


def by_record():
    """Blocks in the heap of which the verifier has a record, and which have no header."""
    rust, inside, lost = (fields(made.bare_page + at) for at in (3, 0x14, 0x90))
    return all((
        expect([(it['state'], it['tag'], it.get('caller')) for it in (rust, inside, lost)], [
            ('live', 'RsHp Paged', 'leak_all+0x51/0x100 [client]'),
            ('live', 'RsHp Paged', 'leak_all+0x51/0x100 [client]'),
            ('live', 'Lost Nonp', 'leak_all+0x52/0x100 [client]')]),
        expect(inside['block'].split('; ')[0],
               f'{made.bare_page:#018x}, 64 bytes asked for, 64 taken'),
        expect((inside['where'], lost['where']), (
            'memory of the Rust API',
            'memory of the pool, without its header: that is overwritten')),
        expect(fields(made.freed)['state'], 'freed')))


def charged():
    """Blocks that are charged to a process: small, of pages, and with a record; and one that was
    freed."""
    small, aligned, page = (fields(addr) for addr in (
        made.quota + 99, made.quota_aligned + 7, made.quota_pages + 2 * PAGE))
    return all((
        expect([said.get('quota') for said in (small, aligned, page,
                                               fields(made.huge + 0x400000))],
               ['charged to a process'] * 4),
        expect(small['block'].split('; ')[0],
               f'{made.quota:#018x}, 100 bytes asked for, 128 taken'),
        expect((small['tag'], small['module']), ('Quot Nonp', 'rust_pool')),
        # What is left in the rest of its object is no neighbour.
        expect((small['before'], small['after']), ('-', '-')),
        expect(fields(made.quota + 128)['tag'], 'Old  Nonp'),
        expect(aligned['block'].split('; ')[0],
               f'{made.quota_aligned:#018x}, 50 bytes asked for, 80 taken'),
        expect(page['block'].split('; ')[0],
               f'{made.quota_pages:#018x}, 9000 bytes asked for, 12288 taken'),
        expect(page['where'], 'pages of its own'),
        expect([said.get('quota') for said in (fields(made.small), fields(made.huge),
                                               fields(made.large), fields(made.quota_freed))],
               [None] * 4),
        expect(fields(made.quota_freed)['state'], 'freed'),
        expect([row.split(' ')[2] for row in lines(pool.poolfind('Quot', True))[2:-2]],
               ['live', 'live', 'freed', 'live'])))


def kept():
    """What the pool keeps for the next block is freed: in a page of the heap, as a magazine or the
    depot have it, in a page that is empty, and pages."""
    said = fields(made.emptied + 1)
    return all((
        expect([fields(addr)['state'] for addr in (made.freed, made.emptied, made.kept)],
               ['freed'] * 3),
        expect((said['tag'], said['where']), (
            'Dept Nonp', 'an object of a slab cache, or a page that the heap has emptied')),
        expect([line.split(' ')[:3] for line in pool.poolfind('Dept')][2], ['#', 'live', '0']),
        expect([line.split(' ')[2] for line in pool.poolfind('Dept', True)][2], 'freed')))


def special():
    """Blocks of special pool, by addresses on their pages and on those between."""
    live, freed = made.special + 4 * PAGE - 40, made.special + 6 * PAGE - 100
    said, gone = fields(live + 1), fields(freed + 7)
    return all((
        expect(said['state'], 'live'), expect(said['tag'], 'Spec Paged'),
        expect(said['block'].split(',')[:2], [f'{live:#018x}', ' 40 bytes asked for']),
        expect(said['module'], 'client'), expect(said['caller'], 'leak_all+0x60/0x100 [client]'),
        expect('freed' in said, False),
        expect(said['after'], f'{made.special + 4 * PAGE:#018x} not mapped, 4096 bytes'),
        expect(gone['state'], 'freed'), expect(gone['freed'], 'by free_some+0x10/0xe00 [client]'),
        # Between both, the live one counts; behind the other, that.
        expect(fields(made.special + 5 * PAGE - 1)['block'].split('; ')[1],
               'the address is 4095 bytes behind its end'),
        expect(fields(made.special + 6 * PAGE + 1)['block'].split(',')[0], f'{freed:#018x}'),
        expect(fields(made.special)['state'], 'no block of rust_pool is known there'),
        expect([line.split(' ')[:6] for line in pool.poolfind('Spec', True)][2:4], [
            [f'{live:#018x}', 'Paged', 'live', '40', '4096', 'client'],
            [f'{freed:#018x}', 'Paged', 'freed', '100', '4096', 'client']])))


def elsewhere():
    """Addresses that are no block's."""
    nowhere = 0, 0x1234, DIRECT + 0x970000, DIRECT + 0x10000000, VMALLOC, MODULE, U64
    return all(expect(fields(addr)['state'], 'no block of rust_pool is known there')
               for addr in nowhere)


def poolfind():
    """All blocks of a tag: small, of pages, with a record, of the Rust API; freed ones if asked."""
    def found(*words):
        return [line.split(' ')[:6] for line in pool.poolfind(*words)][2:]

    ring = found('Ring')
    return all((
        expect([row[0] for row in ring[:3]], [
            f'{addr:#018x}' for addr in (made.small, made.behind, made.order)]),
        expect([row[1:6] for row in ring[:3]], [
            ['Nonp', 'live', '300', '320', 'client'], ['Nonp', 'live', '100', '128', 'rust_pool'],
            ['Nonp', 'live', '5000', '8192', 'old']]),
        expect(ring[3][:6], ['#', 'live', '3', 'bytes', '5400', 'used']),
        expect(found('Name')[0][:3], ['#', 'live', '0']),
        expect(sorted(row[0] for row in found('Name', True)[:2]),
               sorted(f'{addr:#018x}' for addr in (made.freed, made.kept))),
        expect(found('Huge')[1], [f'{made.huge:#018x}', 'Paged', 'live', '3000000', '3002368',
                                  'client']),
        expect(found('RsTg')[0][:3], [f'{made.rust:#018x}', 'Paged', 'live']),
        expect(found('None'), [['#', 'live', '0', 'bytes', '0', 'used']])))


def violations():
    """The last violations, those of the spare part as well, and none of an older load."""
    said = lines(pool.violations())
    return expect(said[1].split(';')[0], '# reported 300') and expect(said[3:], [
        f'51 51.123456 0xc2 0x7 0x0 0x676e6952 {made.freed:#018x} - - unknown paged pool: '
        'at DISPATCH_LEVEL: preemption disabled',
        f'296 296.123456 0xc4 0x62 0x0 0x0 0x0 vmlinux - second{"x" * 130}+0x1/0x40 '
        'leaked: 1 block, 20',
        f'299 299.123456 0xc2 0x7 0x0 0x676e6952 {made.freed:#018x} client A.b '
        'leak_all+0x36/0x100 [client] block freed twice',
        f'300 300.123456 0xc2 0xa {made.small:#018x} 0x676e6952 0x1 client Ring '
        'leak_all+0x36/0x100 [client] free of a Ring block with tag Pool (a block of 300 bytes)'])


def verifier():
    """The options, and the module's parameter."""
    return expect(lines(pool.verifier()), [
        '# tracked 5 untracked 4', 'tracking tag=Ring', 'dma',
        'policy panic # panic_on_violation'])


def info():
    """What is there and what is missing, with and without the kernel's symbols."""
    said = '\n'.join(pool.info())
    other = Made()
    other.note = '\n'.join(line for line in other.note.split('\n') if 'kallsyms' not in line)
    bare = crash.Pool(crash.Memory(other))
    return all((
        expect('kernel:   7.3.4+deb13-amd64' in said and 'symbols:  5 of' in said, True),
        expect('symbols:  none, so functions of the kernel are addresses: VMCOREINFO does not say '
               'where kallsyms is' in lines(bare.info()), True),
        expect(bare.names.of(IMAGE + 0x1010), f'{IMAGE + 0x1010:#018x}'),
        expect(bare.names.of(CODE), 'leak_all+0x0/0x100 [client]')))


class Counted:
    """A machine's memory, of which only so much may be read: a case that goes round for ever ends
    there."""

    def __init__(self, machine, most=100000):
        self.machine, self.note, self.left = machine, machine.note, most

    def count(self):
        """Counts one more read."""
        self.left -= 1
        if self.left < 0:
            raise AssertionError('it reads without end')

    def read(self, addr, size):
        """As the machine reads."""
        self.count()
        assert size <= 1 << 27, f'{size} bytes at once'
        return self.machine.read(addr, size)

    def physical(self, addr, size):
        """The same at a physical address."""
        self.count()
        return self.machine.physical(addr, size)


def damaged_lists():
    """Lists that go round, or lead nowhere: what is in front of the damage is shown, once."""
    other, of = Made(), made.layout
    whole = lines(pool.families())
    # The third list and the fourth have one region each.
    other.put(other.regions[3] + of.region_layout.next, other.regions[3])
    other.put(other.regions[2] + of.region_layout.next, 0x1234)
    other.put(other.client + of.module_layout.list, other.client + of.module_layout.list)
    found = crash.Pool(crash.Memory(Counted(other)))
    return all((
        expect(lines(found.families()), whole),
        expect([it[:29] for it in found.warnings()], ['2 lists of records are damage']),
        expect([it.name for it in found.names.modules], ['rust_pool', 'client']),
        expect(lines(found.poolfind('Huge')), lines(pool.poolfind('Huge'))),
        expect(lines(pool.warnings()), [])))


def damaged_numbers():
    """Numbers that are too large are not believed."""
    other, of = Made(), made.layout
    other.put(other.chunk + 3 * of.row_layout.bytes + of.row_layout.counters, U64 - 7)
    kept = crash.Pool(crash.Memory(Counted(other)))
    rows = [line.split()[:5] for line in lines(kept.poolused())[3:]]
    other.put(other.descriptor + crash.DESCRIPTOR.size
              - 2 * sum(len(crash.LAYOUTS[name]) for name in list(crash.LAYOUTS)[-5:]),
              *[0xffff] * 7, form='H')
    return all((
        expect(rows, [['Ring', 'Nonp', '8', '5', '3'], ['(other)', 'Paged', '1', '0', '1'],
                      ['Name', 'Paged', '0', '0', '0']]),
        refuses(Counted(other), 'descriptor is damaged'),
        *(refuses(made_with_note(name, value), f'VMCOREINFO is damaged: .*{name}')
          for name, value in (('swapper_pg_dir', 'zz'), ('KERNEL_IMAGE_SIZE', '1g')))))


def made_with_note(name, value):
    """A machine whose note has another value."""
    other = Made()
    other.note = re.sub(rf'({name}\))=.*', rf'\1={value}', other.note)
    return other


def damaged_tables():
    """Page tables that lead to themselves, and to other memory than they should."""
    other = Made()
    top = other.entry(other.top, DIRECT + (1 << 39), 4)
    for at in range(128):
        struct.pack_into('<Q', other.ram, top + 8 * at, other.top | 0x63)
    other.map(DIRECT + (100 << 21), 0x800000, 2)
    found = crash.Pool(crash.Memory(Counted(other)))
    return all((
        expect(list(found.memory.ranges(DIRECT, VMALLOC)),
               list(pool.memory.ranges(DIRECT, VMALLOC))),
        expect(lines(found.poolfind('Ring')), lines(pool.poolfind('Ring')))))


def lost_rows():
    """Rows of the tag table that the dump does not have, and counters."""
    class Without:
        """A machine without a range of memory."""
        def __init__(self, start, end):
            self.start, self.end, self.note, self.physical = start, end, made.note, made.physical

        def read(self, addr, size):
            """As the machine reads."""
            if addr < self.end and addr + size > self.start:
                raise crash.Fault(hex(addr))
            return made.read(addr, size)

    lost = next(row for row in pool.rows().values() if row.tag == crash.tag_number('Name'))
    found = crash.Pool(crash.Memory(Without(lost.addr, lost.addr + 8)))
    rows = lines(found.poolused())[3:]
    good = expect(any('lacks 1 rows of the tag table' in words for words in found.warnings()), True)
    good = expect(lines(pool.warnings()), []) and good
    return expect(len(rows), len(lines(pool.poolused())[3:]) - 1) and good


def for_a_terminal():
    """What is in memory is shown, and does not reach the terminal as its commands."""
    return expect(crash.printable('Ring \x1b[2J\r\n\u009b\u00e9'), 'Ring ?[2J???\u00e9')


def run(*words):
    """Runs the program; returns its status and what it said."""
    done = subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def by_drgn():
    """drgn reads the same, from a dump with the note and from one that only has it in memory."""
    good = True
    for with_note in (True, False):
        path = os.path.join(WORK, 'dump')
        made.dump(path, with_note)
        for words, want in ((('poolused',), pool.poolused()), (('violations',), pool.violations()),
                            (('pool', f'{made.small:x}'), pool.pool(made.small)),
                            (('poolfind', 'Ring'), pool.poolfind('Ring')),
                            (('verifier',), pool.verifier()), (('info',), pool.info())):
            status, said, wrong = run('-c', path, *words)
            good = expect((status, wrong, said.splitlines()), (0, '', lines(want))) and good
    return good


class Asked:
    """drgn's program, which notes what it could not read."""

    def __init__(self, program):
        self.program, self.failed = program, []

    def read(self, addr, size, physical=False):
        """As drgn reads."""
        try:
            return self.program.read(addr, size, physical)
        except Exception:
            self.failed.append(hex(addr))
            raise


def compressed():
    """The same from a dump of makedumpfile; drgn is not asked for what is not in it."""
    path = os.path.join(WORK, 'kdump')
    made.kdump(path)
    source = crash.Drgn(path)
    source.program = Asked(source.program)
    found = crash.Pool(crash.Memory(source))
    good = all(expect(lines(command(found)), lines(command(pool))) for command in (
        lambda it: it.poolused(), lambda it: it.violations(), lambda it: it.verifier(),
        lambda it: it.families(), lambda it: it.info(), lambda it: it.pool(made.small),
        lambda it: it.pool(IMAGE), lambda it: it.pool(VMALLOC + 1), lambda it: it.pool(1 << 60),
        lambda it: it.poolfind('Ring', True), lambda it: it.poolfind('Huge')))
    with open(path, 'rb') as file:
        data = file.read()
    with open(path + 'short', 'wb') as file:
        file.write(data[:430])
    return all((
        good, expect(source.program.failed, []),
        expect(source.hint, '; makedumpfile -d 31 may take memory of the kernel for that of '
               'processes: try -d 23'),
        one_line('is damaged, or not whole', '-c', path + 'short', 'info')))


def cut():
    """A dump that is not whole: what is there is shown, and that it is not all."""
    path = os.path.join(WORK, 'whole')
    good = True
    for write in (made.kdump, lambda path: made.dump(path, True)):
        write(path)
        with open(path, 'rb') as file:
            data = file.read()
        with open(path + 'cut', 'wb') as file:
            file.write(data[:-100])
        status, said, wrong = run('-c', path + 'cut', 'poolused')
        good = all((expect((status, said.splitlines()), (0, lines(pool.poolused()))),
                    expect('may lack something; the dump is not whole' in wrong, True), good))
        for size in (100, 2 * PAGE, 3 * PAGE + 100, 5 * PAGE - 1, 6 * PAGE, len(data) // 3):
            with open(path + 'cut', 'wb') as file:
                file.write(data[:size])
            status, _, wrong = run('-c', path + 'cut', 'poolused')
            good = all((expect('Traceback' in wrong, False), expect(status in (0, 1), True),
                        expect(bool(re.search('not whole', wrong)), True), good))
    made.kdump(path)
    with open(path, 'r+b') as file:
        file.seek(424)
        file.write(struct.pack('<I', 8))
    return expect('the dump is not whole' in run('-c', path, 'poolused')[2], True) and good


def piped():
    """The same from a dump that makedumpfile -F has sent through a pipe, as kdump-tools has it do:
    parts in any order, and none left behind in the directory for such files."""
    path, place = os.path.join(WORK, 'piped'), os.path.join(WORK, 'place')
    os.makedirs(place, exist_ok=True)
    made.kdump(path)
    with open(path, 'rb') as file:
        data = file.read()
    parts = [(at, data[at:at + 50000]) for at in range(0, len(data), 50000)]
    flat = b'makedumpfile\0\0\0\0'.ljust(PAGE, b'\0') + b''.join(
        struct.pack('>qq', at, len(part)) + part for at, part in reversed(parts))
    end = struct.pack('>qq', -1, -1)
    with open(path, 'wb') as file:
        file.write(flat + end)
    os.environ['TMPDIR'] = place
    status, said, wrong = run('-c', path, 'poolused')
    good = expect((status, wrong, said.splitlines()), (0, '', lines(pool.poolused())))
    for content in (flat, flat[:70000], flat[:PAGE + 7], flat[:20],
                    flat + struct.pack('>qq', -5, 3), flat + struct.pack('>qq', 0, 1 << 60)):
        with open(path, 'wb') as file:
            file.write(content)
        good = one_line('piped is damaged, or not whole', '-c', path, 'info') and good
    for start, program in ((b'\x1f\x8b\x08', 'gunzip'), (b'BZh9', 'bunzip2'),
                           (b'\xfd7zXZ\0', 'unxz')):
        with open(path, 'wb') as file:
            file.write(start + bytes(100))
        good = one_line(f'is packed: {program} it first', '-c', path, 'info') and good
    return expect(os.listdir(place), []) and good


def one_line(words, *args):
    """Fails, and says why in one line."""
    status, said, wrong = run(*args)
    return all((expect(status, 1), expect(said, ''), expect(wrong.count('\n'), 1),
                expect(bool(re.search(words, wrong)), True) or print(f'# {wrong}')))


def is_no_dump():
    """Files that are no dump, or none of this kernel."""
    text, empty, core = (os.path.join(WORK, name) for name in ('text', 'empty', 'core'))
    with open(text, 'w') as file:
        file.write('no dump\n')
    with open(empty, 'w') as file:
        file.write('')
    plain = Machine()
    plain.note = ''
    plain.elf_note = lambda: b''
    Made.dump(plain, core, False)
    return all((
        one_line('is no dump that drgn can read: not an ELF core file', '-c', text, 'info'),
        one_line('is no dump that drgn can read', '-c', empty, 'info'),
        one_line('it has no note VMCOREINFO', '-c', core, 'info'),
        one_line('nothing: No such file', '-c', os.path.join(WORK, 'nothing'), 'info')))


def note_of_another():
    """A dump with a note in memory that is of no kernel there."""
    path = os.path.join(WORK, 'foreign')
    other = Made()
    other.write(DIRECT + 0xb00004, bytes(64))
    other.dump(path, False)
    return one_line('it has no note VMCOREINFO', '-c', path, 'info')


def not_there():
    """A dump without the module, and one of another version."""
    path = os.path.join(WORK, 'other')
    other = Made(loaded=False)
    other.dump(path, True)
    # Where the dump's own note is damaged, that in memory counts.
    other.note = other.note.replace('NUMBER(phys_base)=', 'NUMBER(phys_base)=x')
    other.dump(path + '2', True)
    good = one_line('rust_pool was not loaded', '-c', path, 'poolused')
    good = one_line('rust_pool was not loaded', '-c', path + '2', 'poolused') and good
    other.write(DIRECT + 0xb00004, bytes(64))
    other.dump(path + '2', True)
    good = one_line('is no dump that drgn can read: ', '-c', path + '2', 'info') and good
    Made(version=2).dump(path, True)
    return one_line('has version 2, this program knows 1', '-c', path, 'poolused') and good


def check(name, case, *args):
    """Runs a case."""
    try:
        passed = case(*args)
    except Exception as error:  # pylint: disable=broad-except
        import traceback
        print('# ' + traceback.format_exc().replace('\n', '\n# '))
        passed = False
    print(f'{"ok" if passed else "not ok"} {name}', flush=True)


check('the program knows the fields of the descriptor', describes)
check('the program knows the numbers of enumerations', numbers)
check('the descriptor is found', finds)
check('a module that is not there', refuses, Made(loaded=False), 'rust_pool was not loaded')
check('a descriptor of another version', refuses, Made(version=2), 'version 2.*knows 1')
check('names of places in code', names)
check('poolused: sums', poolused)
check('poolused: by module', by_module)
check('pool: a small block', small_block)
check('pool: a freed block', freed_block)
check('pool: a freed block whose memory the heap has again', freed_into_the_heap)
check('pool: memory without a header', without_header)
check('pool: blocks of pages', pages)
check('pool: an object of a slab cache', slab_object)
check('pool: blocks that have a record', recorded)
check('pool: blocks that are tracked', by_record)
check('pool: blocks that are charged', charged)
check('pool: what is kept for the next block', kept)
check('pool: special pool', special)
check('pool: addresses of no block', elsewhere)
check('poolfind', poolfind)
check('violations', violations)
check('verifier', verifier)
check('info', info)
check('damaged: lists of records and of modules', damaged_lists)
check('damaged: numbers', damaged_numbers)
check('damaged: page tables', damaged_tables)
check('damaged: rows of the tag table', lost_rows)
check('damaged: text', for_a_terminal)
try:
    import drgn  # pylint: disable=unused-import
except ImportError:
    print('ok dumps # SKIP drgn cannot be fetched: is there a network?')
else:
    check('drgn reads a dump', by_drgn)
    check('drgn reads a compressed dump', compressed)
    check('dumps that are not whole', cut)
    check('drgn reads a dump that went through a pipe', piped)
    check('files that are no dump', is_no_dump)
    check('dumps with the note of another kernel', note_of_another)
    check('dumps without the module', not_there)
