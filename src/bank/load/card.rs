//! Cards and their checks, as `docs/BANK.md` describes them.

use super::{
    super::{
        card::{Answer, Card, ChapterLink, Check, Choice, Code, FollowUp, Kind, Origin, See},
        id::{CardId, ChapterId, DeckId, DrillId, ScenarioId, is_valid},
        identity,
        markdown::LANGUAGES,
        yaml::{Node, Step},
    },
    decoder::{Decoder, Fields},
};

const CARD: &[&str] = &[
    "id",
    "was",
    "kind",
    "ask",
    "level",
    "starred",
    "tags",
    "say",
    "explain",
    "points",
    "follow_ups",
    "trap",
    "hook",
    "checks",
    "code",
    "fix",
    "see",
    "sources",
    "as_of",
];
const CHECK: &[&str] = &["ask", "choose", "order", "type", "number", "why"];
const KINDS: [&str; 3] = ["open", "flash", "bug"];

/// Most of anything listed in one card; more is a mistake, not a card.
const LISTED_MAX: usize = 100;

/// Reads one card; `None` when it has a mistake, which has been noted.
pub(super) fn card(d: &mut Decoder, node: Node, deck: &DeckId, origin: Origin) -> Option<Card> {
    let before = d.errors();
    let mut f = d.fields(node, "a card", CARD);
    let kind = kind(d, &mut f);
    let ask = d.prose(&mut f, "ask");
    let named = f.has("id") || origin.built_in;
    let id: CardId = if named {
        d.id(&mut f, "id").into()
    } else {
        identity::derived(&ask)
    };
    let was = d.optional_list(&mut f, "was", |d, _, node| {
        CardId::from(d.as_id(node, false))
    });
    let level = d.level(&mut f);
    let starred = d.flag(&mut f, "starred");
    let tags = d.tags(&mut f);
    let say = d.prose(&mut f, "say");
    let explain = match kind {
        Kind::Flash => d.optional_prose(&mut f, "explain").unwrap_or_default(),
        _ => d.prose(&mut f, "explain"),
    };
    let points = points(d, &mut f, kind);
    let follow_ups = d.optional_list(&mut f, "follow_ups", |d, _, node| question(d, node));
    let trap = d.optional_prose(&mut f, "trap");
    let hook = d.optional_prose(&mut f, "hook");
    let checks = d.list_of_sound(&mut f, "checks", |d, _, node| check(d, node));
    let (code, fix) = bug(d, &mut f, kind);
    let see = see(d, &mut f);
    let sources = d.optional_list(&mut f, "sources", |d, _, node| d.as_prose(node));
    let as_of = d.optional_prose(&mut f, "as_of");
    if checks.len() > LISTED_MAX || follow_ups.len() > LISTED_MAX || tags.len() > LISTED_MAX {
        d.error(format!(
            "more than {LISTED_MAX} checks, follow-ups or tags in one card"
        ));
    }
    (d.errors() == before).then_some(Card {
        id,
        derived_id: !named,
        was,
        deck: deck.clone(),
        kind,
        ask: ask.into(),
        level,
        starred,
        tags,
        say: say.into(),
        explain: explain.into(),
        points,
        follow_ups,
        trap: trap.map(Into::into),
        hook: hook.map(Into::into),
        checks,
        code: code.map(Box::new),
        fix: fix.map(Into::into),
        see,
        sources,
        as_of: as_of.map(Into::into),
        origin,
    })
}

fn kind(d: &mut Decoder, f: &mut Fields) -> Kind {
    if !f.has("kind") {
        return Kind::Open;
    }
    match d.word(f, "kind", &KINDS) {
        Some(1) => Kind::Flash,
        Some(2) => Kind::Bug,
        _ => Kind::Open,
    }
}

