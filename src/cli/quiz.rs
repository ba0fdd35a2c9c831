//! `highwater quiz`: on the screen, or line by line for screen readers and pipes.
//!
//! What is asked is drawn by `session`; line by line every answer is on disk before the next question
//! is printed, and the end of the input leaves the quiz to be gone on with.

mod plain;

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

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
    clock,
    progress::EventId,
    session::quiz::{Mode, Quiz, QuizError, Report, Score, Settings},
    tui::{
        app::Start,
        desk::practice::{self, Pool},
        text::count,
    },
};

/// Options of `quiz`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Line by line, each answer is followed by enter: letters pick choices (`b`, or `a c` where several are right), numbers \
put steps in order (`3 1 2`), anything else is what is typed. p stops the clock, m marks a question, q leaves the quiz, \
which is gone on with by the next `highwater quiz --plain`. In an exam < goes back, g 3 goes to question 3, h hands it in.")]
pub(super) struct Args {
    /// Line by line, for screen readers and pipes; so it is without a terminal, too
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    cards: FilterArgs,
    /// Questions on cards that you would now likely miss
    #[arg(long)]
    weak: bool,
    /// Only questions that the simulated cluster makes and answers
    #[arg(long, conflicts_with_all = ["deck", "track", "tag", "level", "starred", "weak"])]
    engine: bool,
    /// Only what the last finished quiz missed
    #[arg(long, conflicts_with_all = ["deck", "track", "tag", "level", "starred", "weak", "engine", "count"])]
    misses: bool,
    /// How many questions
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 20, value_parser = whole::<usize>(1..=COUNT_MAX), allow_negative_numbers = true)]
    count: usize,
    /// Minutes for the whole quiz, or `none`
    #[arg(long, value_name = "MINUTES", default_value = "10", value_parser = span, allow_negative_numbers = true)]
    minutes: Span,
    /// Seconds for each question, or `none`
    #[arg(long, value_name = "SECONDS", default_value = "none", value_parser = span, allow_negative_numbers = true)]
    seconds: Span,
    /// Answers at the end; until then you may go back
    #[arg(long)]
    exam: bool,
    /// Repeat the quiz that this number drew
    #[arg(long, value_name = "NUMBER", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Print the result as JSON; questions go to standard error
    #[arg(long)]
    json: bool,
}

/// A number of minutes or seconds; none for no clock.
#[derive(Clone, Copy, Debug)]
struct Span(Option<u64>);

fn span(text: &str) -> Result<Span, String> {
    match text {
        "none" => Ok(Span(None)),
        text => match text.parse() {
            Ok(0) => Err("a clock of 0 leaves no time; write `none` for no clock".to_owned()),
            Ok(number) if number <= 86_400 => Ok(Span(Some(number))),
            _ => Err(format!("`{text}` is no number from 1 to 86400, nor `none`")),
        },
    }
}

impl Args {
    fn pool(&self) -> Pool {
        Pool {
            filter: self.cards.filter(),
            weak: self.weak,
            engine: self.engine,
            only: Vec::new(),
        }
    }

    fn is_plain(&self) -> bool {
        self.plain || self.json || !io::stdin().is_terminal() || !io::stdout().is_terminal()
    }

    /// Nothing is chosen: the set-up screen asks.
    fn is_bare(&self) -> bool {
        self.pool() == Pool::default()
            && !self.misses
            && self.seed.is_none()
            && !self.exam
            && (self.count, self.minutes.0, self.seconds.0) == (20, Some(10), None)
    }

    fn settings(&self, about: String, seed: u64) -> Settings {
        Settings {
            about,
            count: self.count,
            mode: if self.exam {
                Mode::Exam
            } else {
                Mode::Practice
            },
            limit: self
                .minutes
                .0
                .map(|minutes| Duration::from_secs(minutes * 60)),
            limit_each: self.seconds.0.map(Duration::from_secs),
            seed,
        }
    }
}

