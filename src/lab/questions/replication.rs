//! What brokers do with a partition: who leads, what consumers may see, what is lost and cut.

use std::collections::BTreeMap;

use super::{Draft, Reasoned, dice::Dice};
use crate::sim::{
    broker::{
        epoch_cache::EpochCache,
        partition_state::{
            BrokerView, IsrConfig, LeaderMoment, LeaderPartition, LeaderStart, effective_min_isr,
        },
    },
    controller::election::{Election, ElectionConfig, PartitionChange, PartitionRegistration},
    types::{BrokerId, Offset},
};

/// A partition whose leader dies.
#[derive(Clone, Debug)]
pub(super) struct Vacancy {
    /// In order of preference.
    pub(super) replicas: Vec<BrokerId>,
    /// In no order that means anything.
    pub(super) isr: Vec<BrokerId>,
    pub(super) leader: BrokerId,
    /// Brokers that are down besides the leader.
    pub(super) down: Vec<BrokerId>,
    pub(super) unclean: bool,
}

impl Vacancy {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let size = dice.between(3, 5) as BrokerId;
        let replicas = dice.shuffled((1..=size).collect());
        let in_sync = dice.between(1, replicas.len() as u64) as usize;
        let mut isr = dice.shuffled(replicas.clone());
        isr.truncate(in_sync);
        let leader = *dice.pick(&isr);
        let outside: Vec<BrokerId> = replicas
            .iter()
            .copied()
            .filter(|id| !isr.contains(id))
            .collect();
        // A broker that is down has left the in-sync set already.
        let down = if !outside.is_empty() && dice.one_in(2) {
            vec![*dice.pick(&outside)]
        } else {
            Vec::new()
        };
        Self {
            replicas,
            isr,
            leader,
            down,
            unclean: dice.one_in(3),
        }
    }

    /// Who leads after the controller has fenced the leader.
    pub(super) fn elected(&self) -> Option<BrokerId> {
        let before = PartitionRegistration {
            isr: self.isr.clone(),
            leader: Some(self.leader),
            ..PartitionRegistration::new(self.replicas.clone())
        };
        let config = ElectionConfig {
            effective_min_isr: 1,
            elr_enabled: false,
            keep_last_known_leader: true,
        };
        let alive = |id: BrokerId| id != self.leader && !self.down.contains(&id);
        let rest = self.isr.iter().copied().filter(|id| *id != self.leader);
        let election = if self.unclean {
            Election::Unclean
        } else {
            Election::Online
        };
        let changed = PartitionChange::new(&before, config, alive)
            .election(election)
            .isr(rest.collect())
            .build();
        changed.map_or(before.leader, |changed| changed.registration.leader)
    }
}

fn list(ids: &[BrokerId]) -> String {
    let words: Vec<String> = ids.iter().map(ToString::to_string).collect();
    words.join(", ")
}

fn broker(id: BrokerId) -> String {
    format!("broker {id}")
}

