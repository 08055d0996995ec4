//! Reading ahead.
//!
//! With thousands of series, what a series is judged by is in no near cache when its turn comes: some sixty cache lines behind
//! three steps of pointers. Waiting for them one by one takes longer than all the arithmetic. So while one series is judged, the
//! next ones are read: a byte of each line, which goes nowhere. Lines that are asked for together come together. WebAssembly has no
//! instruction for that, so the reads are real ones.
//!
//! Pointers are followed a step at a time: of the third series from now its slot is read, of the second what the slot points to, of the next
//! one what is behind that. So no read waits for another.

use core::hint::black_box;
use core::mem::MaybeUninit;

use super::engine::Engine;

/// How many series ahead slots are read, and what slots point to; what is behind that is read of the next one.
const SLOTS: usize = 3;
const TRACKS: usize = 2;

/// Bytes of a cache line on the machines that matter.
const LINE: usize = 64;

impl Engine {
    /// Reads of those who come after the first of `order` what they will be judged by, in the window that begins at `start`.
    pub(super) fn read_ahead(&self, order: &[u32], start: i64) {
        // An interpreter pays for instructions, not for memory.
        if cfg!(feature = "fluent-bit") {
            return;
        }
        let slot = |ahead: usize| order.get(ahead).map(|&slot| self.registry.slot(slot));
        if let Some(slot) = slot(SLOTS) {
            read(core::slice::from_ref(slot));
        }
        if let Some(slot) = slot(TRACKS) {
            read(slot.cells.first().map_or(&[], core::slice::from_ref));
            read(slot.track.as_deref().map_or(&[], core::slice::from_ref));
        }
        if let Some(slot) = slot(1) {
            if let Some(cell) = slot.cells.first() {
                read(cell.sample.records());
            }
            if let Some(track) = &slot.track {
                read(track.talkers.means());
                black_box(track.detector.read_ahead(start));
            }
        }
    }
}

/// Reads the cache lines of a list.
#[inline(always)]
fn read<T>(list: &[T]) {
    read_bytes(list.as_ptr().cast(), size_of_val(list));
}

#[inline(never)]
fn read_bytes(start: *const MaybeUninit<u8>, bytes: usize) {
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: within the list, and what lies between fields may be anything.
        unsafe { start.add(at).read_volatile() };
    }
}
