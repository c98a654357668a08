// SPDX-License-Identifier: GPL-2.0

//! A driver for QEMU's edu device that has transfers ready: each is an entry of a lookaside list,
//! and has a buffer, the buffer's pages, and the addresses by which the device finds them.

use kernel::{
    device::Core,
    dma::{
        Device,
        DmaMask, //
    },
    pci,
    prelude::*,
    sync::Arc, //
};
use rust_pool::{
    pool_tag,
    Adapter,
    Built,
    Direction,
    LookasideEntry,
    LookasideList,
    Mdl,
    NonPaged,
    PoolVec,
    ScatterGatherList, //
};

kernel::module_pci_driver! {
    type: Driver,
    name: "rust_lists",
    authors: ["The rust_pool authors"],
    description: "rust_pool example: lookaside, memory descriptor and scatter/gather lists",
    license: "GPL",
}

pool_tag!(Data = "Data");
pool_tag!(Xfer = "Xfer");

// The kernel crate has no name for QEMU's vendor id.
// SAFETY: `Vendor` is a transparent `u16`, and this one is the number of a vendor.
const QEMU: pci::Vendor = unsafe { core::mem::transmute::<u16, pci::Vendor>(0x1234) };

kernel::pci_device_table!(
    PCI_TABLE,
    <Driver as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(QEMU, 0x11e8), ())]
);

/// The device may write the buffer as long as there is the list, which owns it.
struct Transfer<'bound> {
    number: u32,
    list: ScatterGatherList<'bound, Mdl<Built<PoolVec<u8, Data>>>>,
}

type Transfers<'bound> = LookasideList<Transfer<'bound>, NonPaged<Xfer>>;

struct Driver;

/// What the driver owns while it is bound. The entries have the list of transfers, too, so they may
/// be dropped in any order.
struct Bound<'bound> {
    _adapter: Adapter<'bound>,
    _transfers: Arc<Transfers<'bound>>,
    _ready: KVec<LookasideEntry<Arc<Transfers<'bound>>>>,
}

impl pci::Driver for Driver {
    type IdInfo = ();
    type Data<'bound> = Bound<'bound>;

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        pdev.enable_device_mem()?;
        pdev.set_master();

        // SAFETY: This device's driver allocates no DMA memory at the same time.
        unsafe { pdev.dma_set_mask_and_coherent(DmaMask::new::<28>())? };
        let adapter = Adapter::new(pdev.as_ref(), 16384)?;
        let transfers = Arc::pin_init(Transfers::new(), GFP_KERNEL)?;
        let mut ready = KVec::new();
        for number in 0..3 {
            let buffer = PoolVec::zeroed(10_000, GFP_KERNEL)?;
            let list = adapter.scatter_gather(Mdl::build(buffer)?, Direction::FromDevice)?;
            let transfer = Transfer { number, list };
            ready.push(
                LookasideEntry::new(transfers.clone(), transfer)?,
                GFP_KERNEL,
            )?;
        }
        for transfer in &ready {
            for part in transfer.list.elements() {
                let (number, address, len) = (transfer.number, part.address, part.len);
                dev_info!(pdev, "transfer {number}: {len} bytes at {address:#x}\n");
            }
        }

        Ok(Bound {
            _adapter: adapter,
            _transfers: transfers,
            _ready: ready,
        })
    }
}
