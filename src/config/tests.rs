//! What is read, what is refused, and what stays in the file.

use super::*;

fn folder(text: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    if let Some(text) = text {
        fs::write(folder.path().join(FILE), text).unwrap();
    }
    folder
}

fn open(text: &str) -> Result<Config, String> {
    let folder = folder(Some(text));
    ConfigFile::open(folder.path())
        .map(|file| file.config)
        .map_err(|error| {
            let text = error.to_string();
            text[text.find(FILE).unwrap()..].to_owned()
        })
}

#[test]
fn every_value_is_read() {
    let config = open(
        "interview: 2026-12-10\nminutes: 45\ntrack: kafka-evening\nretention: 0.85\n\
         new-per-day: 5\ndue-per-day: 60\nday-start: 3\ntheme: light\ncolor: true\n\
         ascii: yes\nmouse: no\n",
    );
    let expected = Config {
        interview: Some("2026-12-10".parse().unwrap()),
        minutes: 45,
        track: Some("kafka-evening".into()),
        retention: Retention::new(0.85).unwrap(),
        limits: Limits { new: 5, due: 60 },
        day_start: 3,
        theme: Some("light".to_owned()),
        color: Some("true".to_owned()),
        ascii: Some(true),
        mouse: false,
    };
    assert_eq!(config, Ok(expected.clone()));
    assert_eq!(open(&written(&expected)), Ok(expected));
    for empty in ["", "# nothing\n", "interview:\ntrack: ~\n"] {
        assert_eq!(open(empty), Ok(Config::default()), "{empty:?}");
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    let cases = [
        (
            "minutes: 30\nretenton: 0.9\n",
            "config.yaml:2:1: unknown key `retenton`; did you mean `retention`?",
        ),
        (
            "retention: 1\n",
            "config.yaml:1:12: retention: the desired retention lies between 0.7 and 0.99, found 1",
        ),
        (
            "minutes: lots\n",
            "config.yaml:1:10: minutes: a whole number from 5 to 600 is wanted, found `lots`",
        ),
        (
            "interview: 10 Dec\n",
            "config.yaml:1:12: interview: `10 Dec` is no date: expected year-month-day such as 2026-12-10",
        ),
        (
            "theme: drak\n",
            "config.yaml:1:8: theme: one of auto, dark, light, colour-blind is wanted, found `drak`; did you mean `dark`?",
        ),
        (
            "day-start: 24\n",
            "config.yaml:1:12: day-start: a whole number from 0 to 23 is wanted, found `24`",
        ),
        (
            "mouse: yes\nmouse: no\n",
            "config.yaml:2:1: `mouse` stands twice",
        ),
        (
            "minutes: [1]\n",
            "config.yaml:1:10: minutes: one value is wanted, found a list",
        ),
        (
            "- minutes\n",
            "config.yaml:1:1: keys with values are wanted, such as `minutes: 20`; found a list",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(open(text), Err(message.to_owned()), "{text}");
    }
    assert!(open("a: [").unwrap_err().starts_with("config.yaml:"));
}

#[test]
fn setting_a_value_keeps_the_remarks() {
    let folder = folder(Some("# mine\nminutes: 30 # half an hour\n\ntheme: dark\n"));
    let mut file = ConfigFile::open(folder.path()).unwrap();
    assert!(!file.is_new());
    let values = [
        ("minutes", "45"),
        ("interview", "2026-12-10"),
        ("theme", "auto"),
    ];
    file.set(&values).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    assert_eq!(
        text,
        "# mine\nminutes: 45\n\ntheme: auto\ninterview: 2026-12-10\n"
    );
    file.set(&[("interview", "")]).unwrap();
    let again = ConfigFile::open(folder.path()).unwrap();
    assert_eq!(again.config(), file.config());
    assert_eq!(again.config().interview, None);
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside the file");
}

#[test]
fn a_value_that_will_not_do_changes_nothing() {
    let folder = folder(None);
    let mut file = ConfigFile::open(folder.path()).unwrap();
    assert!(file.is_new());
    for (key, value) in [("minutes", "2"), ("minuets", "30"), ("track", "A b")] {
        assert!(file.check(key, value).is_err());
        assert!(file.set(&[("mouse", "no"), (key, value)]).is_err());
    }
    assert!(file.is_new() && file.config().mouse);
    assert!(!file.path().exists());
}

#[test]
fn a_value_over_several_lines_is_replaced_as_a_whole() {
    let folder = folder(Some("theme: >-\n  dark\nminutes: 20\n"));
    let mut file = ConfigFile::open(folder.path()).unwrap();
    file.set(&[("theme", "light")]).unwrap();
    let again = ConfigFile::open(folder.path()).unwrap();
    assert_eq!(again.config().theme.as_deref(), Some("light"));
    assert_eq!(again.config().minutes, 20);
}
