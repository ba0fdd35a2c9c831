//! `highwater drill`: on the screen, or line by line for screen readers and pipes.
//!
//! What is asked and what counts is decided by `memory` and `session`. Line by line, each rating is
//! on disk before the next question is printed, and the end of the input ends the drill like the
//! word `quit`.

mod plain;

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use serde_json::json;

use super::{
    Global, Outcome,
    filter::FilterArgs,
    numbers::{CARDS_MAX, whole},
    setup::Setup,
};
use crate::{
    bank::CardId,
    clock,
    memory::{self, Filter, Limits, Rating, States, Today},
    progress::{Activity, EventId, EventKind},
    session::drill::{Drill, Snapshot},
};

/// Options of `drill`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Line by line, each key is followed by enter: nothing shows the answer; 1 to 4 rate it; t 1 3 ticks points; n shows the \
next follow-up; u takes the last thing back; s skips; b buries for today; z suspends; f flags; * stars; q ends. A drill \
that was interrupted today goes on where it was.")]
pub(super) struct Args {
    /// Line by line, for screen readers and pipes; so it is without a terminal, too
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    cards: FilterArgs,
    /// Cards that you flagged
    #[arg(long)]
    flagged: bool,
    /// Line by line: at most so many cards
    #[arg(long, value_name = "COUNT", value_parser = whole::<usize>(1..=CARDS_MAX), allow_negative_numbers = true)]
    limit: Option<usize>,
    /// Line by line: at most so many new cards, whatever the daily limit
    #[arg(long, value_name = "COUNT", value_parser = whole::<u32>(0..=CARDS_MAX), allow_negative_numbers = true)]
    new: Option<u32>,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let asked = asked(args);
    let lines = args.plain || args.limit.is_some() || args.new.is_some();
    if !lines && io::stdin().is_terminal() && io::stdout().is_terminal() {
        return super::screens::drill(asked, global);
    }
    let mut setup = Setup::open(global)?;
    let now = setup.now();
    setup.progress.look_after(now)?;
    let filter = if asked == Filter::default() {
        setup.scope()
    } else {
        asked
    };
    setup.check(&filter)?;
    let states = setup.progress.states()?;
    let (session, drill) = match take_up(&mut setup, &filter, &states)? {
        Some((session, drill)) => {
            writeln!(out, "Going on with an interrupted drill of today.")?;
            (session, drill)
        }
        None => match begin(args, &mut setup, &filter, &states, out)? {
            Some(begun) => begun,
            None => return Ok(Outcome::Done),
        },
    };
    let mut desk = plain::Desk {
        bank: &setup.bank,
        days: &setup.days,
        progress: &mut setup.progress,
        session,
        states,
    };
    let input = &mut io::stdin().lock();
    let drill = plain::drive(drill, &mut desk, input, out, clock::now)?;
    let now = setup.days.moment(clock::now());
    let summary = drill.summary(&setup.bank, now);
    let report = json!({
        "ratings": summary.ratings,
        "cards": summary.cards,
        "missed": summary.missed,
        "spent_ms": summary.spent.as_millis() as u64,
    });
    setup
        .progress
        .end_session(session, Activity::Drill, true, report, now)?;
    plain::print_summary(&summary, &setup.bank, out)?;
    Ok(Outcome::Done)
}

/// What the options ask for.
fn asked(args: &Args) -> Filter {
    Filter {
        flagged: args.flagged,
        ..args.cards.filter()
    }
}

/// Today's interrupted drill over the same cards, if there is one. Those of earlier days are given up.
fn take_up(
    setup: &mut Setup,
    filter: &Filter,
    states: &States,
) -> anyhow::Result<Option<(EventId, Drill)>> {
    let now = setup.now();
    let about = filter.words(&setup.bank);
    for left in setup.progress.interrupted()? {
        if left.activity != Activity::Drill {
            continue;
        }
        if left.day != now.day {
            let report = serde_json::Value::Null;
            setup
                .progress
                .end_session(left.session, Activity::Drill, false, report, now)?;
            continue;
        }
        let Ok(snapshot) = serde_json::from_value::<Snapshot>(left.start) else {
            continue;
        };
        if snapshot.about != about || !setup.progress.take_up(left.session)? {
            continue;
        }
        let events = setup.progress.session_events(left.session)?;
        let rated = events.into_iter().filter_map(|event| match event.kind {
            EventKind::Review {
                card, rating, ms, ..
            } => Some((card, rating, Duration::from_millis(ms))),
            _ => None,
        });
        let rated: Vec<(CardId, Rating, Duration)> = rated.collect();
        let drill = Drill::resume(&snapshot, rated, &setup.bank, states, now);
        return Ok(Some((left.session, drill)));
    }
    Ok(None)
}

/// Begins a drill over today's cards; none, with the reason printed, when there are none.
fn begin(
    args: &Args,
    setup: &mut Setup,
    filter: &Filter,
    states: &States,
    out: &mut dyn Write,
) -> anyhow::Result<Option<(EventId, Drill)>> {
    let now = setup.now();
    let mut limits = setup.config.config().limits;
    if let Some(new) = args.new {
        limits = Limits {
            new: Today::of(states, now.day).new.saturating_add(new),
            ..limits
        };
    }
    let scheduler = setup.progress.scheduler();
    let mut queue = memory::build(&setup.bank, states, filter, limits, scheduler, now);
    queue.cards.truncate(args.limit.unwrap_or(usize::MAX));
    let about = filter.words(&setup.bank);
    if queue.cards.is_empty() {
        let held = queue.due_held_back + queue.new_held_back;
        writeln!(out, "Nothing to drill now: {about}.")?;
        if held > 0 {
            writeln!(
                out,
                "{held} more cards wait behind the daily limits; --new COUNT lets new ones through."
            )?;
        }
        return Ok(None);
    }
    let snapshot = Snapshot {
        about: about.clone(),
        cards: queue.cards,
    };
    let start = serde_json::to_value(&snapshot)?;
    let session = setup
        .progress
        .start_session(Activity::Drill, &about, &start, now)?;
    writeln!(
        out,
        "{about}: {} cards. Enter shows the answer, ? helps, q ends.",
        snapshot.cards.len()
    )?;
    Ok(Some((session, Drill::new(&snapshot, &setup.bank, now.at))))
}
