//! Search over all cards: the question fuzzily, then tags, then answers, in that order of weight.
//!
//! The words of a query are looked for one by one; a card is found when every word is somewhere in it.
//! Questions and tags match with letters left out ("exonce" finds "exactly once"), answers only
//! where the letters stand together: in a long text nearly every short word could be pieced
//! together. Of an answer, what is said counts more than what explains it; a word that stands only there is shown with what
//! stands around it ([`Hit::passage`]). The order is fixed: by score, then as in the bank. Showing hits is for `tui`
//! and `cli`.

use std::{cell::RefCell, cmp::Reverse, fmt};

use fuzzy_matcher::{FuzzyMatcher, skim::SkimMatcherV2};

use super::{card::Card, collection::Bank};

/// What one letter of a fuzzy match scores, without bonus.
const LETTER: i64 = 16;
/// Letters that do not stand together must score this much (in percent of bare letters, so by standing
/// at the starts of words or in runs), or the match is an accident.
const CLOSE_ENOUGH: i64 = 120;
/// Shorter words are looked for as they stand.
const FUZZY_CHARS_MIN: i64 = 3;
/// Weights of the fields.
const QUESTION: i64 = 4;
const TAG: i64 = 3;
const ANSWER: i64 = 1;
/// What one letter scores in what explains an answer.
const DEEP_LETTER: i64 = LETTER / 4;
/// Bonus for a word that starts where a word of the text starts.
const AT_WORD: i64 = 8;
/// Characters of a passage before the word and behind it.
const BEFORE: usize = 28;
const BEHIND: usize = 36;
/// Longest query that is looked at, in characters.
const QUERY_CHARS_MAX: usize = 100;

/// All cards, prepared for searching.
pub struct Index {
    entries: Vec<Entry>,
    matcher: SkimMatcherV2,
    left: RefCell<Left>,
}

/// How well a card fits so far, best first, and its place.
type Scored = (Reverse<i64>, usize);

/// The cards that have all of some words.
struct Left {
    words: Vec<String>,
    cards: Vec<Scored>,
}

impl Left {
    /// No words yet.
    fn all(cards: usize) -> Self {
        Self {
            words: Vec::new(),
            cards: (0..cards).map(|place| (Reverse(0), place)).collect(),
        }
    }
}

/// The searched texts of one card, in lower case.
struct Entry {
    ask: String,
    letters: u64,
    tags: Vec<String>,
    /// What is said: the first sentence and the points.
    answer: String,
    /// What explains it.
    deep: String,
}

/// A card that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its place in [`Bank::cards`].
    pub place: usize,
    /// How well it fits; comparable within one search.
    pub score: i64,
    /// Which characters of the question matched, ascending.
    pub ask: Vec<usize>,
    /// Which of its tags matched, by place.
    pub tags: Vec<usize>,
    /// Which characters of `say` matched, ascending.
    pub say: Vec<usize>,
    /// The first word that stands in neither question, tags, `say` nor points, and what stands around it.
    pub passage: Option<Passage>,
}

/// A piece of a card's longer texts, within one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// What stands before the word.
    pub before: String,
    /// The word, as it is written there.
    pub word: String,
    /// What stands behind it.
    pub behind: String,
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.before, self.word, self.behind)
    }
}

/// Which letters and digits a text has: a word with a letter that is not there cannot match.
fn letters(text: &str) -> u64 {
    text.chars().fold(0, |set, c| {
        set | match c {
            'a'..='z' => 1 << (c as u32 - 'a' as u32),
            '0'..='9' => 1 << (26 + c as u32 - '0' as u32),
            c if c.is_ascii() => 1 << 40,
            _ => 1 << 41,
        }
    })
}

impl Entry {
    fn of(card: &Card) -> Self {
        let ask = card.ask.to_lowercase();
        let mut answer = card.say.to_lowercase();
        for point in &card.points {
            answer.push('\n');
            answer.push_str(&point.to_lowercase());
        }
        Self {
            letters: letters(&ask),
            ask,
            tags: card.tags.clone(),
            answer,
            deep: deep(card).collect::<Vec<_>>().join("\n").to_lowercase(),
        }
    }
}

/// The texts of a card that explain its answer.
fn deep(card: &Card) -> impl Iterator<Item = &str> {
    let follow_ups = card.follow_ups.iter();
    [&*card.explain]
        .into_iter()
        .chain(card.trap.as_deref())
        .chain(follow_ups.flat_map(|next| [next.ask.as_str(), &next.say]))
        .chain(card.code.as_deref().map(|code| code.text.as_str()))
        .chain(card.fix.as_deref())
}

