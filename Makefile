# SPDX-License-Identifier: GPL-2.0
#
# The modules themselves are in Kbuild. This builds them against the stock
# kernel, or against KDIR, and runs them; "make help" lists what there is.

export KDIR

S := scripts

modules:
	@$S/build.sh . modules

setup:
	@$S/setup.sh

vm: modules
	@$S/vm.sh "$(RUN)"

clean:
	@$S/build.sh . clean

.PHONY: modules setup vm clean
