//! How long to wait before the next attempt.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Exponential back-off with full jitter: a wait between nothing and a bound that doubles (M. Brooker, "Exponential
/// Backoff And Jitter", AWS Architecture Blog, 2015), so that many clients that failed together do not return together.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: u32,
}

impl Backoff {
    /// The bound is `first` after the first failure, and never more than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, attempts: 0 }
    }

    /// Failures in a row so far.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// It went well.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The wait after one more failure.
    pub fn next_wait(&mut self) -> Duration {
        let bound = self.first.saturating_mul(1 << self.attempts.min(20)).min(self.longest);
        self.attempts = self.attempts.saturating_add(1);
        // The standard library's only source of randomness; which wait it is need not be reproducible.
        let random = RandomState::new().build_hasher().finish();
        bound.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// Whether this failure is worth telling: the first, and then each time the number of attempts has doubled.
    pub fn is_news(&self) -> bool {
        self.attempts.is_power_of_two()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        for attempt in 0..100 {
            let bound = Duration::from_millis(100 << attempt.min(10)).min(Duration::from_secs(5));
            assert!(backoff.next_wait() <= bound, "attempt {attempt}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= Duration::from_millis(100));
    }

    #[test]
    fn failures_are_told_less_and_less_often() {
        let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        let told: Vec<u32> = (1..=20)
            .filter(|_| {
                backoff.next_wait();
                backoff.is_news()
            })
            .collect();
        assert_eq!(told, [1, 2, 4, 8, 16]);
    }
}
