//! `highwater interview`: on the screen, or line by line for screen readers and pipes.
//!
//! Line by line the interview is kept after every line, and the end of the input leaves it to be
//! gone on with.

mod plain;

use std::io::{self, IsTerminal, Write};

use serde_json::{Value, json};

use super::{
    Global, Outcome,
    filter::FilterArgs,
    lines::Lines,
    numbers::{self, whole},
    output::{self, Usage},
    setup::Setup,
    stops,
};
use crate::{
    memory::Filter,
    progress::{Activity, EventId},
    session::interview::{Interview, Phase, Report},
    tui::{
        app::Start,
        desk::interviewing::{self, Design, Wish},
        text::count,
    },
};

/// Most questions of one interview.
const QUESTIONS_MAX: u64 = 50;

/// Options of `interview`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Line by line, speak and press enter: nothing goes on; 1 3 ticks points or lines of a rubric; t owns up to the trap; \
y and n judge a follow-up; i shows a hint; s skips; e ends it with a report; q leaves it, to be gone on with by the \
next `highwater interview --plain`.")]
pub(super) struct Args {
    /// Line by line, for screen readers and pipes; so it is without a terminal, too
    #[arg(long)]
    plain: bool,
    /// How many open questions [default: 4]
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = whole::<usize>(0..=QUESTIONS_MAX), allow_negative_numbers = true)]
    questions: Option<usize>,
    /// A design drill after them: one by chance, or the one named
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    design: Option<String>,
    #[command(flatten)]
    cards: FilterArgs,
    /// Repeat the interview that this number drew
    #[arg(long, value_name = "NUMBER", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Print the report as JSON; questions go to standard error
    #[arg(long)]
    json: bool,
}

impl Args {
    fn is_plain(&self) -> bool {
        self.plain || self.json || !io::stdin().is_terminal() || !io::stdout().is_terminal()
    }

    /// Nothing is chosen: the set-up screen asks, and what was left is gone on with.
    fn is_bare(&self) -> bool {
        self.cards.filter() == Filter::default()
            && self.seed.is_none()
            && self.questions.is_none()
            && self.design.is_none()
    }

    fn wish(&self, seed: u64) -> Wish {
        Wish {
            filter: self.cards.filter(),
            questions: self.questions.unwrap_or(4),
            design: match self.design.as_deref() {
                None => Design::Without,
                Some("") => Design::Drawn,
                Some(id) => Design::Named(id.into()),
            },
            seed,
        }
    }
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if !args.is_plain() && args.is_bare() {
        return super::screens::show(global, Start::Interview);
    }
    let mut setup = Setup::open(global)?;
    setup.check(&args.cards.filter())?;
    let now = setup.now();
    setup.progress.look_after(now)?;
    let chance = now.at.as_millisecond().unsigned_abs() % 1_000_000;
    let wish = args.wish(args.seed.unwrap_or(chance));
    let states = setup.progress.states()?;
    let made = wish.interview(&setup.bank, &states);
    let made = made.map_err(|error| Usage(error.to_string()))?;
    if !args.is_plain() {
        drop(setup);
        return super::screens::show(global, Start::BeginInterview(Box::new(wish)));
    }
    let input = &mut io::stdin().lock();
    if args.json {
        let asked = &mut io::stderr();
        let report = sit(args, made, &wish, &mut setup, &mut Lines::of(input), asked)?;
        output::print_json(&report.as_ref().map(as_json), out)?;
        return Ok(Outcome::Done);
    }
    let report = sit(args, made, &wish, &mut setup, &mut Lines::of(input), out)?;
    if let Some(report) = report {
        let earlier = interviewing::earlier_interviews(&setup.progress, &report)?;
        plain::print_report(&report, earlier.get(1), &setup.bank, out)?;
    } else {
        writeln!(
            out,
            "It is kept as it stands; `highwater interview --plain` goes on with it."
        )?;
    }
    Ok(Outcome::Done)
}

/// Sits the interview, or the one that was left; the report once it is over.
fn sit(
    args: &Args,
    made: Interview,
    wish: &Wish,
    setup: &mut Setup,
    lines: &mut Lines<'_>,
    out: &mut dyn Write,
) -> anyhow::Result<Option<Report>> {
    let (interview, session, activity) = match take_up(args, setup)? {
        Some(taken) => {
            writeln!(out, "Going on with the interview that was left.")?;
            taken
        }
        None => {
            let asked = made.questions().len();
            if asked < wish.questions {
                let words = count(asked, "open question matches", "open questions match");
                writeln!(out, "Only {words}; they are all asked.")?;
            }
            if let Some(left) = interviewing::left_interview(&setup.progress)? {
                let (kind, stands) = (left.activity.word(), left.words());
                writeln!(
                    out,
                    "The {kind} that was left at {stands} is ended; what was said counts."
                )?;
            }
            let about = wish.words(&setup.bank);
            let activity = interviewing::activity(&made);
            let now = setup.now();
            let session = interviewing::begin_interview(
                &mut setup.progress,
                &setup.bank,
                &made,
                &about,
                now,
            )?;
            (made, session, activity)
        }
    };
    let mut desk = plain::Desk {
        days: &setup.days,
        progress: &mut setup.progress,
        session,
        activity,
    };
    plain::drive(interview, &mut desk, lines, out, &mut stops::watch())
}

/// The interview that was left, unless another one is asked for.
fn take_up(
    args: &Args,
    setup: &mut Setup,
) -> anyhow::Result<Option<(Interview, EventId, Activity)>> {
    if !args.is_bare() {
        return Ok(None);
    }
    let Some(left) = interviewing::left_interview(&setup.progress)? else {
        return Ok(None);
    };
    let interview = left.interview(&setup.bank);
    if interview.phase() == Phase::Done || !setup.progress.take_up(left.session)? {
        return Ok(None);
    }
    Ok(Some((interview, left.session, left.activity)))
}

/// The report with a name for everything in it.
fn as_json(report: &Report) -> Value {
    let mut value = json!(report);
    for (answer, spoken) in report.answers.iter().enumerate() {
        let (well, asked) = spoken.follow_ups;
        value["answers"][answer]["follow_ups"] = json!({ "well": well, "asked": asked });
    }
    value
}
