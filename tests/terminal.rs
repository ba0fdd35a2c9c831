//! The real binary in a pseudo-terminal: what it shows, what it leaves behind, and what survives.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod pty;

use std::{process::Command, time::Duration};

use portable_pty::{CommandBuilder, PtySize};
use pty::{COLUMNS, ROWS, Session, at_home, highwater, settled, some};

#[test]
fn five_ratings_survive_a_kill_and_the_session_is_offered() {
    let home = tempfile::tempdir().unwrap();
    let mut first = Session::start(highwater(&home));
    first.wait_for("When is the interview?");
    first.press("in 19 days\r");
    first.wait_for("How many minutes a day?");
    first.press("\t");
    first.wait_for("Which track?");
    first.press("\t");
    first.wait_for("0 done");
    for done in 1..=5 {
        first.press("\r");
        first.wait_for("4 easy");
        first.press("3");
        first.wait_for(&format!("{done} done"));
    }
    first.signal("KILL");
    first.finish();

    let mut second = Session::start(highwater(&home));
    second.wait_for("Resume");
    second.wait_for("5 of ");
    second.wait_for("today 5");
    second.press("\r");
    second.wait_for("5 done");
    second.press("Q");
    assert_eq!(second.finish(), 0);
    second.assert_restored();
}

#[test]
fn a_signal_to_end_restores_the_terminal() {
    for signal in ["TERM", "HUP", "INT"] {
        let home = settled();
        let mut session = Session::start(highwater(&home));
        session.wait_for("Next");
        session.press("d\r");
        session.wait_for("4 easy");
        session.press("3");
        session.wait_for("1 done");
        session.signal(signal);
        assert_eq!(session.finish(), 0, "{signal}");
        session.assert_restored();
    }
}

#[test]
fn quitting_restores_the_terminal() {
    for keys in ["Q", "\x03", "\x1b"] {
        let home = settled();
        let mut session = Session::start(highwater(&home));
        session.wait_for("Next");
        session.press(keys);
        if keys == "\x1b" {
            session.wait_for("Leave highwater?");
            session.press("y");
        }
        assert_eq!(session.finish(), 0);
        session.assert_restored();
    }
}

