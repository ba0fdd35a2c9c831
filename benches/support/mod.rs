//! A big bank of a reader's own, made up but shaped like real decks: the same seed gives the same bytes.
//!
//! `BIG_BANK=/tmp/big cargo bench --bench bank` writes it to a folder, and the bank of short cards to `/tmp/big-short`,
//! for measuring the program from outside.

use std::{fmt::Write, fs, io, path::Path};

/// What the cards are like.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every bench makes both")]
pub(crate) enum Shape {
    /// Three flash cards to one open card with its points, 250 to a deck: 540 bytes a card.
    Mixed,
    /// Flash cards of one line each way, 100 to a deck: 290 bytes a card, as in the banks that other programs for
    /// flashcards are measured with.
    Short,
}

impl Shape {
    fn cards_per_deck(self) -> usize {
        match self {
            Self::Mixed => 250,
            Self::Short => 100,
        }
    }
}

const SUBJECTS: [&str; 16] = [
    "broker",
    "leader",
    "follower",
    "controller",
    "producer",
    "consumer",
    "group coordinator",
    "partition",
    "segment",
    "offset",
    "high watermark",
    "transaction",
    "batch",
    "replica",
    "quota",
    "assignor",
];
const VERBS: [&str; 12] = [
    "acknowledge",
    "fetch",
    "elect",
    "fence",
    "commit",
    "compact",
    "throttle",
    "rebalance",
    "truncate",
    "replicate",
    "expire",
    "retry",
];
const DETAILS: [&str; 12] = [
    "after a crash",
    "under load",
    "with three replicas",
    "during a rolling upgrade",
    "across racks",
    "when the disk is full",
    "without a quorum",
    "after the session timed out",
    "before the epoch is known",
    "while a member joins",
    "with idempotence on",
    "on an old client",
];
const TAGS: [&str; 8] = [
    "kafka",
    "durability",
    "groups",
    "storage",
    "latency",
    "ordering",
    "operations",
    "design",
];

/// A small generator of numbers (splitmix64); quality does not matter here, stability does.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[(self.next() % words.len() as u64) as usize]
    }
}

/// The text of one deck.
fn deck(shape: Shape, number: usize, cards: usize) -> String {
    let mut numbers = Numbers(number as u64);
    let mut text = format!(
        "deck: big-{number}\ntitle: Big deck {number}\nabout: Made up for measuring.\ncards:\n"
    );
    for card in 0..cards {
        let id = format!("big-{number}-{card}");
        match shape {
            Shape::Short => short_card(&mut text, &mut numbers, &id),
            Shape::Mixed if card % 4 == 3 => open_card(&mut text, &mut numbers, &id),
            Shape::Mixed => flash_card(&mut text, &mut numbers, &id),
        }
    }
    text
}

fn short_card(text: &mut String, numbers: &mut Numbers, id: &str) {
    let (subject, verb) = (numbers.pick(&SUBJECTS), numbers.pick(&VERBS));
    let (tag, other) = (numbers.pick(&TAGS), numbers.pick(&SUBJECTS));
    let _ = write!(
        text,
        "  - id: {id}
    kind: flash
    ask: Whom does the {subject} of {id} {verb}?
    level: medium
    tags: [{tag}]
    say: The {subject} can {verb} the {other}.
    checks:
      - ask: Whom does it {verb}?
        type: [{other}]
        why: Only the {other} takes part.
"
    );
}

fn flash_card(text: &mut String, numbers: &mut Numbers, id: &str) {
    let (subject, verb, detail) = (
        numbers.pick(&SUBJECTS),
        numbers.pick(&VERBS),
        numbers.pick(&DETAILS),
    );
    let (tag, other) = (numbers.pick(&TAGS), numbers.pick(&SUBJECTS));
    // a string cannot refuse to be written to
    let _ = write!(
        text,
        "  - id: {id}
    kind: flash
    ask: What does the {subject} {verb} {detail}? Case {id}.
    level: medium
    tags: [{tag}, big]
    say: The {subject} can {verb} only what the {other} has seen, {detail}.
    checks:
      - ask: What does the {subject} wait for?
        type: [{other}]
        why: Only the {other} knows {detail}.
"
    );
}

fn open_card(text: &mut String, numbers: &mut Numbers, id: &str) {
    let (subject, verb, detail) = (
        numbers.pick(&SUBJECTS),
        numbers.pick(&VERBS),
        numbers.pick(&DETAILS),
    );
    let (tag, other) = (numbers.pick(&TAGS), numbers.pick(&SUBJECTS));
    let (right, seconds) = (numbers.next() % 3, numbers.next() % 90);
    let _ = write!(
        text,
        "  - id: {id}
    ask: How does the {subject} {verb} {detail}? Case {id}.
    level: hard
    tags: [{tag}, big]
    say: The {subject} can {verb} only what the {other} has seen, {detail}.
    explain: |
      The {subject} keeps a record of what the {other} has seen. It may {verb} {detail}
      once {seconds} seconds have passed, because the {other} could still answer until then.

      That costs one more round trip for each {other}.
    points:
      - the {subject} waits for the {other}
      - it takes {seconds} seconds by default
      - the cost is a round trip
    checks:
      - ask: What happens {detail}?
        choose:
"
    );
    for place in 0..3 {
        let mark = if place == right { ", right: true" } else { "" };
        let _ = writeln!(
            text,
            "          - {{text: 'the {other} {verb}s it in step {place}'{mark}, why: 'The {subject} decides, {detail}.'}}"
        );
    }
}

/// Writes a bank of `cards` cards below `folder`.
pub(crate) fn write(folder: &Path, cards: usize, shape: Shape) -> io::Result<()> {
    let decks = folder.join("decks");
    fs::create_dir_all(&decks)?;
    let per_deck = shape.cards_per_deck();
    for number in 0..cards.div_ceil(per_deck) {
        let left = cards - number * per_deck;
        let text = deck(shape, number, left.min(per_deck));
        fs::write(decks.join(format!("big-{number:03}.yaml")), text)?;
    }
    Ok(())
}