/// A word of the query, in lower case.
struct Word {
    text: String,
    letters: u64,
    chars: i64,
    /// What it scores wherever its letters stand together at the start of a word. (The matcher takes much longer, and says
    /// the same but where it trips over letters that come twice.)
    whole: i64,
}

fn words(query: &str, matcher: &SkimMatcherV2) -> Vec<Word> {
    let query: String = query.chars().take(QUERY_CHARS_MAX).collect();
    query
        .to_lowercase()
        .split_whitespace()
        .map(|word| Word {
            letters: letters(word),
            chars: word.chars().count() as i64,
            whole: matcher.fuzzy_match(word, word).unwrap_or(0),
            text: word.to_owned(),
        })
        .collect()
}

impl Index {
    /// Prepares the cards of a bank, in its order.
    pub fn new(bank: &Bank) -> Self {
        Self {
            entries: bank.cards.iter().map(|card| Entry::of(card)).collect(),
            matcher: SkimMatcherV2::default().respect_case(),
            left: RefCell::new(Left::all(bank.cards.len())),
        }
    }

    /// The best `limit` cards for a query; none for an empty one.
    pub fn search(&self, bank: &Bank, query: &str, limit: usize) -> Vec<Hit> {
        let words = words(query, &self.matcher);
        if words.is_empty() {
            return Vec::new();
        }
        let mut found = self.scores(&words);
        if found.len() > limit && limit > 0 {
            // only the best need an order
            found.select_nth_unstable(limit - 1);
        }
        found.truncate(limit);
        found.sort_unstable();
        found
            .into_iter()
            .filter_map(|(score, place)| {
                Some(self.hit(bank.cards.get(place)?, place, score.0, &words))
            })
            .collect()
    }

    /// Every card that has all words. What the words before the last one leave is kept: as a query is typed, they stay.
    fn scores(&self, words: &[Word]) -> Vec<Scored> {
        let Some((last, before)) = words.split_last() else {
            return Vec::new();
        };
        let mut left = self.left.borrow_mut();
        let kept = left.words.len();
        let goes_on = kept <= before.len()
            && left
                .words
                .iter()
                .zip(before)
                .all(|(kept, word)| *kept == word.text);
        if !goes_on {
            *left = Left::all(self.entries.len());
        }
        for word in &before[left.words.len()..] {
            left.cards = self.narrowed(&left.cards, word);
            left.words.push(word.text.clone());
        }
        self.narrowed(&left.cards, last)
    }

    /// Those of some cards that have a word too.
    fn narrowed(&self, cards: &[Scored], word: &Word) -> Vec<Scored> {
        let scored = |&(Reverse(before), place): &Scored| {
            let score = self.score(&self.entries[place], word)?;
            Some((Reverse(before + score), place))
        };
        cards.iter().filter_map(scored).collect()
    }

    /// The best match of a word in any field.
    fn score(&self, entry: &Entry, word: &Word) -> Option<i64> {
        let question = self
            .fuzzy(&entry.ask, entry.letters, word)
            .map(|score| score * QUESTION);
        let tag = || {
            let scores = entry
                .tags
                .iter()
                .filter_map(|tag| self.fuzzy(tag, letters(tag), word));
            scores.max().map(|score| score * TAG)
        };
        let answer = || {
            let at = entry.answer.find(&word.text)?;
            let bonus = if starts_word(&entry.answer, at) {
                AT_WORD
            } else {
                0
            };
            Some((word.chars * LETTER + bonus) * ANSWER)
        };
        let deep = || {
            let found = entry.deep.contains(&word.text);
            found.then_some(word.chars * DEEP_LETTER)
        };
        question.max(tag()).or_else(answer).or_else(deep)
    }

    /// How well a word fits a text, if it does.
    fn fuzzy(&self, text: &str, present: u64, word: &Word) -> Option<i64> {
        if word.letters & !present != 0 {
            return None;
        }
        if word.chars < FUZZY_CHARS_MIN {
            let at = text.find(&word.text)?;
            let bonus = if starts_word(text, at) { AT_WORD } else { 0 };
            return Some(word.chars * LETTER + bonus);
        }
        let mut together = false;
        for (at, _) in text.match_indices(&word.text) {
            if follows_gap(text, at) {
                return Some(word.whole);
            }
            together = true;
        }
        let score = self.matcher.fuzzy_match(text, &word.text)?;
        (together || score * 100 >= word.chars * LETTER * CLOSE_ENOUGH).then_some(score)
    }

