//! What must never happen to progress, tried on the real program: a rating lost by `kill -9`, counted
//! twice by two processes, or spoilt by a full disk, a damaged file or a newer one.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod home;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use highwater::{memory::Retention, progress::Progress};

use home::{Home, finish, text};

impl Home {
    fn database(&self) -> PathBuf {
        self.data().join("progress.db")
    }

    fn progress(&self) -> Progress {
        Progress::open(&self.data(), Retention::default()).unwrap()
    }

    /// Ratings in force, and ratings as the states of all cards count them.
    fn ratings(&self) -> (usize, u32) {
        let progress = self.progress();
        let log = progress.past_reviews().unwrap().len();
        let states = progress.states().unwrap();
        (log, states.values().map(|state| state.reviews).sum())
    }
}

/// A drill that is spoken to line by line.
struct Drill {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Drill {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut child = home
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Rates the card on screen, and waits until the program says that it did.
    fn rate(&mut self, rating: u8) {
        writeln!(self.stdin, "\n{rating}").unwrap();
        self.wait_for("comes back");
    }

    fn wait_for(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert!(read > 0, "the drill ended without saying `{words}`");
        }
    }
}

#[test]
fn a_killed_drill_keeps_every_rating_and_goes_on() {
    let home = Home::new();
    let mut drill = Drill::start(&home, &["drill", "--plain", "--limit", "12"]);
    for rating in [3, 1, 4, 3, 2] {
        drill.rate(rating);
    }
    drill.child.kill().unwrap();
    drill.child.wait().unwrap();
    assert_eq!(home.ratings(), (5, 5));
    let again = home.run(&["drill", "--plain"], "q\n");
    let said = text(&again.stdout);
    assert!(
        said.contains("Going on with an interrupted drill"),
        "{said}"
    );
    // Twelve cards, three of them done; two come back within minutes.
    assert!(said.contains("[9 left]"), "{said}");
    assert!(said.contains("5 ratings of 5 cards"), "{said}");
    let new = home.run(&["drill", "--plain", "--limit", "3"], "q\n");
    let said = text(&new.stdout);
    assert!(!said.contains("Going on"), "it was ended: {said}");
}

#[test]
fn two_drills_at_once_lose_nothing_and_count_nothing_twice() {
    let home = Home::new();
    let mut drills: Vec<Drill> = (0..2)
        .map(|_| Drill::start(&home, &["drill", "--plain", "--limit", "15"]))
        .collect();
    for round in 0..10 {
        // Both lines are on their way before either answer is waited for.
        for drill in &mut drills {
            writeln!(drill.stdin, "\n{}", 1 + round % 4).unwrap();
        }
        for drill in &mut drills {
            drill.wait_for("comes back");
        }
    }
    for mut drill in drills {
        writeln!(drill.stdin, "u").unwrap();
        drill.wait_for("taken back");
        drop(drill.stdin);
        let mut rest = String::new();
        drill.stdout.read_to_string(&mut rest).unwrap();
        assert!(drill.child.wait().unwrap().success());
    }
    // Ten each, one of each taken back: its own, not the other's.
    assert_eq!(home.ratings(), (18, 18));
    let mut whole = Vec::new();
    home.progress().export(&mut whole).unwrap();
    let mut anew = Progress::in_memory(Retention::default()).unwrap();
    anew.import(&mut whole.as_slice()).unwrap();
    assert_eq!(anew.states().unwrap(), home.progress().states().unwrap());
}

