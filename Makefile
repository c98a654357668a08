# SPDX-License-Identifier: GPL-2.0
#
# The modules are in Kbuild. This builds them, for the stock kernel or for the
# tree in KDIR, and runs them in a virtual machine. "make help" lists what there
# is.

MAKEFLAGS += --no-print-directory

# Given, it is the kernel tree to build against, with the caller's own toolchain;
# CC, LLVM and the like reach it as they do in any out-of-tree build.
export KDIR

# Or the kernel that is set up: stock, or debug, the one with the checkers. What
# is built for another than the stock one is in a copy of the checkout.
export KERNEL ?= stock
COPY := $(if $(filter-out stock,$(KERNEL)),build/$(KERNEL)/)
ifneq ($(and $(KDIR),$(COPY)),)
$(error KDIR and KERNEL both name a kernel: leave one of them out)
endif

S := scripts
K := $(COPY)scripts

# With KDIR the build is a part of this one: its jobs, its variables.
B := $(if $(KDIR),+)@$K

modules: $(COPY)
	$B/build.sh $(COPY). modules

build/debug/: FORCE
	@$S/scratch.sh $@

install modules_install: modules
	$B/build.sh $(COPY). modules_install

setup:
	@$S/setup.sh

update:
	@UPDATE=1 $S/setup.sh

demo: modules
	@$K/demo.sh

# What measures is for the stock kernel.
test: modules
	@$K/client.sh $(COPY)selftests/test_modules
	$(if $(COPY),,@$K/client.sh selftests/bench)
	@$K/test.sh $(TESTS)

bench: modules
	@$K/client.sh $(COPY)selftests/bench
	@$K/bench.sh $(BENCH)

vm: modules
	@$K/vm.sh "$(RUN)"

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

.PHONY: modules install modules_install FORCE setup update demo test bench vm \
	client lint fmt rustdoc doc mutants clean cacheclean help
