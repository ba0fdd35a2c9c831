//! The interview as lines: what is printed where it stands, and what a line that was read means.

use std::{
    io::{self, Write},
    time::Duration,
};

use super::super::lines::{Lines, places};
use crate::{
    bank::Bank,
    clock::{Reading, Watch},
    memory::StudyDays,
    progress::{Activity, EventId, Progress},
    session::{
        design,
        interview::{Answer, Effect, Input, Interview, Phase, Report},
    },
    tui::desk::interviewing,
};

/// What the interview works on.
pub(super) struct Desk<'d> {
    pub(super) days: &'d StudyDays,
    pub(super) progress: &'d mut Progress,
    pub(super) session: EventId,
    pub(super) activity: Activity,
}

/// Where an interview is, so far as something is printed on arriving there.
type Place = (usize, Phase, Option<(usize, design::Phase, usize)>);

/// Asks until the interview is over; none when the reader or the input left it.
pub(super) fn drive(
    mut interview: Interview,
    desk: &mut Desk<'_>,
    lines: &mut Lines<'_>,
    out: &mut dyn Write,
    watch: &mut Watch,
) -> anyhow::Result<Option<Report>> {
    let mut shown: Option<Place> = None;
    // The clock begins to run, or runs again.
    for input in [
        Input::Resume,
        Input::Design(design::Input::Resume),
        Input::Wait,
    ] {
        step(&mut interview, desk, input, watch.read())?;
    }
    loop {
        let at = place(&interview);
        if shown != Some(at) {
            print_place(&interview, out)?;
            shown = Some(at);
        }
        let Some(line) = lines.ask(out)? else {
            leave(&mut interview, desk, watch.read())?;
            return Ok(None);
        };
        let now = watch.read();
        if let Some(words) = now.told() {
            writeln!(out, "({words})")?;
        }
        let inputs = match line.as_str() {
            "q" | "quit" => {
                leave(&mut interview, desk, watch.read())?;
                return Ok(None);
            }
            "e" | "end" => vec![Input::End],
            line => meaning(&interview, line),
        };
        if inputs.is_empty() {
            writeln!(out, "{}", help(&interview))?;
        }
        for input in inputs {
            if let Some(report) = step(&mut interview, desk, input, watch.read())? {
                return Ok(Some(report));
            }
        }
        print_ticks(&interview, &line, out)?;
    }
}

fn leave(interview: &mut Interview, desk: &mut Desk<'_>, now: Reading) -> anyhow::Result<()> {
    for input in [Input::Pause, Input::Design(design::Input::Pause)] {
        step(interview, desk, input, now)?;
    }
    Ok(())
}

/// Takes one input and records what follows; the report once the interview is over.
fn step(
    interview: &mut Interview,
    desk: &mut Desk<'_>,
    input: Input,
    now: Reading,
) -> anyhow::Result<Option<Report>> {
    let effects: Vec<Effect> = interview.handle(input, now.awake);
    let moment = desk.days.moment(now.at);
    Ok(interviewing::record_interview(
        desk.progress,
        desk.session,
        desk.activity,
        effects,
        moment,
    )?)
}

fn board(interview: &Interview) -> Option<&design::Design> {
    let design = interview.design();
    design.filter(|_| interview.phase() == Phase::Design)
}

fn place(interview: &Interview) -> Place {
    let board = board(interview).map(|board| {
        let hints = board
            .sheets()
            .get(board.at())
            .map_or(0, |sheet| sheet.hints);
        (board.at(), board.phase(), hints)
    });
    (interview.at(), interview.phase(), board)
}

