//! The quiz as lines: what is printed for a question, and what a line that was read means.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::super::lines::Lines;
use crate::{
    bank::{Answer, Bank},
    clock::{Reading, Watch},
    memory::StudyDays,
    progress::{EventId, Progress},
    session::quiz::{Effect, Given, Input, Mode, Phase, Quiz, Report, Verdict, read_number},
    tui::{desk::practice, text::count},
};

/// What the quiz works on.
pub(super) struct Desk<'d> {
    pub(super) days: &'d StudyDays,
    pub(super) progress: &'d mut Progress,
    pub(super) session: EventId,
    /// Somebody reads along: reasons are waited on with the clock standing, and a slip is asked back. A
    /// pipe gives one line an answer.
    pub(super) attended: bool,
}

/// Asks question after question until the quiz is over; none when the reader or the input left it.
pub(super) fn drive(
    mut quiz: Quiz,
    desk: &mut Desk<'_>,
    lines: &mut Lines<'_>,
    out: &mut dyn Write,
    watch: &mut Watch,
) -> anyhow::Result<Option<Report>> {
    let mut shown = None;
    let mut warned = None;
    // A quiz that was left waits, paused.
    if let Some(report) = step(&mut quiz, desk, Input::Resume, watch.read())? {
        return Ok(Some(report));
    }
    loop {
        let place = (quiz.at(), quiz.phase());
        if shown != Some(place) {
            print_place(&quiz, shown, out)?;
            shown = Some(place);
        }
        if quiz.phase() == Phase::Answered {
            let last = quiz.sheets().iter().all(|sheet| sheet.locked);
            if last || !desk.attended {
                if let Some(report) = step(&mut quiz, desk, Input::Next, watch.read())? {
                    return Ok(Some(report));
                }
                continue;
            }
            writeln!(out, "The clock stands; enter goes on.")?;
        }
        let line = lines.ask(out)?;
        let Some(text) = line.filter(|line| line != "q" && line != "quit") else {
            step(&mut quiz, desk, Input::Pause, watch.read())?;
            return Ok(None);
        };
        let now = watch.read();
        if let Some(words) = now.told() {
            writeln!(out, "({words})")?;
        }
        if now.slept.is_some() {
            rest(&mut quiz, desk, now)?;
        }
        if let Some(report) = step(&mut quiz, desk, Input::Tick, now)? {
            return Ok(Some(report));
        }
        if (quiz.at(), quiz.phase()) != place {
            // A question may have a clock of its own.
            writeln!(out, "The time for this question is over.")?;
            continue;
        }
        if desk.attended
            && warned != Some(place)
            && let Some(words) = doubt(&quiz, &text)
        {
            warned = Some(place);
            writeln!(out, "{words}")?;
            continue;
        }
        warned = None;
        let inputs = meaning(&quiz, &text, out)?;
        let submitted = inputs.contains(&Input::Submit);
        for input in inputs {
            if let Some(report) = step(&mut quiz, desk, input, watch.read())? {
                return Ok(Some(report));
            }
        }
        if submitted && (quiz.at(), quiz.phase()) == place {
            // The last question of an exam stays open until the exam is handed in.
            let words =
                "That was the last: h hands the exam in, < goes back, g 3 goes to question 3.";
            writeln!(out, "{words}")?;
        }
    }
}

/// Counts a sleep of the machine as a stop of the clock, which is noted in the result.
fn rest(quiz: &mut Quiz, desk: &mut Desk<'_>, now: Reading) -> anyhow::Result<()> {
    if quiz.phase() == Phase::Asking {
        for input in [Input::Pause, Input::Resume] {
            step(quiz, desk, input, now)?;
        }
    }
    Ok(())
}

