//! A run as a scenario file: the cluster as it was written, and what was done to it, each thing at its time.

use std::fmt::Write;

use crate::sim::time::Time;

use super::{scenario::Scenario, timeline::Timeline};

/// The text of a scenario file that does again what was done in a run, up to its present moment.
pub fn scenario(id: &str, from: &Scenario, run: &Timeline) -> String {
    let mut text = String::new();
    // writing into a string cannot fail
    let _ = write!(
        text,
        "scenario: {id}\ntitle: {}\nabout: {}\nlevel: {}\nminutes: {}\nseed: {}\n{}\nsteps:\n",
        quoted(&format!(
            "{} (my own run)",
            from.title.trim_end_matches(" (my own run)")
        )),
        quoted("A run kept from the lab."),
        from.level.word(),
        from.minutes,
        run.seed(),
        from.cluster_text.trim_end(),
    );
    let mut at = Time::ZERO;
    let mut commands: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for given in run.given().iter().filter(|given| given.at <= run.now()) {
        if given.at > at {
            steps.push((std::mem::take(&mut commands), given.at - at));
            at = given.at;
        }
        commands.push(given.command.to_string());
    }
    let rest = run.now() - at;
    if rest > Time::ZERO || !commands.is_empty() || steps.is_empty() {
        steps.push((commands, rest));
    }
    let mut clock = Time::ZERO;
    for (commands, length) in steps {
        let _ = writeln!(text, "  - title: {}", quoted(&format!("From {clock}")));
        if commands.is_empty() && length == Time::ZERO {
            let _ = writeln!(text, "    say: The beginning.");
        }
        if !commands.is_empty() {
            let _ = writeln!(text, "    do:");
            for command in commands {
                let _ = writeln!(text, "      - {}", quoted(&command));
            }
        }
        if length > Time::ZERO {
            let _ = writeln!(text, "    run: {}", span(length));
        }
        clock += length;
    }
    text
}

/// A span exactly, in the largest unit that does: `30s`, `1500ms`, `137us`.
fn span(length: Time) -> String {
    match length.0 {
        us if us.is_multiple_of(1_000_000) => format!("{}s", us / 1_000_000),
        us if us.is_multiple_of(1_000) => format!("{}ms", us / 1_000),
        us => format!("{us}us"),
    }
}

/// A text in single quotes, as YAML wants it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
