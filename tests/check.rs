//! `highwater check` of a reader's own files: a report that was kept is the one that a fresh check gives.
#![allow(clippy::unwrap_used)]

mod deck;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use highwater::bank::{
    Problem,
    report::{Counts, Kept, Report},
    user::Own,
};

use deck::CARD as GOOD;

/// A reader's folder beside their data folder.
struct Place {
    root: tempfile::TempDir,
}

/// Exit code and standard output.
type Printed = (Option<i32>, String);

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("mine/decks")).unwrap();
        Self { root }
    }

    fn mine(&self) -> PathBuf {
        self.root.path().join("mine")
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.mine().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn deck(&self, name: &str, cards: &str) {
        self.write(&format!("decks/{name}.yaml"), deck::deck(name, cards));
    }

    fn check(&self, arguments: &[&str]) -> Printed {
        let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
            .arg("--data-dir")
            .arg(self.root.path().join("data"))
            .arg("check")
            .args(arguments)
            .arg(self.mine())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    fn own(&self) -> Own {
        Own {
            paths: vec![self.mine()],
            cache: Some(self.root.path().join("data/cache")),
        }
    }

    fn recalled(&self) -> Option<Report> {
        Kept::of(&self.own()).unwrap().recall()
    }

    /// The file that keeps the report.
    fn kept(&self) -> PathBuf {
        let files = fs::read_dir(self.own().cache.unwrap()).unwrap();
        let is_report = |path: &PathBuf| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("report-")
        };
        let mut reports = files.map(|entry| entry.unwrap().path()).filter(is_report);
        let path = reports.next().unwrap();
        assert_eq!(reports.next(), None);
        path
    }

    /// Holds a check against a fresh one, before and after its report was kept.
    #[track_caller]
    fn assert_as_fresh(&self) -> Printed {
        let text = self.check(&["--fresh"]);
        let json = self.check(&["--fresh", "--json"]);
        assert_eq!(self.check(&[]), text, "read anew");
        let report = self.recalled().unwrap();
        assert_eq!(self.check(&[]), text, "recalled");
        assert_eq!(self.check(&["--json"]), json, "recalled");
        assert_eq!(self.recalled(), Some(report));
        text
    }
}

#[test]
fn a_kept_report_is_what_a_fresh_check_prints() {
    let place = Place::new();
    place.deck("mine", GOOD);
    let (code, out) = place.assert_as_fresh();
    assert_eq!(code, Some(0), "{out}");
    assert!(out.ends_with("no problems\n"), "{out}");

    let linked = "    see: {cards: [acks-all-alone, gone], chapter: no/where}\n";
    place.deck("mine", &format!("{GOOD}{linked}"));
    let (code, out) = place.assert_as_fresh();
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("there is no card `gone`"), "{out}");

    let warned = GOOD.replace("in sync.", "in sync \u{2705}.");
    place.deck("mine", &warned);
    let (code, out) = place.assert_as_fresh();
    assert_eq!(code, Some(0), "{out}");
    assert!(out.ends_with(": 1 warning\n"), "{out}");

    place.deck("mine", &format!("{GOOD}  - id: [broken\n  - id: Bad Id\n"));
    place.write("decks/latin.yaml", b"deck: caf\xe9\n");
    place.write("guide/misplaced.yaml", "deck: d\n");
    place.write(
        "scenarios/own.yaml",
        "scenario: own\ntitle: Own\nabout: Mine.\n",
    );
    let (code, out) = place.assert_as_fresh();
    assert_eq!(code, Some(1), "{out}");
    for words in [
        "Bad Id",
        "0xe9",
        "guide/misplaced.yaml",
        "missing key `steps`",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
}

