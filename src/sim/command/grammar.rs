//! The forms that commands are written in, as one table; reading and completing by it.
//!
//! A form is a line of words and `<slots>`. Reading tries every form word by word and reports the one that got furthest.

use std::sync::Arc;

use super::{ClientAction, Command, ConsumerChange, ParseError, ProducerChange, ResetTo, Target};
use crate::sim::message::MessageKind;
use crate::sim::node::{NodeName, Tp};
use crate::sim::spec::{CommitMode, Keys};
use crate::sim::time::Time;
use crate::sim::types::BrokerId;

/// What may stand in a place of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The number of a broker.
    Broker,
    /// The number of a voter of the controller quorum.
    Controller,
    /// `broker N`, `controller N`, `producer NAME` or `consumer NAME`: two words.
    Node,
    /// `producer NAME` or `consumer NAME`: two words.
    Client,
    /// `->` or `<->`.
    Arrow,
    /// A producer's name.
    Producer,
    /// A consumer's name.
    Consumer,
    /// A group's name.
    Group,
    /// A topic's name.
    Topic,
    /// `topic-partition`.
    Partition,
    /// A name that is made by this command.
    Name,
    /// A whole number.
    Number,
    /// A number, perhaps with a fraction.
    Rate,
    /// `40%`.
    Percent,
    /// A span of time, like `200ms`.
    Time,
    /// `setting=value` with Kafka's name of the setting.
    Setting,
    /// Numbers of brokers, joined by commas.
    Brokers,
    /// The name of a kind of message, like `ProduceResponse`.
    Message,
    /// `earliest`, `latest` or an offset.
    Reset,
}

impl Slot {
    fn of(word: &str) -> Option<Slot> {
        Some(match word {
            "<broker>" => Slot::Broker,
            "<controller>" => Slot::Controller,
            "<node>" => Slot::Node,
            "<client>" => Slot::Client,
            "<arrow>" => Slot::Arrow,
            "<producer>" => Slot::Producer,
            "<consumer>" => Slot::Consumer,
            "<group>" => Slot::Group,
            "<topic>" => Slot::Topic,
            "<partition>" => Slot::Partition,
            "<name>" => Slot::Name,
            "<number>" => Slot::Number,
            "<rate>" => Slot::Rate,
            "<percent>" => Slot::Percent,
            "<time>" => Slot::Time,
            "<setting=value>" => Slot::Setting,
            "<brokers>" => Slot::Brokers,
            "<message>" => Slot::Message,
            "<earliest|latest|offset>" => Slot::Reset,
            _ => return None,
        })
    }

    fn wanted(self) -> &'static str {
        match self {
            Slot::Broker => "the number of a broker, like 2",
            Slot::Controller => "the number of a controller, like 1",
            Slot::Node => "a node: broker 2, controller 1, producer NAME or consumer NAME",
            Slot::Client => "a client: producer NAME or consumer NAME",
            Slot::Arrow => "-> for one way or <-> for both",
            Slot::Producer => "a producer's name",
            Slot::Consumer => "a consumer's name",
            Slot::Group => "a group's name",
            Slot::Topic => "a topic's name",
            Slot::Partition => "a partition, like orders-0",
            Slot::Name => "a name",
            Slot::Number => "a whole number",
            Slot::Rate => "a number",
            Slot::Percent => "a share in percent, like 40%",
            Slot::Time => "a span of time, like 200ms or 2s",
            Slot::Setting => "a setting and its value, like acks=all",
            Slot::Brokers => "numbers of brokers, like 2,3,4",
            Slot::Message => "a kind of message, like ProduceResponse",
            Slot::Reset => "earliest, latest or an offset",
        }
    }
}

/// What was read in a slot.
#[derive(Debug, Clone)]
enum Value {
    Number(u64),
    Rate(f64),
    Text(Arc<str>),
    Node(NodeName),
    Both(bool),
    Partition(Tp),
    Time(Time),
    Setting(Arc<str>, Arc<str>),
    Brokers(Vec<BrokerId>),
    Message(MessageKind),
    Reset(ResetTo),
}