fn points(d: &mut Decoder, f: &mut Fields, kind: Kind) -> Vec<String> {
    if kind == Kind::Flash {
        return d.optional_list(f, "points", |d, _, node| d.as_prose(node));
    }
    let points = d.list(f, "points", |d, _, node| d.as_prose(node));
    if !points.is_empty() && !(3..=6).contains(&points.len()) {
        d.at(Step::Key("points".into()), |d| {
            d.style(
                None,
                format!("{} points; expected three to six", points.len()),
            );
        });
    }
    points
}

/// A question with its short answer.
pub(super) fn question(d: &mut Decoder, node: Node) -> FollowUp {
    let mut f = d.fields(node, "a question with its answer", &["ask", "say"]);
    FollowUp {
        ask: d.prose(&mut f, "ask"),
        say: d.prose(&mut f, "say"),
    }
}

/// `code` and `fix`, which a bug card needs and no other may have.
fn bug(d: &mut Decoder, f: &mut Fields, kind: Kind) -> (Option<Code>, Option<String>) {
    if kind == Kind::Bug {
        let code = d.required(f, "code").map(|node| {
            d.at(Step::Key("code".into()), |d| {
                let mut f = d.fields(node, "a listing", &["lang", "text"]);
                let lang = d.word(&mut f, "lang", &LANGUAGES);
                Code {
                    lang: lang.map_or("text", |place| LANGUAGES[place]).to_owned(),
                    text: d.text(&mut f, "text"),
                }
            })
        });
        return (code, Some(d.prose(f, "fix")));
    }
    for key in ["code", "fix"] {
        if f.has(key) {
            d.at(Step::Key(key.into()), |d| {
                d.error(format!(
                    "`{key}` belongs to `kind: bug`; add that or remove the key"
                ));
            });
        }
    }
    (None, None)
}

/// The links of `see`.
pub(crate) fn see(d: &mut Decoder, f: &mut Fields) -> See {
    let Some(node) = d.optional(f, "see") else {
        return See::default();
    };
    d.at(Step::Key("see".into()), |d| {
        let mut f = d.fields(node, "`see`", &["chapter", "cards", "scenario", "drill"]);
        See {
            chapter: chapter_link(d, &mut f),
            cards: d.optional_list(&mut f, "cards", |d, _, node| {
                CardId::from(d.as_id(node, false))
            }),
            scenario: optional_id(d, &mut f, "scenario").map(ScenarioId::from),
            drill: optional_id(d, &mut f, "drill").map(DrillId::from),
        }
    })
}

fn optional_id(d: &mut Decoder, f: &mut Fields, key: &'static str) -> Option<String> {
    let node = d.optional(f, key)?;
    Some(d.at(Step::Key(key.into()), |d| d.as_id(node, false)))
}

/// The key `chapter`: `path/of/chapter` or `path/of/chapter#anchor`.
pub(crate) fn chapter_link(d: &mut Decoder, f: &mut Fields) -> Option<ChapterLink> {
    let node = d.optional(f, "chapter")?;
    d.at(Step::Key("chapter".into()), |d| {
        let before = d.errors();
        let text = d.as_text(node);
        let (chapter, anchor) = match text.split_once('#') {
            Some((chapter, anchor)) => (chapter, Some(anchor.to_owned())),
            None => (text.as_str(), None),
        };
        if d.errors() == before && !is_valid(chapter, true) {
            d.error(format!(
                "`{text}` names no chapter; expected `part/chapter` or `part/chapter#anchor`"
            ));
        }
        Some(ChapterLink {
            chapter: ChapterId::from(chapter),
            anchor,
        })
    })
}

