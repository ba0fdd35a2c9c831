//! A small deck of a reader's own.

/// A card without a mistake.
pub(crate) const CARD: &str = "  - id: good
    kind: flash
    ask: What is the ISR?
    level: medium
    tags: [kafka]
    say: The replicas that are in sync.
    checks:
      - {ask: How many?, number: {value: 3}, why: Three.}
";

/// The text of a deck with these cards.
pub(crate) fn deck(name: &str, cards: &str) -> String {
    format!("deck: {name}\ntitle: Mine\nabout: My own cards.\ncards:\n{cards}")
}