pub(super) fn election(dice: &mut Dice) -> Draft {
    let vacancy = Vacancy::draw(dice);
    let nobody = "nobody: the partition is offline".to_owned();
    let elected = vacancy.elected();
    let outside = elected.is_some_and(|id| !vacancy.isr.contains(&id));
    let why = match elected {
        Some(_) if outside => {
            "No in-sync replica is left; `unclean.leader.election.enable` is on, so the first live replica of the list \
             takes over and what it lacks is lost."
        }
        Some(_) => {
            "The controller takes the first replica in the order of the replica list that is in sync and alive."
        }
        None => {
            "The only in-sync replica is the one that died. Without unclean election the partition waits for it."
        }
    };
    let alive = |id: &BrokerId| *id != vacancy.leader && !vacancy.down.contains(id);
    let mut wrong: Vec<Reasoned> = Vec::new();
    let mut mistake = |id: Option<BrokerId>, why: &str| {
        if let Some(id) = id {
            wrong.push((broker(id), why.to_owned()));
        }
    };
    mistake(
        vacancy.isr.iter().copied().find(|id| alive(id)),
        "That is the first of the ISR as printed; its order means nothing.",
    );
    mistake(
        vacancy
            .replicas
            .iter()
            .copied()
            .find(|id| alive(id) && !vacancy.isr.contains(id)),
        "It is not in sync, and a clean election takes in-sync replicas only.",
    );
    mistake(
        vacancy
            .replicas
            .iter()
            .copied()
            .filter(|id| alive(id))
            .min(),
        "Broker numbers play no part; the order of the replica list does.",
    );
    mistake(
        vacancy
            .replicas
            .iter()
            .copied()
            .filter(|id| alive(id))
            .max(),
        "Broker numbers play no part; the order of the replica list does.",
    );
    mistake(
        vacancy.replicas.first().copied().filter(|id| !alive(id)),
        "It is the preferred leader, but it is down.",
    );
    for id in &vacancy.replicas {
        mistake(
            Some(*id),
            "The first in-sync replica of the list comes before it, or it cannot lead.",
        );
    }
    wrong.insert(
        usize::from(elected.is_some()).min(wrong.len()),
        (
            nobody.clone(),
            if outside {
                "Unclean election is on, so a live replica takes over.".to_owned()
            } else {
                "A live in-sync replica is left.".to_owned()
            },
        ),
    );
    let down = match &vacancy.down[..] {
        [] => String::new(),
        ids => format!(" Broker {} has been down for an hour.", list(ids)),
    };
    let unclean = if vacancy.unclean { "true" } else { "false" };
    Draft {
        ask: format!(
            "A partition's replica list is [{}], its ISR is {{{}}}, its leader is broker {}.{down} \
             `unclean.leader.election.enable` is {unclean}, eligible leader replicas are off. Broker {} dies. Who leads?",
            list(&vacancy.replicas),
            list(&vacancy.isr),
            vacancy.leader,
            vacancy.leader,
        ),
        right: (elected.map_or(nobody, broker), why.to_owned()),
        wrong,
        background: why.to_owned(),
    }
}

/// Log ends of a partition's replicas, the leader first.
#[derive(Clone, Debug)]
pub(super) struct Logs {
    pub(super) log_ends: Vec<(BrokerId, Offset)>,
    pub(super) isr: Vec<BrokerId>,
    pub(super) min_insync: u32,
    pub(super) was: Offset,
}

impl Logs {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let followers = dice.between(2, 4);
        let was = dice.between(100, 900);
        let leader_end = was + dice.between(20, 60);
        let mut log_ends = vec![(1, leader_end)];
        let mut isr = vec![1];
        for id in 2..=(followers + 1) as BrokerId {
            if dice.one_in(3) {
                log_ends.push((id, was - dice.between(1, 90)));
            } else {
                log_ends.push((id, was + dice.between(0, leader_end - was)));
                isr.push(id);
            }
        }
        Self {
            log_ends,
            isr,
            min_insync: dice.between(1, 3) as u32,
            was,
        }
    }

    pub(super) fn high_watermark(&self) -> Offset {
        let brokers: BTreeMap<BrokerId, BrokerView> = self
            .log_ends
            .iter()
            .map(|(id, _)| {
                let view = BrokerView {
                    fenced: false,
                    in_controlled_shutdown: false,
                    epoch: 1,
                };
                (*id, view)
            })
            .collect();
        let config = IsrConfig {
            min_insync_replicas: self.min_insync,
            replica_lag_time_max: 30_000_000,
        };
        let start = LeaderStart {
            local: 1,
            replicas: self.log_ends.iter().map(|(id, _)| *id).collect(),
            isr: self.isr.clone(),
            leader_epoch: 1,
            partition_epoch: 1,
        };
        let log_end = self.log_ends[0].1;
        let mut leader = LeaderPartition::new(start, self.was, self.was, 0);
        let at = LeaderMoment {
            log_end,
            now: 1_000_000,
        };
        for (id, offset) in &self.log_ends[1..] {
            // Every broker here is a replica under its current registration, so no fetch is refused.
            let _ = leader.follower_fetch(*id, *offset, 1, at, &brokers, &config);
        }
        if self.log_ends.len() == 1 || self.isr.len() == 1 {
            leader.appended(log_end, at.now, &brokers, &config);
        }
        leader.high_watermark()
    }
}

