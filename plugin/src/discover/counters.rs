//! Which columns of numbers are bytes and packets.
//!
//! A packet of IPv4 has 20 to 65,535 bytes, so that of two counters the bytes are always 20 to 65,535 times the packets. Ports
//! may happen to be so, too: what is to be the bytes must also be too large for a port somewhere, or grow with the packets.

/// The fewest lines from which counters are told.
const LINES: usize = 8;

/// The fewest lines from which a correlation means something, and what it must be.
const CORRELATED_LINES: usize = 20;
const CORRELATED: f64 = 0.5;

/// The largest port.
const PORT: i64 = 65_535;

/// What is known of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Counters {
    /// No column can be one.
    None,
    /// The places of the bytes, and of the packets, if they are told.
    Found(usize, Option<usize>),
    /// It may be several of these columns, or it is not sure that it is this one.
    Unclear,
}

/// Finds the counters among columns of numbers: places, and a number or none for each line.
pub(super) fn counters(columns: &[(usize, Vec<Option<i64>>)]) -> Counters {
    if columns.is_empty() {
        return Counters::None;
    }
    // For each that may be the bytes the packets that go with it, and whether they grow together.
    let mut found: Vec<(usize, Vec<(usize, bool)>)> = Vec::new();
    for (bytes, of_bytes) in columns {
        let is_no_port = of_bytes.iter().flatten().any(|number| *number > PORT);
        let partners: Vec<_> = columns
            .iter()
            .filter(|(packets, of_packets)| packets != bytes && are_counters(of_packets, of_bytes))
            .map(|(packets, of_packets)| (*packets, grow_together(of_packets, of_bytes)))
            .collect();
        if !partners.is_empty() && (is_no_port || partners.iter().any(|(_, together)| *together)) {
            found.push((*bytes, partners));
        }
    }
    match &found[..] {
        [(bytes, partners)] => {
            let packets = match &partners[..] {
                [(only, _)] => Some(*only),
                _ => {
                    let mut together = partners.iter().filter(|(_, together)| *together);
                    together.next().filter(|_| together.next().is_none()).map(|(packets, _)| *packets)
                }
            };
            Counters::Found(*bytes, packets)
        }
        _ => Counters::Unclear,
    }
}

fn are_counters(packets: &[Option<i64>], bytes: &[Option<i64>]) -> bool {
    let pairs = || packets.iter().zip(bytes).filter_map(|(packets, bytes)| Some(((*packets)?, (*bytes)?)));
    pairs().filter(|(packets, bytes)| *packets > 0 && *bytes > 0).count() >= LINES
        && pairs()
            .all(|(packets, bytes)| packets.saturating_mul(20) <= bytes && bytes <= packets.saturating_mul(65_535))
}

/// Whether the logarithms of two columns are correlated (Pearson).
fn grow_together(packets: &[Option<i64>], bytes: &[Option<i64>]) -> bool {
    let pairs = packets.iter().zip(bytes).filter_map(|(packets, bytes)| {
        let logarithm = |number: i64| libm::log(number.max(1) as f64);
        Some((logarithm((*packets)?), logarithm((*bytes)?)))
    });
    let pairs: Vec<_> = pairs.collect();
    let count = pairs.len() as f64;
    let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / count, y + pair.1 / count));
    let sum = |of: fn(f64, f64) -> f64| pairs.iter().map(|pair| of(pair.0 - x, pair.1 - y)).sum::<f64>();
    let (both, of_x, of_y) = (sum(|x, y| x * y), sum(|x, _| x * x), sum(|_, y| y * y));
    pairs.len() >= CORRELATED_LINES && of_x > 0.0 && of_y > 0.0 && both / libm::sqrt(of_x * of_y) >= CORRELATED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_from_ports_or_left_open() {
        let column = |of: &dyn Fn(i64) -> i64, lines: i64| (0..lines).map(|i| Some(of(i))).collect::<Vec<_>>();
        let packets = |i: i64| 1 + i % 50;
        let bytes = move |i: i64| packets(i) * 60 + i;
        let large = move |i: i64| packets(i) * 1_400;
        let port = |i: i64| 40_000 + i * 7_919 % 20_000;
        let service = |i: i64| [443, 22, 8080][i as usize % 3];
        for (columns, lines, expected) in [
            (vec![&packets as &dyn Fn(i64) -> i64, &bytes], 100, Counters::Found(1, Some(0))),
            (vec![&port, &service, &bytes, &packets], 100, Counters::Found(2, Some(3))),
            (vec![&port, &service, &large, &packets], 100, Counters::Found(2, Some(3))),
            // Too few lines, no packets to go with them, ports alone, nothing.
            (vec![&packets, &bytes], 5, Counters::Unclear),
            (vec![&bytes], 100, Counters::Unclear),
            (vec![&port, &service], 100, Counters::Unclear),
            (vec![], 100, Counters::None),
        ] {
            let columns: Vec<_> = columns.iter().enumerate().map(|(place, of)| (place, column(of, lines))).collect();
            assert_eq!(counters(&columns), expected, "{lines} lines of {} columns", columns.len());
        }
    }
}