#[test]
fn any_change_of_the_files_is_seen() {
    let place = Place::new();
    place.deck("mine", GOOD);
    place.deck("more", &GOOD.replace("good", "better"));
    let before = place.assert_as_fresh();
    let seen = |what: &str| {
        assert_eq!(place.recalled(), None, "{what}");
        let now = place.assert_as_fresh();
        assert_ne!(now, before, "{what}");
    };
    place.deck("more", &GOOD.replace("good", "Better"));
    seen("one byte changed");
    place.deck("more", &GOOD.replace("good", "better"));
    place.deck("third", &GOOD.replace("good", "best"));
    seen("a file added");
    fs::remove_file(place.mine().join("decks/third.yaml")).unwrap();
    fs::remove_file(place.mine().join("decks/more.yaml")).unwrap();
    seen("a file removed");
    fs::create_dir(place.mine().join("decks/more.yaml")).unwrap();
    place.write("decks/more.yaml/note.md", "");
    seen("a file where none is wanted");
    fs::remove_dir_all(place.mine().join("decks/more.yaml")).unwrap();
    place.deck("more", &GOOD.replace("good", "better"));
    assert_eq!(place.assert_as_fresh(), before, "everything as it was");
    let named = place.mine().join("decks/more.yaml");
    fs::rename(named, place.mine().join("decks/other.yaml")).unwrap();
    assert_eq!(place.recalled(), None, "a file of another name");
}

#[test]
fn only_a_sound_report_is_recalled_and_a_fresh_check_asks_for_none() {
    let place = Place::new();
    place.deck("mine", GOOD);
    let fresh = place.assert_as_fresh();
    let path = place.kept();
    let sound = fs::read(&path).unwrap();
    let damaged = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        assert_eq!(place.recalled(), None, "{what}");
    };
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x55;
        damaged(&bytes, &format!("byte {at}"));
        damaged(&sound[..at], &format!("cut at {at}"));
    }
    assert_eq!(place.check(&[]), fresh);
    assert_eq!(fs::read(&path).unwrap(), sound, "kept anew");

    let own = place.own();
    let forged = Report {
        problems: vec![Problem::whole_file(&"forged.yaml".into(), "not so")],
        counts: Counts::default(),
    };
    Kept::of(&own).unwrap().keep(&forged);
    let told = "forged.yaml:1:1: error: not so\nnothing: 1 error\n";
    assert_eq!(place.check(&[]), (Some(1), told.to_owned()));
    assert_eq!(place.check(&["--fresh"]), fresh);
    // a folder where the file should be: nobody is told
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(place.check(&[]), fresh);
    assert!(Path::new(&path).is_dir());
}

#[test]
fn a_report_on_files_that_changed_meanwhile_is_not_kept() {
    let place = Place::new();
    place.deck("mine", GOOD);
    let own = place.own();
    let kept = Kept::of(&own).unwrap();
    place.deck("mine", &GOOD.replace("good", "renamed"));
    kept.keep(&Report::default());
    assert_eq!(place.recalled(), None);
    place.deck("mine", GOOD);
    assert_eq!(place.recalled(), None);
}

#[test]
fn one_folder_of_a_bank_may_be_checked_alone() {
    let place = Place::new();
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
    let scenario = fs::read_to_string(content.join("scenarios/acks-1-loss.yaml")).unwrap();
    let own = scenario.replacen("acks-1-loss", "mine-alone", 1);
    assert_ne!(own, scenario);
    place.write("scenarios/mine-alone.yaml", own);
    place.write(
        "guide/own/chapter.md",
        "---\ntitle: Mine\nabout: Words.\npart: kafka\norder: 900\n---\n\nWords.\n",
    );
    let check = |folder: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_highwater"))
            .arg("--data-dir")
            .arg(place.root.path().join("data"))
            .arg("check")
            .arg(place.mine().join(folder))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.ends_with(": no problems\n"), "{text}");
        text
    };
    let (none, scenario, chapter) = (check("decks"), check("scenarios"), check("guide"));
    for (holds, one_more) in [("scenario", &scenario), ("chapter", &chapter)] {
        let counted = |text: &str| {
            let words: Vec<&str> = text.split([' ', ',', ':']).collect();
            let at = words.iter().position(|word| word.starts_with(holds));
            words[at.unwrap() - 1].parse::<usize>().unwrap()
        };
        assert_eq!(counted(one_more), counted(&none) + 1, "{one_more}");
    }
}
