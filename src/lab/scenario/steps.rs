//! The steps of a scenario file.

use std::str::FromStr;

use crate::{
    bank::{
        Bank, CardId,
        load::decoder::{Decoder, Fields},
        yaml::{Node, Step as Place},
    },
    sim::{
        command::Command,
        query::{Condition, Query},
        settings::Setting,
        time::Time,
    },
};

use super::{
    Answer, Choice, Prediction, Reveal, Run, Step, Twin, cluster,
    read::{cards, chapter, meant},
};

/// What steps are read against.
pub(super) struct Context<'a> {
    pub(super) bank: &'a Bank,
    /// The cluster as written, for twins.
    pub(super) cluster: Option<&'a Node>,
}

const STEP: &[&str] = &[
    "title", "say", "predict", "do", "run", "claim", "reveal", "twin",
];
const PREDICT: &[&str] = &[
    "ask",
    "choices",
    "number",
    "names",
    "unit",
    "kind",
    "tolerance",
    "when",
    "why",
    "cards",
];
const REVEAL: &[&str] = &["text", "rule", "settings", "chapter", "cards"];
const TWIN: &[&str] = &[
    "about", "setting", "here", "there", "change", "instead", "compare", "claim", "reveal",
];
/// Longest time a step may run.
const RUN_MAX: Time = Time::secs(3600);

/// Reads a step.
pub(super) fn step(d: &mut Decoder, node: Node, cx: &Context<'_>) -> Step {
    let mut f = d.fields(node, "a step", STEP);
    let step = Step {
        title: d.text(&mut f, "title"),
        say: d.optional_prose(&mut f, "say").unwrap_or_default(),
        predict: d.optional_list(&mut f, "predict", |d, _, node| prediction(d, node, cx)),
        commands: parsed_list(d, &mut f, "do"),
        run: run(d, &mut f),
        claims: parsed_list(d, &mut f, "claim"),
        reveal: reveal(d, &mut f, cx),
        twin: twin(d, &mut f, cx),
    };
    let does = step.run.is_some() || !step.commands.is_empty() || step.twin.is_some();
    if step.say.is_empty() && !does {
        d.error("a step in which nothing happens; give it at least one of `say`, `do`, `run` and `twin`");
    }
    if step.run.is_none() && step.predict.iter().any(|p| !p.at_once) && step.twin.is_none() {
        d.error("a prediction about what comes needs a `run` in its step, or `when: now`");
    }
    step
}

/// A node as something that is written as text.
fn parsed<T: FromStr>(d: &mut Decoder, node: Node) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    let before = d.errors();
    let text = d.as_text(node);
    if d.errors() > before {
        return None;
    }
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            d.error(format!("{error}"));
            None
        }
    }
}

