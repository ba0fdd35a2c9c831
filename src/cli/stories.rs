//! `highwater stories`: the reader's own project stories: listed, edited, checked, drilled.

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use serde_json::json;

use super::{
    Folders, Global, Outcome,
    lines::{Lines, places},
    numbers,
    output::Usage,
};
use crate::{
    bank::{
        Bank, Problem, Severity,
        stories::{self, OwnStories},
    },
    clock,
    session::stories::{Input, Phase, Stories},
    tui::{app::Start, editor, screens::stories as screen, text::count},
};

/// Options of `stories`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Your stories are in `stories.yaml` in the data folder; docs/BANK.md describes the format. In the drill line by line, a \
number names the story, then enter when it is told, numbers tick its facts, enter goes on, q ends.")]
pub(super) struct Args {
    /// Open the file in your editor, then check it; a first one is made from the templates
    #[arg(long, conflicts_with = "drill")]
    edit: bool,
    /// Drill them: a prompt, which story, its facts
    #[arg(long)]
    drill: bool,
    /// Line by line and as text, for screen readers and pipes; so it is without a terminal, too
    #[arg(long)]
    plain: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Repeat the drill that this number drew
    #[arg(long, value_name = "NUMBER", requires = "drill", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: Option<u64>,
}

pub(super) fn run(args: &Args, global: &Global, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let screen = io::stdin().is_terminal() && io::stdout().is_terminal();
    if screen && !args.plain && !args.json && !args.edit && args.seed.is_none() {
        return super::screens::show(global, Start::Stories(args.drill));
    }
    let folders = Folders::of(global)?;
    let bank = folders.bank(global)?;
    let file = folders.data.join(stories::FILE);
    if args.edit {
        editor::make(&file, &stories::example(&bank))?;
        editor::open(&file.to_string_lossy(), 1).map_err(anyhow::Error::msg)?;
    }
    let own = OwnStories::read(&file, &bank);
    if args.drill {
        return drill(args, &own, &bank, &file, out);
    }
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &as_json(&own, &bank, &file))?;
        writeln!(out)?;
    } else {
        print(&own, &bank, &file, args.edit, out)?;
    }
    Ok(if own.has_errors() {
        Outcome::Problems
    } else {
        Outcome::Done
    })
}

/// The file's problems; then, unless it was just edited, what serves what and the templates.
fn print(
    own: &OwnStories,
    bank: &Bank,
    file: &Path,
    only_check: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    if !own.exists {
        writeln!(
            out,
            "There is no {} yet; `highwater stories --edit` makes one.",
            file.display()
        )?;
    }
    // What is missing is told once nothing is wrong.
    let errors = own.has_errors();
    let told = |problem: &&Problem| !errors || problem.severity == Severity::Error;
    if only_check || errors {
        for problem in own.problems.iter().filter(told) {
            writeln!(out, "{problem}")?;
        }
    }
    let served = bank
        .prompts
        .iter()
        .filter(|prompt| !own.serving(prompt).is_empty());
    if own.exists {
        writeln!(
            out,
            "{} {} of {} prompts.",
            count(own.stories.len(), "story serves", "stories serve"),
            served.count(),
            bank.prompts.len()
        )?;
    }
    if only_check {
        return Ok(());
    }
    for (place, story) in own.stories.iter().enumerate() {
        if !story.is_told() {
            writeln!(out, "  {}: {} (not told yet)", story.id, story.title)?;
            continue;
        }
        let serves = own.served_by(place, bank).len();
        let bare = if story.has_number() {
            ""
        } else {
            ", no number in it"
        };
        writeln!(
            out,
            "  {}: {} (serves {serves}{bare})",
            story.id, story.title
        )?;
    }
    writeln!(out, "\nPrompts:")?;
    for prompt in &bank.prompts {
        writeln!(out, "  {}", prompt.ask)?;
        let titles: Vec<&str> = own
            .serving(prompt)
            .into_iter()
            .map(|story| own.stories[story].title.as_str())
            .collect();
        if titles.is_empty() {
            writeln!(out, "      no story yet")?;
        } else {
            writeln!(out, "      {}", titles.join(" | "))?;
        }
    }
    writeln!(out, "\nTemplates:")?;
    for template in &bank.stories {
        writeln!(out, "  {}: {}", template.id, template.title)?;
        for part in &template.parts {
            writeln!(out, "      {}: {}", part.part, part.ask)?;
        }
    }
    Ok(())
}