/// What speaks against taking a line as the answer; said once.
fn doubt(quiz: &Quiz, text: &str) -> Option<String> {
    if quiz.phase() != Phase::Asking {
        return None;
    }
    let nothing = text.is_empty() && quiz.sheets()[quiz.at()].given.is_nothing();
    match &quiz.question().candidate.check.answer {
        // An exam goes on; the question stays open there.
        _ if nothing && quiz.settings().mode == Mode::Exam => None,
        Answer::Order { .. } if nothing => {
            Some("Nothing was put in order; enter again takes it as it stands.".to_owned())
        }
        _ if nothing => Some("Nothing was answered; enter again leaves it unanswered.".to_owned()),
        Answer::Number { unit, .. } if is_answer(text) && read_number(text, unit).is_none() => {
            Some(format!(
                "`{}` is no number; a number is asked for, or the same once more.",
                text.escape_debug()
            ))
        }
        _ => None,
    }
}

/// Whether a line to a question that is answered by typing is an answer to it, and no command of exams.
fn is_answer(text: &str) -> bool {
    !text.is_empty() && !matches!(text, "h" | "<") && !text.starts_with("g ")
}

/// Prints what is new: a question, or how the answer to it was.
fn print_place(quiz: &Quiz, before: Option<(usize, Phase)>, out: &mut dyn Write) -> io::Result<()> {
    match quiz.phase() {
        Phase::Asking if before == Some((quiz.at(), Phase::Paused)) => {}
        Phase::Asking => print_question(quiz, out)?,
        Phase::Answered => print_verdict(quiz, quiz.at(), out)?,
        Phase::Paused | Phase::Done => {}
    }
    Ok(())
}

/// Takes one input and records what follows; the report once the quiz is over.
fn step(
    quiz: &mut Quiz,
    desk: &mut Desk<'_>,
    input: Input,
    now: Reading,
) -> anyhow::Result<Option<Report>> {
    let effects: Vec<Effect> = quiz.handle(input, now.awake);
    let moment = desk.days.moment(now.at);
    Ok(practice::record_quiz(
        desk.progress,
        desk.session,
        effects,
        moment,
    )?)
}

/// What a line means for the open question.
fn meaning(quiz: &Quiz, text: &str, out: &mut dyn Write) -> io::Result<Vec<Input>> {
    match quiz.phase() {
        Phase::Paused => return Ok(vec![Input::Resume]),
        Phase::Answered => return Ok(vec![Input::Next]),
        Phase::Asking | Phase::Done => {}
    }
    let exam = quiz.settings().mode == Mode::Exam;
    let answer = &quiz.question().candidate.check.answer;
    let typed = matches!(answer, Answer::Type { .. } | Answer::Number { .. });
    match text {
        "p" if !typed => {
            writeln!(out, "The clock stands; enter lets it run.")?;
            return Ok(vec![Input::Pause]);
        }
        "m" if !typed => {
            let marked = quiz.sheets()[quiz.at()].flagged;
            writeln!(
                out,
                "{}",
                if marked {
                    "No longer marked."
                } else {
                    "Marked for later."
                }
            )?;
            return Ok(vec![Input::Flag]);
        }
        "h" if exam => return Ok(vec![Input::HandIn]),
        "<" if exam => return Ok(vec![Input::Back]),
        _ => {}
    }
    if let (true, Some(number)) = (exam, text.strip_prefix("g ")) {
        let place = number.trim().parse::<usize>().ok();
        let place = place.and_then(|n| n.checked_sub(1));
        let known = place.filter(|place| *place < quiz.len());
        let open = known.filter(|place| !quiz.sheets()[*place].locked);
        let number = number.trim().escape_debug();
        match (known, open) {
            (_, Some(_)) => {}
            (Some(_), None) => writeln!(out, "The time for question {number} is over.")?,
            (None, _) => {
                writeln!(
                    out,
                    "There is no question {number}; they go from 1 to {}.",
                    quiz.len()
                )?;
            }
        }
        return Ok(open.map(Input::Go).into_iter().collect());
    }
    let parts = quiz.question().shown.len();
    match answer {
        Answer::Choose { .. } => picks(quiz, text, parts, out),
        Answer::Order { .. } => order(quiz, text, parts, out),
        Answer::Type { .. } | Answer::Number { .. } => {
            Ok(vec![Input::Type(text.to_owned()), Input::Submit])
        }
    }
}

