//! How well a card was remembered, in the reader's own judgement.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The four grades of FSRS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Rating {
    /// Not remembered; comes back within minutes.
    Again = 1,
    /// Remembered with gaps or effort.
    Hard = 2,
    /// Remembered.
    Good = 3,
    /// Remembered at once.
    Easy = 4,
}

impl Rating {
    /// All ratings, worst first.
    pub const ALL: [Self; 4] = [Self::Again, Self::Hard, Self::Good, Self::Easy];

    /// 1 to 4, as the keys and the log have it.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The rating of that number, 1 to 4.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|rating| rating.number() == number)
    }

    /// The word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Again => "again",
            Self::Hard => "hard",
            Self::Good => "good",
            Self::Easy => "easy",
        }
    }

    /// Whether the card was remembered at all: everything but [`Self::Again`].
    pub fn recalled(self) -> bool {
        self != Self::Again
    }

    /// What ticking `ticked` of `points` points suggests: under half of them is a miss, under four
    /// fifths has gaps. It never suggests [`Self::Easy`], which only the reader can know. None
    /// without points or without a tick.
    pub fn suggested(ticked: usize, points: usize) -> Option<Self> {
        if points == 0 || ticked == 0 {
            return None;
        }
        Some(if ticked * 2 < points {
            Self::Again
        } else if ticked * 5 < points * 4 {
            Self::Hard
        } else {
            Self::Good
        })
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl From<Rating> for u8 {
    fn from(rating: Rating) -> Self {
        rating.number()
    }
}

impl TryFrom<u8> for Rating {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        Self::from_number(number)
            .ok_or_else(|| format!("a rating is 1 (again) to 4 (easy), found {number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Rating;

    #[test]
    fn points_suggest_a_rating() {
        let cases = [
            (0, 0, None),
            (0, 4, None),
            (1, 3, Some(Rating::Again)),
            (2, 3, Some(Rating::Hard)),
            (3, 3, Some(Rating::Good)),
            (2, 4, Some(Rating::Hard)),
            (3, 4, Some(Rating::Hard)),
            (4, 5, Some(Rating::Good)),
            (5, 6, Some(Rating::Good)),
            (2, 5, Some(Rating::Again)),
        ];
        for (ticked, points, expected) in cases {
            assert_eq!(
                Rating::suggested(ticked, points),
                expected,
                "{ticked} of {points}"
            );
        }
    }

    #[test]
    fn numbers_outside_one_to_four_are_no_ratings() {
        for number in [0, 5, 255] {
            assert!(Rating::from_number(number).is_none(), "{number}");
        }
        assert!(serde_json::from_str::<Rating>("0").is_err());
        assert_eq!(serde_json::from_str::<Rating>("4").unwrap(), Rating::Easy);
    }
}