/// One way to write a command.
#[derive(Clone, Copy)]
pub struct Form {
    /// Words and `<slots>`.
    pub words: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    build: fn(&mut Values) -> Option<Command>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.words)
    }
}

/// What was read, handed out in order to the form that builds the command.
struct Values(std::vec::IntoIter<Value>);

macro_rules! take {
    ($($name:ident $variant:ident $type:ty;)*) => {
        impl Values {
            $(fn $name(&mut self) -> Option<$type> {
                match self.0.next() {
                    Some(Value::$variant(value)) => Some(value),
                    _ => None,
                }
            })*
        }
    };
}

take! {
    number Number u64;
    rate Rate f64;
    text Text Arc<str>;
    node Node NodeName;
    both Both bool;
    partition Partition Tp;
    time Time Time;
    brokers Brokers Vec<BrokerId>;
    message Message MessageKind;
    reset Reset ResetTo;
}

impl Values {
    fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn setting(&mut self, target: Target) -> Option<Command> {
        match self.0.next() {
            Some(Value::Setting(setting, value)) => Some(Command::Set {
                target,
                setting,
                value,
            }),
            _ => None,
        }
    }

    fn client(&mut self, action: ClientAction) -> Option<Command> {
        Some(Command::Client {
            client: self.node()?,
            action,
        })
    }

    fn commit(&mut self, mode: CommitMode) -> Option<Command> {
        Some(Command::Consumer {
            name: self.text()?,
            change: ConsumerChange::Commit(mode),
        })
    }
}

macro_rules! forms {
    ($($words:literal $about:literal $build:expr;)*) => {
        /// Every form, in the order of the help.
        pub const FORMS: &[Form] = &[$(Form { words: $words, about: $about, build: $build }),*];
    };
}

