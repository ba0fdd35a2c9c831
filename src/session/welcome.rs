//! The first start: three questions, each of which may be skipped.
//!
//! Reads what people write for a date and for minutes a day; asking, showing and saving is the
//! business of the screens and of `config`.

use jiff::{ToSpan, civil::Date};

/// Not an answer to a question of the first start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Not a date.
    #[error(
        "`{0}` is no date; write 2026-12-10, 10 Dec, Dec 10 2026, 10.12.2026, tomorrow, in 3 weeks \
         or in 19 days"
    )]
    Date(String),
    /// A date that has passed.
    #[error("{0} has passed; the interview lies ahead")]
    Passed(Date),
    /// Not a number of minutes.
    #[error("`{0}` is no number of minutes a day; write 5 to 600, such as 30")]
    Minutes(String),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Longer than this ahead is a slip of the pen.
const YEARS_MAX: i16 = 10;

/// The date that `text` means on the day `today`; empty text means none. A date without a year is
/// the next one to come.
///
/// # Errors
/// When it is no date, or one that has passed.
pub fn interview_date(text: &str, today: Date) -> Result<Option<Date>, AnswerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || AnswerError::Date(text.to_owned());
    let date = read_date(&text.to_lowercase(), today).ok_or_else(wrong)?;
    if date.year() > today.year() + YEARS_MAX {
        return Err(wrong());
    }
    if date < today {
        return Err(AnswerError::Passed(date));
    }
    Ok(Some(date))
}

fn read_date(text: &str, today: Date) -> Option<Date> {
    match text {
        "today" => return Some(today),
        "tomorrow" => return today.tomorrow().ok(),
        _ => {}
    }
    if let Ok(date) = text.parse::<Date>() {
        return (text.len() == 10).then_some(date);
    }
    if text.contains(" -") {
        // The hyphen parts a date; before a number it is a sign, and nothing lies behind us.
        return None;
    }
    let words: Vec<&str> = text
        .split([' ', ',', '.', '/', '-'])
        .filter(|word| !word.is_empty())
        .collect();
    match words[..] {
        ["in", count, unit] | [count, unit] if length_in(count, unit, today).is_some() => {
            length_in(count, unit, today)
        }
        // Three numbers: day, month, year, as the dot and the slash have it in most places.
        [day, month, year] => civil(day, month, Some(year), today)
            .or_else(|| civil(month, day, Some(year), today).filter(|_| is_word(day))),
        [day, month] => civil(day, month, None, today)
            .or_else(|| civil(month, day, None, today).filter(|_| is_word(day))),
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn length_in(count: &str, unit: &str, today: Date) -> Option<Date> {
    let count: i64 = match count {
        "a" | "an" | "one" => 1,
        _ => count.parse().ok().filter(|n| (0..=4000).contains(n))?,
    };
    let span = match unit {
        "d" | "day" | "days" => count.days(),
        "w" | "week" | "weeks" => count.weeks(),
        "month" | "months" => count.months(),
        _ => return None,
    };
    today.checked_add(span).ok()
}

fn civil(day: &str, month: &str, year: Option<&str>, today: Date) -> Option<Date> {
    let day = day.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let day: i8 = day.parse().ok()?;
    let month: i8 = match month.parse() {
        Ok(number) => number,
        Err(_) if month.len() >= 3 => {
            let place = MONTHS.iter().position(|name| name.starts_with(month))?;
            place as i8 + 1
        }
        Err(_) => return None,
    };
    match year {
        Some(year) => Date::new(year.parse().ok().filter(|y| *y > 1900)?, month, day).ok(),
        None => (0..=8)
            .filter_map(|ahead| Date::new(today.year() + ahead, month, day).ok())
            .find(|date| *date >= today),
    }
}

/// The minutes a day that `text` means; empty text means none. `min` and `h` may stand behind.
///
/// # Errors
/// When it is no number from 5 to 600.
pub fn minutes_a_day(text: &str) -> Result<Option<u32>, AnswerError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || AnswerError::Minutes(text.to_owned());
    let lower = text.to_lowercase();
    let unit = lower.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = lower.split_at(unit.unwrap_or(lower.len()));
    let number: u32 = number.trim().parse().map_err(|_| wrong())?;
    let minutes = match unit.trim() {
        "" | "m" | "min" | "mins" | "minute" | "minutes" => Some(number),
        "h" | "hour" | "hours" => number.checked_mul(60),
        _ => None,
    };
    minutes
        .filter(|minutes| (5..=600).contains(minutes))
        .map(Some)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn dates_are_read_as_people_write_them() {
        let today = date(2026, 11, 21);
        let cases = [
            ("2026-12-10", date(2026, 12, 10)),
            (" 10 Dec ", date(2026, 12, 10)),
            ("10 december", date(2026, 12, 10)),
            ("Dec 10", date(2026, 12, 10)),
            ("Dec 10, 2027", date(2027, 12, 10)),
            ("10th Dec", date(2026, 12, 10)),
            ("1 Feb", date(2027, 2, 1)),
            ("10.12.2026", date(2026, 12, 10)),
            ("10/12/2026", date(2026, 12, 10)),
            ("10.12", date(2026, 12, 10)),
            ("29 Feb", date(2028, 2, 29)),
            ("21 Nov", today),
            ("today", today),
            ("tomorrow", date(2026, 11, 22)),
            ("in 3 weeks", date(2026, 12, 12)),
            ("in 19 days", date(2026, 12, 10)),
            ("a month", date(2026, 12, 21)),
            ("in one week", date(2026, 11, 28)),
            ("2 w", date(2026, 12, 5)),
        ];
        for (text, expected) in cases {
            assert_eq!(interview_date(text, today), Ok(Some(expected)), "{text}");
        }
        assert_eq!(interview_date("  ", today), Ok(None));
    }

    #[test]
    fn what_is_no_date_is_said_so() {
        let today = date(2026, 11, 21);
        let bad = [
            "soon",
            "31 Feb",
            "10 De",
            "2026-13-01",
            "in -3 weeks",
            "in 3 moons",
            "12",
            "2099-01-01",
            "10 Dec 26",
            "1 2 3 4",
            "2026-12-10T10:00",
        ];
        for text in bad {
            let error = interview_date(text, today).unwrap_err();
            assert_eq!(error, AnswerError::Date(text.to_owned()));
        }
        let error = interview_date("2026-11-20", today).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2026-11-20 has passed; the interview lies ahead"
        );
    }

    #[test]
    fn minutes_are_read_with_and_without_a_unit() {
        for (text, minutes) in [("30", 30), ("30 min", 30), ("2h", 120), ("1 hour", 60)] {
            assert_eq!(minutes_a_day(text), Ok(Some(minutes)), "{text}");
        }
        assert_eq!(minutes_a_day(""), Ok(None));
        for text in [
            "0",
            "4",
            "601",
            "-5",
            "half",
            "20 h",
            "30 days",
            "99999999999",
        ] {
            assert!(minutes_a_day(text).is_err(), "{text}");
        }
    }
}
