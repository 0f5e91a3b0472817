//! The launcher's heap where the C library is musl, whose own asks the kernel for nearly every block
//! and gives it back at once.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, Ordering};

use dlmalloc::Dlmalloc;

/// `dlmalloc` behind a flag. The crate's own global allocator takes one of the C library's locks for each
/// block: a tenth of what a launch executes, in a program of one thread.
pub struct Heap {
    taken: AtomicBool,
    blocks: UnsafeCell<Dlmalloc>,
}

// SAFETY: `blocks` is only used by whoever has set `taken`.
#[allow(unsafe_code, reason = "shared behind a flag")]
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty one.
    #[allow(
        clippy::new_without_default,
        reason = "made once, as the program's allocator"
    )]
    pub const fn new() -> Heap {
        Heap {
            taken: AtomicBool::new(false),
            blocks: UnsafeCell::new(Dlmalloc::new()),
        }
    }

    #[allow(unsafe_code, reason = "shared behind a flag")]
    fn with(&self, use_it: impl FnOnce(&mut Dlmalloc) -> *mut u8) -> *mut u8 {
        while self.taken.swap(true, Ordering::Acquire) {
            std::thread::yield_now();
        }
        // SAFETY: the flag was clear and is ours until it is cleared below; `use_it` allocates
        // nothing by another way, and cannot unwind: what panics here ends the program.
        let block = use_it(unsafe { &mut *self.blocks.get() });
        self.taken.store(false, Ordering::Release);
        block
    }
}

// SAFETY: passes everything on to `dlmalloc`, whose conditions for blocks and layouts are the same.
#[allow(unsafe_code, reason = "a global allocator")]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.with(|blocks| unsafe { blocks.malloc(layout.size(), layout.align()) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.with(|blocks| unsafe { blocks.calloc(layout.size(), layout.align()) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.with(|blocks| {
            // SAFETY: as the caller promises.
            unsafe { blocks.free(block, layout.size(), layout.align()) };
            block
        });
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as the caller promises.
        self.with(|blocks| unsafe { blocks.realloc(block, layout.size(), layout.align(), size) })
    }
}
