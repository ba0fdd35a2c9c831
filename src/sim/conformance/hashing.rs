//! Cases on murmur2, Java's string hash and the partitions they lead to.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Bad, Checks, Outcome, parse};
use crate::sim::partitioner::{
    coordinator_partition, java_string_hash, murmur2, partition_for_key, to_positive,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct KeyCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    key_utf8: Option<String>,
    key_hex: Option<String>,
    murmur2_i32: i32,
    to_positive: Option<u32>,
    #[serde(default)]
    partition_by_count: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "names every field a case may have")]
struct CoordinatorCase {
    id: String,
    source_test: Option<String>,
    note: Option<String>,
    coordinator_key: String,
    java_string_hash: Option<i32>,
    internal_topic_partition_of_50: Option<u32>,
}

pub(super) fn run(case: &Value) -> Result<Outcome, Bad> {
    let mut checks = Checks::default();
    if case.get("coordinator_key").is_some() {
        let case: CoordinatorCase = parse(case)?;
        let key = &case.coordinator_key;
        if let Some(expected) = case.java_string_hash {
            checks.same("java_string_hash", &expected, &java_string_hash(key));
        }
        if let Some(expected) = case.internal_topic_partition_of_50 {
            checks.same("partition", &expected, &coordinator_partition(key, 50));
        }
        return Ok(checks.outcome());
    }
    let case: KeyCase = parse(case)?;
    let key = key_of(&case)?;
    let hash = murmur2(&key);
    checks.same("murmur2_i32", &case.murmur2_i32, &hash);
    if let Some(expected) = case.to_positive {
        checks.same("to_positive", &expected, &to_positive(hash));
    }
    for (count, expected) in &case.partition_by_count {
        let partitions: u32 = count
            .parse()
            .ok()
            .filter(|&count| count > 0)
            .ok_or_else(|| {
                Bad(format!(
                    "`{count}` in partition_by_count is no number of partitions"
                ))
            })?;
        let found = partition_for_key(&key, partitions);
        checks.same(&format!("partition of {count}"), expected, &found);
    }
    Ok(checks.outcome())
}

fn key_of(case: &KeyCase) -> Result<Vec<u8>, Bad> {
    let from_hex = case.key_hex.as_deref().map(unhex).transpose()?;
    match (from_hex, &case.key_utf8) {
        (Some(bytes), Some(text)) if bytes != text.as_bytes() => Err(Bad(format!(
            "key_utf8 `{text}` and key_hex are different keys"
        ))),
        (Some(bytes), _) => Ok(bytes),
        (None, Some(text)) => Ok(text.as_bytes().to_vec()),
        (None, None) => Err(Bad("it has neither key_utf8 nor key_hex".to_owned())),
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, Bad> {
    let wrong = || Bad(format!("key_hex `{text}` is not hexadecimal"));
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(wrong());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}
