//! What one broker keeps and decides: its logs' histories, its view as a
//! leader, what it remembers of producers.

pub mod epoch_cache;
pub mod partition_state;
pub mod producer_state;
