//! What hosts ask of window mode besides events, and say to it: which series have an incident open, what people say of one, and how
//! far time has come.

use super::engine::Engine;
use super::registry::TOTAL;
use super::{Judgement, Maintenance};
use crate::incident::Incident;

impl Engine {
    /// The incidents that are open and were told, with the keys of their series; without those of totals over all.
    pub fn incidents(&self) -> impl Iterator<Item = (&[u8], &Incident)> {
        self.registry.taken().filter_map(|slot| {
            let slot = self.registry.slot(slot);
            Some((&slot.key[..], slot.track.as_ref()?.lifecycle.open()?))
        })
    }

    /// Takes up what a person says of an incident, or of all members of a group. How many series that are.
    pub fn feedback(&mut self, id: u64, judgement: Judgement) -> u32 {
        let mut taken = 0;
        for slot in core::iter::once(TOTAL).chain(self.registry.taken()).collect::<Vec<_>>() {
            let Some(track) = &mut self.registry.slot_mut(slot).track else { continue };
            let early = track.early.as_deref().filter(|early| early.id == id);
            let Some(incident) = track.lifecycle.known(id).or(early) else { continue };
            track.feedback.take(incident, judgement);
            taken += 1;
            if judgement == Judgement::Fine {
                track.lifecycle.accept(id);
                track.early.iter_mut().filter(|early| early.id == id).for_each(|early| early.accept());
            }
        }
        taken
    }

    /// Records before `second` were in part seen by nobody: windows that begin earlier count as unknown, as in
    /// maintenance. It holds for this instance and is in no snapshot.
    pub fn unknown_before(&mut self, second: i64) {
        self.scratch.maintenance.push((0, second, self.settings.maintenance.len()));
        self.settings.maintenance.push(Maintenance::default());
    }
}