/// Most questions of a quiz: the simulator would make more without end.
const COUNT_MAX: u64 = 1000;

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    if !args.is_plain() && args.is_bare() {
        return super::screens::show(global, Start::Quiz);
    }
    let mut setup = Setup::open(global)?;
    let mut pool = args.pool();
    setup.check(&pool.filter)?;
    let now = setup.now();
    setup.progress.look_after(now)?;
    let seed = args
        .seed
        .unwrap_or_else(|| now.at.as_millisecond().unsigned_abs() % 1_000_000);
    let mut settings = args.settings(pool.words(&setup.bank), seed);
    if args.misses {
        let Some((only, again)) = missed(&setup)? else {
            writeln!(out, "The last quiz missed nothing.")?;
            return Ok(Outcome::Done);
        };
        (pool, settings.about, settings.count) = (only, again.about, again.count);
    }
    let states = setup.progress.states()?;
    let candidates = pool.candidates(
        &setup.bank,
        &states,
        setup.progress.scheduler(),
        now.at,
        settings.count,
        seed,
    );
    let wanted = settings.count;
    // Whether there is anything to ask is told before a screen opens.
    if args.weak && candidates.is_empty() {
        let words = pool.words(&setup.bank);
        let none = "no card that you have met would now likely be missed";
        return Err(Usage(format!("no question matches {words}: {none}")).into());
    }
    let quiz = Quiz::new(candidates, settings.clone()).map_err(usage)?;
    if !args.is_plain() {
        drop(setup);
        return super::screens::show(global, Start::BeginQuiz(Box::new((pool, settings))));
    }
    let stderr = &mut io::stderr();
    // As JSON the result stands alone on standard output.
    let told: &mut dyn Write = if args.json { stderr } else { &mut *out };
    let (quiz, session) = match take_up(args, &mut setup)? {
        Some(taken) => {
            writeln!(told, "Going on with the quiz that was left.")?;
            taken
        }
        None => begin(quiz, wanted, &mut setup, told)?,
    };
    let mut desk = plain::Desk {
        days: &setup.days,
        progress: &mut setup.progress,
        session,
        attended: io::stdin().is_terminal(),
    };
    let input = &mut io::stdin().lock();
    let report = plain::drive(
        quiz,
        &mut desk,
        &mut Lines::of(input),
        told,
        &mut stops::watch(),
    )?;
    if report.is_none() {
        let words = "The quiz is kept as it stands; `highwater quiz --plain` goes on with it.";
        writeln!(told, "{words}")?;
    }
    print(args, report.as_ref(), &setup, out)?;
    Ok(Outcome::Done)
}

/// Begins the quiz, in place of one that was left.
fn begin(
    quiz: Quiz,
    wanted: usize,
    setup: &mut Setup,
    told: &mut dyn Write,
) -> anyhow::Result<(Quiz, EventId)> {
    if quiz.len() < wanted {
        let words = count(quiz.len(), "question matches", "questions match");
        writeln!(told, "Only {words}; they are all asked.")?;
    }
    let now = setup.now();
    if let Some(left) = practice::left_quiz(&setup.progress)? {
        writeln!(
            told,
            "The quiz that was left, {}, is given up.",
            left.words()
        )?;
        practice::give_up(&mut setup.progress, left.session, now)?;
    }
    let session = practice::begin_quiz(&mut setup.progress, &quiz, now)?;
    Ok((quiz, session))
}

/// What the last finished quiz missed; none when it missed nothing.
fn missed(setup: &Setup) -> anyhow::Result<Option<(Pool, Settings)>> {
    let last = practice::last_quiz(&setup.progress)?
        .ok_or_else(|| Usage("no quiz has been finished yet, so nothing was missed".to_owned()))?;
    Ok(practice::misses(&last))
}

fn usage(error: QuizError) -> anyhow::Error {
    Usage(error.to_string()).into()
}

/// The quiz that was left, unless another one is asked for.
fn take_up(args: &Args, setup: &mut Setup) -> anyhow::Result<Option<(Quiz, EventId)>> {
    if !args.is_bare() {
        return Ok(None);
    }
    let Some(left) = practice::left_quiz(&setup.progress)? else {
        return Ok(None);
    };
    if !setup.progress.take_up(left.session)? {
        return Ok(None);
    }
    let bank = &setup.bank;
    match Quiz::resume(left.snapshot, |source| practice::find(bank, source)) {
        Ok(quiz) => Ok(Some((quiz, left.session))),
        Err(QuizError::Gone) => {
            practice::give_up(
                &mut setup.progress,
                left.session,
                setup.days.moment(clock::now()),
            )?;
            Ok(None)
        }
        Err(error) => Err(usage(error)),
    }
}

fn print(
    args: &Args,
    report: Option<&Report>,
    setup: &Setup,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if args.json {
        return output::print_json(&report.map(as_json), out);
    }
    let Some(report) = report else {
        return Ok(());
    };
    let earlier = practice::earlier_quizzes(&setup.progress, &report.settings)?;
    plain::print_report(report, earlier.get(1), &setup.bank, out)?;
    Ok(())
}

/// The report with a name for everything in it.
fn as_json(report: &Report) -> Value {
    let named = |name: &str, scores: &[(String, Score)]| -> Value {
        let scores = scores.iter();
        scores
            .map(|(of, score)| json!({ name: of, "earned": score.earned, "asked": score.asked }))
            .collect()
    };
    let mut value = json!(report);
    value["by_topic"] = named("topic", &report.by_topic);
    value["by_level"] = named("level", &report.by_level);
    value
}
