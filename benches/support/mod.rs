//! A big bank of a reader's own, made up but shaped like real decks: the same seed gives the same bytes.
//!
//! `BIG_BANK=/tmp/big cargo bench --bench bank` writes it to a folder, for measuring the program from
//! outside.

use std::{fmt::Write, fs, io, path::Path};

/// Cards in one deck.
const CARDS_PER_DECK: usize = 250;

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
fn deck(number: usize, cards: usize) -> String {
    let mut numbers = Numbers(number as u64);
    let mut text = format!(
        "deck: big-{number}\ntitle: Big deck {number}\nabout: Made up for measuring.\ncards:\n"
    );
    for card in 0..cards {
        let (subject, verb, detail) = (
            numbers.pick(&SUBJECTS),
            numbers.pick(&VERBS),
            numbers.pick(&DETAILS),
        );
        let (tag, other) = (numbers.pick(&TAGS), numbers.pick(&SUBJECTS));
        let right = numbers.next() % 3;
        let seconds = numbers.next() % 90;
        let mut choices = String::new();
        for place in 0..3 {
            let mark = if place == right { ", right: true" } else { "" };
            let _ = write!(
                choices,
                "          - {{text: 'the {other} {verb}s it in step {place}'{mark}, why: 'The {subject} decides, {detail}.'}}\n"
            );
        }
        // a string cannot refuse to be written to
        let _ = write!(
            text,
            "  - id: big-{number}-{card}\n    ask: What does the {subject} {verb} {detail}, case {card}?\n    level: medium\n    \
             tags: [{tag}, big]\n    say: The {subject} can {verb} only what the {other} has seen, {detail}.\n    explain: |\n      \
             The {subject} keeps a record of what the {other} has seen. It may {verb} {detail}\n      once {seconds} seconds have \
             passed, because the {other} could still answer until then.\n\n      That costs one more round trip for each {other}.\n    \
             points:\n      - the {subject} waits for the {other}\n      - it takes {seconds} seconds by default\n      - the cost is a round trip\n    \
             checks:\n      - ask: What happens {detail}?\n        choose:\n{choices}"
        );
    }
    text
}

/// Writes a bank of `cards` cards below `folder`, in decks of [`CARDS_PER_DECK`].
pub(crate) fn write(folder: &Path, cards: usize) -> io::Result<()> {
    let decks = folder.join("decks");
    fs::create_dir_all(&decks)?;
    for number in 0..cards.div_ceil(CARDS_PER_DECK) {
        let left = cards - number * CARDS_PER_DECK;
        fs::write(
            decks.join(format!("big-{number:03}.yaml")),
            deck(number, left.min(CARDS_PER_DECK)),
        )?;
    }
    Ok(())
}
