//! Reading ahead.
//!
//! With thousands of series, what a series is judged by is in no near cache when its turn comes: some seventy cache lines behind
//! three steps of pointers. Each of them waited for alone would take longer than all the arithmetic. So while one series is judged, the
//! next ones are read: of each line one number, which then goes nowhere. Lines that are asked for together come together. WebAssembly has no
//! instruction for that, so the reads are real ones, and `black_box` keeps them.
//!
//! Pointers are followed a step at a time: the series that comes after the next two has its slot read, the one before that what the
//! slot points to, and the next one what is behind that. So no read waits for another.

use core::hint::black_box;

use super::engine::Engine;
use super::registry::Slot;

/// Series ahead whose slots are read, and what slots point to; what is behind that is read of the next one.
const SLOTS: usize = 3;
const TRACKS: usize = 2;

impl Engine {
    /// Reads of those who come after the first of `order` what they will be judged by, in the window that begins at `start`.
    #[inline(always)]
    pub(super) fn read_ahead(&self, order: &[u32], start: i64) {
        // An interpreter pays for instructions, not for memory.
        if cfg!(feature = "fluent-bit") {
            return;
        }
        let slot = |ahead: usize| order.get(ahead).map(|&slot| self.registry.slot(slot));
        let mut read = 0;
        if let Some(slot) = slot(SLOTS) {
            read ^= slot.read();
        }
        if let Some(Slot { cells, track, .. }) = slot(TRACKS) {
            read ^= cells.first().map_or(0, |cell| cell.sums.lines ^ cell.sample.len());
            read ^= track.as_ref().map_or(0, |track| track.read());
        }
        if let Some(Slot { cells, track, .. }) = slot(1) {
            read ^= cells.first().map_or(0, |cell| cell.sample.read());
            read ^= track.as_ref().map_or(0, |track| track.read_further(start));
        }
        black_box(read);
    }
}
