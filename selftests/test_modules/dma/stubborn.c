// SPDX-License-Identifier: GPL-2.0
/*
 * Makes QEMU's edu a device that cannot be stopped: as long as this is loaded, the bit by
 * which it masters the bus stays set, whatever a driver writes.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>

/* An argument cannot be changed by a function of all architectures. */
#ifdef CONFIG_X86_64
#define DEVICE(regs)	((const struct pci_dev *)(regs)->di)
#define REGISTER(regs)	((int)(regs)->si)
#define VALUE(regs)	((regs)->dx)
#endif

static int writes(struct kprobe *probe, struct pt_regs *regs)
{
#ifdef CONFIG_X86_64
	if (DEVICE(regs)->vendor == 0x1234 && DEVICE(regs)->device == 0x11e8 &&
	    REGISTER(regs) == PCI_COMMAND)
		VALUE(regs) |= PCI_COMMAND_MASTER;
#endif
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "pci_write_config_word",
	.pre_handler = writes,
};

static int __init stubborn_init(void)
{
	return IS_ENABLED(CONFIG_X86_64) ? register_kprobe(&probe) : -EOPNOTSUPP;
}

static void __exit stubborn_exit(void)
{
	unregister_kprobe(&probe);
}

module_init(stubborn_init);
module_exit(stubborn_exit);

MODULE_DESCRIPTION("Selftest of rust_pool: a device that keeps the bus");
MODULE_AUTHOR("The rust_pool authors");
MODULE_LICENSE("GPL");
MODULE_INFO(test, "Y");
