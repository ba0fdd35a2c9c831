//! Where two logs part: the leader's answer to a fetch whose history is not
//! its own, the follower's cut, and the check of the epoch a request carries.
//!
//! Source: `Partition.readRecords`, `Partition.checkCurrentLeaderEpoch`,
//! `AbstractFetcherThread.getOffsetTruncationState`; KIP-101, KIP-279,
//! KIP-320, KIP-595.

use crate::sim::types::{ErrorCode, LeaderEpoch, Offset};

use super::epoch_cache::EpochCache;

/// Checks the leader epoch that a request carries against the replica's own.
/// A request without one is not checked.
///
/// # Errors
/// `FENCED_LEADER_EPOCH` from the past, `UNKNOWN_LEADER_EPOCH` from the
/// future, and with the right or no epoch `NOT_LEADER_OR_FOLLOWER` if only
/// the leader may answer and this replica follows.
pub fn check_request_epoch(
    current: LeaderEpoch,
    request: Option<LeaderEpoch>,
    is_leader: bool,
    only_leader: bool,
) -> Result<(), ErrorCode> {
    match request {
        Some(epoch) if epoch < current => Err(ErrorCode::FencedLeaderEpoch),
        Some(epoch) if epoch > current => Err(ErrorCode::UnknownLeaderEpoch),
        _ if only_leader && !is_leader => Err(ErrorCode::NotLeaderOrFollower),
        _ => Ok(()),
    }
}

/// Where the fetcher's history parts from this log: the epoch and end offset
/// the fetcher must cut to, or `None` if its log is a prefix of this one.
///
/// # Errors
/// `OFFSET_OUT_OF_RANGE` when the fetcher's epoch is not known at all.
pub fn divergence(
    cache: &EpochCache,
    log_end: Offset,
    last_fetched_epoch: LeaderEpoch,
    fetch_offset: Offset,
) -> Result<Option<(LeaderEpoch, Offset)>, ErrorCode> {
    let (epoch, end) = cache
        .end_offset_for(last_fetched_epoch, log_end)
        .ok_or(ErrorCode::OffsetOutOfRange)?;
    let parted = epoch < last_fetched_epoch || end < fetch_offset;
    Ok(parted.then_some((epoch, end)))
}

/// Where a follower cuts its log after the leader's answer `(epoch, end)`. If
/// the follower knows that epoch: the smaller of both ends of it. If not: the
/// end of its own largest epoch below, and the next fetch asks again
/// (KIP-279).
pub fn truncation_point(
    cache: &EpochCache,
    log_end: Offset,
    (epoch, end): (LeaderEpoch, Offset),
) -> Offset {
    match cache.end_offset_for(epoch, log_end) {
        Some((own_epoch, own_end)) if own_epoch == epoch => own_end.min(end).min(log_end),
        Some((_, own_end)) => own_end.min(log_end),
        None => end.min(log_end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(entries: &[(LeaderEpoch, Offset)]) -> EpochCache {
        let mut cache = EpochCache::new();
        for &(epoch, start) in entries {
            cache.assign(epoch, start);
        }
        cache
    }

    #[test]
    fn an_unknown_epoch_is_approached_in_steps() {
        let (mut follower, leader) = (
            cache(&[(0, 0), (2, 1), (4, 2)]),
            cache(&[(1, 0), (3, 1), (5, 2)]),
        );
        let mut end = 3;
        let mut cuts = Vec::new();
        while let Some(epoch) = follower.latest_epoch()
            && let Some(parted) = divergence(&leader, 3, epoch, end).unwrap()
        {
            end = truncation_point(&follower, end, parted);
            follower.truncate_from_end(end);
            cuts.push(end);
        }
        assert_eq!(cuts, [2, 1, 0]);
    }

    #[test]
    fn a_prefix_does_not_diverge() {
        let leader = cache(&[(0, 0), (1, 5)]);
        assert_eq!(divergence(&leader, 9, 0, 5), Ok(None));
        assert_eq!(divergence(&leader, 9, 0, 6), Ok(Some((0, 5))));
        assert_eq!(
            divergence(&leader, 9, 7, 6),
            Err(ErrorCode::OffsetOutOfRange)
        );
    }

    #[test]
    fn the_epoch_is_checked_before_the_role() {
        assert_eq!(
            check_request_epoch(5, Some(4), false, true),
            Err(ErrorCode::FencedLeaderEpoch)
        );
        assert_eq!(
            check_request_epoch(5, None, false, true),
            Err(ErrorCode::NotLeaderOrFollower)
        );
        assert_eq!(check_request_epoch(5, Some(5), false, false), Ok(()));
    }
}
