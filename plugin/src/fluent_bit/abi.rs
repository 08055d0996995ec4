//! What Fluent Bit's `filter_wasm` calls: C functions over the module's memory.
//!
//! No path traps, whatever the host passes: each trap would cost the host a part of the module's stack, until none is left
//! and every record is lost. And what is returned is JSON or null, as anything else may end the whole process.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

use super::host_memory::Buffers;
use super::preopened;
use super::shell::Shell;

// Never dropped, as the instance ends with its memory: what may have to be dropped costs a check at each access.
thread_local! {
    static SHELL: ManuallyDrop<RefCell<Option<Shell>>> = const { ManuallyDrop::new(RefCell::new(None)) };
    static BUFFERS: ManuallyDrop<RefCell<Buffers>> = const { ManuallyDrop::new(RefCell::new(Buffers::new())) };
    static IS_CONSTRUCTED: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C" {
    /// Runs the constructors of the C library. The linker makes it, and because something calls it, does not wrap each
    /// exported function in a call of constructors and destructors, as it does for modules that are called once.
    fn __wasm_call_ctors();
}

/// Constructs the module, and reads configuration and snapshot. Hosts call it once, before anything else.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    if IS_CONSTRUCTED.replace(true) {
        return;
    }
    // SAFETY: it is called once, before anything that relies on it.
    unsafe { __wasm_call_ctors() };
    SHELL.with(|shell| *shell.borrow_mut() = Some(Shell::start(&preopened::directories())));
}

/// Filters one record: JSON text in, JSON text out that ends with a zero, or null if the record does not go on. The text
/// is the module's, and valid until the next call.
#[unsafe(no_mangle)]
extern "C" fn flowscore_filter(
    tag: *const u8,
    tag_length: u32,
    seconds: u32,
    nanoseconds: u32,
    record: *const u8,
    record_length: u32,
) -> *const u8 {
    if !IS_CONSTRUCTED.get() {
        _initialize();
    }
    // It is not borrowed: nothing in here calls the host in a way that would lead back.
    SHELL.with(|shell| {
        let mut shell = shell.borrow_mut();
        let Some(shell) = &mut *shell else { return std::ptr::null() };
        // SAFETY: they lie within memory, and nobody writes to it before this returns.
        let (tag, record) = unsafe { (bytes(tag, tag_length), bytes(record, record_length)) };
        match record {
            Some(record) => match shell.filter(tag.unwrap_or_default(), (seconds, nanoseconds), record) {
                Some(answer) => answer.as_ptr(),
                None => std::ptr::null(),
            },
            None => shell.missing(record_length).as_ptr(),
        }
    })
}

/// The bytes at an address; none if it is null, as it is after a failed allocation, or they do not lie within memory.
///
/// # Safety
///
/// Nobody may write to them while they are borrowed.
#[inline]
unsafe fn bytes<'a>(address: *const u8, length: u32) -> Option<&'a [u8]> {
    const PAGE: u64 = 1 << 16;
    let end = address.addr() as u64 + u64::from(length);
    if address.is_null() || end > core::arch::wasm32::memory_size::<0>() as u64 * PAGE {
        return None;
    }
    // SAFETY: checked above; the rest is the caller's word.
    Some(unsafe { std::slice::from_raw_parts(address, length as usize) })
}

/// Exported as `malloc`: room for a tag or a record; null if there is none.
#[unsafe(no_mangle)]
extern "C" fn flowscore_malloc(length: u32) -> *mut u8 {
    BUFFERS.with(|buffers| buffers.borrow_mut().lend(length as usize))
}

/// Exported as `free`.
#[unsafe(no_mangle)]
extern "C" fn flowscore_free(address: *mut u8) {
    BUFFERS.with(|buffers| buffers.borrow_mut().take_back(address));
}