fn parsed_list<T: FromStr>(d: &mut Decoder, f: &mut Fields, key: &'static str) -> Vec<T>
where
    T::Err: std::fmt::Display,
{
    d.optional_list(f, key, |d, _, node| parsed(d, node))
        .into_iter()
        .flatten()
        .collect()
}

fn parsed_key<T: FromStr>(d: &mut Decoder, f: &mut Fields, key: &'static str) -> Option<T>
where
    T::Err: std::fmt::Display,
{
    let node = d.required(f, key)?;
    d.at(Place::Key(key.into()), |d| parsed(d, node))
}

fn ids(d: &mut Decoder, f: &mut Fields, bank: &Bank) -> Vec<CardId> {
    let ids: Vec<CardId> =
        d.optional_list(f, "cards", |d, _, node| CardId::from(d.as_id(node, false)));
    d.at(Place::Key("cards".into()), |d| cards(d, &ids, bank));
    ids
}

fn run(d: &mut Decoder, f: &mut Fields) -> Option<Run> {
    let node = d.optional(f, "run")?;
    d.at(Place::Key("run".into()), |d| {
        if !matches!(node, Node::Map(_)) {
            return span(d, node).map(Run::For);
        }
        let mut f = d.fields(node, "`run`", &["until", "limit"]);
        let condition = parsed_key(d, &mut f, "until");
        let limit = d
            .required(&mut f, "limit")
            .and_then(|node| d.at(Place::Key("limit".into()), |d| span(d, node)));
        Some(Run::Until {
            condition: condition?,
            limit: limit?,
        })
    })
}

/// A span of time a step may run.
fn span(d: &mut Decoder, node: Node) -> Option<Time> {
    let time: Time = parsed(d, node)?;
    if time == Time::ZERO || time > RUN_MAX {
        d.error(format!(
            "{} is no time to run; write 1ms to 1h",
            time.span()
        ));
    }
    Some(time)
}

fn prediction(d: &mut Decoder, node: Node, cx: &Context<'_>) -> Prediction {
    let mut f = d.fields(node, "a prediction", PREDICT);
    let ask = d.prose(&mut f, "ask");
    let answer = answer(d, &mut f);
    let at_once = f.has("when") && d.word(&mut f, "when", &["now", "after"]) == Some(0);
    let why = match &answer {
        Answer::Choices(_) => d.optional_prose(&mut f, "why").unwrap_or_default(),
        _ => d.prose(&mut f, "why"),
    };
    let cards = ids(d, &mut f, cx.bank);
    Prediction {
        ask,
        answer,
        at_once,
        why,
        cards,
    }
}

fn answer(d: &mut Decoder, f: &mut Fields) -> Answer {
    let named: Vec<&str> = ["choices", "number", "names"]
        .into_iter()
        .filter(|key| f.has(key))
        .collect();
    match named[..] {
        ["choices"] => {
            let choices = d.list(f, "choices", |d, _, node| choice(d, node));
            if choices.len() < 2 {
                d.at(Place::Key("choices".into()), |d| {
                    d.error("a prediction with fewer than two choices");
                });
            }
            return Answer::Choices(choices);
        }
        ["number"] => {
            let of: Option<Query> = parsed_key(d, f, "number");
            let unit = text(d, f, "unit");
            let tolerance = match d.optional(f, "tolerance") {
                None => 0.0,
                Some(Node::Int(value)) if value >= 0 => value as f64,
                Some(Node::Float(value)) if value >= 0.0 => value,
                Some(other) => {
                    let message = format!(
                        "{} where a number of at least 0 is expected",
                        other.describe()
                    );
                    d.at(Place::Key("tolerance".into()), |d| d.error(message));
                    0.0
                }
            };
            if let Some(of) = of {
                return Answer::Number {
                    of,
                    unit,
                    tolerance,
                };
            }
        }
        ["names"] => {
            let of: Option<Query> = parsed_key(d, f, "names");
            let kind = d.text(f, "kind");
            if let Some(of) = of {
                return Answer::Names { of, kind };
            }
        }
        _ => d.error(format!(
            "a prediction with {}; expected exactly one of choices number names",
            if named.is_empty() {
                "no way to answer".to_owned()
            } else {
                named.join(" and ")
            }
        )),
    }
    Answer::Choices(Vec::new())
}

fn text(d: &mut Decoder, f: &mut Fields, key: &'static str) -> String {
    match d.optional(f, key) {
        Some(node) => d.at(Place::Key(key.into()), |d| d.as_text(node)),
        None => String::new(),
    }
}

fn choice(d: &mut Decoder, node: Node) -> Choice {
    let mut f = d.fields(node, "a choice", &["text", "when", "why"]);
    let text = d.prose(&mut f, "text");
    let when = match d.required(&mut f, "when") {
        Some(node @ Node::List(_)) => d.at(Place::Key("when".into()), |d| {
            d.as_list(node, |d, _, node| parsed::<Condition>(d, node))
                .into_iter()
                .flatten()
                .collect()
        }),
        Some(node) => d.at(Place::Key("when".into()), |d| {
            parsed::<Condition>(d, node).into_iter().collect()
        }),
        None => Vec::new(),
    };
    Choice {
        text,
        when,
        why: d.prose(&mut f, "why"),
    }
}

fn reveal(d: &mut Decoder, f: &mut Fields, cx: &Context<'_>) -> Option<Reveal> {
    let node = d.optional(f, "reveal")?;
    d.at(Place::Key("reveal".into()), |d| {
        let mut f = d.fields(node, "`reveal`", REVEAL);
        let text_ = d.prose(&mut f, "text");
        let rule = text(d, &mut f, "rule");
        let settings = d
            .optional_list(&mut f, "settings", |d, _, node| setting(d, node))
            .into_iter()
            .flatten()
            .collect();
        let link = crate::bank::load::chapter_link(d, &mut f);
        d.at(Place::Key("chapter".into()), |d| {
            chapter(d, link.as_ref(), cx.bank);
        });
        Some(Reveal {
            text: text_,
            rule,
            settings,
            chapter: link,
            cards: ids(d, &mut f, cx.bank),
        })
    })
}

/// A setting by its name, wherever it may be given.
fn setting(d: &mut Decoder, node: Node) -> Option<Setting> {
    let name = d.as_text(node);
    let found = Setting::ALL.iter().copied().find(|s| s.name() == name);
    if found.is_none() {
        let known = Setting::ALL.iter().map(|setting| setting.name());
        d.error(format!(
            "no setting is called `{name}`{}",
            meant(&name, known)
        ));
    }
    found
}

fn twin(d: &mut Decoder, f: &mut Fields, cx: &Context<'_>) -> Option<Twin> {
    let node = d.optional(f, "twin")?;
    d.at(Place::Key("twin".into()), |d| {
        let mut f = d.fields(node, "a twin", TWIN);
        let about = d.prose(&mut f, "about");
        let setting = text(d, &mut f, "setting");
        let here = d.text(&mut f, "here");
        let there = d.text(&mut f, "there");
        let change = d.optional(&mut f, "change");
        let instead = d.optional_list(&mut f, "instead", |d, _, node| replaced(d, node));
        let compare = d.list(&mut f, "compare", |d, _, node| {
            let mut f = d.fields(node, "a comparison", &["what", "query"]);
            let what = d.text(&mut f, "what");
            parsed_key(d, &mut f, "query").map(|query| (what, query))
        });
        let claims = parsed_list(d, &mut f, "claim");
        let reveal = d.prose(&mut f, "reveal");
        if change.is_none() && instead.is_empty() {
            d.error("a twin in which nothing is different; give it `change` or `instead`");
        }
        let written = cx.cluster?;
        let cluster =
            match cluster::changed(written, change.as_ref().unwrap_or(&Node::Map(Vec::new()))) {
                Ok(spec) => spec,
                Err(error) => {
                    let mut path = vec![Place::Key("change".into())];
                    path.extend(error.path);
                    d.error_below(path, error.message);
                    return None;
                }
            };
        Some(Twin {
            about,
            setting,
            there,
            here,
            cluster,
            instead: instead.into_iter().flatten().collect(),
            compare: compare.into_iter().flatten().collect(),
            claims,
            reveal,
        })
    })
}

/// A command with what is done in its place: `{of: …, do: …}`; without `do`, nothing.
fn replaced(d: &mut Decoder, node: Node) -> Option<(Command, Option<Command>)> {
    let mut f = d.fields(node, "a replaced command", &["of", "do"]);
    let of = parsed_key(d, &mut f, "of");
    let to = if f.has("do") {
        Some(parsed_key(d, &mut f, "do")?)
    } else {
        None
    };
    Some((of?, to))
}