fn picks(quiz: &Quiz, text: &str, parts: usize, out: &mut dyn Write) -> io::Result<Vec<Input>> {
    let letters: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ',')
        .collect();
    let mut wanted = Vec::new();
    for letter in letters {
        match (letter.to_ascii_lowercase() as usize).checked_sub('a' as usize) {
            Some(place) if place < parts => wanted.push(place),
            _ => {
                let last = char::from(b'a' + (parts - 1) as u8);
                writeln!(out, "`{}` is none of a to {last}.", letter.escape_debug())?;
                return Ok(Vec::new());
            }
        }
    }
    let question = quiz.question();
    let picked = |place: &usize| match &quiz.sheets()[quiz.at()].given {
        Given::Picked(known) => known.contains(&question.shown[*place]),
        _ => false,
    };
    if !question.candidate.check.answer.several() {
        wanted.truncate(1);
    }
    // Whatever was picked before and is not named now is left again.
    let change = (0..parts).filter(|place| wanted.contains(place) != picked(place));
    let several = question.candidate.check.answer.several();
    let mut inputs: Vec<Input> = change
        .filter(|place| several || wanted.contains(place))
        .map(Input::Pick)
        .collect();
    inputs.push(Input::Submit);
    Ok(inputs)
}

fn order(quiz: &Quiz, text: &str, parts: usize, out: &mut dyn Write) -> io::Result<Vec<Input>> {
    if text.is_empty() {
        return Ok(vec![Input::Submit]);
    }
    let numbers: Option<Vec<usize>> = text
        .split([' ', ','])
        .filter(|word| !word.is_empty())
        .map(|word| word.parse::<usize>().ok()?.checked_sub(1))
        .collect();
    let mut sorted = numbers.clone().unwrap_or_default();
    sorted.sort_unstable();
    let Some(numbers) = numbers.filter(|_| sorted.into_iter().eq(0..parts)) else {
        writeln!(out, "Name each of the {parts} steps once, like 2 1 3.")?;
        return Ok(Vec::new());
    };
    // Bring one step after the other to its place, as the screen does.
    let mut now: Vec<usize> = quiz.order().to_vec();
    let wanted: Vec<usize> = numbers.iter().map(|place| now[*place]).collect();
    let mut inputs = Vec::new();
    for (to, step) in wanted.iter().enumerate() {
        let from = now.iter().position(|known| known == step).unwrap_or(to);
        now.remove(from);
        now.insert(to, *step);
        inputs.push(Input::Move { from, to });
    }
    inputs.push(Input::Submit);
    Ok(inputs)
}

