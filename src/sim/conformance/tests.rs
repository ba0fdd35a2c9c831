//! The embedded cases pass, and bad input is named.

use super::*;

#[test]
fn every_embedded_case_that_can_be_run_passes() {
    let mut ran = 0;
    let mut problems = Vec::new();
    for (file, text) in EMBEDDED {
        for report in run_file(file, text).unwrap() {
            match report.outcome {
                Outcome::Passed => ran += 1,
                Outcome::Skipped(_) | Outcome::Disputed(_) => {}
                other => problems.push(format!("{file} {}: {other:?}", report.id)),
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(ran >= 250, "only {ran} cases were run");
}

#[test]
fn only_what_is_not_modelled_is_skipped() {
    let reasons = [
        "needs transactions",
        "needs the KIP-848",
        "needs log retention and compaction",
        "describes behaviour before Kafka 4.1",
    ];
    for (file, text) in EMBEDDED {
        for report in run_file(file, text).unwrap() {
            if let Outcome::Skipped(reason) = report.outcome {
                let known = reasons.iter().any(|known| reason.starts_with(known));
                assert!(known, "{file} {}: {reason}", report.id);
            }
        }
    }
}

fn outcome(case: &str) -> Outcome {
    let file = format!(r#"{{"cases":[{case}]}}"#);
    run_file("x.json", &file).unwrap().remove(0).outcome
}

#[test]
fn bad_input_is_named() {
    let error = run_file("x.json", "{").unwrap_err().to_string();
    assert!(error.starts_with("x.json: not JSON: "), "{error}");
    let error = run_file("x.json", "[1]").unwrap_err().to_string();
    assert!(
        error.contains("expected an object with a list `cases`"),
        "{error}"
    );
    assert!(matches!(
        outcome(r#"{"id":"new-1","spin":1}"#),
        Outcome::Invalid(_)
    ));
    assert!(matches!(outcome(r#"{"spin":1}"#), Outcome::Invalid(text) if text.contains("`id`")));
    let unknown_field = r#"{"id":"epoch-cache-9","ops":[],"colour":1}"#;
    assert!(matches!(outcome(unknown_field), Outcome::Invalid(text) if text.contains("colour")));
    let unknown_op = r#"{"id":"idem-9","steps":[{"op":"fly"}]}"#;
    assert!(matches!(outcome(unknown_op), Outcome::Invalid(text) if text.contains("fly")));
}

#[test]
fn a_wrong_expectation_fails_and_says_what_differs() {
    let wrong = r#"{"id":"coord-1","coordinator_key":"group","java_string_hash":1,"internal_topic_partition_of_50":47}"#;
    assert_eq!(
        outcome(wrong),
        Outcome::Failed("java_string_hash: expected 1, found 98629247".to_owned())
    );
}