    /// The characters of a text that a fitting word stands for.
    fn places(&self, text: &str, word: &Word) -> Vec<usize> {
        if word.chars < FUZZY_CHARS_MIN {
            return together(text, word).into_iter().flatten().collect();
        }
        let found = self.matcher.fuzzy_indices(text, &word.text);
        found.map(|(_, places)| places).unwrap_or_default()
    }

    /// The matched places of a card that was found.
    fn hit(&self, card: &Card, place: usize, score: i64, words: &[Word]) -> Hit {
        let entry = &self.entries[place];
        let mut hit = Hit {
            place,
            score,
            ask: Vec::new(),
            tags: Vec::new(),
            say: Vec::new(),
            passage: None,
        };
        let say = card.say.to_lowercase();
        // lower case may be longer than what it stands for; then the places would lie
        let same_places = |lower: &str, shown: &str| lower.chars().count() == shown.chars().count();
        for word in words {
            let asked = self.fuzzy(&entry.ask, entry.letters, word).is_some();
            if asked && same_places(&entry.ask, &card.ask) {
                hit.ask.extend(self.places(&entry.ask, word));
            }
            let tags = hit.tags.len();
            for (place, tag) in entry.tags.iter().enumerate() {
                if self.fuzzy(tag, letters(tag), word).is_some() {
                    hit.tags.push(place);
                }
            }
            let tagged = hit.tags.len() > tags;
            if same_places(&say, &card.say) {
                hit.say.extend(together(&say, word).into_iter().flatten());
            }
            if hit.passage.is_none() && !asked && !tagged && !entry.answer.contains(&word.text) {
                hit.passage = deep(card).find_map(|text| passage(text, word));
            }
        }
        for places in [&mut hit.ask, &mut hit.tags, &mut hit.say] {
            places.sort_unstable();
            places.dedup();
        }
        hit
    }
}

/// The characters where the letters of a word stand together.
fn together(text: &str, word: &Word) -> Option<std::ops::Range<usize>> {
    let start = text[..text.find(&word.text)?].chars().count();
    Some(start..start + word.chars as usize)
}

/// Where a word stands in a text, with what is around it on its line.
fn passage(text: &str, word: &Word) -> Option<Passage> {
    text.lines().find_map(|line| {
        let lower = line.to_lowercase();
        let at = together(&lower, word)?;
        let shown: Vec<char> = line.chars().collect();
        // lower case may be longer than what it stands for
        if lower.chars().count() != shown.len() {
            return None;
        }
        let from = at.start.saturating_sub(BEFORE);
        let to = shown.len().min(at.end + BEHIND);
        let piece = |range: std::ops::Range<usize>| shown[range].iter().collect::<String>();
        let (mut before, mut behind) = (piece(from..at.start), piece(at.end..to));
        if from > 0 {
            let whole = before.find(' ').unwrap_or(0);
            before = format!("…{}", &before[whole..]);
        }
        if to < shown.len() {
            let whole = behind.rfind(' ').map_or(behind.len(), |space| space + 1);
            behind = format!("{}…", &behind[..whole]);
        }
        Some(Passage {
            before: before.trim_start().to_owned(),
            word: piece(at),
            behind: behind.trim_end().to_owned(),
        })
    })
}

/// Whether what stands there begins the text or follows what keeps words apart for the matcher.
fn follows_gap(text: &str, at: usize) -> bool {
    text[..at]
        .chars()
        .next_back()
        .is_none_or(|c| " /\\|()[]{}".contains(c))
}

