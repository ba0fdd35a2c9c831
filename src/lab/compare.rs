//! Two clusters at the same moment, line for line: what a run and its twin have in common, and where they differ.
//!
//! Made of two [`View`]s and the samples of both runs; screens lay the lines out and decide nothing about them.

use crate::sim::types::BrokerId;

use super::{
    timeline::{Sample, rate_of},
    view::{BrokerState, GroupView, MemberView, PartitionView, ProducerView, View},
};

/// What stands where one of the two has nothing of the kind.
const ABSENT: &str = "not there";

/// Which panel a subject belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Brokers, controllers and partitions.
    Cluster,
    /// Groups and producers.
    Clients,
}

/// Something that both have, or one of them: a partition, a group, a producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Where it belongs.
    pub part: Part,
    /// What there is to say of it.
    pub facts: Vec<Fact>,
}

impl Subject {
    /// Whether anything of it is not the same in both.
    pub fn differs(&self) -> bool {
        self.facts.iter().any(Fact::differs)
    }

    /// All of it in one line, for what is the same in both.
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self.facts.iter().map(Fact::in_words).collect();
        parts.join(" · ")
    }
}

/// One thing to say, of each of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is: `ISR`, `lag`.
    pub what: String,
    /// In the run itself.
    pub here: String,
    /// In its twin.
    pub there: String,
}

impl Fact {
    /// Whether it is not the same in both.
    pub fn differs(&self) -> bool {
        self.here != self.there
    }

    fn in_words(&self) -> String {
        format!("{} {}", self.what, self.here)
    }
}

/// A run at a moment: what is seen of it, and its samples up to then.
#[derive(Clone, Copy, Debug)]
pub struct Side<'s> {
    /// What is seen.
    pub view: &'s View,
    /// The samples.
    pub samples: &'s [Sample],
}

/// What a side says of a subject: label and value, in order; a value that is nothing to speak of is empty.
type Said = Vec<(String, String)>;

/// Everything that can be compared, in the order of the panels.
pub fn subjects(here: Side<'_>, there: Side<'_>) -> Vec<Subject> {
    let mut all = vec![subject(
        "cluster",
        Part::Cluster,
        Some(cluster(here.view)),
        Some(cluster(there.view)),
    )];
    let names = |side: Side<'_>| partitions(side.view).map(|(name, _)| name).collect();
    for name in union(names(here), names(there)) {
        let said = |side: Side<'_>| {
            let found = partitions(side.view).find(|(known, _)| *known == name);
            found.map(|(_, it)| partition(it))
        };
        all.push(subject(&name, Part::Cluster, said(here), said(there)));
    }
    let names = |side: Side<'_>| side.view.groups.iter().map(|it| it.name.clone()).collect();
    for name in union(names(here), names(there)) {
        let said = |side: Side<'_>| {
            let found = side.view.groups.iter().find(|it| it.name == name);
            found.map(group)
        };
        all.push(subject(&name, Part::Clients, said(here), said(there)));
    }
    let names = |side: Side<'_>| {
        let producers = side.view.producers.iter();
        producers.map(|it| it.name.clone()).collect()
    };
    for name in union(names(here), names(there)) {
        let said = |side: Side<'_>| {
            let found = side.view.producers.iter().find(|it| it.name == name);
            found.map(|it| producer(it, rate_of(side.samples, &it.name)))
        };
        all.push(subject(&name, Part::Clients, said(here), said(there)));
    }
    all
}

/// The names of both, those of the first in its order and then what only the second has.
fn union(mut here: Vec<String>, there: Vec<String>) -> Vec<String> {
    for name in there {
        if !here.contains(&name) {
            here.push(name);
        }
    }
    here
}

