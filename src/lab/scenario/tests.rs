//! Scenario files, sound and unsound.

use std::sync::Arc;

use super::*;
use crate::bank::{Bank, Problem, ScenarioSource, built_in};

fn source(text: &str) -> ScenarioSource {
    ScenarioSource {
        id: ScenarioId::from("test"),
        title: String::new(),
        about: String::new(),
        text: text.to_owned(),
        origin: Origin {
            file: Arc::from("test.yaml"),
            line: 1,
            item: 0,
            built_in: false,
        },
    }
}

const HEAD: &str = "\
scenario: test
title: A test
about: For tests.
level: medium
minutes: 5
seed: 1
cluster:
  brokers: 3
  topics:
    - {name: orders, partitions: 2, replication: 3}
  producers:
    - {name: app, topic: orders}
  groups:
    - {name: billing, topics: [orders], members: [{name: c1}]}
";

fn problems(steps: &str) -> Vec<Problem> {
    let text = format!("{HEAD}steps:\n{steps}");
    let (scenario, problems) = read(&source(&text), &Bank::default());
    assert_eq!(scenario.is_none(), !problems.is_empty(), "{problems:?}");
    problems
}

fn messages(steps: &str) -> Vec<String> {
    problems(steps).into_iter().map(|p| p.message).collect()
}

#[test]
fn every_scenario_that_comes_with_the_program_can_be_played() {
    let bank = built_in().unwrap();
    assert!(!bank.scenarios.is_empty());
    let mut twins = 0;
    for scenario in &bank.scenarios {
        let (read, problems) = read(scenario, &bank);
        assert!(problems.is_empty(), "{problems:?}");
        let read = read.unwrap();
        assert_eq!(read.id, scenario.id);
        assert!(
            (4..=9).contains(&read.steps.len()),
            "{}: {} steps",
            read.id,
            read.steps.len()
        );
        assert!(read.predictions() >= 2, "{}", read.id);
        assert!(read.claims() >= 2, "{}", read.id);
        twins += usize::from(read.steps.iter().any(|step| step.twin.is_some()));
        for twin in read.steps.iter().filter_map(|step| step.twin.as_ref()) {
            let named = !twin.setting.is_empty() && twin.here != twin.there;
            assert!(named, "{}: what its twin changes has no name", read.id);
            let title = twin.name(&twin.there);
            assert!(
                title.len() <= 40,
                "{}: `{title}` is too long a title",
                read.id
            );
        }
        assert!(
            !read.see.cards.is_empty() && read.see.chapter.is_some(),
            "{}",
            read.id
        );
    }
    assert!(
        twins * 4 >= bank.scenarios.len() * 3,
        "most scenarios have a point that a twin shows; {twins} do"
    );
}

#[test]
fn several_mistakes_are_told_at_once_each_with_its_place() {
    let found = problems(
        "  - title: One
    do: [crash broker 7, slow dusk of broker 1 by 2, stop producer ap]
    run: 5s
    claim: ['leader orders-2 = 1', 'lag billin > 3']
  - title: Two
    say: Hello.
    reveal: {text: Why., settings: [min.insync.replica], cards: [no-such-card]}
",
    );
    let told: Vec<(u32, &str)> = found.iter().map(|p| (p.line, p.message.as_str())).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0].0, 17);
    assert!(told[0].1.contains("`dusk`"), "{told:?}");
    assert!(
        told[1].1.ends_with("did you mean `min.insync.replicas`?"),
        "{told:?}"
    );
    assert!(
        told[2].1.starts_with("there is no card `no-such-card`"),
        "{told:?}"
    );

    let found = problems(
        "  - title: One
    do: [crash broker 7, stop producer ap]
    run: 5s
    claim: ['leader orders-2 = 1', 'lag billin > 3']
",
    );
    let told: Vec<&str> = found.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "there is no broker 7; they are numbered 1 to 3",
            "there is no producer `ap`; did you mean `app`?",
            "there is no partition `orders-2`; orders has 2, numbered from 0",
            "there is no group `billin`; did you mean `billing`?",
        ]
    );
    assert_eq!((found[1].line, found[1].column), (17, 26));
}

#[test]
fn names_that_commands_make_are_known() {
    let found = messages(
        "  - title: One
    do: [add partitions orders to 5, join c2 to billing, create topic new partitions 1 replication 1]
    run: 5s
    claim: ['leader orders-4 = 1', 'owned c2 = {}', 'leader new-0 = 1']
",
    );
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_cluster_that_cannot_be_is_told_where_it_stands() {
    let text = HEAD.replace(
        "replication: 3}",
        "replication: 4, settings: {min.insync.replica: 2}}",
    ) + "steps: [{title: One, say: Hello.}]\n";
    let (_, found) = read(&source(&text), &Bank::default());
    let told: Vec<(u32, &str)> = found.iter().map(|p| (p.line, p.message.as_str())).collect();
    assert_eq!(
        told,
        [(
            10,
            "no setting is called `min.insync.replica`; did you mean `min.insync.replicas`?"
        )]
    );
    let text =
        HEAD.replace("replication: 3}", "replication: 4}") + "steps: [{title: One, say: Hello.}]\n";
    let (_, found) = read(&source(&text), &Bank::default());
    assert_eq!(
        found[0].message,
        "replication of topic orders is 4; it must be between 1 and 3"
    );
    assert_eq!(found[0].line, 10);
}

#[test]
fn a_twin_lays_its_change_over_the_cluster() {
    let text = format!(
        "{HEAD}steps:
  - title: One
    do: [crash broker 1]
    run: 5s
    twin:
      about: With one copy acknowledged.
      here: all
      there: one
      change: {{producers: [{{name: app, settings: {{acks: 1}}}}]}}
      instead: [{{of: crash broker 1, do: shut down broker 1}}]
      compare: [{{what: lost, query: lost app}}]
      reveal: So.
"
    );
    let (scenario, found) = read(&source(&text), &Bank::default());
    assert!(found.is_empty(), "{found:?}");
    let scenario = scenario.unwrap();
    let twin = scenario.steps[0].twin.as_ref().unwrap();
    assert_eq!(twin.cluster.producers[0].settings["acks"].0, "1");
    assert_eq!(
        twin.cluster.producers[0].topic, "orders",
        "the rest is as it was"
    );
    let crash = &scenario.steps[0].commands[0];
    assert_eq!(
        twin.command(crash).unwrap().to_string(),
        "shut down broker 1"
    );

    let wrong = text.replace("name: app, settings", "name: apq, settings");
    let (_, found) = read(&source(&wrong), &Bank::default());
    assert_eq!(
        found[0].message,
        "nothing is called `apq` in the cluster of the scenario"
    );
}

#[test]
fn predictions_need_something_to_be_about() {
    let found = messages(
        "  - title: One
    say: Hello.
    predict:
      - {ask: Who leads?, names: leader orders-0, kind: a broker, why: Because.}
",
    );
    assert!(found[0].contains("needs a `run`"), "{found:?}");
    let found = messages(
        "  - title: One
    run: 5s
    predict:
      - {ask: Who leads?, why: Because.}
      - {ask: How many?, number: lost ap, why: Because.}
",
    );
    assert!(
        found[0].contains("exactly one of choices number names"),
        "{found:?}"
    );
}