forms! {
    "crash broker <broker>" "kill a broker's process; its log stays" |v| Some(Command::Crash { broker: v.small()?, lose_page_cache: false });
    "crash broker <broker> losing page cache" "kill a broker's machine; what was not flushed is gone" |v| Some(Command::Crash { broker: v.small()?, lose_page_cache: true });
    "restart broker <broker>" "start a broker that is down" |v| Some(Command::Restart { broker: v.small()? });
    "shut down broker <broker>" "stop a broker in a controlled way" |v| Some(Command::ShutDown { broker: v.small()? });
    "slow disk of broker <broker> by <number>" "make a disk so many times slower; 1 is normal" |v| Some(Command::SlowDisk { broker: v.small()?, factor: v.small()? });
    "slow network of <node> by <number>" "make a node's network so many times slower; 1 is normal" |v| Some(Command::SlowNetwork { node: v.node()?, factor: v.small()? });
    "cut <node> <arrow> <node>" "lose all messages on a link" |v| { let (from, both, to) = (v.node()?, v.both()?, v.node()?); Some(Command::Cut { from, to, both }) };
    "isolate <node>" "cut a node off from all others" |v| Some(Command::Isolate { node: v.node()? });
    "heal <node> <arrow> <node>" "mend a link" |v| { let (from, both, to) = (v.node()?, v.both()?, v.node()?); Some(Command::Heal { from, to, both }) };
    "heal all" "mend the whole network" |_| Some(Command::HealAll);
    "slow link <node> <arrow> <node> by <time>" "delay all messages on a link" |v| { let (from, both, to) = (v.node()?, v.both()?, v.node()?); Some(Command::SlowLink { from, to, both, delay: v.time()? }) };
    "lose <percent> of messages" "lose a share of all messages; 0% is normal" |v| Some(Command::LoseMessages { percent: u8::try_from(v.number()?).ok()? });
    "drop next <message> from <node> to <node>" "lose one message" |v| Some(Command::DropNext { kind: v.message()?, from: v.node()?, to: v.node()? });
    "create topic <name> partitions <number> replication <number>" "create a topic" |v| Some(Command::CreateTopic { topic: v.text()?, partitions: v.small()?, replication: v.small()? });
    "add partitions <topic> to <number>" "give a topic more partitions" |v| Some(Command::AddPartitions { topic: v.text()?, to: v.small()? });
    "set brokers <setting=value>" "change a setting of all brokers" |v| v.setting(Target::Brokers);
    "set broker <broker> <setting=value>" "change a setting of one broker" |v| { let broker = v.small()?; v.setting(Target::Broker(broker)) };
    "set topic <topic> <setting=value>" "change a setting of a topic" |v| { let topic = v.text()?; v.setting(Target::Topic(topic)) };
    "set producer <producer> <setting=value>" "change a setting of a producer" |v| { let name = v.text()?; v.setting(Target::Producer(name)) };
    "set consumer <consumer> <setting=value>" "change a setting of a consumer" |v| { let name = v.text()?; v.setting(Target::Consumer(name)) };
    "reassign <partition> to <brokers>" "move a partition's replicas" |v| Some(Command::Reassign { partition: v.partition()?, replicas: v.brokers()? });
    "elect preferred" "give all preferred leaders their place back" |_| Some(Command::ElectPreferred { partition: None });
    "elect preferred <partition>" "give a preferred leader its place back" |v| Some(Command::ElectPreferred { partition: Some(v.partition()?) });
    "elect unclean <partition>" "elect a leader even if it lacks records" |v| Some(Command::ElectUnclean { partition: v.partition()? });
    "start <client>" "start a producer or consumer" |v| v.client(ClientAction::Start);
    "stop <client>" "close a producer or consumer in an orderly way" |v| v.client(ClientAction::Stop);
    "pause <client>" "freeze a client's process" |v| v.client(ClientAction::Pause);
    "resume <client>" "let a frozen client go on" |v| v.client(ClientAction::Resume);
    "kill <client>" "kill a client's process" |v| v.client(ClientAction::Kill);
    "restart <client>" "close a client and start it again" |v| v.client(ClientAction::Restart);
    "slow <client> by <number>" "make a client so many times slower; 1 is normal" |v| { let client = v.node()?; Some(Command::Client { client, action: ClientAction::Slow(v.small()?) }) };
    "rate of producer <producer> <rate>" "records a second" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::Rate(v.rate()?) });
    "record size of producer <producer> <number>" "bytes a record" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::RecordSize(v.small()?) });
    "keys of producer <producer> none" "records without keys" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::Keys(Keys::None) });
    "keys of producer <producer> uniform <number>" "so many keys, all as likely" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::Keys(Keys::Uniform(v.small()?)) });
    "keys of producer <producer> zipf <number>" "so many keys, the n-th with weight 1/n" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::Keys(Keys::Zipf(v.small()?)) });
    "keys of producer <producer> hot <percent>" "one key in this share of the records" |v| Some(Command::Producer { name: v.text()?, change: ProducerChange::Keys(Keys::Hot(u8::try_from(v.number()?).ok()?)) });
    "processing time of consumer <consumer> <time>" "how long it works on a record" |v| Some(Command::Consumer { name: v.text()?, change: ConsumerChange::Processing(v.time()?) });
    "failure rate of consumer <consumer> <percent>" "how many records fail at first" |v| Some(Command::Consumer { name: v.text()?, change: ConsumerChange::FailurePercent(u8::try_from(v.number()?).ok()?) });
    "commit of consumer <consumer> auto" "commit inside poll()" |v| v.commit(CommitMode::Auto);
    "commit of consumer <consumer> after processing" "commit what was processed: at least once" |v| v.commit(CommitMode::AfterProcessing);
    "commit of consumer <consumer> before processing" "commit before working: at most once" |v| v.commit(CommitMode::BeforeProcessing);
    "commit of consumer <consumer> never" "commit nothing" |v| v.commit(CommitMode::Never);
    "pause partition <partition> of consumer <consumer>" "fetch nothing from a partition" |v| { let partition = v.partition()?; Some(Command::Consumer { name: v.text()?, change: ConsumerChange::PausePartition(partition) }) };
    "resume partition <partition> of consumer <consumer>" "fetch from it again" |v| { let partition = v.partition()?; Some(Command::Consumer { name: v.text()?, change: ConsumerChange::ResumePartition(partition) }) };
    "poison <partition> at <number> for consumer <consumer>" "make a record fail each time it is processed" |v| { let (partition, offset) = (v.partition()?, v.number()?); Some(Command::Consumer { name: v.text()?, change: ConsumerChange::Poison { partition, offset } }) };
    "join <name> to <group>" "a new consumer joins a group" |v| Some(Command::Join { consumer: v.text()?, group: v.text()?, instance: None });
    "join <name> to <group> as <name>" "a new static member joins a group" |v| Some(Command::Join { consumer: v.text()?, group: v.text()?, instance: Some(v.text()?) });
    "reset offsets <group> to <earliest|latest|offset>" "set all committed offsets of an empty group" |v| Some(Command::ResetOffsets { group: v.text()?, partition: None, to: v.reset()? });
    "reset offsets <group> <partition> to <earliest|latest|offset>" "set one committed offset of an empty group" |v| Some(Command::ResetOffsets { group: v.text()?, partition: Some(v.partition()?), to: v.reset()? });
    "fail controller" "kill the active controller; the quorum elects another" |_| Some(Command::FailController);
    "crash controller <controller>" "kill a voter of the controller quorum" |v| Some(Command::CrashController { controller: v.small()? });
    "restart controller <controller>" "start a voter that is down" |v| Some(Command::RestartController { controller: v.small()? });
}

