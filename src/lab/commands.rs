//! Commands as they are written: read, and completed from what the cluster has.
//!
//! The grammar is the simulator's; here its slots are filled with the names and numbers of a running cluster, so that a
//! command can be chosen word by word as from a menu.

use crate::sim::{
    cluster::Cluster,
    command::{self, Command, FORMS, Slot},
    message::MessageKind,
    settings::{Kind, Setting},
};

/// Most completions that are offered.
const MAX: usize = 200;

/// One way to go on with a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The whole command with it.
    pub text: String,
    /// The part to show.
    pub shown: String,
    /// What it does or is.
    pub about: String,
}

/// Reads a command.
///
/// # Errors
/// What is wrong, and what would be right.
pub fn parse(text: &str) -> Result<Command, String> {
    text.parse()
        .map_err(|error: command::ParseError| error.to_string())
}

/// How a command can go on. With nothing written yet: every form there is.
pub fn complete(text: &str, cluster: &Cluster) -> Vec<Completion> {
    if text.trim().is_empty() {
        return FORMS.iter().map(of_form).collect();
    }
    let typing = !text.ends_with(char::is_whitespace);
    let (head, partial) = match text.rfind(char::is_whitespace) {
        _ if !typing => (text, ""),
        Some(at) => text.split_at(at + 1),
        None => ("", text),
    };
    let mut found = Vec::new();
    for next in command::completions(text) {
        match next {
            Ok(word) => push(&mut found, head, word, &about(head, word)),
            Err(slot) => fill(slot, head, partial, cluster, &mut found),
        }
        if found.len() >= MAX {
            break;
        }
    }
    // what is already written out needs no completion
    found.retain(|completion| completion.text.trim_end() != text.trim_end() || !typing);
    found
}

/// A form as it can be chosen: its words up to the first slot.
fn of_form(form: &command::Form) -> Completion {
    let fixed: Vec<&str> = form
        .words
        .split(' ')
        .take_while(|word| !word.starts_with('<'))
        .collect();
    let whole = fixed.len() == form.words.split(' ').count();
    Completion {
        text: format!("{}{}", fixed.join(" "), if whole { "" } else { " " }),
        shown: form.words.to_owned(),
        about: form.about.to_owned(),
    }
}

/// What the forms that go on with this word do.
fn about(head: &str, word: &str) -> String {
    let start = format!("{}{word}", head.trim_start());
    FORMS
        .iter()
        .find(|form| form.words.starts_with(&start))
        .map_or_else(String::new, |form| form.about.to_owned())
}

fn push(found: &mut Vec<Completion>, head: &str, word: &str, about: &str) {
    let text = format!("{head}{word} ");
    // a command that is complete with this word needs no space behind it
    let text = if parse(text.trim_end()).is_ok() {
        text.trim_end().to_owned()
    } else {
        text
    };
    if found.iter().all(|known| known.text != text) {
        found.push(Completion {
            text,
            shown: word.to_owned(),
            about: about.to_owned(),
        });
    }
}

