//! The drill as lines: what is printed for a state, and what a line that was read means.

use std::io::{BufRead, Write};

use jiff::Timestamp;

use crate::{
    bank::{Bank, Card, CardId},
    memory::{CardState, Due, Moment, Rating, States, StudyDays},
    progress::{Activity, EventId, EventKind, Progress, Review},
    session::drill::{Drill, Effect, Input, Mark, Open, Phase, Summary, Undone},
    tui::text::{count, lasted},
};

/// No answer typed at a prompt is longer; what is more is not kept.
const LINE_BYTES_MAX: u64 = 64 * 1024;

const HELP: &str = "\
  enter   show the answer       1 2 3 4  rate it: again, hard, good, easy
  t 1 3   tick points 1 and 3   n        next follow-up question, then its answer
  u       take the last back    s        skip: it stays due
  b       bury for today        z        suspend: never again until it is taken up
  f       flag to look at       *        star to learn first
  q       end                   ?        this";

/// What the drill works on.
pub(super) struct Desk<'d> {
    pub(super) bank: &'d Bank,
    pub(super) days: &'d StudyDays,
    pub(super) progress: &'d mut Progress,
    pub(super) session: EventId,
    pub(super) states: States,
}

/// Asks card after card until there is none left, the reader ends, or the input does.
pub(super) fn drive(
    mut drill: Drill,
    desk: &mut Desk<'_>,
    input: &mut impl BufRead,
    out: &mut dyn Write,
    clock: impl Fn() -> Timestamp,
) -> anyhow::Result<Drill> {
    let mut asked: Option<CardId> = None;
    let mut line = Vec::new();
    while let Some(open) = drill.open() {
        if asked.as_ref() != Some(&open.card) {
            asked = Some(open.card.clone());
            print_question(&drill, open, desk, out)?;
        }
        write!(out, "> ")?;
        out.flush()?;
        line.clear();
        let mut bounded = std::io::Read::take(&mut *input, LINE_BYTES_MAX);
        if bounded.read_until(b'\n', &mut line)? == 0 {
            writeln!(out)?;
            break;
        }
        let words = String::from_utf8_lossy(&line);
        let revealed = open.phase == Phase::Revealed;
        let inputs = match read(words.trim(), revealed) {
            Ok(inputs) => inputs,
            Err(help) => {
                writeln!(out, "{help}")?;
                continue;
            }
        };
        if inputs.contains(&Input::Finish) {
            break;
        }
        for step in inputs {
            let now = desk.days.moment(clock());
            if let Some(card) = perform(&mut drill, desk, step, now, out)? {
                // It is asked again, even if it is the card that was just on screen.
                asked.take_if(|shown| *shown == card);
            }
        }
    }
    let now = clock();
    drill.handle(Input::Finish, desk.bank, now);
    Ok(drill)
}

/// What a line means where the card stands.
fn read(line: &str, revealed: bool) -> Result<Vec<Input>, String> {
    let mut words = line.split_whitespace();
    let first = words.next().unwrap_or("");
    let input = match first {
        "" if !revealed => Input::Reveal,
        "" => return Err("Rate it with 1 (again), 2 (hard), 3 (good) or 4 (easy).".to_owned()),
        "1" | "2" | "3" | "4" if !revealed => {
            return Err("The answer comes first: press enter, then rate.".to_owned());
        }
        "1" => Input::Rate(Rating::Again),
        "2" => Input::Rate(Rating::Hard),
        "3" => Input::Rate(Rating::Good),
        "4" => Input::Rate(Rating::Easy),
        "t" => {
            let places: Result<Vec<Input>, String> = words.map(tick).collect();
            return places;
        }
        "n" => Input::FollowUp,
        "u" => Input::Undo,
        "s" => Input::Skip,
        "b" => Input::Bury,
        "z" => Input::Suspend,
        "f" => Input::Flag,
        "*" => Input::Star,
        "q" | "quit" => Input::Finish,
        "?" => return Err(HELP.to_owned()),
        other => {
            let short: String = other.chars().take(20).collect();
            return Err(format!(
                "`{}` is no key here; ? lists them.",
                short.escape_debug()
            ));
        }
    };
    Ok(vec![input])
}

