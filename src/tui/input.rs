//! Waiting for the next key, resize or signal, without threads and without waking in vain.
//!
//! The process sleeps in one `poll` on the terminal and on a socket that signal handlers write to, so
//! SIGTERM, SIGHUP and SIGWINCH wake it at once and nothing else does. Decoding is crossterm's.

use std::{io, time::Duration};

use crossterm::event::{self, Event};

/// What happened while waiting.
#[derive(Debug)]
pub enum Woken {
    /// Events, in order.
    Events(Vec<Event>),
    /// The process was stopped and goes on: the terminal may be in any state.
    Continued,
    /// The time is over.
    Timeout,
    /// A signal asks the program to end.
    Ended,
    /// The terminal is gone.
    Gone,
}

/// Time for crossterm to look at the terminal. With none it does not look at all; what it then has not
/// seen makes the next sleep end at once.
const GLANCE: Duration = Duration::from_micros(50);

/// Everything that crossterm has decoded or can decode without waiting.
fn drain() -> io::Result<Vec<Event>> {
    let mut events = Vec::new();
    while event::poll(GLANCE)? {
        events.push(event::read()?);
    }
    Ok(events)
}

#[cfg(unix)]
pub use unix::Inputs;

#[cfg(unix)]
mod unix {
    use std::{
        io::{self, Read},
        os::unix::net::UnixStream,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use crossterm::event::Event;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::{
        SigId,
        consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH},
        flag, low_level,
    };

    use super::{Woken, drain};

    /// Keys, resizes and signals.
    #[derive(Debug)]
    pub struct Inputs {
        wake: UnixStream,
        ended: Arc<AtomicBool>,
        continued: Arc<AtomicBool>,
        handlers: Vec<SigId>,
    }

    impl Inputs {
        /// Registers the signals.
        ///
        /// # Errors
        /// When a signal cannot be registered.
        pub fn new() -> io::Result<Self> {
            let (wake, sender) = UnixStream::pair()?;
            wake.set_nonblocking(true)?;
            let ended = Arc::new(AtomicBool::new(false));
            let mut handlers = Vec::new();
            for signal in [SIGTERM, SIGHUP, SIGINT] {
                handlers.push(flag::register(signal, Arc::clone(&ended))?);
            }
            let continued = Arc::new(AtomicBool::new(false));
            handlers.push(flag::register(SIGCONT, Arc::clone(&continued))?);
            for signal in [SIGTERM, SIGHUP, SIGINT, SIGWINCH, SIGCONT] {
                handlers.push(low_level::pipe::register(signal, sender.try_clone()?)?);
            }
            Ok(Self {
                wake,
                ended,
                continued,
                handlers,
            })
        }

        /// Sleeps until something happens or `timeout` is over; with `None` as long as it takes.
        ///
        /// # Errors
        /// When the terminal cannot be read.
        pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Woken> {
            if self.ended.load(Ordering::SeqCst) {
                return Ok(Woken::Ended);
            }
            let stdin = io::stdin();
            let mut sources = [
                PollFd::new(&stdin, PollFlags::IN),
                PollFd::new(&self.wake, PollFlags::IN),
            ];
            let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
            let ready = match poll(&mut sources, timeout.as_ref()) {
                Ok(ready) => ready,
                // The handler has written to the socket: the next round sees it.
                Err(rustix::io::Errno::INTR) => 1,
                Err(error) => return Err(error.into()),
            };
            let terminal = sources[0].revents();
            let mut sink = [0; 64];
            let mut signalled = false;
            while matches!(self.wake.read(&mut sink), Ok(read) if read > 0) {
                signalled = true;
            }
            if self.ended.load(Ordering::SeqCst) {
                return Ok(Woken::Ended);
            }
            if self.continued.swap(false, Ordering::SeqCst) {
                return Ok(Woken::Continued);
            }
            if ready == 0 {
                return Ok(Woken::Timeout);
            }
            if terminal.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
                return Ok(Woken::Gone);
            }
            let mut events = drain()?;
            if signalled {
                // A resize from before crossterm listened; drawing asks for the size itself.
                events.push(Event::Resize(0, 0));
            }
            Ok(Woken::Events(events))
        }

        /// Stops the process and all it runs with, as Ctrl-Z does; returns when it is continued.
        ///
        /// # Errors
        /// When the signal cannot be sent.
        pub fn suspend(&self) -> io::Result<()> {
            rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
            self.continued.store(false, Ordering::SeqCst);
            Ok(())
        }
    }

    impl Drop for Inputs {
        fn drop(&mut self) {
            for handler in self.handlers.drain(..) {
                low_level::unregister(handler);
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::{io, time::Duration};

    use super::{Woken, drain, event};

    /// Longest sleep where there is no way to sleep for ever.
    const LONG: Duration = Duration::from_secs(24 * 3600);

    /// Keys and resizes.
    #[derive(Debug)]
    pub struct Inputs;

    impl Inputs {
        /// Nothing to register.
        ///
        /// # Errors
        /// None.
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Sleeps until something happens or `timeout` is over.
        ///
        /// # Errors
        /// When the terminal cannot be read.
        pub fn wait(&mut self, timeout: Option<Duration>) -> io::Result<Woken> {
            if event::poll(timeout.unwrap_or(LONG))? {
                drain().map(Woken::Events)
            } else {
                Ok(Woken::Timeout)
            }
        }

        /// There is no suspending here.
        ///
        /// # Errors
        /// None.
        pub fn suspend(&self) -> io::Result<()> {
            Ok(())
        }
    }
}

#[cfg(not(unix))]
pub use other::Inputs;