/// The words that may stand in a slot.
fn fill(slot: Slot, head: &str, partial: &str, cluster: &Cluster, found: &mut Vec<Completion>) {
    let mut offer = |word: &str, about: &str| {
        if word.starts_with(partial) {
            push(found, head, word, about);
        }
    };
    let names = cluster.names();
    let spec = cluster.spec();
    match slot {
        Slot::Broker | Slot::Brokers => {
            for id in 1..=spec.brokers {
                offer(&id.to_string(), "broker");
            }
        }
        Slot::Controller => {
            for id in 1..=spec.controllers {
                offer(&id.to_string(), "controller");
            }
        }
        Slot::Node | Slot::Client => {
            if slot == Slot::Node {
                offer("broker", "and its number");
                offer("controller", "and its number");
            }
            offer("producer", "and its name");
            offer("consumer", "and its name");
        }
        Slot::Arrow => {
            offer("<->", "both ways");
            offer("->", "one way");
        }
        Slot::Producer => names
            .producers
            .iter()
            .for_each(|name| offer(name, "producer")),
        Slot::Consumer => names
            .consumers
            .iter()
            .for_each(|name| offer(name, "consumer")),
        Slot::Group => spec
            .groups
            .iter()
            .for_each(|group| offer(&group.name, "group")),
        Slot::Topic => names
            .topics
            .iter()
            .for_each(|topic| offer(&topic.name, "topic")),
        Slot::Partition => {
            for topic in names
                .topics
                .iter()
                .filter(|topic| !topic.name.starts_with("__"))
            {
                for number in 0..topic.partitions.len() {
                    offer(&format!("{}-{number}", topic.name), "partition");
                }
            }
        }
        Slot::Setting => settings(head, &mut offer),
        Slot::Message => MessageKind::ALL
            .iter()
            .for_each(|kind| offer(kind.name(), "message")),
        Slot::Reset => {
            offer("earliest", "the start of the log");
            offer("latest", "the high watermark");
        }
        Slot::Name => {
            for number in 1..=9 {
                let name = format!("new{number}");
                if !names.consumers.iter().any(|known| **known == *name) {
                    return offer(&name, "a name that is free");
                }
            }
        }
        Slot::Number => ["1", "2", "5", "10", "50"]
            .iter()
            .for_each(|word| offer(word, "")),
        Slot::Rate => ["10", "100", "1000"]
            .iter()
            .for_each(|word| offer(word, "records a second")),
        Slot::Percent => ["0%", "1%", "10%", "50%", "90%"]
            .iter()
            .for_each(|word| offer(word, "")),
        Slot::Time => ["5ms", "50ms", "500ms", "2s", "30s"]
            .iter()
            .for_each(|word| offer(word, "")),
    }
}

/// `setting=value` for every setting that this kind of owner has.
fn settings(head: &str, offer: &mut impl FnMut(&str, &str)) {
    let owner = head.split_whitespace().nth(1).unwrap_or_default();
    for setting in Setting::ALL {
        let scope = setting.scope();
        let belongs = match owner {
            "brokers" | "broker" => scope.broker,
            "topic" => scope.topic,
            "producer" => scope.producer,
            "consumer" => scope.consumer,
            _ => false,
        };
        if !belongs {
            continue;
        }
        let default = setting.show(setting.default_value());
        let about = format!("default {default}");
        match setting.kind() {
            Kind::Bool => {
                offer(&format!("{setting}=true"), &about);
                offer(&format!("{setting}=false"), &about);
            }
            Kind::Acks => {
                for value in ["0", "1", "all"] {
                    offer(&format!("{setting}={value}"), &about);
                }
            }
            Kind::Choice(words) | Kind::ChoiceList(words) => {
                for word in words {
                    offer(&format!("{setting}={word}"), &about);
                }
            }
            _ => offer(&format!("{setting}={default}"), &about),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::presets;

    fn offered(text: &str) -> Vec<String> {
        let preset = presets::preset("three-brokers").unwrap();
        let cluster = Cluster::new(&preset.cluster, 1).unwrap();
        complete(text, &cluster)
            .into_iter()
            .map(|completion| completion.text)
            .collect()
    }

    #[test]
    fn a_command_can_be_chosen_word_by_word() {
        assert_eq!(offered("").len(), FORMS.len());
        assert!(offered("cr").contains(&"crash ".to_owned()));
        assert!(offered("crash ").contains(&"crash broker ".to_owned()));
        assert_eq!(
            offered("crash broker "),
            ["crash broker 1", "crash broker 2", "crash broker 3"]
        );
        assert!(offered("cut broker 1 ").contains(&"cut broker 1 <-> ".to_owned()));
        assert!(offered("set producer app ac").contains(&"set producer app acks=all".to_owned()));
        assert!(offered("elect unclean or").contains(&"elect unclean orders-2".to_owned()));
    }
}
