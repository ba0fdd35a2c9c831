//! What the active controller decides about partitions: who leads, who is in
//! sync, which proposals of leaders it accepts.

pub mod alter_partition;
pub mod election;
