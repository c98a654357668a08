# SPDX-License-Identifier: GPL-2.0
#
# Builds the modules of Kbuild, for the stock kernel or for the tree in KDIR, and runs them
# in a virtual machine. "make help" lists the targets.

MAKEFLAGS += --no-print-directory

# If KDIR is given, it is the kernel tree to build for, with the caller's own toolchain. CC,
# LLVM and the like are passed on, as in any out-of-tree build.
export KDIR

# Without KDIR, one of the kernels that are set up: stock, in one of Debian's flavours, or
# debug, with the checkers. For all but the stock kernel of the flavour amd64, the modules
# are built in a copy of the checkout.
export KERNEL ?= stock
export FLAVOUR ?= amd64
COPY := $(if $(filter-out stock,$(KERNEL)),build/$(KERNEL)/,$(if \
	$(filter-out amd64,$(FLAVOUR)),build/$(FLAVOUR)/))
ifneq ($(and $(KDIR),$(COPY)),)
$(error KDIR names a kernel, and so does KERNEL or FLAVOUR: leave one of them out)
endif

S := scripts
K := $(COPY)scripts

# With KDIR the build gets the job server and the variables of this make.
B := $(if $(KDIR),+)@$K

modules: $(COPY)
	$B/build.sh $(COPY). modules

ifneq ($(COPY),)
$(COPY): FORCE
	@$S/scratch.sh $@
endif

install modules_install: modules
	@$K/install.sh

uninstall:
	@$S/uninstall.sh

setup:
	@$S/setup.sh

update:
	@UPDATE=1 $S/setup.sh

poolmon:
	@$S/poolmon.sh build

demo: modules
	@$K/demo.sh

# Checks TESTS before it builds anything. Benchmarks are for the stock kernel only.
test:
	@$S/test.sh --check $(TESTS)
	@$(MAKE) modules
	@$K/client.sh $(COPY)selftests/test_modules
	@WDK=1 $K/client.sh $(COPY)selftests/ports
	$(if $(filter stock,$(KERNEL)),@$K/client.sh $(COPY)selftests/bench)
	@$K/test.sh $(TESTS)

bench: modules
	@$K/client.sh $(COPY)selftests/bench
	@$K/bench.sh $(BENCH)

bench-record:
	@$S/record.sh $(TRACES)

vm: modules
	@$K/vm.sh "$(RUN)"

# Checks M before it builds our modules. With WDK=1, headers that a Windows driver's memory
# code includes are in the path.
export WDK
client:
	@$S/client.sh "$(M)" check
	@$(MAKE) modules
	$B/client.sh "$(M)"

client-clean:
	$(if $(KDIR),+)@$S/client.sh "$(M)" clean

# Checks TESTS before it builds anything.
check-scripts:
	@$S/check-scripts.sh --check $(TESTS)
	@$(MAKE) modules
	@$S/check-scripts.sh $(TESTS)

test-fleet:
	@$S/check-scripts.sh fleet.sh

check-dashboard:
	@$S/check-scripts.sh dashboard.sh

test-bpftrace: modules
	@$S/check-scripts.sh bpftrace.sh

test-kdump: modules
	@$S/check-scripts.sh kdump.sh

lint:
	@$S/lint.sh

fmt:
	@$S/lint.sh fmt

rustdoc: modules
	@$S/rustdoc.sh build/rustdoc

doc:
	@$S/doc.sh build/doc

rust-analyzer: modules
	@$S/rust-analyzer.sh

mutants:
	@$S/mutants.sh $(MUTANT)

clean:
	$B/clean.sh

cacheclean:
	@$S/cacheclean.sh

help:
	@sed 1d $S/help.txt

.PHONY: modules install modules_install uninstall FORCE setup update poolmon demo test bench \
	bench-record vm client client-clean check-scripts test-fleet check-dashboard test-bpftrace \
	test-kdump lint fmt rustdoc doc rust-analyzer mutants clean cacheclean help
