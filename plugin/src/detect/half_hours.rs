//! A number for each half hour of the day, and how often it was learnt: 432 bytes, taken with the first.

use super::clock::{DAY, part_of_day};
use crate::state::{Reader, State};

/// Half hours of a day.
pub(super) const HALF_HOURS: usize = 48;
/// Seconds of one.
pub(super) const HALF_HOUR: i64 = DAY / HALF_HOURS as i64;

#[derive(Clone, Debug)]
struct Table {
    values: [f64; HALF_HOURS],
    /// They stop at the largest number, which nobody waits for.
    counts: [u8; HALF_HOURS],
}

impl Table {
    fn empty() -> Box<Self> {
        Box::new(Table { values: [0.0; HALF_HOURS], counts: [0; HALF_HOURS] })
    }
}

/// The numbers of a day; 0 where nothing was learnt.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfHours(Option<Box<Table>>);

/// A list of all pairs, or of none.
impl State for HalfHours {
    fn save(&self, out: &mut Vec<u8>) {
        let Some(table) = &self.0 else { return 0_usize.save(out) };
        HALF_HOURS.save(out);
        for (value, count) in table.values.iter().zip(&table.counts) {
            (*value, u32::from(*count)).save(out);
        }
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let pairs: Vec<(f64, u32)> = State::load(reader);
        if pairs.is_empty() {
            return HalfHours(None);
        }
        if pairs.len() != HALF_HOURS {
            reader.fail();
        }
        let mut table = Table::empty();
        for ((value, count), pair) in table.values.iter_mut().zip(&mut table.counts).zip(pairs) {
            *value = pair.0;
            *count = u8::try_from(pair.1).unwrap_or(u8::MAX);
        }
        HalfHours(Some(table))
    }
}

impl HalfHours {
    /// What is known of this time of day, and how often it was learnt; `None` if never.
    pub(super) fn get(&self, time_s: i64) -> Option<(f64, u8)> {
        let (table, at) = (self.0.as_ref()?, part_of_day(time_s, HALF_HOURS));
        Some((*table.values.get(at)?, *table.counts.get(at)?)).filter(|(_, count)| *count > 0)
    }

    /// Learns once more: `next` makes of the number, and of how often it was learnt, what it is now.
    pub(super) fn learn(&mut self, time_s: i64, next: impl FnOnce(f64, u8) -> f64) {
        let table = self.0.get_or_insert_with(Table::empty);
        let at = part_of_day(time_s, HALF_HOURS);
        if let (Some(value), Some(count)) = (table.values.get_mut(at), table.counts.get_mut(at)) {
            *value = next(*value, *count);
            *count = count.saturating_add(1);
        }
    }

    /// All numbers, or none.
    pub(super) fn values(&self) -> &[f64] {
        self.0.as_ref().map_or(&[], |table| &table.values)
    }
}