/// A closed question; `None` when it has no usable answer key, which has been noted.
fn check(d: &mut Decoder, node: Node) -> Option<Check> {
    let mut f = d.fields(node, "a check", CHECK);
    let ask = d.prose(&mut f, "ask");
    let kinds: Vec<&str> = ["choose", "order", "type", "number"]
        .into_iter()
        .filter(|key| f.has(key))
        .collect();
    let answer = match kinds[..] {
        ["choose"] => {
            if f.has("why") {
                d.at(Step::Key("why".into()), |d| {
                    d.error("`why` beside `choose`; each choice has its own `why`");
                });
            }
            choose(d, &mut f)
        }
        ["order"] => {
            let steps = d.list(&mut f, "order", |d, _, node| d.as_prose(node));
            if (1..3).contains(&steps.len()) {
                d.at(Step::Key("order".into()), |d| {
                    d.error(format!(
                        "{} steps to put in order; expected at least three",
                        steps.len()
                    ));
                });
            }
            let why = d.prose(&mut f, "why");
            Answer::Order { steps, why }
        }
        ["type"] => Answer::Type {
            accept: d.list(&mut f, "type", |d, _, node| d.as_text(node)),
            why: d.prose(&mut f, "why"),
        },
        ["number"] => number(d, &mut f),
        [] => {
            d.error("a check without an answer key; expected one of choose order type number");
            return None;
        }
        _ => {
            d.error(format!(
                "a check with {}; expected only one of them",
                kinds.join(" and ")
            ));
            return None;
        }
    };
    Some(Check { ask, answer })
}

fn choose(d: &mut Decoder, f: &mut Fields) -> Answer {
    let choices = d.list(f, "choose", |d, _, node| {
        let mut f = d.fields(node, "a choice", &["text", "right", "why"]);
        Choice {
            text: d.prose(&mut f, "text"),
            right: d.flag(&mut f, "right"),
            why: d.prose(&mut f, "why"),
        }
    });
    let right = choices.iter().filter(|choice| choice.right).count();
    d.at(Step::Key("choose".into()), |d| {
        if choices.is_empty() {
            return;
        }
        if right == 0 {
            d.error("no choice is right; mark one or more with `right: true`");
        } else if right == choices.len() {
            d.error("every choice is right; a check needs wrong ones too");
        }
        if choices.len() < 3 {
            d.error(format!(
                "{} choices; expected at least three",
                choices.len()
            ));
        }
        for (place, choice) in choices.iter().enumerate() {
            if choices[..place]
                .iter()
                .any(|other| other.text == choice.text)
            {
                d.at(Step::Item(place), |d| d.error("this choice stands twice"));
            }
        }
    });
    Answer::Choose { choices }
}

fn number(d: &mut Decoder, f: &mut Fields) -> Answer {
    let mut value = None;
    let mut tolerance = None;
    let mut unit = String::new();
    if let Some(node) = d.required(f, "number") {
        d.at(Step::Key("number".into()), |d| {
            let mut f = d.fields(
                node,
                "a number with its unit",
                &["value", "unit", "tolerance"],
            );
            let node = d.required(&mut f, "value");
            value = figure(d, node, "value");
            unit = match d.optional(&mut f, "unit") {
                // a bare count may say so
                Some(Node::Text(text)) if text.is_empty() => text,
                Some(node) => d.at(Step::Key("unit".into()), |d| d.as_text(node)),
                None => String::new(),
            };
            let node = d.optional(&mut f, "tolerance");
            tolerance = figure(d, node, "tolerance");
            if tolerance.is_some_and(|tolerance| tolerance < 0.0) {
                d.at(Step::Key("tolerance".into()), |d| {
                    d.error("a tolerance below 0");
                });
            }
        });
    }
    Answer::Number {
        value: value.unwrap_or_default(),
        unit,
        tolerance: tolerance.unwrap_or_default(),
        why: d.prose(f, "why"),
    }
}

/// A finite number.
fn figure(d: &mut Decoder, node: Option<Node>, key: &'static str) -> Option<f64> {
    match node? {
        Node::Int(value) => Some(value as f64),
        Node::Float(value) if value.is_finite() => Some(value),
        other => {
            let message = format!(
                "{} where a number is expected, without quotes",
                other.describe()
            );
            d.at(Step::Key(key.into()), |d| d.error(message));
            None
        }
    }
}
