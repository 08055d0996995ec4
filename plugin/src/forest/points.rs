//! The point store that all trees share: each sampled point is held once, however many trees hold it.

use crate::state::state;

/// Index of a point in the store.
pub(crate) type PointId = u32;

/// Points of equal dimension, flat, with a reference count each.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    dimensions: usize,
    coordinates: Vec<f32>,
    references: Vec<u32>,
    free: Vec<PointId>,
}

state!(Points { dimensions, coordinates, references, free });

impl Points {
    pub(crate) fn new(dimensions: usize) -> Self {
        Points { dimensions, coordinates: Vec::new(), references: Vec::new(), free: Vec::new() }
    }

    /// Puts a point into the store, held once by the caller.
    pub(crate) fn insert(&mut self, point: &[f32]) -> PointId {
        debug_assert_eq!(point.len(), self.dimensions);
        if let Some(id) = self.free.pop() {
            self.references[id as usize] = 1;
            let at = id as usize * self.dimensions;
            self.coordinates[at..at + self.dimensions].copy_from_slice(point);
            id
        } else {
            self.coordinates.extend_from_slice(point);
            self.references.push(1);
            (self.references.len() - 1) as PointId
        }
    }

    pub(crate) fn retain(&mut self, id: PointId) {
        self.references[id as usize] += 1;
    }

    pub(crate) fn release(&mut self, id: PointId) {
        let references = &mut self.references[id as usize];
        *references -= 1;
        if *references == 0 {
            self.free.push(id);
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: PointId) -> &[f32] {
        let at = id as usize * self.dimensions;
        &self.coordinates[at..at + self.dimensions]
    }

    pub(crate) fn contains(&self, id: PointId) -> bool {
        (id as usize) < self.references.len()
    }

    /// Whether the counts are exactly those of `held` (one entry for each reference), and everything else is free.
    pub(crate) fn is_valid(&self, dimensions: usize, held: impl Iterator<Item = PointId>) -> bool {
        let mut expected = vec![0u32; self.references.len()];
        for id in held {
            match expected.get_mut(id as usize) {
                Some(count) => *count += 1,
                None => return false,
            }
        }
        let mut free = vec![false; self.references.len()];
        for &id in &self.free {
            match free.get_mut(id as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => return false,
            }
        }
        self.dimensions == dimensions
            && self.coordinates.len() == self.references.len() * dimensions
            && self.coordinates.iter().all(|c| c.is_finite())
            && self.references == expected
            && expected.iter().zip(&free).all(|(&count, &free)| (count == 0) == free)
    }
}
