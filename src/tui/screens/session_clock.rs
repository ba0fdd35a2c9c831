//! The clock of a quiz or an interview on screen: what a reading of wall time means to the session.
//!
//! The loop reads a running clock every second, by the screens' deadlines. The sessions keep the time
//! themselves; this only hands it on, and tells when the system's clock was set back or nothing read it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{clock, tui::effect::Effect};

/// When the clock was last read.
#[derive(Debug, Default)]
pub(super) struct SessionClock {
    read: Option<Timestamp>,
    /// How long the process was stopped by the reader, all times together.
    stopped: SignedDuration,
}

/// What a reading says.
#[derive(Debug)]
pub(super) struct Read {
    /// The time as the session takes it: where the clock was last read, if it stood still.
    pub(super) now: Duration,
    /// The machine or the program slept: the session is to be paused, and the input that came to be left
    /// out, as it was meant for what was on screen before.
    pub(super) slept: bool,
    /// What the reader is told.
    pub(super) told: Option<Effect>,
}

impl SessionClock {
    /// When it was last read.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.read
    }

    /// The process stood still since it was last read, because the reader stopped it: that is counted
    /// nowhere.
    pub(super) fn stood(&mut self, at: Timestamp) {
        if let Some(before) = self.read.replace(at) {
            let stood = at.duration_since(before).max(SignedDuration::ZERO);
            self.stopped = self.stopped.saturating_add(stood);
        }
    }

    /// Reads it; `running` when the session counts the time since it was last read.
    pub(super) fn read(&mut self, at: Timestamp, running: bool) -> Read {
        let before = self.read.replace(at);
        let slept = clock::stood_still(before, at).filter(|_| running);
        let told = clock::told(slept, clock::was_set_back(before, at));
        let counted = before.filter(|_| slept.is_some()).unwrap_or(at);
        let counted = SignedDuration::from_millis(counted.as_millisecond());
        Read {
            now: Duration::try_from(counted.saturating_sub(self.stopped)).unwrap_or_default(),
            slept: slept.is_some(),
            told: told.map(Effect::Tell),
        }
    }
}