fn tick(word: &str) -> Result<Input, String> {
    word.parse::<usize>()
        .ok()
        .and_then(|place| place.checked_sub(1))
        .map(Input::Tick)
        .ok_or_else(|| "t takes the numbers of the points: t 1 3".to_owned())
}

/// Takes one step and prints what changed. Gives the card that is to be asked again.
fn perform(
    drill: &mut Drill,
    desk: &mut Desk<'_>,
    step: Input,
    now: Moment,
    out: &mut dyn Write,
) -> anyhow::Result<Option<CardId>> {
    let effect = drill.handle(step, desk.bank, now.at);
    match effect {
        Some(Effect::Rate {
            card,
            rating,
            spent,
        }) => {
            let review = Review {
                card: card.clone(),
                rating,
                spent,
                from: Activity::Drill,
                session: Some(desk.session),
            };
            let state = desk.progress.review(&review, now)?;
            writeln!(out, "{rating}: comes back {}.", when(&state, now))?;
            drill.rated(&card, rating, spent, &state, desk.bank, now.at);
            desk.states.insert(card.clone(), state);
            return Ok(Some(card));
        }
        Some(Effect::Mark { card, mark }) => {
            set_mark(desk, &card, mark, now, out)?;
            drill.marked(&card, mark, desk.bank, now.at);
        }
        Some(Effect::Undo) => return undo(drill, desk, now, out),
        Some(Effect::Finished) => {}
        None => {
            if let Some(open) = drill.open()
                && let Some(card) = desk.bank.card(&open.card)
            {
                print_step(step, open, card, desk, now, out)?;
            }
        }
    }
    Ok(None)
}

fn set_mark(
    desk: &mut Desk<'_>,
    card: &CardId,
    mark: Mark,
    now: Moment,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let state = desk.states.get(card).cloned().unwrap_or_default();
    let id = card.clone();
    let (kind, said) = match mark {
        Mark::Suspend => (EventKind::Suspend { card: id }, "suspended"),
        Mark::Bury => {
            let until = now.day.plus(1);
            (EventKind::Bury { card: id, until }, "buried until tomorrow")
        }
        Mark::Flag if state.flagged => (
            EventKind::Flag {
                card: id,
                on: false,
            },
            "unflagged",
        ),
        Mark::Flag => (EventKind::Flag { card: id, on: true }, "flagged"),
        Mark::Star if state.starred => (
            EventKind::Star {
                card: id,
                on: false,
            },
            "no star",
        ),
        Mark::Star => (EventKind::Star { card: id, on: true }, "starred"),
    };
    desk.progress.append(kind, Some(desk.session), now)?;
    let state = desk.progress.state(card)?;
    desk.states.insert(card.clone(), state);
    writeln!(out, "{said}.")?;
    Ok(())
}

fn undo(
    drill: &mut Drill,
    desk: &mut Desk<'_>,
    now: Moment,
    out: &mut dyn Write,
) -> anyhow::Result<Option<CardId>> {
    let Some(undone) = desk.progress.undo_last(Some(desk.session), now)? else {
        writeln!(out, "Nothing to take back.")?;
        return Ok(None);
    };
    let Some(card) = undone.card else {
        return Ok(None);
    };
    let what = match undone.event.kind {
        EventKind::Review { .. } => Undone::Rating,
        EventKind::Suspend { .. } | EventKind::Bury { .. } => Undone::LeftOut,
        _ => Undone::Other,
    };
    writeln!(out, "taken back: {} of `{card}`.", undone.event.kind.name())?;
    desk.states.insert(card.clone(), undone.state);
    drill.undone(&card, what, desk.bank, now.at);
    Ok((what != Undone::Other).then_some(card))
}

fn when(state: &CardState, now: Moment) -> String {
    match state.due {
        Some(Due::At(at)) => {
            let minutes = (at.duration_since(now.at).as_secs() + 30) / 60;
            format!("in {minutes} min")
        }
        Some(Due::On(day)) => match day.since(now.day) {
            1 => "tomorrow".to_owned(),
            days => format!("in {days} days, on {day}"),
        },
        None => "when it is due".to_owned(),
    }
}