fn starts_word(text: &str, at: usize) -> bool {
    !text[..at]
        .chars()
        .next_back()
        .is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Id, question, tags and answer of a few cards.
    const CARDS: [(&str, &str, &str, &str); 4] = [
        (
            "eos",
            "What does exactly once mean in Kafka?",
            "transactions",
            "Transactions and idempotence.",
        ),
        (
            "isr",
            "Who is in the in-sync replica set?",
            "replication",
            "Replicas that fetched lately, exactly.",
        ),
        (
            "acks",
            "Why is `acks=all` not enough?",
            "durability",
            "The ISR may have shrunk.",
        ),
        (
            "lag",
            "How is LAG measured?",
            "monitoring",
            "Log end minus committed offset.",
        ),
    ];

    fn bank() -> Bank {
        let cards: Vec<String> = CARDS
            .iter()
            .map(|(id, ask, tag, say)| {
                format!(
                    "- {{id: {id}, kind: flash, level: medium, ask: '{ask}', tags: [{tag}], say: '{say}', \
                     checks: [{{ask: q, type: [a], why: w}}]}}\n"
                )
            })
            .collect();
        let text = format!("deck: d\ntitle: t\nabout: a\ncards:\n{}", cards.concat());
        crate::bank::load::tests_only(&text)
    }

    fn found(query: &str) -> Vec<String> {
        let bank = bank();
        let hits = Index::new(&bank).search(&bank, query, 10);
        hits.iter()
            .map(|hit| bank.cards[hit.place].id.to_string())
            .collect()
    }

    proptest! {
        /// Where the letters stand together at the start of a word, all texts score the same; elsewhere the matcher has
        /// the say.
        #[test]
        fn a_whole_word_is_scored_without_the_matcher(
            text in "[abc1é .,/()_-]{0,40}",
            word in "[abc1é.,/()_-]{3,6}",
            at in 0usize..40,
        ) {
            // New ones each time: the matcher's scores may depend on what it matched before.
            let index = || Index::new(&Bank::default());
            let at = text.char_indices().nth(at).map_or(0, |(at, _)| at);
            let whole = format!("{}{word}{}", &text[..at], &text[at..]);
            let words = words(&word, &index().matcher);
            for text in [text.clone(), whole] {
                let found = index().fuzzy(&text, letters(&text), &words[0]);
                let plain = index().matcher.fuzzy_match(&text, &word).filter(|score| {
                    score * 100 >= words[0].chars * LETTER * CLOSE_ENOUGH || text.contains(&word)
                });
                if text.match_indices(&word).any(|(at, _)| follows_gap(&text, at)) {
                    prop_assert!(found == Some(words[0].whole) && plain.is_some(), "{:?} in {:?}", word, text);
                } else {
                    prop_assert_eq!(found, plain, "{:?} in {:?}", word, text);
                }
            }
        }
    }

    #[test]
    fn questions_outrank_answers() {
        assert_eq!(found("exactly"), ["eos", "isr"]);
        // first letters of words count, letters from anywhere do not
        assert_eq!(found("isr"), ["isr", "acks"]);
    }

    #[test]
    fn letters_may_be_left_out_of_questions_and_tags() {
        assert_eq!(found("exonce"), ["eos"]);
        assert_eq!(found("durab"), ["acks"]);
    }

    #[test]
    fn every_word_must_be_found_and_case_does_not_matter() {
        assert_eq!(found("Kafka EXACTLY"), ["eos"]);
        assert_eq!(found("lag kafka"), Vec::<String>::new());
        assert_eq!(found("lag offset"), ["lag"]);
        assert!(found("  ").is_empty());
        assert_eq!(
            found("l"),
            ["lag", "eos", "isr", "acks"],
            "one letter finds what holds it"
        );
    }

    #[test]
    fn matched_letters_are_named() {
        let bank = bank();
        let hits = Index::new(&bank).search(&bank, "acks isr", 10);
        assert_eq!(hits[0].ask, [8, 9, 10, 11]);
        assert_eq!(hits[0].say, [4, 5, 6]);
        let hits = Index::new(&bank).search(&bank, "monitoring", 10);
        assert_eq!(hits[0].tags, [0]);
    }

    #[test]
    fn a_word_of_the_explanation_is_found_last_and_shown() {
        let mut bank = bank();
        let lag = std::sync::Arc::make_mut(&mut bank.cards[3]);
        lag.explain = "The first line.\nMind the retention and what the ISR has committed so far, whatever the clock of Exactly this broker says.".into();
        let index = Index::new(&bank);
        let hits = index.search(&bank, "exactly", 10);
        let places: Vec<_> = hits.iter().map(|hit| hit.place).collect();
        assert_eq!(places, [0, 1, 3]);
        assert_eq!((&hits[0].passage, &hits[1].passage), (&None, &None));
        let passage = Passage {
            before: "… far, whatever the clock of ".to_owned(),
            word: "Exactly".to_owned(),
            behind: " this broker says.".to_owned(),
        };
        assert_eq!(hits[2].passage, Some(passage));
        assert_eq!(index.search(&bank, "lag mind", 10)[0].place, 3);
        assert!(index.search(&bank, "exonce isr mind", 10).is_empty());
    }

    #[test]
    fn words_typed_one_after_the_other_find_what_they_find_at_once() {
        let bank = bank();
        let typed = Index::new(&bank);
        for query in [
            "w",
            "who",
            "who is",
            "who is the",
            "who isr",
            "who",
            "exactly o",
            "exactly on",
            "is who",
            "",
        ] {
            let fresh = Index::new(&bank);
            assert_eq!(
                typed.search(&bank, query, 10),
                fresh.search(&bank, query, 10),
                "{query}"
            );
        }
    }
}
