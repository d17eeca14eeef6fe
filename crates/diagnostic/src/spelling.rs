//! "Did you mean": the closest of the words that could have stood there.

/// The candidate closest to `word`, if it is close enough to be a slip of the fingers.
///
/// Distance counts insertions, deletions, substitutions and swaps of neighbours; a third of the
/// word's length may differ, three at most. It is only counted for candidates whose length allows for
/// it, so that a long word costs no more than a look at its length.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = lower(word);
    let budget = (lower.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter(|candidate| candidate.chars().count().abs_diff(lower.len()) <= budget)
        .map(|candidate| (distance(&lower, &self::lower(candidate)), candidate))
        .filter(|(distance, _)| *distance <= budget)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn lower(word: &str) -> Vec<char> {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// Optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut row = last.clone();
    for i in 1..=a.len() {
        row[0] = i;
        for j in 1..=b.len() {
            let substitution = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = substitution.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut last);
        std::mem::swap(&mut last, &mut row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_leaves_strangers_alone() {
        let words = ["priority", "interface", "advert_int"];
        assert_eq!(did_you_mean("priorty", words), Some("priority"));
        assert_eq!(did_you_mean("advert_itn", words), Some("advert_int"));
        assert_eq!(did_you_mean("Interface", words), Some("interface"));
        assert_eq!(did_you_mean("lvs_id", words), None);
    }
}
