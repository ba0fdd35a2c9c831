//! Prompts line by line: what is read is bounded, and the end of the input is an answer too.

use std::io::{self, BufRead, Write};

/// No line typed at a prompt is longer; what is more is not kept.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Lines of an input, each asked for by a prompt.
pub(super) struct Lines<'i> {
    input: &'i mut dyn BufRead,
    line: Vec<u8>,
}

impl<'i> Lines<'i> {
    /// Over an input.
    pub(super) fn of(input: &'i mut dyn BufRead) -> Self {
        Self {
            input,
            line: Vec::new(),
        }
    }

    /// The next line without the space around it; none at the end of the input.
    pub(super) fn ask(&mut self, out: &mut dyn Write) -> io::Result<Option<String>> {
        write!(out, "> ")?;
        out.flush()?;
        self.line.clear();
        let mut bounded = io::Read::take(&mut *self.input, LINE_BYTES_MAX);
        if bounded.read_until(b'\n', &mut self.line)? == 0 {
            writeln!(out)?;
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&self.line).trim().to_owned()))
    }
}

/// The numbers from 1 of a line, as places from 0; none when it says anything else.
pub(super) fn places(line: &str) -> Option<Vec<usize>> {
    let numbers = line.split([' ', ',']).filter(|word| !word.is_empty());
    let places: Option<Vec<usize>> = numbers
        .map(|word| word.parse::<usize>().ok()?.checked_sub(1))
        .collect();
    places.filter(|places| !places.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_the_input() {
        let mut input: &[u8] = b" one \ntwo";
        let mut lines = Lines::of(&mut input);
        let mut out = Vec::new();
        assert_eq!(lines.ask(&mut out).unwrap().as_deref(), Some("one"));
        assert_eq!(lines.ask(&mut out).unwrap().as_deref(), Some("two"));
        assert_eq!(lines.ask(&mut out).unwrap(), None);
    }

    #[test]
    fn places_are_numbers_and_nothing_else() {
        assert_eq!(places("1 3, 2"), Some(vec![0, 2, 1]));
        for line in ["", "0", "1 x", "-1"] {
            assert_eq!(places(line), None, "{line}");
        }
    }
}
