//! The cluster of a scenario file, and the same cluster with something changed.
//!
//! A topic, a producer, a group and a member are read one by one, so that one mistake does not hide the next; settings
//! are looked up by name and value where they stand.

use serde::de::DeserializeOwned;

use crate::{
    bank::{
        load::decoder::Decoder,
        node,
        yaml::{Node, Step as Place},
    },
    sim::{
        settings::{Place as Owner, Setting},
        spec::{ConsumerSpec, GroupSpec, ProducerSpec, Spec, SpecError, TopicSpec},
    },
};

/// Reads a cluster.
pub(super) fn spec(d: &mut Decoder, root: &Node) -> Option<Spec> {
    let before = d.errors();
    settings(d, root, "settings", Owner::Broker);
    if let Some(Node::Map(brokers)) = key(root, "broker_settings") {
        for (broker, _) in brokers {
            let path = [Place::Key("broker_settings".into())];
            below(d, &path, |d| {
                settings(
                    d,
                    key(root, "broker_settings").unwrap_or(root),
                    broker,
                    Owner::Broker,
                );
            });
        }
    }
    items::<TopicSpec>(d, root, "topics", |d, item| {
        settings(d, item, "settings", Owner::Topic);
    });
    items::<ProducerSpec>(d, root, "producers", |d, item| {
        settings(d, item, "settings", Owner::Producer);
    });
    items::<GroupSpec>(d, root, "groups", |d, item| {
        settings(d, item, "settings", Owner::Consumer);
        items::<ConsumerSpec>(d, item, "members", |d, member| {
            settings(d, member, "settings", Owner::Consumer);
        });
    });
    if d.errors() > before {
        return None;
    }
    let spec: Spec = d.serde(root)?;
    if let Err(error) = spec.check() {
        d.error_below(owner(root, &error), error.to_string());
        return None;
    }
    Some(spec)
}

/// The value of a key.
fn key<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match node {
        Node::Map(entries) => entries
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node),
        _ => None,
    }
}

fn below(d: &mut Decoder, path: &[Place], read: impl FnOnce(&mut Decoder)) {
    match path {
        [] => read(d),
        [first, rest @ ..] => d.at(first.clone(), |d| below(d, rest, read)),
    }
}

/// Reads each item of a list by itself, after `look` found no mistake in it.
fn items<T: DeserializeOwned>(
    d: &mut Decoder,
    node: &Node,
    name: &'static str,
    look: impl Fn(&mut Decoder, &Node),
) {
    let Some(Node::List(list)) = key(node, name) else {
        return;
    };
    d.at(Place::Key(name.into()), |d| {
        for (place, item) in list.iter().enumerate() {
            d.at(Place::Item(place), |d| {
                let before = d.errors();
                look(d, item);
                if d.errors() == before {
                    d.serde::<T>(item);
                }
            });
        }
    });
}

/// Looks up every setting of a map of settings.
fn settings(d: &mut Decoder, node: &Node, name: &str, owner: Owner) {
    let Some(Node::Map(entries)) = key(node, name) else {
        return;
    };
    d.at(Place::Key(name.to_owned().into()), |d| {
        for (place, (setting, value)) in entries.iter().enumerate() {
            let setting = match Setting::find(setting, owner) {
                Ok(setting) => setting,
                Err(error) => {
                    d.at(Place::Entry(place), |d| d.error(error.to_string()));
                    continue;
                }
            };
            let text = match value {
                Node::Bool(value) => value.to_string(),
                Node::Int(value) => value.to_string(),
                Node::Text(text) => text.clone(),
                Node::List(_) => continue,
                other => {
                    let message = format!(
                        "{} where the value of {setting} is expected",
                        other.describe()
                    );
                    d.at(Place::Key(setting.name().into()), |d| d.error(message));
                    continue;
                }
            };
            if let Err(error) = setting.parse(&text) {
                d.at(Place::Key(setting.name().into()), |d| {
                    d.error(error.to_string());
                });
            }
        }
    });
}

/// The path to what an error speaks of, as near as it can be found.
fn owner(root: &Node, error: &SpecError) -> Vec<Place> {
    let owner = match error {
        SpecError::Setting { owner, .. }
        | SpecError::Missing { owner, .. }
        | SpecError::Conflict { owner, .. } => owner.as_str(),
        SpecError::Count { what, .. } | SpecError::Share { what, .. } => what.as_str(),
        SpecError::Duplicate { .. } | SpecError::Name { .. } => "",
    };
    for (list, word) in [
        ("topics", "topic "),
        ("producers", "producer "),
        ("groups", "group "),
    ] {
        let Some((_, name)) = owner.rsplit_once(word) else {
            continue;
        };
        if let Some(place) = position(root, list, name) {
            return vec![Place::Key(list.into()), Place::Item(place)];
        }
    }
    Vec::new()
}

/// The place of the item with this name in a list.
fn position(node: &Node, list: &str, name: &str) -> Option<usize> {
    let Some(Node::List(items)) = key(node, list) else {
        return None;
    };
    items.iter().position(|item| named(item, name))
}

fn named(item: &Node, name: &str) -> bool {
    matches!(key(item, "name"), Some(Node::Text(text)) if text == name)
}

/// A cluster with `change` laid over it: groups of keys are merged, items of lists that carry a `name` are merged with the
/// item of that name, everything else is replaced.
///
/// # Errors
/// The place in `change` that names what is not there, and what is wrong with it.
pub(super) fn changed(cluster: &Node, change: &Node) -> Result<Spec, node::NodeError> {
    let mut merged = cluster.clone();
    merge(&mut merged, change)?;
    let spec: Spec = node::decode(&merged)?;
    spec.check().map_err(|error| node::NodeError {
        path: Vec::new(),
        message: error.to_string(),
    })?;
    Ok(spec)
}

fn merge(into: &mut Node, change: &Node) -> Result<(), node::NodeError> {
    match (into, change) {
        (Node::Map(entries), Node::Map(changes)) => {
            for (key, change) in changes {
                let down = |mut error: node::NodeError| {
                    error.path.insert(0, Place::Key(key.clone()));
                    error
                };
                match entries.iter_mut().find(|(known, _)| known == key) {
                    Some((_, value)) => merge(value, change).map_err(down)?,
                    None => entries.push((key.clone(), change.clone())),
                }
            }
        }
        (Node::List(items), Node::List(changes))
            if changes.iter().all(|c| key(c, "name").is_some()) =>
        {
            for (place, change) in changes.iter().enumerate() {
                let Some(Node::Text(name)) = key(change, "name") else {
                    continue;
                };
                match items.iter_mut().find(|item| named(item, name)) {
                    Some(item) => merge(item, change)?,
                    None => {
                        return Err(node::NodeError {
                            path: vec![Place::Item(place)],
                            message: format!(
                                "nothing is called `{name}` in the cluster of the scenario"
                            ),
                        });
                    }
                }
            }
        }
        (into, change) => *into = change.clone(),
    }
    Ok(())
}