pub(super) fn high_watermark(dice: &mut Dice) -> Draft {
    let logs = Logs::draw(dice);
    let right = logs.high_watermark();
    let minimum = effective_min_isr(logs.min_insync, logs.log_ends.len());
    let frozen = logs.isr.len() < minimum;
    let why = if frozen {
        format!(
            "{} in sync, {minimum} are the minimum: below `min.insync.replicas` the high watermark does not move at all \
             (KIP-966, Kafka 4.x).",
            logs.isr.len()
        )
    } else {
        "It is the smallest log end among the in-sync replicas, the leader included.".to_owned()
    };
    let ends = |ids: &dyn Fn(&BrokerId) -> bool| -> Vec<Offset> {
        let mut ends: Vec<Offset> = logs
            .log_ends
            .iter()
            .filter(|(id, _)| ids(id))
            .map(|(_, end)| *end)
            .collect();
        ends.sort_unstable();
        ends
    };
    let all = ends(&|_| true);
    let in_sync = ends(&|id| logs.isr.contains(id));
    let mut wrong: Vec<Reasoned> = vec![
        (
            logs.log_ends[0].1.to_string(),
            "That is the leader's log end; consumers may not read what only the leader has.".to_owned(),
        ),
        (
            in_sync[0].to_string(),
            "That would be the smallest log end in the ISR, but fewer than the minimum are in sync.".to_owned(),
        ),
        (
            all[0].to_string(),
            "Replicas outside the ISR do not hold the high watermark back.".to_owned(),
        ),
        (
            all[all.len() / 2].to_string(),
            "Kafka does not commit by majority: every in-sync replica counts.".to_owned(),
        ),
        (
            logs.was.to_string(),
            "Enough replicas are in sync, so it has moved on.".to_owned(),
        ),
    ];
    wrong.push((
        (right + 1).to_string(),
        "The high watermark is the offset after the last one that all in-sync replicas have: their smallest log end, \
         not one more."
            .to_owned(),
    ));
    let mut table = String::from("| broker | log end | in sync |\n|---|---|---|\n");
    for (id, end) in &logs.log_ends {
        let in_sync = if logs.isr.contains(id) { "yes" } else { "no" };
        let role = if *id == 1 { " (leader)" } else { "" };
        table.push_str(&format!("| {id}{role} | {end} | {in_sync} |\n"));
    }
    Draft {
        ask: format!(
            "A partition, `min.insync.replicas` {}. The high watermark stood at {} when all replicas last reported; now \
             the leader knows these log ends:\n\n{table}\nThe brokers out of sync stopped fetching minutes ago. Where \
             is the high watermark?",
            logs.min_insync, logs.was
        ),
        right: (right.to_string(), why.clone()),
        wrong,
        background: why,
    }
}

/// A leader that dies with records its successor may lack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failover {
    pub(super) acks_all: bool,
    /// The old leader's log end; all of it was sent, and with `acks=1` acknowledged.
    pub(super) old_end: Offset,
    /// The new leader's log end.
    pub(super) new_end: Offset,
    /// The high watermark when the leader died: what `acks=all` had acknowledged.
    pub(super) high_watermark: Offset,
}

impl Failover {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let high_watermark = dice.between(200, 900);
        let new_end = high_watermark + dice.between(0, 9);
        Self {
            acks_all: dice.one_in(3),
            old_end: new_end + dice.between(2, 30),
            new_end,
            high_watermark,
        }
    }

    /// Where the old leader cuts its log when it returns as a follower.
    pub(super) fn cut(self) -> Offset {
        let mut new_leader = EpochCache::new();
        new_leader.assign(4, 0);
        new_leader.assign(5, self.new_end);
        let answer = new_leader.end_offset_for(4, self.new_end);
        answer.map_or(0, |(_, end)| end.min(self.old_end))
    }
}

pub(super) fn failover_loss(dice: &mut Dice) -> Draft {
    let failover = Failover::draw(dice);
    let range = |from: Offset, to: Offset| match to.saturating_sub(from) {
        0 => "none".to_owned(),
        1 => format!("offset {from}"),
        _ => format!("offsets {from} to {}", to - 1),
    };
    let cut = failover.cut();
    let acknowledged = if failover.acks_all {
        failover.high_watermark
    } else {
        failover.old_end
    };
    let right = range(cut.min(acknowledged), acknowledged);
    let acks = if failover.acks_all { "all" } else { "1" };
    let why = if failover.acks_all {
        "With `acks=all` only records below the high watermark were acknowledged, and every in-sync replica has those. \
         What the old leader had beyond it was never acknowledged; the producer sends it again."
            .to_owned()
    } else {
        format!(
            "With `acks=1` the leader acknowledged everything it had appended. The new leader's log ends at {}: what lies \
             beyond is gone, and the old leader cuts it off when it returns.",
            failover.new_end
        )
    };
    let wrong = vec![
        (
            range(failover.high_watermark, failover.old_end),
            "The new leader keeps its whole log, also what lay above the high watermark.".to_owned(),
        ),
        (
            range(cut, failover.old_end),
            "Those are cut off, but with `acks=all` none of them had been acknowledged.".to_owned(),
        ),
        (
            "none".to_owned(),
            "The election was clean, but `acks=1` had acknowledged records before any follower had them.".to_owned(),
        ),
        (
            range(failover.high_watermark, failover.new_end.max(failover.high_watermark + 1)),
            "The new leader has those; it keeps its whole log.".to_owned(),
        ),
        (
            range(cut + 1, failover.old_end),
            "A log end is the offset of the next record: the new leader lacks the one at its log end too.".to_owned(),
        ),
    ];
    Draft {
        ask: format!(
            "A producer with `acks={acks}` has filled the leader's log up to log end {}; answers it was due had all \
             arrived. The high watermark is {}, and the follower that takes over cleanly has log end {}. The leader's \
             host burns down. Which *acknowledged* records are lost?",
            failover.old_end, failover.high_watermark, failover.new_end
        ),
        right: (right, why.clone()),
        wrong,
        background: why,
    }
}

