//! Names that people have for interfaces and other parts of a series' key.

use std::collections::BTreeMap;

/// Names by key, such as `web-1` for `eni-0a1b2c3d`.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Names {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Names(pairs.into_iter().filter(|(key, name)| !key.is_empty() && !name.is_empty()).collect())
    }
}

impl Names {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A series with the names of its parts, where one has a name: `web-1/ACCEPT` for `eni-0a1b2c3d/ACCEPT`.
    pub(super) fn of(&self, series: &str) -> Option<String> {
        if let Some(name) = self.0.get(series) {
            return Some(name.clone());
        }
        if self.0.is_empty() || !series.split('/').any(|part| self.0.contains_key(part)) {
            return None;
        }
        let parts = series.split('/').map(|part| self.0.get(part).map_or(part, String::as_str));
        Some(parts.collect::<Vec<_>>().join("/"))
    }

    /// The name, or else the series itself.
    pub(super) fn or_key(&self, series: &str) -> String {
        self.of(series).unwrap_or_else(|| series.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_series_or_all_of_it_may_have_a_name() {
        let pairs = [("eni-1", "web-1"), ("eni-2/ACCEPT", "accepted by db"), ("eni-3", "")];
        let names: Names = pairs.map(|(key, name)| (key.to_owned(), name.to_owned())).into_iter().collect();
        for (series, name) in [
            ("eni-1", "web-1"),
            ("eni-1/REJECT", "web-1/REJECT"),
            ("eni-2/ACCEPT", "accepted by db"),
            ("eni-2/REJECT", "eni-2/REJECT"),
            ("eni-3", "eni-3"),
        ] {
            assert_eq!(names.or_key(series), name);
        }
    }
}
