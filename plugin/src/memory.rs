//! Memory that is given back is overwritten: what passed through a worker is not left in it for a dump to show.
//!
//! Why a global allocator: bodies, headers and what is decoded of them pass through dozens of buffers, of libraries too, and each
//! would have to be remembered. To overwrite them is one instruction of wasm (`memory.fill`).
//!
//! Unsafe, because an allocator is. Every call goes on to the standard one with the same pointer and layout; what is written in between
//! are the bytes that the caller has just given up.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};

/// The standard allocator, and no traces.
struct Overwriting;

// SAFETY: see the head of the file; sizes and pointers are those of the standard allocator.
unsafe impl GlobalAlloc for Overwriting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe {
            memory.write_bytes(0, layout.size());
            // The compiler knows that nobody can read it any more, and must not make use of that.
            std::hint::black_box(memory);
            System.dealloc(memory, layout);
        }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            // In place the standard one would leave what is cut off, and elsewhere all of it.
            let Ok(new) = Layout::from_size_align(size, layout.align()) else {
                return std::ptr::null_mut();
            };
            let to = self.alloc(new);
            if !to.is_null() {
                std::ptr::copy_nonoverlapping(memory, to, layout.size().min(size));
                self.dealloc(memory, layout);
            }
            to
        }
    }
}

#[global_allocator]
static ALLOCATOR: Overwriting = Overwriting;