/// Two histories of leader epochs that part ways: epoch and first offset, and where each log ends.
#[derive(Clone, Debug)]
pub(super) struct Histories {
    pub(super) follower: Vec<(i32, Offset)>,
    pub(super) follower_end: Offset,
    pub(super) leader: Vec<(i32, Offset)>,
    pub(super) leader_end: Offset,
}

impl Histories {
    pub(super) fn draw(dice: &mut Dice) -> Self {
        let shared = dice.between(20, 60);
        let own = shared + dice.between(1, 20);
        let parted = shared + dice.between(0, 15);
        let leader_end = parted + dice.between(5, 40);
        Self {
            follower: vec![(1, 0), (2, shared), (3, own)],
            follower_end: own + dice.between(1, 15),
            leader: vec![(1, 0), (2, shared), (4, parted.max(shared + 1))],
            leader_end: leader_end.max(shared + 6),
        }
    }

    /// Where the follower cuts, by one exchange with the leader.
    pub(super) fn cut(&self) -> Offset {
        let cache = |entries: &[(i32, Offset)]| {
            let mut cache = EpochCache::new();
            for (epoch, start) in entries {
                cache.assign(*epoch, *start);
            }
            cache
        };
        let follower = cache(&self.follower);
        let leader = cache(&self.leader);
        let last = follower.latest_epoch().unwrap_or(-1);
        let Some((epoch, end)) = leader.end_offset_for(last, self.leader_end) else {
            return 0;
        };
        let own_end = follower.end_offset_for(epoch, self.follower_end);
        own_end.map_or(end, |(_, own_end)| end.min(own_end))
    }
}

pub(super) fn truncation(dice: &mut Dice) -> Draft {
    let histories = Histories::draw(dice);
    let right = histories.cut();
    let lines = |entries: &[(i32, Offset)], end: Offset| -> String {
        let words: Vec<String> = entries
            .iter()
            .map(|(epoch, start)| format!("epoch {epoch} from {start}"))
            .collect();
        format!("{}, log end {end}", words.join(", "))
    };
    let parted = histories.leader[2].1;
    let own = histories.follower[2].1;
    let why = format!(
        "The follower's last epoch is 3. The leader's largest epoch not above it is 2, which ended there at {parted}; in \
         the follower's own log epoch 2 ended at {own}. It cuts at the smaller: {right}."
    );
    let wrong = vec![
        (
            parted.max(own).to_string(),
            "Beyond the smaller of the two ends the logs differ.".to_owned(),
        ),
        (
            histories.leader_end.min(histories.follower_end).to_string(),
            "Comparing log ends is not enough: the same offset can hold different records."
                .to_owned(),
        ),
        (
            histories.follower[1].1.to_string(),
            "Both have the same records of epoch 2 up to the smaller end; they need not go."
                .to_owned(),
        ),
        (
            histories.leader_end.to_string(),
            "That is the leader's log end; what lies before it may differ.".to_owned(),
        ),
        (
            histories.follower_end.to_string(),
            "Its last epoch is unknown to the leader, so something has to go.".to_owned(),
        ),
    ];
    Draft {
        ask: format!(
            "A follower returns with {}. The leader has {}. The follower's fetch carries its last epoch. At which offset \
             does it cut its log?",
            lines(&histories.follower, histories.follower_end),
            lines(&histories.leader, histories.leader_end)
        ),
        right: (right.to_string(), why.clone()),
        wrong,
        background: why,
    }
}
