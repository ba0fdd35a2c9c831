//! What one broker keeps and decides: its logs' histories, its view as a
//! leader, what it remembers of producers.

pub mod epoch_cache;
pub mod partition_state;
pub mod producer_state;
pub mod reading;
pub mod reconcile;

/// What a broker asks to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerTimer {
    /// Register with the controller, or send the next heartbeat.
    Heartbeat,
    /// Ask the controller for metadata again.
    MetadataFetch,
    /// Look for ISR members that are not caught up.
    ShrinkIsr,
    /// Write the high watermarks to disk.
    Checkpoint,
    /// Bring dirty pages to disk.
    Flush,
    /// Send a fetch to this leader again.
    Fetch {
        /// The leader.
        leader: super::types::BrokerId,
    },
    /// Answer fetches and produce requests whose time is up.
    Purgatory,
    /// Ask the controller for unanswered ISR changes again.
    AlterPartition,
}