fn subject(name: &str, part: Part, here: Option<Said>, there: Option<Said>) -> Subject {
    let labels = |said: &Option<Said>| {
        let said = said.iter().flatten();
        said.map(|(what, _)| what.clone()).collect()
    };
    let value = |said: &Option<Said>, what: &str| match said {
        None => ABSENT.to_owned(),
        Some(said) => said
            .iter()
            .find(|(known, _)| known == what)
            .map_or_else(|| ABSENT.to_owned(), |(_, value)| value.clone()),
    };
    let facts = union(labels(&here), labels(&there))
        .into_iter()
        .map(|what| Fact {
            here: value(&here, &what),
            there: value(&there, &what),
            what,
        })
        // what neither has is not worth a line
        .filter(|fact| {
            let has = |value: &str| !value.is_empty() && value != ABSENT;
            has(&fact.here) || has(&fact.there)
        })
        .map(|fact| Fact {
            here: or_none(fact.here),
            there: or_none(fact.there),
            ..fact
        })
        .collect();
    Subject {
        name: name.to_owned(),
        part,
        facts,
    }
}

fn or_none(value: String) -> String {
    if value.is_empty() {
        "none".to_owned()
    } else {
        value
    }
}

fn said(what: &str, value: String) -> (String, String) {
    (what.to_owned(), value)
}

/// A number that is worth a line only where it is more than nothing.
fn counted(number: u64) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}

fn cluster(view: &View) -> Said {
    let controller = match view.quorum.active {
        Some(active) => format!("{active}, {} of {} up", view.quorum.up, view.quorum.voters),
        None => format!("none, {} of {} up", view.quorum.up, view.quorum.voters),
    };
    let troubled: Vec<String> = view
        .brokers
        .iter()
        .filter_map(|broker| match broker.state {
            BrokerState::Up if broker.disk > 1 => {
                Some(format!("{} disk ×{}", broker.id, broker.disk))
            }
            BrokerState::Up => None,
            state => Some(format!("{} {}", broker.id, state.word())),
        })
        .collect();
    let brokers = if troubled.is_empty() {
        "all up".to_owned()
    } else {
        troubled.join(", ")
    };
    vec![said("brokers", brokers), said("controller", controller)]
}

fn partitions(view: &View) -> impl Iterator<Item = (String, &PartitionView)> {
    view.topics.iter().flat_map(|topic| {
        topic
            .partitions
            .iter()
            .map(|partition| (format!("{}-{}", topic.name, partition.partition), partition))
    })
}

/// `{1,2}`
pub fn set(brokers: &[BrokerId]) -> String {
    let shown: Vec<String> = brokers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", shown.join(","))
}

fn partition(partition: &PartitionView) -> Said {
    let leader = partition
        .leader
        .map_or_else(|| "none".to_owned(), |leader| leader.to_string());
    let mut isr = partition.isr.clone();
    isr.sort_unstable();
    let elr = if partition.elr.is_empty() {
        String::new()
    } else {
        set(&partition.elr)
    };
    let watermark = partition
        .high_watermark
        .map_or_else(|| "unknown".to_owned(), |offset| offset.to_string());
    let zombies: Vec<BrokerId> = partition
        .replicas
        .iter()
        .filter(|replica| replica.up && replica.leads && partition.leader != Some(replica.broker))
        .map(|replica| replica.broker)
        .collect();
    let stale = if zombies.is_empty() {
        String::new()
    } else {
        set(&zombies)
    };
    let mut replicas: Vec<_> = partition.replicas.iter().collect();
    replicas.sort_by_key(|replica| replica.broker);
    let ends: Vec<String> = replicas
        .iter()
        .map(|replica| format!("{}:{}", replica.broker, replica.log_end))
        .collect();
    vec![
        said("leader", format!("{leader} (epoch {})", partition.epoch)),
        said("stale leader", stale),
        said("ISR", set(&isr)),
        said("ELR", elr),
        said("high watermark", watermark),
        said("log ends", ends.join(" ")),
    ]
}

