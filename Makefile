# SPDX-License-Identifier: GPL-2.0
#
# The modules are in Kbuild. This builds them, for the stock kernel or for the
# tree in KDIR, and runs them in a virtual machine. "make help" lists what there
# is.

MAKEFLAGS += --no-print-directory

# Given, it is the kernel tree to build against, with the caller's own toolchain;
# CC, LLVM and the like reach it as they do in any out-of-tree build.
export KDIR

S := scripts

# With KDIR the build is a part of this one: its jobs, its variables.
B := $(if $(KDIR),+)@$S

modules:
	$B/build.sh . modules

install modules_install: modules
	$B/build.sh . modules_install

setup:
	@$S/setup.sh

update:
	@UPDATE=1 $S/setup.sh

demo: modules
	@$S/demo.sh

test: modules
	@$S/client.sh selftests/test_modules
	@$S/client.sh selftests/bench
	@$S/test.sh $(TESTS)

bench: modules
	@$S/client.sh selftests/bench
	@$S/bench.sh $(BENCH)

vm: modules
	@$S/vm.sh "$(RUN)"

client: modules
	$B/client.sh "$(M)"

lint:
	@$S/lint.sh

fmt:
	@$S/lint.sh fmt

rustdoc: modules
	@$S/rustdoc.sh build/rustdoc

doc:
	@$S/doc.sh build/doc

mutants:
	@$S/mutants.sh $(MUTANT)

clean:
	$B/clean.sh

cacheclean:
	@$S/cacheclean.sh

help:
	@sed 1d $S/help.txt

.PHONY: modules install modules_install setup update demo test bench vm client \
	lint fmt rustdoc doc mutants clean cacheclean help
