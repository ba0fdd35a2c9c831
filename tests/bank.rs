//! Banks from strangers: every mistake is named with its place, the rest loads, and nothing hangs.
#![allow(clippy::unwrap_used)]

mod deck;

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use highwater::bank::{
    Bank, CardId, Level, Severity, built_in,
    clean::is_control,
    load::Loaded,
    user::{self, Own},
};

use deck::CARD;

fn deck(cards: &str) -> String {
    deck::deck("mine", cards)
}

fn own(folder: &Path) -> Own {
    Own {
        paths: vec![folder.to_owned()],
        cache: None,
    }
}

/// Loads a folder with one deck of these bytes.
fn load(bytes: impl AsRef<[u8]>) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("deck.yaml"), bytes).unwrap();
    user::load(Bank::default(), &own(folder.path()))
}

/// Line, column and message of every error.
fn errors(loaded: &Loaded) -> Vec<(u32, u32, String)> {
    loaded
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| (problem.line, problem.column, problem.message.clone()))
        .collect()
}

fn assert_one(loaded: &Loaded, line: u32, words: &str) {
    let errors = errors(loaded);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0].0, line, "{errors:?}");
    assert!(errors[0].2.contains(words), "{errors:?}");
}

#[test]
fn every_mistake_of_a_file_is_named_and_the_rest_loads() {
    let bad = "  - id: Bad Id
    leval: hard
    ask: 2024
    level: harder
    tags: kafka
    say: s
    checks:
      - ask: q
        choose:
          - {text: a, why: w}
          - {text: b, why: w}
  - id: broken
    ask: [unclosed
    say: s
  - id: noted
    id: twice
    kind: flash
    ask: q
    level: medium
    tags: [a]
    say:
    checks: [{ask: q, type: [7], why: w}]
";
    let loaded = load(deck(&format!(
        "{CARD}{bad}{}",
        CARD.replace("good", "better").replace("ISR", "HW")
    )));
    let found = errors(&loaded);
    let at = |line: u32, words: &str| {
        assert!(
            found
                .iter()
                .any(|(l, _, message)| *l == line && message.contains(words)),
            "line {line}: {words}\n{found:#?}"
        );
    };
    at(13, "`Bad Id` is no id");
    at(14, "unknown key `leval` in a card; did you mean `level`?");
    at(
        15,
        "the number 2024 where text is expected; put quotes around it",
    );
    at(
        16,
        "`harder` is no known level; expected one of warm-up medium hard staff",
    );
    at(17, "where a list is expected");
    at(13, "missing key `explain` in a card");
    at(13, "missing key `points` in a card");
    at(22, "no choice is right");
    at(22, "2 choices; expected at least three");
    at(28, "the key `id` stands twice");
    at(33, "nothing behind `say:`");
    at(34, "the number 7 where text is expected");
    assert!(
        found.iter().any(|(l, _, _)| (25..=27).contains(l)),
        "{found:#?}"
    );
    let ids: Vec<_> = loaded
        .bank
        .cards
        .iter()
        .map(|card| card.id.as_str())
        .collect();
    assert_eq!(ids, ["good", "better"]);
    assert_eq!(
        loaded.bank.card(&CardId::from("good")).unwrap().level,
        Level::Medium
    );
}

#[test]
fn escape_sequences_are_shown_and_never_sent() {
    let escaped = CARD.replace(
        "What is the ISR?",
        "\"What \\e[2J\\x07 is \\u202E the ISR?\"",
    );
    let loaded = load(deck(&escaped));
    assert_eq!(errors(&loaded), []);
    assert_eq!(&*loaded.bank.cards[0].ask, "What ␛[2J␇ is <202e> the ISR?");

    let raw = CARD.replace("What is", "What \u{1b}[2J is");
    let loaded = load(deck(&raw));
    assert_one(&loaded, 7, "the control character U+001B");
    assert!(!loaded.bank.cards[0].ask.chars().any(is_control));
    for problem in &loaded.problems {
        assert!(!problem.to_string().chars().any(is_control), "{problem}");
    }
}

#[test]
fn hostile_files_get_one_clear_error_each() {
    let bomb: Vec<String> = (1..30)
        .map(|level| {
            format!(
                "a{level}: &a{level} [{}]\n",
                format!("*a{}, ", level - 1).repeat(9)
            )
        })
        .collect();
    let cases: Vec<(&str, Vec<u8>, u32, &str)> = vec![
        ("empty", Vec::new(), 1, "the file is empty"),
        (
            "comment only",
            b"# nothing\n".to_vec(),
            1,
            "the file is empty",
        ),
        ("a list", b"- a\n".to_vec(), 1, "a list at the top"),
        (
            "alias bomb",
            format!("a0: &a0 [x]\n{}", bomb.concat()).into_bytes(),
            1,
            "aliases",
        ),
        (
            "nested brackets",
            "[".repeat(100_000).into_bytes(),
            1,
            "nested more than 100 deep",
        ),
        (
            "nested dashes",
            "- ".repeat(50_000).into_bytes(),
            1,
            "nested more than 100 deep",
        ),
        ("NUL", b"deck: a\nti\0tle: b\n".to_vec(), 2, "a NUL byte"),
        (
            "Latin-1",
            b"deck: a\ntitle: caf\xe9\n".to_vec(),
            2,
            "the byte 0xe9 is not UTF-8",
        ),
        ("UTF-16", b"\xff\xfed\0e\0".to_vec(), 1, "NUL"),
        (
            "two documents",
            b"deck: a\n---\ndeck: b\n".to_vec(),
            1,
            "more than one document",
        ),
    ];
    for (name, bytes, line, words) in cases {
        let loaded = load(bytes);
        let found = errors(&loaded);
        let hit = found.iter().any(|(_, _, message)| message.contains(words));
        assert!(hit, "{name}: {found:?}");
        assert!(
            found.iter().any(|(l, _, _)| *l == line) || name == "alias bomb",
            "{name}: {found:?}"
        );
        assert!(loaded.bank.cards.is_empty(), "{name}");
    }
}

#[test]
fn brackets_that_hide_their_depth_do_not_stall_the_parser() {
    let evasive = format!("deck: a\ncards: {}\n", "[']',".repeat(20_000));
    let loaded = load(evasive);
    assert!(!errors(&loaded).is_empty());
}

#[test]
fn files_that_are_too_large_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::create(folder.path().join("huge.yaml")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    fs::write(folder.path().join("small.yaml"), deck(CARD)).unwrap();
    let loaded = user::load(Bank::default(), &own(folder.path()));
    assert_one(
        &loaded,
        1,
        "100.0 MiB; files of more than 16 MiB are not read",
    );
    assert_eq!(loaded.bank.cards.len(), 1);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    let windows = format!("\u{feff}{}", deck(CARD).replace('\n', "\r\n"));
    let loaded = load(&windows);
    assert_eq!(errors(&loaded), []);
    assert_eq!(loaded.bank.cards[0].origin.line, 5);
    let broken = windows.replace("level: medium", "level: middle");
    assert_one(&load(broken), 8, "`middle` is no known level");
}

#[cfg(unix)]
#[test]
fn pipes_loops_and_folders_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let decks = folder.path().join("decks");
    fs::create_dir_all(decks.join("inner.yaml")).unwrap();
    fs::write(decks.join("inner.yaml/deck.yaml"), deck(CARD)).unwrap();
    std::os::unix::fs::symlink(&decks, decks.join("loop")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", decks.join("zero.yaml")).unwrap();
    std::os::unix::fs::symlink(decks.join("gone"), decks.join("dangling.yaml")).unwrap();
    let made = Command::new("mkfifo")
        .arg(decks.join("pipe.yaml"))
        .status()
        .unwrap();
    assert!(made.success());
    let loaded = user::load(Bank::default(), &own(folder.path()));
    let messages: Vec<_> = errors(&loaded)
        .into_iter()
        .map(|(_, _, message)| message)
        .collect();
    let count = |words: &str| {
        messages
            .iter()
            .filter(|message| message.contains(words))
            .count()
    };
    assert_eq!(count("a pipe, socket or device"), 2, "{messages:?}");
    assert_eq!(count("a link to a folder"), 1, "{messages:?}");
    assert_eq!(count("cannot read the file"), 1, "{messages:?}");
    assert_eq!(
        loaded.bank.cards.len(),
        1,
        "the folder with the name of a file is a folder"
    );
}

#[test]
fn cards_of_a_reader_stand_behind_the_built_in_ones() {
    let base = built_in().unwrap();
    let first = base.cards[0].clone();
    let folder = tempfile::tempdir().unwrap();
    let clash = CARD.replace("good", first.id.as_str());
    let mine =
        deck(&format!("{CARD}{clash}")).replace("deck: mine", &format!("deck: {}", first.deck));
    fs::write(folder.path().join("deck.yaml"), mine).unwrap();
    let count = base.cards.len();
    let loaded = user::load(base, &own(folder.path()));
    let place = format!(
        "`{}` is taken by {}:{}",
        first.id, first.origin.file, first.origin.line
    );
    assert_one(&loaded, 13, &place);
    assert_eq!(loaded.bank.cards.len(), count + 1);
    let deck = loaded.bank.deck(&first.deck).unwrap();
    assert_eq!(
        deck.cards.last().unwrap().as_str(),
        "good",
        "a reader may add to a built-in deck"
    );
}

#[test]
fn decks_with_an_order_come_first_and_the_others_as_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, order: &str| {
        let text = deck(&CARD.replace("good", name))
            .replace("deck: mine", &format!("deck: {name}"))
            .replace("cards:", &format!("{order}cards:"));
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    };
    write("a", "");
    write("b", "order: 20\n");
    write("c", "order: 3\n");
    write("d", "order: soon\n");
    write("e", "");
    let loaded = user::load(Bank::default(), &own(folder.path()));
    assert_one(&loaded, 4, "a whole number from 0 to 1000000 is expected");
    let of_decks: Vec<&str> = loaded
        .bank
        .decks
        .iter()
        .map(|deck| deck.id.as_str())
        .collect();
    let of_cards: Vec<&str> = loaded
        .bank
        .cards
        .iter()
        .map(|card| card.id.as_str())
        .collect();
    assert_eq!(of_decks, of_cards);
    assert_eq!(
        of_cards
            .iter()
            .filter(|id| **id != "d")
            .copied()
            .collect::<Vec<_>>(),
        ["c", "b", "a", "e"]
    );
}

