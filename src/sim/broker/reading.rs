//! Whether a read at an offset finds records, nothing yet, or an error.
//!
//! Source: `UnifiedLog.read`.

use crate::sim::types::{ErrorCode, Offset};

/// Where an offset lies in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPlace {
    /// There is a record at or after it.
    Within,
    /// It is the log end: the next record will get it.
    End,
}

/// Finds the place of `offset` in a log from `log_start` to `log_end`.
///
/// # Errors
/// `OFFSET_OUT_OF_RANGE` outside; a consumer then follows its
/// `auto.offset.reset`.
pub fn locate(log_start: Offset, log_end: Offset, offset: Offset) -> Result<ReadPlace, ErrorCode> {
    if offset < log_start || offset > log_end {
        Err(ErrorCode::OffsetOutOfRange)
    } else if offset == log_end {
        Ok(ReadPlace::End)
    } else {
        Ok(ReadPlace::Within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_end_is_in_range() {
        assert_eq!(locate(5, 9, 9), Ok(ReadPlace::End));
        assert_eq!(locate(5, 9, 5), Ok(ReadPlace::Within));
        assert_eq!(locate(5, 9, 4), Err(ErrorCode::OffsetOutOfRange));
        assert_eq!(locate(5, 9, 10), Err(ErrorCode::OffsetOutOfRange));
    }
}