/// What a line means; nothing when it means nothing here.
fn meaning(interview: &Interview, line: &str) -> Vec<Input> {
    if let Some(board) = board(interview) {
        let comparing = board.phase() == design::Phase::Comparing;
        let inputs = match (line, places(line)) {
            ("", _) => vec![design::Input::Next],
            ("i", _) => vec![design::Input::Hint],
            (_, Some(places)) if comparing => places.into_iter().map(design::Input::Tick).collect(),
            _ => Vec::new(),
        };
        return inputs.into_iter().map(Input::Design).collect();
    }
    match (interview.phase(), line, places(line)) {
        (Phase::FollowUp { shown: true, .. }, "y", _) => vec![Input::Judge(true)],
        (Phase::FollowUp { shown: true, .. }, "n", _) => vec![Input::Judge(false)],
        (Phase::FollowUp { shown: true, .. }, ..) => Vec::new(),
        (_, "", _) => vec![Input::Next],
        (Phase::Speaking, "s", _) => vec![Input::Skip],
        (Phase::Points, "t", _) => vec![Input::Trap],
        (Phase::Points, _, Some(places)) => places.into_iter().map(Input::Tick).collect(),
        _ => Vec::new(),
    }
}

fn help(interview: &Interview) -> &'static str {
    match (
        interview.phase(),
        board(interview).map(design::Design::phase),
    ) {
        (Phase::Points, _) => "numbers tick points, t the trap, enter goes on",
        (Phase::FollowUp { shown: true, .. }, _) => "did it go well? y or n",
        (_, Some(design::Phase::Working)) => "enter when you are done, i for a hint",
        (_, Some(design::Phase::Comparing)) => "numbers tick lines of the rubric, enter goes on",
        _ => "enter goes on, s skips the question, e ends the interview, q leaves it",
    }
}

fn print_place(interview: &Interview, out: &mut dyn Write) -> io::Result<()> {
    if let Some(board) = board(interview) {
        return print_stage(board, out);
    }
    let Some(question) = interview.question() else {
        return Ok(());
    };
    let card = &question.card;
    match interview.phase() {
        Phase::Speaking | Phase::Paused => {
            let (at, of) = (interview.at() + 1, interview.questions().len());
            let level = card.level.word();
            writeln!(out, "\n[{at} of {of}] {}, {level}", question.topic)?;
            writeln!(out, "{}", card.ask)?;
            writeln!(out, "Answer aloud; enter when you are done.")?;
        }
        Phase::Points => {
            writeln!(out, "\n{}\n\nWhich of these points did you make?", card.say)?;
            for (place, point) in card.points.iter().enumerate() {
                writeln!(out, "  {} {point}", place + 1)?;
            }
            if let Some(trap) = &card.trap {
                writeln!(out, "  t the trap, if you said this: {trap}")?;
            }
        }
        Phase::FollowUp { place, shown } => {
            if let Some(follow_up) = card.follow_ups.get(place) {
                if shown {
                    writeln!(out, "{}\nDid it go well? y or n", follow_up.say)?;
                } else {
                    writeln!(out, "\nThey ask next: {}", follow_up.ask)?;
                }
            }
        }
        Phase::Design | Phase::Done => {}
    }
    Ok(())
}

fn print_stage(board: &design::Design, out: &mut dyn Write) -> io::Result<()> {
    let (Some(stage), Some(sheet)) = (board.stage(), board.sheets().get(board.at())) else {
        return Ok(());
    };
    match board.phase() {
        design::Phase::Working if sheet.hints > 0 => {
            if let Some(hint) = stage.hints.get(sheet.hints - 1) {
                writeln!(out, "Hint: {hint}")?;
            }
        }
        design::Phase::Working | design::Phase::Paused => {
            if board.at() == 0 {
                writeln!(out, "\n{}\n\n{}", board.drill().title, board.drill().ask)?;
                if !board.drill().context.trim().is_empty() {
                    writeln!(out, "\n{}", board.drill().context.trim_end())?;
                }
            }
            let (at, of) = (board.at() + 1, board.sheets().len());
            let title = stage.kind.title();
            writeln!(out, "\n[stage {at} of {of}] {title}, {} min", stage.minutes)?;
            writeln!(out, "{}", stage.prompt)?;
        }
        design::Phase::Comparing => {
            writeln!(out, "\n{}", stage.worked.trim_end())?;
            for question in &stage.questions {
                writeln!(out, "? {}\n  {}", question.ask, question.say)?;
            }
            writeln!(out, "\nWhich of these did your answer have?")?;
            for (place, line) in stage.rubric.iter().enumerate() {
                writeln!(out, "  {} {line}", place + 1)?;
            }
        }
        design::Phase::Done => {}
    }
    Ok(())
}

