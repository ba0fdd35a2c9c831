//! Whole numbers on the command line: one message for what is none, is negative or is too large.

use std::ops::RangeInclusive;

/// More cards than any bank holds.
pub(super) const CARDS_MAX: u64 = 1_000_000;

/// A parser of numbers within `range`, for the types that hold all of it.
pub(super) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        let fitting = number.and_then(|number: u64| T::try_from(number).ok());
        fitting.ok_or_else(|| match (range.start(), range.end()) {
            (0, &u64::MAX) => format!("`{text}` is no whole number"),
            (from, &u64::MAX) => format!("`{text}` is no whole number from {from} on"),
            (from, to) => format!("`{text}` is no whole number from {from} to {to}"),
        })
    }
}

/// A parser of seeds: every number is one.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    whole(0..=u64::MAX)(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_are_named_with_what_would_be_right() {
        let questions = whole::<usize>(1..=50);
        assert_eq!(questions("50"), Ok(50));
        for wrong in ["0", "51", "-1", "", "four", "18446744073709551616"] {
            let told = format!("`{wrong}` is no whole number from 1 to 50");
            assert_eq!(questions(wrong), Err(told));
        }
        let seeds = whole::<u64>(1..=u64::MAX)("0");
        assert_eq!(seeds, Err("`0` is no whole number from 1 on".to_owned()));
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(seed("-1"), Err("`-1` is no whole number".to_owned()));
    }
}
