//! Stops by ctrl-z at a prompt: how long the process was stopped, so that no running clock counts it.
//!
//! While a line is waited for nothing else can tell: a stopped process is only late. So a thread waits
//! for the signal, stops the process as the system would have done, and counts until it goes on. The
//! screens know of their stops themselves.

use crate::clock::{Stopped, Watch};

/// A watch for a session at a prompt: what the reader stops the process for is no time of it.
#[cfg(unix)]
pub(super) fn watch() -> Watch {
    use signal_hook::{consts::SIGTSTP, iterator::Signals, low_level::emulate_default_handler};

    let stopped = Stopped::default();
    // Without the handler the system stops the process as ever, and the clock counts it.
    if let Ok(mut signals) = Signals::new([SIGTSTP]) {
        let stopped = stopped.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                // One that cannot be stopped runs on.
                let _ = stopped.during(|| emulate_default_handler(signal));
            }
        });
    }
    Watch::beside(stopped)
}

/// The same where processes are not stopped by signals.
#[cfg(not(unix))]
pub(super) fn watch() -> Watch {
    Watch::beside(Stopped::default())
}
