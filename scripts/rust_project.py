#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# rust_project.py PROJECT ROOT BINDINGS: adds to a rust-project.json what the kernel's script
# does not know: the root that the toolchain is in, our bindings, and that other crates use
# rust_pool.

import json
import sys

path, root, bindings = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    project = json.load(file)

for key in ("sysroot", "sysroot_src"):
    if project.get(key):
        project[key] = root + project[key]
crates = project["crates"]
ours = next(i for i, crate in enumerate(crates) if crate["display_name"] == "rust_pool")
for i, crate in enumerate(crates):
    if crate["root_module"].startswith("/usr/"):
        crate["root_module"] = root + crate["root_module"]
    if i == ours:
        crate["env"]["RUST_POOL_BINDINGS"] = bindings
    elif i > ours:
        crate["deps"].append({"crate": ours, "name": "rust_pool"})

with open(path, "w", encoding="utf-8") as file:
    json.dump(project, file, indent=1)
