//! The file on disk: damage, newer formats, migrations, backups.

use std::io::{Seek, SeekFrom, Write};

use tempfile::TempDir;

use super::*;

fn places() -> (TempDir, Places) {
    let folder = tempfile::tempdir().unwrap();
    let places = Places {
        folder: folder.path().join("data"),
    };
    (folder, places)
}

fn add(connection: &Connection, id: u8) {
    connection
        .execute(
            "INSERT INTO events (id, at, day, kind, data) VALUES (?1, 1, 1, 'note', '{}')",
            [[id; 16].as_slice()],
        )
        .unwrap();
}

fn count(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT count(*) FROM events", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn a_newer_format_is_refused_and_left_untouched() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.close().unwrap();
    let before = fs::read(places.database()).unwrap();
    let error = open(&places, MIGRATIONS).unwrap_err();
    assert!(
        matches!(error, ProgressError::Newer { found: 99, .. }),
        "{error}"
    );
    assert_eq!(fs::read(places.database()).unwrap(), before);
    let mut files: Vec<_> = fs::read_dir(&places.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(files, ["progress.db"]);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_untouched() {
    for content in ["not a database at all", &"x".repeat(5000)] {
        let (_folder, places) = places();
        fs::create_dir_all(&places.folder).unwrap();
        fs::write(places.database(), content).unwrap();
        let error = open(&places, MIGRATIONS).unwrap_err().to_string();
        assert!(error.contains("is damaged"), "{error}");
        assert!(error.contains("There is no backup"), "{error}");
        assert_eq!(fs::read_to_string(places.database()).unwrap(), content);
    }
}

#[test]
fn damage_inside_is_named_with_the_newest_backup() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    for id in 0..200 {
        add(&connection, id);
    }
    back_up(&connection, &places, Day::from_number(20_000)).unwrap();
    check(&connection, &places).unwrap();
    connection.close().unwrap();
    let mut file = fs::File::options()
        .write(true)
        .open(places.database())
        .unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xAB; 40_000]).unwrap();
    drop(file);
    let error = open(&places, MIGRATIONS)
        .and_then(|connection| check(&connection, &places))
        .unwrap_err()
        .to_string();
    assert!(error.contains("is damaged"), "{error}");
    assert!(error.contains("progress-2024-10-04.db"), "{error}");
    // And the advice works.
    fs::remove_file(places.database()).unwrap();
    fs::copy(
        places.backups().join("progress-2024-10-04.db"),
        places.database(),
    )
    .unwrap();
    assert_eq!(count(&open(&places, MIGRATIONS).unwrap()), 200);
}

#[test]
fn an_older_format_is_copied_and_then_brought_forward() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    add(&connection, 1);
    drop(connection);
    let newer = [MIGRATIONS, &["ALTER TABLE seen ADD COLUMN note TEXT"]].concat();
    let connection = open(&places, &newer).unwrap();
    let now = MIGRATIONS.len() as i64;
    assert_eq!(version(&connection).unwrap(), now + 1);
    assert_eq!(count(&connection), 1);
    connection
        .execute("UPDATE seen SET note = 'x'", [])
        .unwrap();
    let copy = Connection::open(
        places
            .backups()
            .join(format!("progress-before-{}.db", now + 1)),
    )
    .unwrap();
    assert_eq!((version(&copy).unwrap(), count(&copy)), (now, 1));
}

#[test]
fn a_migration_that_fails_changes_nothing() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    add(&connection, 1);
    drop(connection);
    let newer = [
        MIGRATIONS,
        &["CREATE TABLE half (x); INSERT INTO nowhere VALUES (1)"],
    ]
    .concat();
    assert!(open(&places, &newer).is_err());
    let connection = open(&places, MIGRATIONS).unwrap();
    let now = MIGRATIONS.len() as i64;
    assert_eq!(
        (version(&connection).unwrap(), count(&connection)),
        (now, 1)
    );
    assert!(connection.prepare("SELECT * FROM half").is_err());
}

#[test]
fn one_copy_a_day_is_kept_for_a_week() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    for day in 0..10 {
        add(&connection, day);
        for _ in 0..2 {
            back_up(
                &connection,
                &places,
                Day::from_number(20_000 + i32::from(day)),
            )
            .unwrap();
        }
    }
    let kept = backups(&places.backups());
    assert_eq!(kept.len(), BACKUPS_MAX);
    assert!(kept[0].ends_with("progress-2024-10-07.db"), "{kept:?}");
    assert_eq!(count(&Connection::open(&kept[6]).unwrap()), 10);
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let places = Places {
        folder: file.join("data"),
    };
    let error = open(&places, MIGRATIONS).unwrap_err();
    assert!(
        matches!(error, ProgressError::NotWritable { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("--data-dir"), "{error}");
}

#[test]
fn a_full_disk_is_said_to_be_full_and_loses_nothing() {
    let (_folder, places) = places();
    let connection = open(&places, MIGRATIONS).unwrap();
    add(&connection, 1);
    let pages: i64 = connection
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .unwrap();
    let error = connection
        .execute(
            "INSERT INTO events (id, at, day, kind, data) VALUES (x'02', 1, 1, 'note', ?1)",
            ["x".repeat(100_000)],
        )
        .unwrap_err();
    let error = Fault::from(error).at(&places.database(), String::new);
    assert!(matches!(error, ProgressError::DiskFull { .. }), "{error}");
    assert_eq!(count(&connection), 1);
    check(&connection, &places).unwrap();
}