fn as_json(own: &OwnStories, bank: &Bank, file: &Path) -> serde_json::Value {
    let stories = own.stories.iter().map(|story| {
        json!({
            "id": story.id,
            "title": story.title,
            "template": story.template,
            "line": story.line,
            "is_told": story.is_told(),
            "has_number": story.has_number(),
            "to_tell": story.to_tell(),
        })
    });
    let prompts = bank.prompts.iter().map(|prompt| {
        let serving = own.serving(prompt).into_iter();
        let serving: Vec<&str> = serving
            .map(|place| own.stories[place].id.as_str())
            .collect();
        json!({ "id": prompt.id, "ask": prompt.ask, "stories": serving })
    });
    let templates = bank.stories.iter().map(|template| {
        let parts = template.parts.iter();
        let parts: Vec<_> = parts.map(|p| json!({ "part": p.part, "ask": p.ask })).collect();
        json!({ "id": template.id, "title": template.title, "parts": parts, "numbers": template.numbers })
    });
    let problems = own.problems.iter().map(|problem| {
        json!({
            "line": problem.line,
            "column": problem.column,
            "severity": problem.severity.word(),
            "message": problem.message,
        })
    });
    json!({
        "file": file.to_string_lossy(),
        "stories": stories.collect::<Vec<_>>(),
        "prompts": prompts.collect::<Vec<_>>(),
        "templates": templates.collect::<Vec<_>>(),
        "problems": problems.collect::<Vec<_>>(),
    })
}

fn drill(
    args: &Args,
    own: &OwnStories,
    bank: &Bank,
    file: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let chance = clock::now().as_millisecond().unsigned_abs() % 1_000_000;
    let mut drill = screen::drill(own, bank, args.seed.unwrap_or(chance));
    if drill.phase() == Phase::Done {
        if !file.exists() {
            return Err(Usage(format!(
                "there is no {} yet; `highwater stories --edit` makes one",
                file.display()
            ))
            .into());
        }
        let message = format!(
            "{} holds no story that is told and serves a prompt; `highwater stories --edit` opens it",
            file.display()
        );
        return Err(Usage(message).into());
    }
    let input = &mut io::stdin().lock();
    let mut lines = Lines::of(input);
    if args.json {
        drive(&mut drill, &mut lines, &mut io::stderr())?;
        serde_json::to_writer_pretty(&mut *out, drill.lines())?;
        writeln!(out)?;
    } else {
        drive(&mut drill, &mut lines, out)?;
        print_lines(&drill, out)?;
    }
    Ok(Outcome::Done)
}

fn drive(drill: &mut Stories, lines: &mut Lines<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut shown = None;
    while drill.phase() != Phase::Done {
        let at = (drill.progress().0, drill.phase());
        if shown != Some(at) {
            print_place(drill, out)?;
            shown = Some(at);
        }
        let line = lines.ask(out)?;
        let Some(line) = line.filter(|line| line != "q" && line != "quit") else {
            drill.handle(Input::End);
            break;
        };
        match (drill.phase(), places(&line)) {
            (Phase::Naming, Some(places)) if places.len() == 1 => {
                drill.handle(Input::Name(places[0]));
            }
            (Phase::Naming, _) => writeln!(out, "the number of a story, or q to end")?,
            (Phase::Ticking, Some(places)) => {
                for place in places {
                    drill.handle(Input::Tick(place));
                }
                let ticked: Vec<String> =
                    drill.ticked().iter().map(|n| (n + 1).to_string()).collect();
                writeln!(out, "ticked: {}", ticked.join(" "))?;
            }
            _ => drill.handle(Input::Next),
        }
    }
    Ok(())
}

fn print_place(drill: &Stories, out: &mut dyn Write) -> io::Result<()> {
    let Some(prompt) = drill.prompt() else {
        return Ok(());
    };
    match drill.phase() {
        Phase::Naming => {
            let (at, of) = drill.progress();
            writeln!(out, "\n[{} of {of}] {}", at + 1, prompt.ask)?;
            for (place, story) in drill.stories().iter().enumerate() {
                writeln!(out, "  {} {}", place + 1, story.title)?;
            }
        }
        Phase::Telling => writeln!(out, "Tell it aloud; enter when you are done.")?,
        Phase::Ticking => {
            writeln!(
                out,
                "They listen for: {}\nWhat did you tell?",
                prompt.looking_for
            )?;
            for (place, fact) in drill
                .named()
                .iter()
                .flat_map(|story| &story.facts)
                .enumerate()
            {
                writeln!(out, "  {} {fact}", place + 1)?;
            }
        }
        Phase::Done => {}
    }
    Ok(())
}

fn print_lines(drill: &Stories, out: &mut dyn Write) -> io::Result<()> {
    let done = count(drill.lines().len(), "prompt", "prompts");
    writeln!(out, "\n{done} answered.")?;
    for line in drill.lines() {
        let fits = if line.fits {
            ""
        } else {
            ", which does not serve it"
        };
        writeln!(out, "  {}", line.ask)?;
        writeln!(
            out,
            "    {}{fits}: {} of {} told",
            line.story, line.told, line.of
        )?;
        if let Some(better) = &line.better {
            writeln!(out, "    better: {better}")?;
        }
        for fact in &line.left_out {
            writeln!(out, "    left out: {fact}")?;
        }
    }
    Ok(())
}
