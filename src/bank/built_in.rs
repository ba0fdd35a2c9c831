//! The bank that the program carries.

use super::{
    collection::Bank,
    pack::{self, PackError},
};

/// Written by the build script from `decks/` and `content/`.
static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bank.bin"));

/// The built-in bank.
///
/// # Errors
/// None that a program which was built can meet; the tests unpack it.
pub fn built_in() -> Result<Bank, PackError> {
    pack::unpack(PACKED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_bank_unpacks() {
        let bank = built_in().unwrap();
        for card in &bank.cards {
            assert_eq!(bank.card(&card.id), Some(&**card));
            assert!(card.origin.built_in, "{}", card.id);
        }
    }
}
