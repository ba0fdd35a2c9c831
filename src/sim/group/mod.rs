//! Consumer groups of the classic protocol: the coordinator's side, the
//! assignors, lag.

pub mod assignors;
pub mod coordinator;
pub mod event;
pub mod lag;
pub mod progress;
pub mod record;
pub mod state;

pub use event::GroupEvent;
pub use record::{GroupMemberRecord, GroupRecord};