/// After ticking: what is ticked now.
fn print_ticks(interview: &Interview, line: &str, out: &mut dyn Write) -> io::Result<()> {
    if line.is_empty() {
        return Ok(());
    }
    let (ticked, of, trapped) = if let Some(board) = board(interview) {
        if board.phase() != design::Phase::Comparing {
            return Ok(());
        }
        let rubric = board.stage().map_or(0, |stage| stage.rubric.len());
        (&board.sheets()[board.at()].ticked, rubric, false)
    } else {
        let (Phase::Points, Some(question)) = (interview.phase(), interview.question()) else {
            return Ok(());
        };
        let sheet = &interview.sheets()[interview.at()];
        (&sheet.ticked, question.card.points.len(), sheet.trapped)
    };
    let numbers: Vec<String> = ticked.iter().map(|place| (place + 1).to_string()).collect();
    let trap = if trapped { ", and the trap" } else { "" };
    let numbers = numbers.join(" ");
    writeln!(out, "ticked {} of {of}: {numbers}{trap}", ticked.len())
}

/// Prints what the interview came to.
pub(super) fn print_report(
    report: &Report,
    before: Option<&Report>,
    bank: &Bank,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Some(share) = report.share() {
        let level = report.reached();
        writeln!(
            out,
            "\nLevel: {level}, answers worth {:.0} %",
            share * 100.0
        )?;
        for reason in &report.reasons {
            writeln!(out, "  {reason}")?;
        }
        if let Some(before) = before.and_then(Report::share) {
            let change = (share - before) * 100.0;
            writeln!(
                out,
                "  {change:+.0} percentage points since the last interview"
            )?;
        }
        for (topic, made, of) in report.by_topic() {
            writeln!(out, "  {topic}: {made} of {of} points")?;
        }
    }
    for answer in &report.answers {
        print_answer(answer, bank, out)?;
    }
    if let Some(design) = &report.design {
        writeln!(out, "\n{}: {:.0} %", design.title, design.share() * 100.0)?;
        for stage in &design.stages {
            if stage.finished {
                let (spent, share) = (time(stage.spent), time(stage.share));
                writeln!(
                    out,
                    "  {}: {} of {}, {spent} of {share}, {} hints",
                    stage.stage, stage.met, stage.of, stage.hints
                )?;
                for line in &stage.missed {
                    writeln!(out, "    missed: {line}")?;
                }
            } else {
                writeln!(out, "  {}: not reached", stage.stage)?;
            }
        }
    }
    let due = report.to_drill();
    if !due.is_empty() {
        writeln!(out, "\n{} due in the drill now:", due.len())?;
        for card in due.iter().filter_map(|id| bank.card(id)) {
            writeln!(out, "  {}", card.ask)?;
        }
    }
    Ok(())
}

fn print_answer(answer: &Answer, bank: &Bank, out: &mut dyn Write) -> io::Result<()> {
    let ask = bank.card(&answer.card);
    let ask = ask.map_or(answer.card.as_str(), |card| &*card.ask);
    let (made, of) = (answer.made.len(), answer.made.len() + answer.missed.len());
    writeln!(out, "\n{ask}")?;
    writeln!(
        out,
        "  {:.0} %, {made} of {of} points, {} of {} follow-ups, {}",
        answer.worth * 100.0,
        answer.follow_ups.0,
        answer.follow_ups.1,
        time(answer.spent)
    )?;
    for point in &answer.missed {
        writeln!(out, "  missed: {point}")?;
    }
    if let Some(trap) = &answer.trap {
        writeln!(out, "  trap: {trap}")?;
    }
    Ok(())
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