fn print_question(
    drill: &Drill,
    open: &Open,
    desk: &Desk<'_>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let Some(card) = desk.bank.card(&open.card) else {
        return Ok(());
    };
    let deck = desk.bank.deck(&card.deck);
    let deck = deck.map_or(card.deck.as_str(), |deck| deck.title.as_str());
    let again = if open.again { ", again" } else { "" };
    writeln!(
        out,
        "\n[{} left] {deck}, {}{again}",
        drill.left(),
        card.level.word()
    )?;
    writeln!(out, "{}", card.ask)?;
    if let Some(code) = &card.code {
        writeln!(out, "\n{}", code.text)?;
    }
    Ok(())
}

/// Prints what a step within a card brought to light.
fn print_step(
    step: Input,
    open: &Open,
    card: &Card,
    desk: &Desk<'_>,
    now: Moment,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    match step {
        Input::Reveal => print_answer(card, desk, now, out)?,
        Input::Tick(place) => match open.ticked.get(place) {
            Some(ticked) => {
                let sign = if *ticked { 'x' } else { ' ' };
                write!(out, "[{sign}] {}", place + 1)?;
                match open.suggestion() {
                    Some(rating) => writeln!(out, "  suggests {} {rating}", rating.number())?,
                    None => writeln!(out)?,
                }
            }
            None if open.phase == Phase::Asking => {
                writeln!(out, "The points come with the answer.")?;
            }
            None => writeln!(out, "There are {} points.", open.ticked.len())?,
        },
        Input::FollowUp => {
            let shown = open.follow_ups.checked_sub(1);
            match shown.and_then(|place| card.follow_ups.get(place)) {
                Some(follow_up) if open.follow_up_answers < open.follow_ups => {
                    writeln!(out, "Next: {}", follow_up.ask)?;
                }
                Some(follow_up) => writeln!(out, "{}", follow_up.say)?,
                None => writeln!(out, "No follow-up questions here.")?,
            }
        }
        _ => {}
    }
    Ok(())
}

fn print_answer(
    card: &Card,
    desk: &Desk<'_>,
    now: Moment,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(out, "\n{}", card.say)?;
    for text in [Some(&card.explain), card.fix.as_ref()]
        .into_iter()
        .flatten()
    {
        if !text.is_empty() {
            writeln!(out, "\n{}", text.trim_end())?;
        }
    }
    if !card.points.is_empty() {
        writeln!(out, "\nPoints:")?;
    }
    for (place, point) in card.points.iter().enumerate() {
        writeln!(out, "  {} {point}", place + 1)?;
    }
    if let Some(trap) = &card.trap {
        writeln!(out, "Trap: {trap}")?;
    }
    if !card.follow_ups.is_empty() {
        writeln!(out, "Follow-up questions: {} (n)", card.follow_ups.len())?;
    }
    let state = desk.states.get(&card.id).cloned().unwrap_or_default();
    let previews = desk.progress.scheduler().previews(&card.id, &state, now);
    let keys: Vec<String> = previews
        .iter()
        .map(|preview| {
            let rating = preview.rating;
            format!("{} {rating} ({})", rating.number(), preview.interval)
        })
        .collect();
    writeln!(out, "\n{}", keys.join(", "))
}

/// Prints what the drill came to.
pub(super) fn print_summary(
    summary: &Summary,
    bank: &Bank,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{} of {} in {}: {} went well, {} hard, {} missed.",
        count(summary.ratings, "rating", "ratings"),
        count(summary.cards, "card", "cards"),
        lasted(summary.spent),
        summary.went_well.len(),
        summary.hard.len(),
        summary.missed.len()
    )?;
    for (days, count) in &summary.comes_back {
        let when = match days {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            days => format!("in {days} days"),
        };
        writeln!(out, "  {count} back {when}")?;
    }
    for place in summary.read.iter().take(3) {
        let title = bank.chapter(&place.link.chapter);
        let title = title.map_or(place.link.chapter.as_str(), |chapter| &chapter.title);
        let anchor = place.link.anchor.as_deref().unwrap_or("");
        let gap = if anchor.is_empty() { "" } else { "#" };
        writeln!(
            out,
            "  read: {title} (highwater read {}{gap}{anchor})",
            place.link.chapter
        )?;
    }
    if summary.left > 0 {
        writeln!(out, "  {} not met; they stay for later", summary.left)?;
    }
    Ok(())
}
