//! Moments as people write them.

use crate::sim::time::Time;

/// Reads a moment of a run: a span from its beginning (`41.2s`, `2m`) or a clock's reading (`1:30`, `00:41.2`,
/// `1:02:03`).
///
/// # Errors
/// What was written, and what would do.
pub fn parse(text: &str) -> Result<Time, String> {
    let trimmed = text.trim();
    let wrong = || format!("`{trimmed}` is no moment; write 41.2s, 2m or 1:30");
    if trimmed.starts_with('-') {
        return Err(format!("{trimmed} is before the beginning, 0s"));
    }
    if !trimmed.contains(':') {
        return trimmed.parse().map_err(|_| wrong());
    }
    let parts: Vec<&str> = trimmed.split(':').collect();
    if parts.len() > 3 {
        return Err(wrong());
    }
    let (last, whole) = parts.split_last().ok_or_else(wrong)?;
    let mut seconds: f64 = last.parse().map_err(|_| wrong())?;
    if !(0.0..60.0).contains(&seconds) {
        return Err(wrong());
    }
    for (place, part) in whole.iter().rev().enumerate() {
        let number: u32 = part.parse().map_err(|_| wrong())?;
        seconds += f64::from(number) * 60_f64.powi(place as i32 + 1);
    }
    Ok(Time((seconds * 1e6).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_shown() {
        assert_eq!(parse("41.2s"), Ok(Time::millis(41_200)));
        assert_eq!(parse("00:41.2"), Ok(Time::millis(41_200)));
        assert_eq!(parse(" 1:30"), Ok(Time::secs(90)));
        assert_eq!(parse("1:02:03"), Ok(Time::secs(3723)));
        for text in ["-3s", "soon", "1:75", "1:2:3:4", "1:x"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("-3s").unwrap_err().contains("before the beginning"));
    }
}
