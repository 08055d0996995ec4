//! Messages that others can cause at will, and how often they are told.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Messages that one sender can cause at will: so many in a minute, and then how many there were besides.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    began: Option<Instant>,
    told: u32,
    left_out: u64,
}

/// Messages of a minute.
const MESSAGES: u32 = 10;

impl Told {
    /// Tells a message, or counts it.
    pub(crate) fn tell(&self, message: &str) {
        let (tell, left_out) = self.count(Instant::now());
        if left_out > 0 {
            tracing::warn!("{left_out} more such messages were left out");
        }
        if tell {
            tracing::warn!("{message}");
        }
    }

    /// Whether a message is to be told now, and how many before it were not.
    fn count(&self, now: Instant) -> (bool, u64) {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.began.is_none_or(|began| now.duration_since(began) >= Duration::from_secs(60)) {
            let left_out = minute.left_out;
            *minute = Minute { began: Some(now), told: 1, left_out: 0 };
            return (true, left_out);
        }
        let tell = minute.told < MESSAGES;
        if tell {
            minute.told += 1;
        } else {
            minute.left_out += 1;
        }
        (tell, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_ten_messages_and_the_next_one_tells_how_many_were_left_out() {
        let (told, start) = (Told::default(), Instant::now());
        let count = |seconds| told.count(start + Duration::from_secs(seconds));
        assert_eq!((0..25).filter(|_| count(1).0).count(), 10);
        assert_eq!(count(62), (true, 15));
        assert_eq!(count(63), (true, 0));
    }
}
