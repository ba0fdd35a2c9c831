//! How far behind a group or a consumer is.
//!
//! Source: `ConsumerGroupCommand` (group lag), `SubscriptionState.partitionLag`
//! (a consumer's metric).

use crate::sim::types::Offset;

/// A group's lag on a partition: what it can see (`end` is the high watermark)
/// minus what it has committed. Without a commit the lag is unknown, shown as
/// `-`; it is not the log end.
pub fn group_lag(end: Offset, committed: Option<Offset>) -> Option<u64> {
    committed.map(|offset| end.saturating_sub(offset))
}

/// A consumer's `records-lag`: what it can see minus its position, whatever it
/// has committed.
pub fn consumer_lag(high_watermark: Offset, position: Offset) -> u64 {
    high_watermark.saturating_sub(position)
}

/// What is committed after processing the record at `offset`: the next one to
/// read.
pub fn commit_after(offset: Offset) -> Offset {
    offset + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_unknown_without_a_commit() {
        assert_eq!(group_lag(10, None), None);
        assert_eq!(group_lag(10, Some(commit_after(3))), Some(6));
        assert_eq!(consumer_lag(100, 90), 10);
    }
}