fn group(group: &GroupView) -> Said {
    let lag = |lag: Option<u64>| lag.map_or_else(|| "unknown".to_owned(), |lag| lag.to_string());
    let mut all = vec![
        said("state", group.state.clone()),
        said("generation", group.generation.to_string()),
        said("members", group.joined.to_string()),
        said("lag", lag(group.lag())),
    ];
    for member in &group.members {
        all.push(said(&member.name, member_in_words(member)));
    }
    all
}

fn member_in_words(member: &MemberView) -> String {
    if member.state == "stopped" {
        return member.state.clone();
    }
    if member.owned.is_empty() {
        return format!("{}, idle", member.state);
    }
    let owned: Vec<&str> = member
        .owned
        .iter()
        .map(|name| {
            name.rsplit_once('-')
                .map_or(name.as_str(), |(_, number)| number)
        })
        .collect();
    let owned = format!("p{}", owned.join(","));
    if member.out {
        return format!("{}, ({owned})", member.state);
    }
    let lag = member
        .lag
        .map_or_else(|| "-".to_owned(), |lag| lag.to_string());
    format!("{}, {owned}, lag {lag}", member.state)
}

fn producer(producer: &ProducerView, rate: Option<f64>) -> Said {
    let rate = rate.map_or_else(
        || "-".to_owned(),
        |rate| format!("{rate:.0} of {:.0} a second", producer.rate),
    );
    vec![
        said("state", producer.state.clone()),
        said("acks", producer.acks.clone()),
        said("acknowledged", producer.acknowledged.to_string()),
        said("rate now", rate),
        said("in flight", producer.in_flight.to_string()),
        said("last error", producer.error.clone().unwrap_or_default()),
        said("failed", counted(producer.failed)),
        said("lost", counted(producer.lost)),
        said("twice in the log", counted(producer.duplicated)),
        said("out of order", counted(producer.reordered)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        lab::{presets, timeline::Timeline},
        sim::time::Time,
    };

    fn runs() -> (Timeline, Timeline) {
        let preset = presets::preset("three-brokers").unwrap();
        let mut run = Timeline::new(&preset.cluster, 7).unwrap();
        run.run_until(Time::secs(10));
        (run.clone(), run)
    }

    fn compared(here: &Timeline, there: &Timeline) -> Vec<Subject> {
        let (left, right) = (here.view(), there.view());
        subjects(
            Side {
                view: &left,
                samples: here.samples(),
            },
            Side {
                view: &right,
                samples: there.samples(),
            },
        )
    }

    #[test]
    fn a_run_is_like_itself() {
        let (here, there) = runs();
        let all = compared(&here, &there);
        assert!(all.len() > 3, "{all:?}");
        assert!(all.iter().all(|subject| !subject.differs()), "{all:?}");
        assert_eq!(all[0].summary(), "brokers all up · controller 1, 3 of 3 up");
    }

    #[test]
    fn what_differs_is_told_of_the_thing_that_differs() {
        let (here, mut there) = runs();
        there.give("crash broker 2".parse().unwrap()).unwrap();
        let all = compared(&here, &there);
        let differing: Vec<&Fact> = all[0].facts.iter().filter(|fact| fact.differs()).collect();
        assert_eq!(differing.len(), 1, "{differing:?}");
        assert_eq!(differing[0].here, "all up");
        assert_eq!(differing[0].there, "2 down");
    }

    #[test]
    fn what_only_one_has_is_not_there_in_the_other() {
        let (here, mut there) = runs();
        let topic = here.view().topics[0].name.clone();
        let command = format!("add partitions {topic} to 12");
        there.give(command.parse().unwrap()).unwrap();
        there.run_until(Time::secs(11));
        let mut here = here;
        here.run_until(Time::secs(11));
        let all = compared(&here, &there);
        let last = all
            .iter()
            .find(|subject| subject.name == format!("{topic}-11"))
            .unwrap();
        assert!(last.differs());
        assert!(
            last.facts.iter().all(|fact| fact.here == ABSENT),
            "{last:?}"
        );
    }
}
