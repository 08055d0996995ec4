//! Suggests what a misspelt name was meant to be.

/// The known name that is nearest, if it is near: at most a third of the name, but at least 2 letters, to change.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut best = None;
    // Longer names are no misspellings, and the time to compare grows with the length.
    let mut least = if name.len() > 100 { 0 } else { (name.len() / 3).max(2) + 1 };
    for candidate in known {
        let distance = distance(name.as_bytes(), candidate.as_bytes());
        if distance < least {
            (best, least) = (Some(*candidate), distance);
        }
    }
    best
}

/// Insertions, deletions and replacements that lead from one to the other (Levenshtein).
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_suggested_only_if_it_is_near() {
        let known = ["number_of_trees", "mode", "seed"];
        for (name, expected) in [
            ("number_of_tree", Some("number_of_trees")),
            ("numberOfTrees", Some("number_of_trees")),
            ("mod", Some("mode")),
            ("sed", Some("seed")),
            ("threshold", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), expected, "{name}");
        }
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        // Wagner and Fischer, "The string-to-string correction problem": kitten to sitting takes 3.
        for (from, to, expected) in [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)] {
            assert_eq!(distance(from.as_bytes(), to.as_bytes()), expected);
        }
    }
}
