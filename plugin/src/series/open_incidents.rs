//! What hosts that mark single records ask of window mode: which series have an incident open, and how far time has come.

use super::Maintenance;
use super::engine::Engine;
use crate::incident::Incident;

impl Engine {
    /// The incidents that are open and were told, with the keys of their series; without those of totals over all.
    pub fn incidents(&self) -> impl Iterator<Item = (&[u8], &Incident)> {
        self.registry.taken().filter_map(|slot| {
            let slot = self.registry.slot(slot);
            Some((&slot.key[..], slot.track.as_ref()?.lifecycle.open()?))
        })
    }

    /// Records before `second` were in part seen by nobody: windows that begin earlier count as unknown, as in
    /// maintenance. It holds for this instance and is in no snapshot.
    pub fn unknown_before(&mut self, second: i64) {
        self.scratch.maintenance.push((0, second, self.settings.maintenance.len()));
        self.settings.maintenance.push(Maintenance::default());
    }
}
