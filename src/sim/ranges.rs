//! Sets of record numbers, kept as ranges: what one producer got acknowledged, what was lost.
//!
//! Nearly all changes happen at the end, and nearly all sets are one or a few ranges.

/// A set of numbers as sorted ranges that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ranges {
    /// Each from its first number to the one after its last.
    ranges: Vec<(u64, u64)>,
    len: u64,
}

impl Ranges {
    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The ranges, each from its first number to the one after its last.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Whether the number is in it.
    pub fn contains(&self, number: u64) -> bool {
        self.count_in(number, number + 1) == 1
    }

    /// The numbers in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges.iter().flat_map(|(start, end)| *start..*end)
    }

    /// The first range that ends at or after `start`.
    fn place(&self, start: u64) -> usize {
        match self.ranges.last() {
            None => 0,
            Some((_, end)) if *end < start => self.ranges.len(),
            Some((last, _)) if *last <= start => self.ranges.len() - 1,
            Some(_) => self.ranges.partition_point(|(_, end)| *end < start),
        }
    }

    /// How many of `start..end` are in it.
    pub fn count_in(&self, start: u64, end: u64) -> u64 {
        self.parts_in(start, end)
            .map(|(start, end)| end - start)
            .sum()
    }

    /// Whether any of `start..end` are in it.
    #[inline]
    pub fn has_any(&self, start: u64, end: u64) -> bool {
        let beyond = self.ranges.last().is_none_or(|last| last.1 <= start);
        !beyond && self.count_in(start, end) > 0
    }

    /// Whether all of `start..end` are in it.
    #[inline]
    pub fn has_all(&self, start: u64, end: u64) -> bool {
        let last = self.ranges.last();
        last.is_some_and(|last| last.0 <= start && end <= last.1)
            || self.count_in(start, end) == end.saturating_sub(start)
    }

    /// The parts of `start..end` that are in it.
    pub fn parts_in(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ranges[self.place(start)..]
            .iter()
            .take_while(move |range| range.0 < end)
            .map(move |range| (range.0.max(start), range.1.min(end)))
            .filter(|(start, end)| start < end)
    }

    /// Adds `start..end`.
    pub fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        // Nearly always what comes next follows what came last.
        if let Some((_, last)) = self.ranges.last_mut().filter(|range| range.1 == start) {
            *last = end;
            self.len += end - start;
            return;
        }
        self.insert_before_end(start, end);
    }

    fn insert_before_end(&mut self, start: u64, end: u64) {
        let first = self.place(start);
        let mut last = first;
        let (mut low, mut high) = (start, end);
        while let Some((from, to)) = self
            .ranges
            .get(last)
            .copied()
            .filter(|(from, _)| *from <= end)
        {
            low = low.min(from);
            high = high.max(to);
            self.len -= to - from;
            last += 1;
        }
        self.len += high - low;
        if last == first + 1 {
            self.ranges[first] = (low, high);
        } else {
            self.ranges.splice(first..last, [(low, high)]);
        }
    }

    /// Takes `start..end` out.
    pub fn remove(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.place(start);
        let mut kept = Vec::new();
        let mut last = first;
        while let Some((from, to)) = self
            .ranges
            .get(last)
            .copied()
            .filter(|(from, _)| *from < end)
        {
            self.len -= to.min(end).saturating_sub(from.max(start));
            kept.extend(
                [(from, to.min(start)), (from.max(end), to)]
                    .iter()
                    .filter(|(from, to)| from < to),
            );
            last += 1;
        }
        self.ranges.splice(first..last, kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_like_a_set(steps in proptest::collection::vec((any::<bool>(), 0u64..60, 0u64..12), 0..60)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (insert, start, length) in steps {
                if insert {
                    ranges.insert(start, start + length);
                    set.extend(start..start + length);
                } else {
                    ranges.remove(start, start + length);
                    set.retain(|number| !(start..start + length).contains(number));
                }
                prop_assert_eq!(ranges.len(), set.len() as u64);
                prop_assert_eq!(ranges.count_in(10, 30), set.range(10..30).count() as u64);
                prop_assert!(ranges.ranges().windows(2).all(|pair| pair[0].1 < pair[1].0));
            }
            prop_assert_eq!(ranges.iter().collect::<Vec<_>>(), set.into_iter().collect::<Vec<_>>());
        }
    }
}