#[test]
fn links_lead_somewhere_or_are_reported_and_dropped() {
    let linked = format!(
        "{CARD}    see: {{cards: [good, gone], chapter: no/where}}\n    trap: 'See [this](card:goo).'\n"
    );
    let loaded = load(deck(&linked));
    let found = errors(&loaded);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!((found[0].0, found[0].1), (13, 41));
    assert!(found[0].2.contains("no chapter `no/where`"), "{found:?}");
    assert_eq!((found[1].0, found[1].1), (13, 25));
    assert!(found[1].2.contains("no card `gone`"), "{found:?}");
    assert!(found[2].2.contains("did you mean `good`?"), "{found:?}");
    let see = &loaded.bank.cards[0].see;
    assert_eq!(see.cards, [CardId::from("good")]);
    assert_eq!(see.chapter, None);
}

#[test]
fn a_card_without_id_is_its_question() {
    let nameless = CARD.replace("  - id: good\n    kind", "  - kind");
    let first = load(deck(&nameless));
    let other = nameless.replace("What is the ISR?", "what is  the *ISR*");
    let again = load(deck(&other));
    assert_eq!(first.bank.cards[0].id, again.bank.cards[0].id);
    assert!(first.bank.cards[0].derived_id);
    let twice = load(deck(&format!("{nameless}{other}")));
    assert_one(&twice, 13, "the same question stands at");
    assert_eq!(twice.bank.cards.len(), 1);
}