#[test]
fn end_of_input_ends_cleanly_and_needs_no_flag_in_a_pipe() {
    let home = Home::new();
    let output = home.run(&["drill", "--deck", "kafka-replication"], "\n3\n\n4\n\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("2 ratings of 2 cards"), "{said}");
    assert!(
        !said.contains('\u{1b}'),
        "no escape sequence goes into a pipe"
    );
    assert_eq!(home.ratings(), (2, 2));
    let stats = home.run(&["stats", "--json"], "");
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    assert_eq!(stats["seen"], 2);
    assert_eq!(stats["days"][0]["ratings"], 2);
    assert_eq!(
        stats["places"]["progress"],
        home.database().to_str().unwrap()
    );
}

#[test]
fn undo_reaches_across_restarts() {
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n\n3\n");
    let output = home.run(&["drill", "--plain"], "u\nu\nu\n");
    let said = text(&output.stdout);
    assert_eq!(said.matches("taken back: review").count(), 2, "{said}");
    assert!(said.contains("Nothing to take back"), "{said}");
    assert_eq!(home.ratings(), (0, 0));
}

#[test]
fn wrong_usage_is_exit_code_two() {
    let home = Home::new();
    for arguments in [
        ["drill", "--deck", "kafka-replicatoin"],
        ["drill", "--tag", "kafak"],
        ["drill", "--level", "expert"],
    ] {
        let output = home.run(&arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn export_goes_round_and_import_twice_changes_nothing() {
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n\n1\nz\nu\n\n4\n");
    let file = home.root.path().join("log.jsonl");
    let file = file.to_str().unwrap();
    assert!(home.run(&["export", file], "").status.success());
    let log = fs::read_to_string(file).unwrap();
    assert_eq!(text(&home.run(&["export"], "").stdout), log);
    let other = Home::new();
    for expected in ["0 were there already", "0 events added"] {
        let output = other.run(&["import", file], "");
        assert!(
            text(&output.stdout).contains(expected),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(text(&other.run(&["export"], "").stdout), log);
    }
    assert_eq!(
        other.progress().states().unwrap(),
        home.progress().states().unwrap()
    );
    let piped = Home::new().run(&["import", "-"], &format!("{log}nonsense\n"));
    assert_eq!(piped.status.code(), Some(1));
    let said = text(&piped.stderr);
    let line = log.lines().count() + 1;
    assert!(
        said.contains(&format!("line {line}: not a JSON object")),
        "{said}"
    );
}

#[test]
fn nothing_dies_on_a_closed_pipe() {
    let home = Home::new();
    home.run(&["drill", "--plain"], &"\n3\n".repeat(10));
    for arguments in [&["export"][..], &["stats", "--json"], &["plan", "--json"]] {
        let mut child = home
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n");
    let mut bytes = fs::read(home.database()).unwrap();
    bytes[60..64].copy_from_slice(&99_i32.to_be_bytes());
    fs::write(home.database(), &bytes).unwrap();
    refused(&home, "newer highwater");
    assert_eq!(fs::read(home.database()).unwrap(), bytes);
}

#[test]
fn a_damaged_file_is_named_with_the_way_back_and_left_as_it_is() {
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n\n3\n");
    // The copy of the day is made at the next start, before anything is added.
    home.run(&["drill", "--plain"], "\n3\n");
    let mut bytes = fs::read(home.database()).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0xAB);
    fs::write(home.database(), &bytes).unwrap();
    let said = refused(&home, "is damaged");
    assert!(said.contains("backups/progress-"), "{said}");
    assert_eq!(fs::read(home.database()).unwrap(), bytes);
    let copy = fs::read_dir(home.data().join("backups"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    for name in ["progress.db", "progress.db-wal", "progress.db-shm"] {
        let _ = fs::remove_file(home.data().join(name));
    }
    fs::copy(copy.path(), home.database()).unwrap();
    assert_eq!(home.ratings(), (2, 2));
}

#[test]
fn a_file_that_is_no_database_is_left_as_it_is() {
    let home = Home::new();
    fs::create_dir_all(home.data()).unwrap();
    fs::write(home.database(), "my shopping list\n").unwrap();
    refused(&home, "is damaged");
    assert_eq!(
        fs::read_to_string(home.database()).unwrap(),
        "my shopping list\n"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let home = Home::new();
    // Stands in the way of everybody, whom permissions do not stop included.
    fs::write(home.data(), "a file where the folder should be").unwrap();
    let said = refused(&home, "cannot be written");
    assert!(said.contains("--data-dir"), "{said}");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_said_to_be_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n");
    let allow = |mode| {
        for path in [home.data(), home.database()] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    allow(0o555);
    let is_root = fs::write(home.data().join("probe"), "").is_ok();
    if !is_root {
        refused(&home, "cannot be written");
    }
    allow(0o755);
    assert_eq!(home.ratings(), (1, 1));
}

/// A full disk, as a process meets it whose files may not grow any further.
#[cfg(unix)]
#[test]
fn a_full_disk_is_said_and_loses_nothing_that_was_recorded() {
    let home = Home::new();
    home.run(&["drill", "--plain"], "\n3\n");
    let program = env!("CARGO_BIN_EXE_highwater");
    // 512 kB: the copy of the day fits, a thousand ratings in the write-ahead log do not.
    let script = format!("trap '' XFSZ; ulimit -f 1000; exec {program} drill --plain --new 300");
    let mut shell = Command::new("sh");
    home.place(shell.args(["-c", &script]));
    let output = finish(&mut shell, &"\n1\n".repeat(3000));
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{complained}");
    assert!(complained.contains("the disk is full"), "{complained}");
    let recorded = said.matches("comes back").count();
    assert!(recorded > 10, "{recorded}");
    assert_eq!(home.ratings().0, recorded + 1);
    assert_eq!(home.ratings().1 as usize, recorded + 1);
    let after = home.run(&["drill", "--plain"], "\n3\n");
    assert!(after.status.success(), "{}", text(&after.stderr));
}

/// Every command that needs the log says why it cannot have it, and fails.
fn refused(home: &Home, words: &str) -> String {
    let mut said = String::new();
    for arguments in [&["drill", "--plain"][..], &["stats"], &["export"]] {
        let output = home.run(arguments, "\n3\n");
        // Damage deep in the file is found by the look that the drill takes at every page.
        if arguments[0] == "drill" || !output.status.success() {
            said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    }
    assert!(said.contains(home_name(home.root.path())), "{said}");
    said
}

fn home_name(path: &Path) -> &str {
    path.to_str().unwrap()
}