/// How far a form fits.
struct Misfit {
    /// Words of the input that fitted.
    fitted: usize,
    error: ParseError,
}

pub(super) fn parse(text: &str) -> Result<Command, ParseError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() {
        return Err(ParseError::Empty);
    }
    let mut best: Option<Misfit> = None;
    for form in FORMS {
        match fit(form, &words, text) {
            Ok(command) => return Ok(command),
            Err(misfit) => {
                if misfit.fitted > best.as_ref().map_or(0, |best| best.fitted) {
                    best = Some(misfit);
                }
            }
        }
    }
    if let Some(best) = best {
        return Err(best.error);
    }
    let distance = |form: &&Form| {
        let first = form.words.split(' ').next().unwrap_or_default();
        strsim::damerau_levenshtein(first, words[0])
    };
    let nearest = FORMS.iter().min_by_key(distance);
    Err(ParseError::Unknown {
        text: text.trim().to_owned(),
        nearest: nearest
            .filter(|form| distance(form) <= 2)
            .map(|form| form.words),
    })
}

fn fit(form: &'static Form, words: &[&str], text: &str) -> Result<Command, Misfit> {
    let mut values = Vec::new();
    let mut place = 0;
    let misfit = |fitted: usize, error: ParseError| Misfit { fitted, error };
    for wanted in form.words.split(' ') {
        let Some(found) = words.get(place) else {
            let text = text.trim().to_owned();
            let form = form.words;
            return Err(misfit(place, ParseError::Short { text, form }));
        };
        let Some(slot) = Slot::of(wanted) else {
            if wanted != *found {
                return Err(misfit(
                    place,
                    ParseError::Slot {
                        found: (*found).to_owned(),
                        form: form.words,
                        wanted: format!("`{wanted}`"),
                    },
                ));
            }
            place += 1;
            continue;
        };
        let Some((value, taken)) = read(slot, &words[place..]) else {
            return Err(misfit(
                place,
                ParseError::Slot {
                    found: (*found).to_owned(),
                    form: form.words,
                    wanted: slot.wanted().to_owned(),
                },
            ));
        };
        values.push(value);
        place += taken;
    }
    if place < words.len() {
        return Err(misfit(
            place,
            ParseError::Long {
                rest: words[place..].join(" "),
                form: form.words,
            },
        ));
    }
    (form.build)(&mut Values(values.into_iter())).ok_or_else(|| {
        // A number that fits the slot but not its use, like 300%.
        misfit(
            place,
            ParseError::Slot {
                found: words.last().copied().unwrap_or_default().to_owned(),
                form: form.words,
                wanted: "smaller numbers".to_owned(),
            },
        )
    })
}