#[cfg(debug_assertions)]
#[test]
fn a_panic_prints_its_message_on_the_normal_screen() {
    let home = settled();
    let mut command = highwater(&home);
    command.env("HIGHWATER_PANIC", "1");
    let mut session = Session::start(command);
    assert_eq!(session.finish(), 101);
    session.assert_restored();
    assert!(
        session.text().contains("asked to panic"),
        "{}",
        session.text()
    );
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_goes_on() {
    let home = settled();
    let mut shell = CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    at_home(&mut shell, &home);
    shell.env("PS1", "ready> ");
    shell.env("BIN", env!("CARGO_BIN_EXE_highwater"));
    let mut session = Session::start(shell);
    session.wait_for("ready>");
    session.press("\"$BIN\"\n");
    session.wait_for("Next");
    session.press("d");
    session.wait_for("0 done");
    session.press("\x1a");
    session.wait_for("Stopped");
    session.until("the normal screen", |screen| {
        !screen.alternate_screen() && !screen.hide_cursor()
    });
    session.press("stty -a | grep -o -- '-*icanon'; echo told\n");
    session.wait_for("\nicanon");
    session.press("fg\n");
    session.wait_for("0 done");
    session.until("the alternate screen", vt100::Screen::alternate_screen);
    session.press("\r");
    session.wait_for("4 easy");
    session.press("Q");
    session.until("the shell again", |screen| !screen.alternate_screen());
    session.press("exit\n");
    session.finish();
}

#[test]
fn a_window_that_changes_its_size_is_drawn_anew() {
    let home = settled();
    let mut session = Session::start(highwater(&home));
    session.wait_for("Next");
    for (rows, cols, words) in [
        (10, 40, "this window is"),
        (40, 120, "Coming back"),
        (16, 60, "Decks"),
    ] {
        session.screen.screen_mut().set_size(some(rows), some(cols));
        session
            .master
            .resize(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        session.wait_for(words);
    }
    // Those words were there before, so this key comes together with the last resize: both must be seen.
    session.press("Q");
    assert_eq!(session.finish(), 0);
    session.assert_restored();
}

#[test]
fn nothing_is_written_and_nothing_run_while_idle() {
    let home = settled();
    let mut session = Session::start(highwater(&home));
    session.wait_for("Next");
    session.press("d");
    session.wait_for("0 done");
    // All that belongs to this frame has been read once a second passes without a byte.
    while let Ok(bytes) = session.output.recv_timeout(Duration::from_secs(1)) {
        session.screen.process(&bytes);
    }
    let pid = session.child.process_id().unwrap();
    let before = ticks(pid);
    let written = session.output.recv_timeout(Duration::from_secs(5));
    assert!(written.is_err(), "{written:?} was written while idle");
    assert_eq!(ticks(pid), before, "it ran while idle");
    session.press("Q");
    assert_eq!(session.finish(), 0);
}

/// Ticks of the processor that a process has used, where the system tells.
fn ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

#[test]
fn no_colour_and_ascii_are_kept_to() {
    let home = settled();
    let mut command = highwater(&home);
    command.env("NO_COLOR", "1");
    command.env("LANG", "C");
    let mut session = Session::start(command);
    session.wait_for("Next");
    assert!(session.text().is_ascii(), "{}", session.text());
    let screen = session.screen.screen();
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            let cell = screen.cell(row, column).unwrap();
            assert_eq!(
                (cell.fgcolor(), cell.bgcolor()),
                (vt100::Color::Default, vt100::Color::Default)
            );
        }
    }
    let selected = (0..ROWS).any(|row| screen.cell(row, 4).is_some_and(vt100::Cell::inverse));
    assert!(selected, "the selected row cannot be told");
    session.press("Q");
    assert_eq!(session.finish(), 0);
}

#[test]
fn without_a_terminal_it_says_so() {
    let home = settled();
    let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
        .env("HIGHWATER_DATA_DIR", home.path().join("data"))
        .env("HIGHWATER_CONFIG_DIR", home.path().join("config"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("need a terminal"));
}

#[test]
fn an_own_card_is_edited_and_goes_on_with_its_history() {
    let home = settled();
    let decks = home.path().join("data/bank/decks");
    std::fs::create_dir_all(&decks).unwrap();
    let deck = decks.join("mine.yaml");
    let text = "deck: mine\ntitle: Mine\nabout: My own.\ncards:\n  - kind: flash\n    ask: What is lag?\n    level: \
                warm-up\n    tags: [own]\n    say: The distance to the end.\n    checks:\n      - ask: Lag is …\n        \
                type: [distance]\n        why: It is.\n";
    std::fs::write(&deck, text).unwrap();
    let editor = home.path().join("editor.sh");
    std::fs::write(
        &editor,
        "#!/bin/sh\nsed -i.old 's/What is lag?/What is consumer lag?/' \"$1\"\n",
    )
    .unwrap();
    Command::new("chmod")
        .arg("+x")
        .arg(&editor)
        .status()
        .unwrap();
    let mut command = highwater(&home);
    command.env("EDITOR", &editor);
    command.args(["drill", "--deck", "mine"]);
    let mut session = Session::start(command);
    session.wait_for("What is lag?");
    session.press("\r");
    session.wait_for("4 easy");
    session.press("1");
    session.wait_for("again");
    session.press("E");
    session.wait_for("What is consumer lag?");
    session.press("\r");
    session.wait_for("4 easy");
    session.press("3");
    session.wait_for("2 ratings");
    session.press("Q");
    assert_eq!(session.finish(), 0);
}
