//! Who owns which partition after a member joins or leaves, by each of the client's assignors.

use std::{collections::BTreeSet, sync::Arc};

use super::{Draft, Reasoned, dice::Dice};
use crate::sim::group::assignors::{
    Assignment, Assignor, MemberSubscription, PartitionCounts, Subscriptions, TopicPartition,
};

/// A group before and after one change of its members.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) counts: PartitionCounts,
    /// Members before.
    pub(super) before: Vec<Arc<str>>,
    /// Members after.
    pub(super) after: Vec<Arc<str>>,
    /// The one asked about.
    pub(super) asked: Arc<str>,
}

impl Change {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let topics = if dice.one_in(3) {
            vec!["orders"]
        } else {
            vec!["orders", "payments"]
        };
        let counts = topics
            .into_iter()
            .map(|topic| (Arc::from(topic), dice.between(2, 7) as u32))
            .collect();
        let names =
            |n: u64| -> Vec<Arc<str>> { (1..=n).map(|i| Arc::from(format!("c{i}"))).collect() };
        let size = dice.between(2, 4);
        let before = names(size);
        let after = if dice.one_in(2) {
            names(size + 1)
        } else {
            let gone = dice.between(0, size - 1) as usize;
            let mut rest = before.clone();
            rest.remove(gone);
            rest
        };
        let asked = dice.pick(&after).clone();
        Self {
            counts,
            before,
            after,
            asked,
        }
    }

    /// Members without history.
    fn fresh(&self, members: &[Arc<str>]) -> Subscriptions {
        self.subscriptions(members, &Assignment::new(), None)
    }

    /// Members that own what `owned` says, since `generation`.
    fn subscriptions(
        &self,
        members: &[Arc<str>],
        owned: &Assignment,
        generation: Option<i32>,
    ) -> Subscriptions {
        let topics: Vec<Arc<str>> = self.counts.keys().cloned().collect();
        let subscription = |member: &Arc<str>| {
            let owned = owned.get(member).cloned().unwrap_or_default();
            MemberSubscription {
                topics: topics.clone(),
                generation: generation.filter(|_| !owned.is_empty()),
                owned,
                group_instance_id: None,
            }
        };
        members
            .iter()
            .map(|member| (member.clone(), subscription(member)))
            .collect()
    }

    /// What everybody owns before the change.
    pub(super) fn owned_before(&self, assignor: Assignor) -> Assignment {
        assignor.assign(&self.counts, &self.fresh(&self.before))
    }

    /// What the first round after the change hands out.
    pub(super) fn first_round(&self, assignor: Assignor) -> Assignment {
        let owned = self.owned_before(assignor);
        let keeps = matches!(assignor, Assignor::Sticky | Assignor::CooperativeSticky);
        let subscriptions = if keeps {
            self.subscriptions(&self.after, &owned, Some(1))
        } else {
            self.fresh(&self.after)
        };
        assignor.assign(&self.counts, &subscriptions)
    }

    /// What everybody owns once no further round is needed.
    pub(super) fn settled(&self, assignor: Assignor) -> Assignment {
        let first = self.first_round(assignor);
        if assignor != Assignor::CooperativeSticky {
            return first;
        }
        assignor.assign(
            &self.counts,
            &self.subscriptions(&self.after, &first, Some(2)),
        )
    }

    fn joins(&self) -> bool {
        self.after.len() > self.before.len()
    }

    fn event(&self) -> String {
        let gone = |from: &[Arc<str>], to: &[Arc<str>]| -> String {
            let differs = from.iter().find(|member| !to.contains(member));
            differs.map(ToString::to_string).unwrap_or_default()
        };
        if self.joins() {
            format!("`{}` joins", gone(&self.after, &self.before))
        } else {
            format!("`{}` leaves", gone(&self.before, &self.after))
        }
    }

    fn topics(&self) -> String {
        let words: Vec<String> = self
            .counts
            .iter()
            .map(|(topic, count)| format!("`{topic}` ({count} partitions)"))
            .collect();
        words.join(" and ")
    }

    fn ask(&self, assignor: Assignor, owned: Option<&Assignment>, what: &str) -> String {
        let members: Vec<String> = self.before.iter().map(|m| format!("`{m}`")).collect();
        let mut ask = format!(
            "A group with `{}` reads {}. Its members, in the order of their ids, are {}.",
            assignor.name(),
            self.topics(),
            members.join(", ")
        );
        if let Some(owned) = owned {
            ask.push_str(" They own:\n\n");
            ask.push_str(&table(owned));
            ask.push('\n');
        } else {
            ask.push(' ');
        }
        ask.push_str(&format!("Then {}. {what}", self.event()));
        ask
    }
}