/// Reads a slot; also says how many words it took.
fn read(slot: Slot, words: &[&str]) -> Option<(Value, usize)> {
    let word = *words.first()?;
    let value = match slot {
        Slot::Broker | Slot::Controller | Slot::Number => Value::Number(word.parse().ok()?),
        Slot::Rate => {
            let rate: f64 = word.parse().ok()?;
            Value::Rate(Some(rate).filter(|rate| rate.is_finite() && *rate >= 0.0)?)
        }
        Slot::Percent => {
            let number: u64 = word.strip_suffix('%')?.parse().ok()?;
            Value::Number(Some(number).filter(|number| *number <= 100)?)
        }
        Slot::Time => Value::Time(word.parse().ok()?),
        Slot::Arrow => Value::Both(match word {
            "->" => false,
            "<->" => true,
            _ => return None,
        }),
        Slot::Node => return node(words, false),
        Slot::Client => return node(words, true),
        Slot::Producer | Slot::Consumer | Slot::Group | Slot::Topic | Slot::Name => {
            Value::Text(name(word)?)
        }
        Slot::Partition => Value::Partition(partition(word)?),
        Slot::Setting => {
            let (setting, value) = word.split_once('=')?;
            let both = !setting.is_empty() && !value.is_empty();
            Some(Value::Setting(setting.into(), value.into())).filter(|_| both)?
        }
        Slot::Brokers => {
            let ids: Option<Vec<BrokerId>> = word.split(',').map(|id| id.parse().ok()).collect();
            Value::Brokers(ids?)
        }
        Slot::Message => {
            let kind = MessageKind::ALL.iter().find(|kind| kind.name() == word)?;
            Value::Message(*kind)
        }
        Slot::Reset => Value::Reset(match word {
            "earliest" => ResetTo::Earliest,
            "latest" => ResetTo::Latest,
            offset => ResetTo::Offset(offset.parse().ok()?),
        }),
    };
    Some((value, 1))
}

fn name(word: &str) -> Option<Arc<str>> {
    crate::sim::spec::check_name("thing", word).ok()?;
    Some(word.into())
}

fn node(words: &[&str], client_only: bool) -> Option<(Value, usize)> {
    let of = *words.get(1)?;
    let node = match *words.first()? {
        "producer" => NodeName::Producer(name(of)?),
        "consumer" => NodeName::Consumer(name(of)?),
        "broker" if !client_only => NodeName::Broker(of.parse().ok()?),
        "controller" if !client_only => NodeName::Controller(of.parse().ok()?),
        _ => return None,
    };
    Some((Value::Node(node), 2))
}

fn partition(word: &str) -> Option<Tp> {
    let (topic, number) = word.rsplit_once('-')?;
    Some(Tp {
        topic: name(topic)?,
        partition: number.parse().ok()?,
    })
}

/// What may come next after the words of `text`: literal words, and slots for the caller to fill with names. A word
/// that is not ended by a space is still being typed: it narrows the literals and is not consumed.
pub fn completions(text: &str) -> Vec<Result<&'static str, Slot>> {
    let typing = !text.is_empty() && !text.ends_with(char::is_whitespace);
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let partial = if typing { words.pop() } else { None };
    let mut next = Vec::new();
    for form in FORMS {
        if let Some(found) = after(form, &words) {
            let fits = match (found, partial) {
                (Ok(word), Some(partial)) => word.starts_with(partial),
                _ => true,
            };
            if fits && !next.contains(&found) {
                next.push(found);
            }
        }
    }
    next
}

/// What a form has after `words`, if they fit so far and it goes on.
fn after(form: &'static Form, words: &[&str]) -> Option<Result<&'static str, Slot>> {
    let mut place = 0;
    for wanted in form.words.split(' ') {
        let slot = Slot::of(wanted);
        if place == words.len() {
            return Some(slot.map_or(Ok(wanted), Err));
        }
        match slot {
            None if words[place] == wanted => place += 1,
            None => return None,
            Some(slot @ (Slot::Node | Slot::Client)) if place + 1 == words.len() => {
                // Its first word is there, its second is still to come.
                let kind = match words[place] {
                    "broker" if slot == Slot::Node => Slot::Broker,
                    "controller" if slot == Slot::Node => Slot::Controller,
                    "producer" => Slot::Producer,
                    "consumer" => Slot::Consumer,
                    _ => return None,
                };
                return Some(Err(kind));
            }
            Some(slot) => place += read(slot, &words[place..])?.1,
        }
    }
    None
}
