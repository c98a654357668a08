# SPDX-License-Identifier: GPL-2.0
#
# The modules are in Kbuild. This builds them, for the stock kernel or for the
# tree in KDIR, and runs them in a virtual machine. "make help" lists what there
# is.

MAKEFLAGS += --no-print-directory

# Given, it is the kernel tree to build against, with the caller's own toolchain;
# CC, LLVM and the like reach it as they do in any out-of-tree build.
export KDIR

# Or the kernel that is set up: stock, of one of Debian's flavours, or debug, the one
# with the checkers. What is built for another than the stock one of the flavour amd64
# is in a copy of the checkout.
export KERNEL ?= stock
export FLAVOUR ?= amd64
COPY := $(if $(filter-out stock,$(KERNEL)),build/$(KERNEL)/,$(if \
	$(filter-out amd64,$(FLAVOUR)),build/$(FLAVOUR)/))
ifneq ($(and $(KDIR),$(COPY)),)
$(error KDIR names a kernel, and so does KERNEL or FLAVOUR: leave one of them out)
endif

S := scripts
K := $(COPY)scripts

# With KDIR the build is a part of this one: its jobs, its variables.
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

demo: modules
	@$K/demo.sh

# Looks at TESTS before it builds anything. What measures is for the stock kernel.
test:
	@$S/test.sh --check $(TESTS)
	@$(MAKE) modules
	@$K/client.sh $(COPY)selftests/test_modules
	@WDK=1 $K/client.sh $(COPY)selftests/wdk
	$(if $(filter stock,$(KERNEL)),@$K/client.sh $(COPY)selftests/bench)
	@$K/test.sh $(TESTS)

bench: modules
	@$K/client.sh $(COPY)selftests/bench
	@$K/bench.sh $(BENCH)

vm: modules
	@$K/vm.sh "$(RUN)"

# Looks at M before it builds ours. With WDK=1 the headers that stand around a Windows
# driver's memory code are in the path.
export WDK
client:
	@$S/client.sh "$(M)" check
	@$(MAKE) modules
	$B/client.sh "$(M)"

client-clean:
	$(if $(KDIR),+)@$S/client.sh "$(M)" clean

check-scripts: modules
	@$S/check-scripts.sh $(TESTS)

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

.PHONY: modules install modules_install uninstall FORCE setup update demo test bench vm \
	client client-clean check-scripts lint fmt rustdoc doc mutants clean cacheclean help
