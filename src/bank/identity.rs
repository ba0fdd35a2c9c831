//! Who a card is when its file does not say: an id made from the question, and finding a card again
//! whose question was edited.
//!
//! Everything here is pure. `progress` remembers which cards without ids it has seen ([`Known`]); on
//! loading, [`relink`] compares that with what stands in the files now.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use xxhash_rust::xxh3::xxh3_64;

use super::{card::Card, id::CardId};

/// How far a question may have changed and still be the same card: one in this many characters may differ
/// when the card stayed in its place.
const EDITED_IN_PLACE: usize = 2;
/// The same for a card that moved within its file.
const EDITED_AND_MOVED: usize = 5;
/// Questions are compared up to this many characters.
const COMPARED_CHARS_MAX: usize = 400;

/// The question as identity sees it: lower case, letters and digits only, single spaces.
pub fn normalised(question: &str) -> String {
    let mut words = String::with_capacity(question.len());
    for word in question
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    // a question of symbols alone is its own normal form
    if words.is_empty() {
        question.trim().to_owned()
    } else {
        words
    }
}

/// The id of a card that has none: `q-` and a hash of its normalised question.
pub fn derived(question: &str) -> CardId {
    CardId::from(format!(
        "q-{:016x}",
        xxh3_64(normalised(question).as_bytes())
    ))
}

/// A card without an id of its own, as it was when last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The id that was made from its question then.
    pub id: CardId,
    /// The file it stood in.
    pub file: String,
    /// Its place among the cards of that file, from 0.
    pub place: u32,
    /// Its question then, [`normalised`].
    pub question: String,
}

impl Known {
    /// What to remember of a card; `None` for cards that carry their own id.
    pub fn of(card: &Card) -> Option<Self> {
        card.derived_id.then(|| Self {
            id: card.id.clone(),
            file: card.origin.file.to_string(),
            place: card.origin.item,
            question: normalised(&card.ask),
        })
    }
}

/// A card whose history moves to a new id, because its question was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relink {
    /// The id with the history.
    pub old: CardId,
    /// The id of the card as it stands now.
    pub new: CardId,
}

/// Which of the cards seen before, and gone now, stand in the files under an edited question.
///
/// A card is taken for an edited one when it stands in the same file and its question differs in less
/// than half of its characters at the same place, or less than a fifth elsewhere in the file. The
/// closest pairs are taken first; every card is used once. A card that merely moved keeps its id and
/// needs no link; a card that was given an explicit id counts as a candidate too.
pub fn relink(known: &[Known], cards: &[Arc<Card>]) -> Vec<Relink> {
    let present: BTreeSet<&CardId> = cards.iter().map(|card| &card.id).collect();
    let mut gone: BTreeMap<&str, Vec<&Known>> = BTreeMap::new();
    for old in known.iter().filter(|old| !present.contains(&old.id)) {
        gone.entry(&old.file).or_default().push(old);
    }
    if gone.is_empty() {
        return Vec::new();
    }
    let seen: BTreeSet<&CardId> = known.iter().map(|old| &old.id).collect();
    let mut pairs: Vec<(usize, u32, &CardId, &CardId)> = Vec::new();
    for card in cards
        .iter()
        .filter(|card| !card.origin.built_in && !seen.contains(&card.id))
    {
        let Some(gone) = gone.get(&*card.origin.file) else {
            continue;
        };
        let question = normalised(&card.ask);
        for old in gone {
            let moved = old.place.abs_diff(card.origin.item);
            let allowed = if moved == 0 {
                EDITED_IN_PLACE
            } else {
                EDITED_AND_MOVED
            };
            if let Some(distance) = distance(&old.question, &question, allowed) {
                pairs.push((distance, moved, &old.id, &card.id));
            }
        }
    }
    pairs.sort();
    let mut used = BTreeSet::new();
    let mut links = Vec::new();
    for (_, _, old, new) in pairs {
        if !used.contains(old) && !used.contains(new) {
            used.insert(old);
            used.insert(new);
            links.push(Relink {
                old: old.clone(),
                new: new.clone(),
            });
        }
    }
    links
}

