//! The bank as bytes: written by the build script, read at start without parsing any YAML.

use super::collection::Bank;

/// The first bytes of a pack; changes with the shape of [`Bank`].
const MAGIC: &[u8; 8] = b"hwbank01";

/// Why a pack cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// Not written by this version of the program.
    #[error("not a packed bank of this version")]
    Foreign,
    /// The bytes do not hold a bank.
    #[error("the packed bank is damaged: {0}")]
    Damaged(String),
}

/// A bank as bytes.
///
/// # Errors
/// What the encoder says; it has no reason to.
pub fn pack(bank: &Bank) -> Result<Vec<u8>, PackError> {
    postcard::to_extend(bank, MAGIC.to_vec()).map_err(|error| PackError::Damaged(error.to_string()))
}

/// The bank that [`pack`] wrote, ready for look-ups.
///
/// # Errors
/// Bytes that were written by another version, or damaged.
pub fn unpack(bytes: &[u8]) -> Result<Bank, PackError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(PackError::Foreign)?;
    let mut bank: Bank =
        postcard::from_bytes(body).map_err(|error| PackError::Damaged(error.to_string()))?;
    bank.index();
    Ok(bank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_and_damaged_bytes_are_refused() {
        assert_eq!(unpack(b"something else"), Err(PackError::Foreign));
        let mut bytes = pack(&Bank::default()).unwrap();
        assert_eq!(unpack(&bytes), Ok(Bank::default()));
        bytes.pop();
        assert!(matches!(unpack(&bytes), Err(PackError::Damaged(_))));
    }
}
