//! Names of things in the bank: one newtype per kind, so that a card's id is never taken for a chapter's.
//!
//! An id is lower-case words joined by hyphens (chapters also use `/`). The syntax is checked on
//! loading ([`is_valid`]); the types themselves only keep kinds apart and are cheap to clone.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta] $name:ident;)+) => {$(
        #[$doc]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )+};
}

id! {
    /// Names a card; its history follows this name.
    CardId;
    /// Names a deck.
    DeckId;
    /// Names a track.
    TrackId;
    /// Names a chapter of the guide: its path below `guide/` without `.md`.
    ChapterId;
    /// Names a system-design drill.
    DrillId;
    /// Names a skill of the self-test.
    SkillId;
    /// Names an area of skills.
    AreaId;
    /// Names a story template.
    StoryId;
    /// Names an interviewer's prompt that a story answers.
    PromptId;
    /// Names a failure scenario.
    ScenarioId;
}

/// Whether `text` is lower-case letters, digits and single hyphens between them, at most 80 bytes;
/// with `paths`, such words joined by `/`.
pub fn is_valid(text: &str, paths: bool) -> bool {
    let word = |word: &str| {
        !word.is_empty()
            && word.split('-').all(|part| {
                !part.is_empty()
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            })
    };
    text.len() <= 80
        && if paths {
            text.split('/').all(word)
        } else {
            word(text)
        }
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn ids_are_hyphenated_words() {
        for good in ["a", "acks-all-alone", "kip-848", "0"] {
            assert!(is_valid(good, false), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "a/b", "é", "a_b"] {
            assert!(!is_valid(bad, false), "{bad}");
        }
        assert!(is_valid("kafka/replication", true));
        assert!(!is_valid("kafka//replication", true));
        assert!(!is_valid(&"a".repeat(81), false));
    }
}
