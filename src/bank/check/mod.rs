//! Rules that need the whole bank: duplicates, links that lead nowhere, chapters without cards.
//!
//! [`assemble`] puts parts together in order, leaves out what would stand twice, and reports every
//! link that leads nowhere with its file, line and column.

mod links;
mod places;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use self::{
    links::{Links, drop_dead_links},
    places::{Places, Spot},
};
use super::{
    card::{Card, Kind, Origin},
    collection::Bank,
    load::{Loaded, files::Source},
    problem::{Problem, Rule},
    yaml::Step,
};

/// Puts parts together behind `base`, which is sound already, and holds the whole against the rules.
///
/// Problems of the parts come first, in their order, then those of the whole.
pub fn assemble(base: Bank, mut parts: Vec<Loaded>, sources: &[Source]) -> Loaded {
    // new cards come in the order of the decks when no track says otherwise
    parts.sort_by_key(|part| {
        let order = part.bank.decks.first().and_then(|deck| deck.order);
        order.unwrap_or(u32::MAX)
    });
    let base_counts = (base.cards.len(), base.chapters.len());
    let mut join = Join {
        bank: base,
        problems: Vec::new(),
        places: Places::new(sources),
    };
    join.parts(parts);
    join.bank.sort();
    let links = Links::of(&join.bank);
    let mut found = Vec::new();
    // what was packed was checked when it was built
    for card in join.bank.cards.iter().skip(base_counts.0) {
        links.card(card, &mut found);
    }
    let has_news = |origin: &Origin| sources.iter().any(|source| source.shown == origin.file);
    links.others(&join.bank, &has_news, &mut found);
    let whole_project = base_counts == (0, 0) && sources.iter().any(|source| source.built_in);
    if whole_project {
        coverage(&join.bank, &mut found);
    }
    for (origin, spot, rule, message) in found {
        let problem = join.places.problem(&origin, &spot, rule, message);
        join.problems.push(problem);
    }
    drop_dead_links(&mut join.bank, base_counts.0);
    Loaded {
        bank: join.bank,
        problems: join.problems,
    }
}

struct Join<'s> {
    bank: Bank,
    problems: Vec<Problem>,
    places: Places<'s>,
}