fn time(span: Duration) -> String {
    let seconds = span.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn print_question(quiz: &Quiz, out: &mut dyn Write) -> io::Result<()> {
    let question = quiz.question();
    let candidate = &question.candidate;
    let left = quiz
        .left()
        .map_or(String::new(), |left| format!(", {} left", time(left)));
    let flag = if quiz.sheets()[quiz.at()].flagged {
        ", for later"
    } else {
        ""
    };
    writeln!(
        out,
        "\n[{} of {}{left}{flag}] {}, {}",
        quiz.at() + 1,
        quiz.len(),
        candidate.topic,
        candidate.level.word()
    )?;
    writeln!(out, "{}", candidate.check.ask.trim())?;
    match &candidate.check.answer {
        Answer::Choose { choices } => {
            for (place, choice) in question.shown.iter().enumerate() {
                writeln!(
                    out,
                    "  {}  {}",
                    char::from(b'a' + place as u8),
                    choices[*choice].text
                )?;
            }
            if candidate.check.answer.several() {
                writeln!(out, "More than one is right.")?;
            }
        }
        Answer::Order { steps, .. } => {
            for (place, step) in quiz.order().iter().enumerate() {
                writeln!(out, "  {}  {}", place + 1, steps[*step])?;
            }
            writeln!(out, "In which order? Numbers, first to last.")?;
        }
        Answer::Type { .. } => {}
        Answer::Number { unit, .. } if unit.is_empty() => writeln!(out, "A number.")?,
        Answer::Number { unit, .. } => writeln!(out, "A number, in {unit}.")?,
    }
    Ok(())
}

fn print_verdict(quiz: &Quiz, place: usize, out: &mut dyn Write) -> io::Result<()> {
    let Some(verdict) = quiz.verdict(place) else {
        return Ok(());
    };
    let words = match verdict.mark.credit {
        credit if credit >= 1.0 => "Right.".to_owned(),
        credit if credit > 0.0 => format!("Partly right: {credit:.2} of 1."),
        _ if verdict.unanswered => "Not answered.".to_owned(),
        _ => "Wrong.".to_owned(),
    };
    writeln!(out, "{words}")?;
    if let Some(meant) = &verdict.mark.forgiven {
        writeln!(out, "A slip of the fingers for {meant}, forgiven.")?;
    }
    print_reasons(
        &quiz.questions()[place].candidate.check.answer,
        &verdict,
        out,
    )
}

/// Why the answer given was wrong, and what is right and why.
fn print_reasons(answer: &Answer, verdict: &Verdict, out: &mut dyn Write) -> io::Result<()> {
    match answer {
        Answer::Choose { choices } => {
            for (place, choice) in choices.iter().enumerate() {
                let picked =
                    matches!(&verdict.given, Given::Picked(picked) if picked.contains(&place));
                if picked && !choice.right {
                    writeln!(out, "  not: {} ({})", choice.text, choice.why)?;
                }
            }
            for choice in choices.iter().filter(|choice| choice.right) {
                writeln!(out, "  right: {} ({})", choice.text, choice.why)?;
            }
        }
        Answer::Order { steps, why } => {
            writeln!(out, "  in order: {}", steps.join(" → "))?;
            writeln!(out, "  {why}")?;
        }
        Answer::Type { accept, why } => {
            writeln!(
                out,
                "  the answer: {}",
                accept.first().map_or("", String::as_str)
            )?;
            writeln!(out, "  {why}")?;
        }
        Answer::Number {
            value, unit, why, ..
        } => {
            writeln!(out, "  the answer: {}", format!("{value} {unit}").trim())?;
            writeln!(out, "  {why}")?;
        }
    }
    Ok(())
}

/// Prints how a quiz went; `before` is the run before this one.
pub(super) fn print_report(
    report: &Report,
    before: Option<&Report>,
    bank: &Bank,
    out: &mut dyn Write,
) -> io::Result<()> {
    let share = report.score.share() * 100.0;
    let unanswered = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.unanswered)
        .count();
    write!(
        out,
        "\n{share:.0} %: {:.2} of {} points",
        report.score.earned, report.score.asked
    )?;
    if unanswered > 0 {
        write!(out, ", {unanswered} unanswered")?;
    }
    if report.out_of_time {
        write!(out, ", time ran out")?;
    }
    let each = report.elapsed / u32::try_from(report.score.asked.max(1)).unwrap_or(1);
    write!(
        out,
        "; {} on the clock, {} a question",
        time(report.elapsed),
        time(each)
    )?;
    if report.pauses > 0 {
        let times = count(report.pauses as usize, "time", "times");
        write!(out, ", stopped {times}")?;
    }
    writeln!(out, ", seed {}", report.settings.seed)?;
    if let Some(before) = before {
        writeln!(
            out,
            "The run before: {:.0} %.",
            before.score.share() * 100.0
        )?;
    }
    for (title, scores) in [
        ("By topic", &report.by_topic),
        ("By level", &report.by_level),
    ] {
        writeln!(out, "{title}:")?;
        for (name, score) in scores {
            writeln!(out, "  {name}: {:.2} of {}", score.earned, score.asked)?;
        }
    }
    writeln!(out, "By question:")?;
    for (place, verdict) in report.verdicts.iter().enumerate() {
        let ended = match verdict.mark.credit {
            credit if credit >= 1.0 => "right",
            credit if credit > 0.0 => "partly right",
            _ if verdict.unanswered => "not answered",
            _ => "wrong",
        };
        let flag = if verdict.flagged { ", for later" } else { "" };
        let (n, spent) = (place + 1, time(verdict.spent));
        writeln!(out, "  {n}: {ended}, {spent}, {}{flag}", verdict.topic)?;
    }
    let mut misses = report.misses().peekable();
    if misses.peek().is_some() && report.settings.mode == Mode::Exam {
        writeln!(out, "Missed:")?;
        for verdict in misses {
            if let Some(candidate) = practice::find(bank, &verdict.source) {
                writeln!(out, "\n{}", candidate.check.ask.trim())?;
                print_reasons(&candidate.check.answer, verdict, out)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        bank::built_in::built_in, clock, memory::Retention, session::quiz::Settings,
        tui::desk::practice::Pool,
    };

    /// What is printed, and whether the quiz came to its end.
    fn played(attended: bool, mode: Mode, input: &str) -> (String, bool) {
        let bank = built_in().unwrap();
        let mut progress = Progress::in_memory(Retention::default()).unwrap();
        let days = StudyDays::new(TimeZone::UTC, 4);
        let now = days.moment(clock::now());
        let pool = Pool {
            engine: true,
            ..Pool::default()
        };
        let settings = Settings {
            about: "computed".into(),
            count: 3,
            mode,
            limit: None,
            limit_each: None,
            seed: 5,
        };
        let states = progress.states().unwrap();
        let candidates = pool.candidates(
            &bank,
            &states,
            progress.scheduler(),
            now.at,
            3,
            settings.seed,
        );
        let quiz = Quiz::new(candidates, settings).unwrap();
        let session = practice::begin_quiz(&mut progress, &quiz, now).unwrap();
        let mut desk = Desk {
            days: &days,
            progress: &mut progress,
            session,
            attended,
        };
        let mut input = input.as_bytes();
        let mut out = Vec::new();
        let mut lines = Lines::of(&mut input);
        let report = drive(quiz, &mut desk, &mut lines, &mut out, &mut Watch::start()).unwrap();
        (String::from_utf8(out).unwrap(), report.is_some())
    }

    #[test]
    fn a_pipe_gives_one_line_an_answer() {
        let (printed, over) = played(false, Mode::Practice, "\n\n\n");
        assert!(over, "{printed}");
        assert_eq!(printed.matches("Not answered.").count(), 3, "{printed}");
        assert!(!printed.contains("enter again"), "{printed}");
        assert!(!printed.contains("The clock stands"), "{printed}");
    }

    #[test]
    fn who_reads_along_is_waited_for_and_asked_back() {
        let (printed, over) = played(true, Mode::Practice, &"\n\n\n".repeat(3));
        assert!(over, "{printed}");
        assert_eq!(printed.matches("enter again").count(), 3, "{printed}");
        assert_eq!(printed.matches("Not answered.").count(), 3, "{printed}");
        // Nobody waits after the last.
        assert_eq!(printed.matches("The clock stands").count(), 2, "{printed}");
        let (printed, over) = played(true, Mode::Practice, "\n\nq\n");
        assert!(!over && printed.contains("The clock stands"), "{printed}");
        let (printed, over) = played(true, Mode::Exam, "\n\n\ng 7\nh\n");
        assert!(over, "{printed}");
        assert!(!printed.contains("enter again"), "it stays open: {printed}");
        assert!(printed.contains("There is no question 7"), "{printed}");
    }
}
