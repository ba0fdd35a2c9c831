//! What README and docs say, held against the program: commands and options, keys, counts, paths,
//! written forms. What the program does with them is tested where it lives.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside the functions that clippy knows as tests"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use highwater::{
    bank::{built_in, problem::Rule},
    sim::{
        command::Command as Deed,
        query::{Condition, Query},
    },
    tui::keymap::{Context, TABLE, lookup},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and every page of docs: name and text.
fn pages() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    paths.push(root().join("README.md"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap()))
        .collect()
}

fn page(name: &str) -> String {
    let page = pages().into_iter().find(|(known, _)| known == name);
    page.unwrap().1
}

/// What stands between backticks on one line.
fn quoted(text: &str) -> Vec<&str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

/// The help of subcommands, asked of the program itself.
#[derive(Default)]
struct Help(BTreeMap<String, Option<String>>);

impl Help {
    /// The help of the subcommand that `line` begins with.
    fn of(&mut self, line: &str) -> Option<&str> {
        let skipped = if line.starts_with("--") { 2 } else { 0 };
        let words: Vec<&str> = line
            .split_whitespace()
            .skip(skipped)
            .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
            .collect();
        let depth = if words.first() == Some(&"sim") { 2 } else { 1 };
        let words = &words[..depth.min(words.len())];
        self.0
            .entry(words.join(" "))
            .or_insert_with(|| {
                let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
                    .args(words)
                    .arg("--help")
                    .output()
                    .unwrap();
                let help = String::from_utf8(output.stdout).unwrap();
                output.status.success().then_some(help)
            })
            .as_deref()
    }

    fn check(&mut self, line: &str, options: &str, wrong: &mut Vec<String>) {
        let Some(help) = self.of(line) else {
            wrong.push(format!("`highwater {line}`: there is no such command"));
            return;
        };
        for option in options.split(|c: char| !(c.is_ascii_lowercase() || c == '-')) {
            let known = help
                .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
                .any(|word| word == option);
            if option.starts_with("--") && option.len() > 2 && !known {
                wrong.push(format!("`highwater {line}`: it takes no {option}"));
            }
        }
    }
}

#[test]
fn every_command_line_in_the_docs_is_one() {
    let mut help = Help::default();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (_, text) in pages() {
        let fences = text.split("```").skip(1).step_by(2);
        let typed = fences
            .flat_map(str::lines)
            .filter(|line| line.starts_with("highwater "));
        let quotes = quoted(&text);
        let shown = quotes
            .into_iter()
            .filter(|words| words.starts_with("highwater "));
        for line in typed.chain(shown) {
            let line = line.trim_start_matches("highwater ");
            help.check(line, line, &mut wrong);
            seen += 1;
        }
        for row in text.lines().filter(|row| row.starts_with("| `highwater ")) {
            let line = quoted(row)[0].trim_start_matches("highwater ");
            help.check(line, row, &mut wrong);
        }
    }
    assert!(seen > 40, "only {seen} command lines were found");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    for line in ["quiz", "interview", "selftest", "stories"] {
        help.check(line, "--plain --json", &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_command_stands_in_the_readme() {
    let mut help = Help::default();
    let readme = page("README.md");
    let whole = help.of("").unwrap();
    let commands: Vec<&str> = whole
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.len() > 10, "{whole}");
    for command in commands {
        assert!(
            readme.contains(&format!("`highwater {command}")),
            "README does not name `highwater {command}`"
        );
    }
}

#[test]
fn keys_of_the_readme_do_something_at_home() {
    let readme = page("README.md");
    let keys: Vec<&str> = readme
        .lines()
        .skip_while(|line| !line.starts_with("| key at home"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|row| quoted(row)[0])
        .collect();
    assert!(keys.len() > 5);
    for key in keys {
        assert!(lookup(&[Context::Home], key).is_some(), "`{key}` at home");
    }
    assert!(TABLE.iter().any(|binding| binding.keys.contains(&"?")));
}

#[test]
fn there_is_as_much_as_the_readme_says() {
    let readme = page("README.md");
    let bank = built_in().unwrap();
    for (words, true_today) in [
        (
            "almost 600 questions",
            (560..600).contains(&bank.cards.len()),
        ),
        (
            "over fifty chapters",
            (51..70).contains(&bank.chapters.len()),
        ),
        ("Twenty scenarios", bank.scenarios.len() == 20),
    ] {
        assert!(readme.contains(words), "README does not say {words:?}");
        assert!(
            true_today,
            "{words:?}: there are {} cards, {} chapters, {} scenarios",
            bank.cards.len(),
            bank.chapters.len(),
            bank.scenarios.len()
        );
    }
}

fn files_below(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path.to_string_lossy().replace('\\', "/"));
        }
    }
}

#[test]
fn every_path_in_the_docs_leads_somewhere() {
    let mut sources = Vec::new();
    files_below(&root().join("src"), &mut sources);
    let mut wrong = Vec::new();
    for (name, text) in pages() {
        for quote in quoted(&text) {
            let rooted = ["src/", "tests/", "docs/", "benches/", ".ci/"];
            let plain = !quote.contains(['*', ' ', '{']);
            if plain && rooted.iter().any(|folder| quote.starts_with(folder)) {
                if !root().join(quote).exists() {
                    wrong.push(format!("{name}: `{quote}` is not there"));
                }
            } else if plain && Path::new(quote).extension().is_some_and(|e| e == "rs") {
                let end = format!("/{quote}");
                if !sources.iter().any(|path| path.ends_with(&end)) {
                    wrong.push(format!("{name}: no file of src/ is called `{quote}`"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_a_scenario_may_say_is_understood() {
    let page = page("SCENARIOS.md");
    let section = |title: &str| {
        let from = page.split(&format!("### {title}\n")).nth(1).unwrap();
        from.split("\n### ").next().unwrap().to_owned()
    };
    let commands = section("Commands");
    let commands: Vec<&str> = quoted(&commands)
        .into_iter()
        .filter(|words| words.contains(' '))
        .collect();
    assert!(commands.len() > 8);
    for text in commands {
        assert!(text.parse::<Deed>().is_ok(), "no command: `{text}`");
    }
    let queries = section("Conditions and queries");
    let (queries, conditions) = queries.split_once("A condition compares").unwrap();
    assert!(quoted(queries).len() > 12);
    for text in quoted(queries) {
        assert!(text.parse::<Query>().is_ok(), "no query: `{text}`");
    }
    for text in quoted(conditions)
        .into_iter()
        .filter(|text| text.contains(' '))
    {
        assert!(text.parse::<Condition>().is_ok(), "no condition: `{text}`");
    }
}

#[test]
fn rules_of_check_stand_in_their_table() {
    let page = page("BANK.md");
    for rule in [
        Rule::Format,
        Rule::Style,
        Rule::Duplicate,
        Rule::Link,
        Rule::Coverage,
    ] {
        assert!(page.contains(&format!("\n| {} |", rule.word())), "{rule:?}");
    }
}