impl Join<'_> {
    fn parts(&mut self, parts: Vec<Loaded>) {
        self.bank.index();
        let cards = parts.iter().map(|part| part.bank.cards.len()).sum();
        self.bank.cards.reserve_exact(cards);
        for mut part in parts {
            self.problems.append(&mut part.problems);
            let mut bank = part.bank;
            let first = self.bank.cards.len();
            for card in std::mem::take(&mut bank.cards) {
                if self.card_is_new(&card) {
                    self.bank.add(card);
                }
            }
            self.decks(&mut bank, first);
            self.others(&mut bank);
            self.bank.append(bank);
        }
    }

    /// Whether no name of a card is taken; reports the first that is.
    fn card_is_new(&mut self, card: &Card) -> bool {
        let names = std::iter::once((&card.id, None))
            .chain((0..).zip(&card.was).map(|(n, id)| (id, Some(n))));
        for (id, former) in names {
            let Some(first) = self.bank.card(id) else {
                continue;
            };
            let first = &first.origin;
            let mut path = card_path(card);
            let message = if card.derived_id && former.is_none() {
                path.push(key("ask"));
                format!(
                    "the same question stands at {}:{}; give one of the two an `id` or remove it",
                    first.file, first.line
                )
            } else {
                path.push(key(if former.is_some() { "was" } else { "id" }));
                path.extend(former.map(Step::Item));
                format!(
                    "the card id `{id}` is taken by {}:{}; choose another",
                    first.file, first.line
                )
            };
            let problem = self.places.problem(
                &card.origin,
                &Spot::Path(path, None),
                Rule::Duplicate,
                message,
            );
            self.problems.push(problem);
            return false;
        }
        true
    }

    /// The decks of a part whose cards stand from `first` on: a reader's file may add cards to a built-in deck;
    /// within one bank a deck is one file.
    fn decks(&mut self, part: &mut Bank, first: usize) {
        for mut deck in std::mem::take(&mut part.decks) {
            let ids = self.bank.cards[first..].iter().map(|card| card.id.clone());
            deck.cards = ids.collect();
            match self.bank.decks.iter_mut().find(|other| other.id == deck.id) {
                None => part.decks.push(deck),
                Some(first) => {
                    first.cards.extend(deck.cards);
                    if first.origin.built_in == deck.origin.built_in {
                        let message = format!(
                            "the deck `{}` stands in {} too; one deck is one file",
                            deck.id, first.origin.file
                        );
                        let spot = Spot::Path(vec![key("deck")], None);
                        let problem =
                            self.places
                                .problem(&deck.origin, &spot, Rule::Duplicate, message);
                        self.problems.push(problem);
                    }
                }
            }
        }
    }

    /// Leaves out of a part what the bank holds already under the same id.
    fn others(&mut self, part: &mut Bank) {
        macro_rules! unique {
            ($field:ident, $what:literal, |$item:ident| $path:expr) => {
                for item in std::mem::take(&mut part.$field) {
                    let clash = self
                        .bank
                        .$field
                        .iter()
                        .chain(&part.$field)
                        .find(|other| other.id == item.id);
                    let Some(first) = clash else {
                        part.$field.push(item);
                        continue;
                    };
                    let first = &first.origin;
                    let message = format!(
                        "the {} `{}` stands at {}:{} too; choose another id",
                        $what, item.id, first.file, first.line
                    );
                    let $item = &item;
                    let spot = Spot::Path($path, None);
                    let problem =
                        self.places
                            .problem(&item.origin, &spot, Rule::Duplicate, message);
                    self.problems.push(problem);
                }
            };
        }
        unique!(tracks, "track", |item| vec![key_of(&item.origin, "track")]);
        unique!(chapters, "chapter", |item| vec![key_of(
            &item.origin,
            "title"
        )]);
        unique!(drills, "drill", |item| vec![key_of(&item.origin, "drill")]);
        unique!(areas, "area", |item| vec![key_of(&item.origin, "area")]);
        unique!(stories, "story", |item| vec![
            key("stories"),
            Step::Item(item.origin.item as usize),
            key("id")
        ]);
        unique!(prompts, "prompt", |item| vec![
            key("prompts"),
            Step::Item(item.origin.item as usize),
            key("id")
        ]);
        unique!(scenarios, "scenario", |item| vec![key_of(
            &item.origin,
            "scenario"
        )]);
        self.skills(part);
    }

    fn skills(&mut self, part: &mut Bank) {
        let mut seen: BTreeMap<String, Origin> = BTreeMap::new();
        for area in &self.bank.areas {
            for skill in &area.skills {
                seen.insert(skill.id.to_string(), area.origin.clone());
            }
        }
        for area in &mut part.areas {
            let origin = area.origin.clone();
            area.skills.retain(|skill| {
                let Some(first) = seen.get(skill.id.as_str()) else {
                    seen.insert(skill.id.to_string(), origin.clone());
                    return true;
                };
                let message = format!(
                    "the skill `{}` stands in {} too; choose another id",
                    skill.id, first.file
                );
                let problem = self.places.problem(
                    &origin,
                    &Spot::Path(vec![key("skills")], None),
                    Rule::Duplicate,
                    message,
                );
                self.problems.push(problem);
                false
            });
        }
    }
}

fn key(name: impl Into<Cow<'static, str>>) -> Step {
    Step::Key(name.into())
}

/// The key that names what fills a whole file.
fn key_of(_: &Origin, name: &'static str) -> Step {
    key(name)
}

fn card_path(card: &Card) -> Vec<Step> {
    vec![key("cards"), Step::Item(card.origin.item as usize)]
}

/// Broken rules whose lines are not looked up yet.
type Found = Vec<(Origin, Spot, Rule, String)>;

/// Chapters that no card teaches, and cards that no chapter teaches: of the built-in bank only.
fn coverage(bank: &Bank, found: &mut Found) {
    let taught: BTreeSet<&str> = bank
        .cards
        .iter()
        .filter_map(|card| card.see.chapter.as_ref())
        .map(|link| link.chapter.as_str())
        .collect();
    for chapter in &bank.chapters {
        if !taught.contains(chapter.id.as_str()) {
            let message = format!(
                "no card leads to the chapter `{}`; add `see: {{chapter: {}}}` to one",
                chapter.id, chapter.id
            );
            found.push((
                chapter.origin.clone(),
                Spot::Line(1),
                Rule::Coverage,
                message,
            ));
        }
    }
    for card in &bank.cards {
        if card.see.chapter.is_none() && card.kind != Kind::Flash {
            let message = format!(
                "the card `{}` leads to no chapter; add `see: {{chapter: …}}`",
                card.id
            );
            found.push((
                card.origin.clone(),
                Spot::Line(card.origin.line),
                Rule::Coverage,
                message,
            ));
        }
    }
}