#[test]
fn the_cache_changes_nothing_but_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.yaml");
    fs::write(&path, deck(&format!("{CARD}  - id: bad\n"))).unwrap();
    let own = Own {
        cache: Some(data.path().join("cache")),
        ..own(folder.path())
    };
    let load = || user::load(Bank::default(), &own);
    let first = load();
    assert_eq!(load(), first);

    let cache = fs::read_dir(data.path().join("cache"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let bytes = fs::read(&cache).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        fs::write(&cache, &damaged).unwrap();
        assert_eq!(load(), first, "byte {at}");
        fs::write(&cache, &bytes[..at]).unwrap();
        assert_eq!(load(), first, "cut at {at}");
    }

    fs::write(&path, deck(&CARD.replace("good", "renamed"))).unwrap();
    assert_eq!(load().bank.cards[0].id.as_str(), "renamed");
    // a folder that cannot be written, a cache that is a folder: nobody is told
    fs::remove_file(&cache).unwrap();
    fs::create_dir(&cache).unwrap();
    assert_eq!(load().bank.cards[0].id.as_str(), "renamed");
}

fn highwater(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.arg("--data-dir").arg(data).env_remove("NO_COLOR");
    command
}

#[test]
fn check_prints_places_and_tells_by_its_exit_code() {
    let data = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deck.yaml");
    let check = |arguments: &[&str]| {
        let output = highwater(data.path())
            .arg("check")
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let shown = folder.path().to_string_lossy().into_owned();
    fs::write(&path, deck(CARD)).unwrap();
    let (code, out, _) = check(&[&shown]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no problems"), "{out}");

    fs::write(&path, deck(&CARD.replace("level", "leval"))).unwrap();
    let (code, out, _) = check(&[&shown]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains(&format!(
            "{shown}/deck.yaml:8:5: error: unknown key `leval`"
        )),
        "{out}"
    );
    let (code, out, _) = check(&[&shown, "--json"]);
    assert_eq!(code, Some(1));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["problems"][0]["line"], 5);
    assert_eq!(report["errors"], 2);

    let (code, out, error) = check(&["/no/such/place"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.contains("/no/such/place does not exist"), "{error}");
    assert_eq!(check(&["--no-such-flag"]).0, Some(2));
}

#[test]
fn a_closed_pipe_is_no_accident() {
    let data = tempfile::tempdir().unwrap();
    for arguments in [
        &["check", "--json"][..],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = highwater(data.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}