/// The partitions of one member, in words.
pub(super) fn words(partitions: &[TopicPartition]) -> String {
    if partitions.is_empty() {
        return "nothing".to_owned();
    }
    let sorted: BTreeSet<&TopicPartition> = partitions.iter().collect();
    let names: Vec<String> = sorted.into_iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn of(assignment: &Assignment, member: &Arc<str>) -> String {
    words(assignment.get(member).map_or(&[], Vec::as_slice))
}

fn table(assignment: &Assignment) -> String {
    let mut text = String::from("| member | owns |\n|---|---|\n");
    for member in assignment.keys() {
        text.push_str(&format!("| `{member}` | {} |\n", of(assignment, member)));
    }
    text
}

/// What other assignors would hand out, and what the neighbours get: the usual mix-ups.
fn mix_ups(change: &Change, right: Assignor, settled: &Assignment) -> Vec<Reasoned> {
    let mut wrong = Vec::new();
    for other in [Assignor::RoundRobin, Assignor::Range, Assignor::Sticky] {
        if other != right {
            wrong.push((
                of(&change.settled(other), &change.asked),
                format!("That is what `{}` would hand out.", other.name()),
            ));
        }
    }
    if change.before.contains(&change.asked) {
        wrong.push((
            of(&change.owned_before(right), &change.asked),
            "That is what it owned before the change.".to_owned(),
        ));
    }
    for (member, partitions) in settled {
        if *member != change.asked {
            wrong.push((words(partitions), format!("That is what `{member}` gets.")));
        }
    }
    wrong
}

fn eager(dice: &mut Dice, assignor: Assignor, rule: &str) -> Draft {
    let change = Change::draw(dice);
    let settled = change.settled(assignor);
    let owned = change.owned_before(assignor);
    let sticky = assignor == Assignor::Sticky;
    Draft {
        ask: change.ask(
            assignor,
            sticky.then_some(&owned),
            &format!("What does `{}` own afterwards?", change.asked),
        ),
        right: (of(&settled, &change.asked), rule.to_owned()),
        wrong: mix_ups(&change, assignor, &settled),
        background: format!("{rule}\n\n{}", table(&settled)),
    }
}

pub(super) fn range(dice: &mut Dice) -> Draft {
    eager(
        dice,
        Assignor::Range,
        "Range works topic by topic: each topic's partitions are cut into contiguous runs, and the first members by id \
         get one more where the division leaves a remainder.",
    )
}

pub(super) fn roundrobin(dice: &mut Dice) -> Draft {
    eager(
        dice,
        Assignor::RoundRobin,
        "Round robin lays all partitions of all topics in one line and deals them out in turn, members in the order of \
         their ids.",
    )
}

pub(super) fn sticky(dice: &mut Dice) -> Draft {
    eager(
        dice,
        Assignor::Sticky,
        "Sticky balances first, to within one partition over all topics, and then keeps as much as it can where it was. \
         Only what must move, moves.",
    )
}

pub(super) fn cooperative(dice: &mut Dice) -> Draft {
    let assignor = Assignor::CooperativeSticky;
    let mut change = Change::draw(dice);
    if let Some(newcomer) = change.after.iter().find(|m| !change.before.contains(m)) {
        // What a newcomer gets first is the point of the protocol.
        if dice.one_in(2) {
            change.asked = newcomer.clone();
        }
    }
    let first = change.first_round(assignor);
    let settled = change.settled(assignor);
    let owned = change.owned_before(assignor);
    let rule = "In the first round a partition that must move is handed to nobody: its owner gives it up, and a second \
                round hands it to the new owner. What has no owner yet can be handed out at once.";
    let mut wrong = vec![
        (
            of(&settled, &change.asked),
            "It owns that only after the second round, once the previous owners have let go."
                .to_owned(),
        ),
        (
            of(&owned, &change.asked),
            "What must move is given up in the first round already.".to_owned(),
        ),
        (
            "nothing".to_owned(),
            "Cooperative members keep what does not move; only eager ones give everything up."
                .to_owned(),
        ),
    ];
    wrong.extend(mix_ups(&change, assignor, &first));
    Draft {
        ask: change.ask(
            assignor,
            Some(&owned),
            &format!(
                "What does the *first* round of the rebalance assign to `{}`?",
                change.asked
            ),
        ),
        right: (of(&first, &change.asked), rule.to_owned()),
        wrong,
        background: format!(
            "{rule}\n\nFirst round:\n\n{}\nOnce settled:\n\n{}",
            table(&first),
            table(&settled)
        ),
    }
}
