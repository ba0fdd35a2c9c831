//! Clusters to begin with in the sandbox.

use std::sync::Arc;

use super::scenario::{Scenario, read_sandbox};
use crate::bank::{Bank, Origin, ScenarioId, ScenarioSource, problem::instead};

/// What the sandbox says of itself (Markdown).
pub const HELP: &str = include_str!("presets/help.md");

const TEXTS: [(&str, &str); 5] = [
    ("three-brokers", include_str!("presets/three-brokers.yaml")),
    ("one-broker", include_str!("presets/one-broker.yaml")),
    ("a-group", include_str!("presets/a-group.yaml")),
    ("elr-off", include_str!("presets/elr-off.yaml")),
    ("ten-brokers", include_str!("presets/ten-brokers.yaml")),
];

/// The presets as sources, in the order they are offered.
pub fn sources() -> impl Iterator<Item = ScenarioSource> {
    TEXTS.into_iter().map(|(id, text)| {
        let value = |key: &str| {
            let head = format!("{key}: ");
            text.lines()
                .find_map(|line| line.strip_prefix(&head))
                .unwrap_or_default()
                .to_owned()
        };
        ScenarioSource {
            id: ScenarioId::from(id),
            title: value("title"),
            about: value("about"),
            text: text.to_owned(),
            origin: Origin {
                file: Arc::from(format!("presets/{id}.yaml")),
                line: 1,
                item: 0,
                built_in: true,
            },
        }
    })
}

/// The scenario or sandbox of this name, and whether it is a sandbox.
///
/// # Errors
/// In words, with the nearest name there is.
pub fn source(id: &str, bank: &Bank) -> Result<(ScenarioSource, bool), String> {
    if let Some(source) = bank.scenario(&id.into()) {
        return Ok((source.clone(), false));
    }
    let presets: Vec<ScenarioSource> = sources().collect();
    if let Some(preset) = presets.iter().find(|preset| preset.id.as_str() == id) {
        return Ok((preset.clone(), true));
    }
    let known = bank.scenarios.iter().chain(&presets);
    let near = instead(id, known.map(|source| source.id.as_str()), "scenarios");
    Err(format!("there is no scenario `{id}`{near}"))
}

/// The preset of this name.
pub fn preset(id: &str) -> Option<Scenario> {
    let source = sources().find(|source| source.id.as_str() == id)?;
    read_sandbox(&source).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{kinds::Sign, timeline::Mark};

    #[test]
    fn every_preset_can_be_begun_with() {
        for source in sources() {
            let (scenario, problems) = read_sandbox(&source);
            assert!(problems.is_empty(), "{problems:?}");
            let scenario = scenario.unwrap();
            assert_eq!(scenario.title, source.title);
            let mut run = crate::lab::timeline::Timeline::new(&scenario.cluster, 1).unwrap();
            run.run_until(crate::sim::time::Time::secs(5));
            let trouble = |mark: &&Mark| mark.sign != Sign::Rebalance;
            let found = run.marks().iter().find(trouble);
            assert_eq!(found, None, "{}", source.id);
        }
    }
}
