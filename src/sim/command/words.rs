//! Writing a command in the words that `grammar` reads.

use std::fmt::{self, Formatter};

use super::{ClientAction, Command, ConsumerChange, ProducerChange, ResetTo, Target};
use crate::sim::node::NodeName;
use crate::sim::spec::{CommitMode, Keys};
use crate::sim::time::Time;

pub(super) fn write(command: &Command, f: &mut Formatter<'_>) -> fmt::Result {
    match command {
        Command::Crash {
            broker,
            lose_page_cache: true,
        } => write!(f, "crash broker {broker} losing page cache"),
        Command::Crash { broker, .. } => write!(f, "crash broker {broker}"),
        Command::Restart { broker } => write!(f, "restart broker {broker}"),
        Command::ShutDown { broker } => write!(f, "shut down broker {broker}"),
        Command::SlowDisk { broker, factor } => {
            write!(f, "slow disk of broker {broker} by {factor}")
        }
        Command::SlowNetwork { node, factor } => write!(f, "slow network of {node} by {factor}"),
        Command::Cut { from, to, both } => write!(f, "cut {from} {} {to}", arrow(*both)),
        Command::Isolate { node } => write!(f, "isolate {node}"),
        Command::Heal { from, to, both } => write!(f, "heal {from} {} {to}", arrow(*both)),
        Command::HealAll => f.write_str("heal all"),
        Command::SlowLink {
            from,
            to,
            both,
            delay,
        } => write!(
            f,
            "slow link {from} {} {to} by {}",
            arrow(*both),
            span(*delay)
        ),
        Command::LoseMessages { percent } => write!(f, "lose {percent}% of messages"),
        Command::DropNext { kind, from, to } => {
            write!(f, "drop next {} from {from} to {to}", kind.name())
        }
        Command::CreateTopic {
            topic,
            partitions,
            replication,
        } => write!(
            f,
            "create topic {topic} partitions {partitions} replication {replication}"
        ),
        Command::AddPartitions { topic, to } => write!(f, "add partitions {topic} to {to}"),
        Command::Set {
            target,
            setting,
            value,
        } => match target {
            Target::Brokers => write!(f, "set brokers {setting}={value}"),
            Target::Broker(id) => write!(f, "set broker {id} {setting}={value}"),
            Target::Topic(name) => write!(f, "set topic {name} {setting}={value}"),
            Target::Producer(name) => write!(f, "set producer {name} {setting}={value}"),
            Target::Consumer(name) => write!(f, "set consumer {name} {setting}={value}"),
        },
        Command::Reassign {
            partition,
            replicas,
        } => {
            let ids: Vec<String> = replicas.iter().map(ToString::to_string).collect();
            write!(f, "reassign {partition} to {}", ids.join(","))
        }
        Command::ElectPreferred { partition: None } => f.write_str("elect preferred"),
        Command::ElectPreferred {
            partition: Some(partition),
        } => write!(f, "elect preferred {partition}"),
        Command::ElectUnclean { partition } => write!(f, "elect unclean {partition}"),
        Command::Client { client, action } => client_action(client, *action, f),
        Command::Producer { name, change } => producer(name, change, f),
        Command::Consumer { name, change } => consumer(name, change, f),
        Command::Join {
            consumer,
            group,
            instance,
        } => {
            write!(f, "join {consumer} to {group}")?;
            match instance {
                Some(instance) => write!(f, " as {instance}"),
                None => Ok(()),
            }
        }
        Command::ResetOffsets {
            group,
            partition,
            to,
        } => {
            write!(f, "reset offsets {group}")?;
            if let Some(partition) = partition {
                write!(f, " {partition}")?;
            }
            match to {
                ResetTo::Earliest => f.write_str(" to earliest"),
                ResetTo::Latest => f.write_str(" to latest"),
                ResetTo::Offset(offset) => write!(f, " to {offset}"),
            }
        }
        Command::FailController => f.write_str("fail controller"),
        Command::CrashController { controller } => write!(f, "crash controller {controller}"),
        Command::RestartController { controller } => write!(f, "restart controller {controller}"),
    }
}

fn client_action(client: &NodeName, action: ClientAction, f: &mut Formatter<'_>) -> fmt::Result {
    match action {
        ClientAction::Start => write!(f, "start {client}"),
        ClientAction::Stop => write!(f, "stop {client}"),
        ClientAction::Pause => write!(f, "pause {client}"),
        ClientAction::Resume => write!(f, "resume {client}"),
        ClientAction::Kill => write!(f, "kill {client}"),
        ClientAction::Restart => write!(f, "restart {client}"),
        ClientAction::Slow(factor) => write!(f, "slow {client} by {factor}"),
    }
}

fn producer(name: &str, change: &ProducerChange, f: &mut Formatter<'_>) -> fmt::Result {
    match change {
        ProducerChange::Rate(rate) => write!(f, "rate of producer {name} {rate}"),
        ProducerChange::RecordSize(bytes) => write!(f, "record size of producer {name} {bytes}"),
        ProducerChange::Keys(keys) => match keys {
            Keys::None => write!(f, "keys of producer {name} none"),
            Keys::Uniform(count) => write!(f, "keys of producer {name} uniform {count}"),
            Keys::Zipf(count) => write!(f, "keys of producer {name} zipf {count}"),
            Keys::Hot(percent) => write!(f, "keys of producer {name} hot {percent}%"),
        },
    }
}

fn consumer(name: &str, change: &ConsumerChange, f: &mut Formatter<'_>) -> fmt::Result {
    match change {
        ConsumerChange::Processing(time) => {
            write!(f, "processing time of consumer {name} {}", span(*time))
        }
        ConsumerChange::FailurePercent(percent) => {
            write!(f, "failure rate of consumer {name} {percent}%")
        }
        ConsumerChange::Commit(mode) => {
            let word = match mode {
                CommitMode::Auto => "auto",
                CommitMode::AfterProcessing => "after processing",
                CommitMode::BeforeProcessing => "before processing",
                CommitMode::Never => "never",
            };
            write!(f, "commit of consumer {name} {word}")
        }
        ConsumerChange::PausePartition(tp) => write!(f, "pause partition {tp} of consumer {name}"),
        ConsumerChange::ResumePartition(tp) => {
            write!(f, "resume partition {tp} of consumer {name}")
        }
        ConsumerChange::Poison { partition, offset } => {
            write!(f, "poison {partition} at {offset} for consumer {name}")
        }
    }
}

fn arrow(both: bool) -> &'static str {
    if both { "<->" } else { "->" }
}

/// Exactly, in the largest unit that is whole, so that it reads back as it was.
fn span(time: Time) -> String {
    match time.0 {
        0 => "0".to_owned(),
        micros if micros % 1_000_000 == 0 => format!("{}s", micros / 1_000_000),
        micros if micros % 1_000 == 0 => format!("{}ms", micros / 1_000),
        micros => format!("{micros}us"),
    }
}
