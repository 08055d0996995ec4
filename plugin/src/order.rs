//! Sorting in little code.
//!
//! The standard library's sorts are several algorithms in one, 5 to 20 KB for each type in the artifact. What is sorted
//! here is short or seldom sorted, so one heap sort (Williams 1964) does: in place, n log n at worst, and not stable, so
//! the order must be total where ties would show.

/// Sorts so that nothing that follows is less than what it follows.
pub(crate) fn sort_by<T>(items: &mut [T], is_less: impl Fn(&T, &T) -> bool) {
    let mut end = items.len();
    let mut start = end / 2;
    while end > 1 {
        if start > 0 {
            start -= 1;
        } else {
            end -= 1;
            items.swap(0, end);
        }
        // The item at `start` sinks below all that are larger.
        let mut at = start;
        loop {
            let mut child = 2 * at + 1;
            if child >= end {
                break;
            }
            if child + 1 < end && is_less(&items[child], &items[child + 1]) {
                child += 1;
            }
            if !is_less(&items[at], &items[child]) {
                break;
            }
            items.swap(at, child);
            at = child;
        }
    }
}

/// Sorts in ascending order.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, |a, b| a < b);
}

/// The item that would be at a place, counted from 0, if the items were sorted; `None` beyond the end. Quickselect (Hoare
/// 1961), with scans from both ends that stop at equals: linear on average, and no more than quadratic.
pub(crate) fn nth<T: Copy>(items: &mut [T], place: usize, is_less: impl Fn(&T, &T) -> bool) -> Option<T> {
    let (mut from, mut to) = (0, items.len());
    while from + 1 < to && place < to {
        let pivot = items[from + (to - from) / 2];
        let (mut left, mut right) = (from, to);
        while left < right {
            // Neither scan leaves the items: it stops at the pivot, or at what was swapped before.
            while is_less(&items[left], &pivot) {
                left += 1;
            }
            while is_less(&pivot, &items[right - 1]) {
                right -= 1;
            }
            if left < right {
                items.swap(left, right - 1);
                left += 1;
                right -= 1;
            }
        }
        // Up to `right` nothing is above the pivot, from `left` on nothing below; what is between is the pivot itself.
        if place < right {
            to = right;
        } else if place >= left {
            from = left;
        } else {
            break;
        }
    }
    items.get(place).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nth_item_is_the_one_that_sorting_puts_there(mut items in prop::collection::vec(0u8..50, 0..200), place in 0usize..210) {
            let mut sorted = items.clone();
            sorted.sort();
            prop_assert_eq!(super::nth(&mut items, place, |a, b| a < b), sorted.get(place).copied());
        }

        #[test]
        fn gives_what_the_standard_library_gives(mut items in prop::collection::vec(0u8..50, 0..200)) {
            let mut expected = items.clone();
            expected.sort();
            super::sort(&mut items);
            prop_assert_eq!(items, expected);
        }
    }
}