/// The edit distance of two questions, when fewer than one in `allowed` characters differ.
fn distance(old: &str, new: &str, allowed: usize) -> Option<usize> {
    let short = |text: &str| text.chars().take(COMPARED_CHARS_MAX).collect::<String>();
    let (old, new) = (short(old), short(new));
    let (old_length, new_length) = (old.chars().count(), new.chars().count());
    let limit = old_length.max(new_length) / allowed;
    if old_length.abs_diff(new_length) > limit {
        return None;
    }
    let distance = strsim::levenshtein(&old, &new);
    (distance < limit.max(1)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::card::{Kind, Level, Origin, See};

    fn card(place: u32, ask: &str) -> Card {
        Card {
            id: derived(ask),
            derived_id: true,
            was: Vec::new(),
            deck: "d".into(),
            kind: Kind::Flash,
            ask: ask.into(),
            level: Level::Medium,
            starred: false,
            tags: Vec::new(),
            say: "s".into(),
            explain: Box::default(),
            points: Vec::new(),
            follow_ups: Vec::new(),
            trap: None,
            hook: None,
            checks: Vec::new(),
            code: None,
            fix: None,
            see: See::default(),
            sources: Vec::new(),
            as_of: None,
            origin: Origin {
                file: "mine.yaml".into(),
                line: 1,
                item: place,
                built_in: false,
            },
        }
    }

    fn known(cards: &[Arc<Card>]) -> Vec<Known> {
        cards.iter().filter_map(|card| Known::of(card)).collect()
    }

    const OLD: [&str; 3] = [
        "What does the ISR hold?",
        "Who elects the leader of a partition?",
        "How long is a segment?",
    ];

    fn deck(questions: &[&str]) -> Vec<Arc<Card>> {
        (0..)
            .zip(questions)
            .map(|(place, ask)| Arc::new(card(place, ask)))
            .collect()
    }

    #[test]
    fn case_spacing_and_markup_do_not_matter() {
        assert_eq!(
            derived("What is `acks=all`?"),
            derived("what is  *acks=all*")
        );
        assert_ne!(derived("What is acks?"), derived("What is an ack?"));
        assert!(super::super::id::is_valid(derived("¿?").as_str(), false));
    }

    #[test]
    fn an_edited_question_keeps_its_history() {
        let before = known(&deck(&OLD));
        let now = deck(&[
            OLD[0],
            "Who elects the leader of a Kafka partition, and when?",
            OLD[2],
        ]);
        let links = relink(&before, &now);
        assert_eq!(
            links,
            [Relink {
                old: before[1].id.clone(),
                new: now[1].id.clone()
            }]
        );
    }

    #[test]
    fn a_small_edit_is_found_after_a_card_was_put_in_front() {
        let before = known(&deck(&OLD));
        let now = deck(&[
            "Something quite new about tiered storage",
            OLD[0],
            "Who elects the leader of partitions?",
            OLD[2],
        ]);
        let links = relink(&before, &now);
        assert_eq!(
            links,
            [Relink {
                old: before[1].id.clone(),
                new: now[2].id.clone()
            }]
        );
    }

    #[test]
    fn another_question_in_the_same_place_is_another_card() {
        let before = known(&deck(&OLD));
        let now = deck(&[
            OLD[0],
            "Describe idempotent producers and their sequence numbers",
            OLD[2],
        ]);
        assert!(relink(&before, &now).is_empty());
        assert!(
            relink(&before, &deck(&[OLD[2], OLD[0], OLD[1]])).is_empty(),
            "moving needs no link"
        );
    }

    #[test]
    fn no_card_is_linked_twice() {
        let before = known(&deck(&[
            "How long is a segment in bytes?",
            "How long is a segment in hours?",
        ]));
        let now = deck(&[
            "How long is one segment in bytes?",
            "How long is one segment in hours?",
        ]);
        let links = relink(&before, &now);
        assert_eq!(links.len(), 2);
        assert!(
            links
                .iter()
                .any(|l| l.old == before[0].id && l.new == now[0].id)
        );
    }
}
