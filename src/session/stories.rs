//! Drilling the reader's own stories: a prompt is read out, which story answers it, what are its facts.
//!
//! A pure state machine over stories that the bank has read. Which prompts lack a story and which
//! stories lack a number is told by the bank's check of the file.

use std::collections::BTreeSet;

use rand::Rng as _;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};
use serde::Serialize;

/// A story as it is drilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its name.
    pub id: String,
    /// For people.
    pub title: String,
    /// What has to be told, numbers included.
    pub facts: Vec<String>,
}

/// A prompt and the stories that answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What the interviewer says.
    pub ask: String,
    /// What the interviewer listens for.
    pub looking_for: String,
    /// Stories that serve it, best first, by place; never empty.
    pub stories: Vec<usize>,
}

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Name the story to tell, by its place.
    Name(usize),
    /// Done telling it: tick the facts; done ticking: the next prompt.
    Next,
    /// Tick or untick a fact.
    Tick(usize),
    /// Enough.
    End,
}

/// Where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Which story answers this?
    Naming,
    /// The story was named; tell it.
    Telling,
    /// Tick the facts told.
    Ticking,
    /// Over.
    Done,
}

/// One prompt, summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The prompt.
    pub ask: String,
    /// The story told.
    pub story: String,
    /// It serves the prompt.
    pub fits: bool,
    /// A story that serves it better, where another was told.
    pub better: Option<String>,
    /// Facts left out.
    pub left_out: Vec<String>,
    /// Facts told.
    pub told: usize,
    /// Facts there were to tell.
    pub of: usize,
}

/// A running drill of stories.
#[derive(Clone, Debug)]
pub struct Stories {
    stories: Vec<Story>,
    prompts: Vec<Prompt>,
    at: usize,
    phase: Phase,
    named: usize,
    ticked: BTreeSet<usize>,
    lines: Vec<Line>,
}

impl Stories {
    /// Begins with `prompts` in an order drawn by `seed`. Prompts without a story are left out.
    pub fn new(stories: Vec<Story>, prompts: Vec<Prompt>, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let served = |prompt: &Prompt| {
            !prompt.stories.is_empty() && prompt.stories.iter().all(|s| *s < stories.len())
        };
        let mut drawn: Vec<(u64, Prompt)> = prompts
            .into_iter()
            .filter(served)
            .map(|prompt| (random.next_u64(), prompt))
            .collect();
        drawn.sort_by_key(|(chance, _)| *chance);
        let prompts: Vec<Prompt> = drawn.into_iter().map(|(_, prompt)| prompt).collect();
        Self {
            phase: if prompts.is_empty() {
                Phase::Done
            } else {
                Phase::Naming
            },
            stories,
            prompts,
            at: 0,
            named: 0,
            ticked: BTreeSet::new(),
            lines: Vec::new(),
        }
    }

    /// Takes one input; inputs that make no sense where it stands are ignored.
    pub fn handle(&mut self, input: Input) {
        match (self.phase, input) {
            (Phase::Naming, Input::Name(place)) if place < self.stories.len() => {
                self.named = place;
                self.ticked.clear();
                self.phase = Phase::Telling;
            }
            (Phase::Telling, Input::Next) => self.phase = Phase::Ticking,
            (Phase::Ticking, Input::Tick(fact)) if fact < self.stories[self.named].facts.len() => {
                let was = self.ticked.remove(&fact);
                if !was {
                    self.ticked.insert(fact);
                }
            }
            (Phase::Ticking, Input::Next) => {
                self.lines.push(self.line());
                self.at += 1;
                self.phase = if self.at < self.prompts.len() {
                    Phase::Naming
                } else {
                    Phase::Done
                };
            }
            (_, Input::End) => self.phase = Phase::Done,
            _ => {}
        }
    }

    fn line(&self) -> Line {
        let prompt = &self.prompts[self.at];
        let story = &self.stories[self.named];
        let best = prompt.stories[0];
        let facts = story.facts.iter().enumerate();
        let left_out: Vec<String> = facts
            .filter(|(place, _)| !self.ticked.contains(place))
            .map(|(_, fact)| fact.clone())
            .collect();
        Line {
            ask: prompt.ask.clone(),
            story: story.title.clone(),
            fits: prompt.stories.contains(&self.named),
            better: (best != self.named).then(|| self.stories[best].title.clone()),
            told: self.ticked.len(),
            of: story.facts.len(),
            left_out,
        }
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The open prompt.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.prompts.get(self.at)
    }

    /// The number of the open prompt from 0, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        (self.at, self.prompts.len())
    }

    /// All stories.
    pub fn stories(&self) -> &[Story] {
        &self.stories
    }

    /// The story that was named.
    pub fn named(&self) -> Option<&Story> {
        match self.phase {
            Phase::Telling | Phase::Ticking => self.stories.get(self.named),
            Phase::Naming | Phase::Done => None,
        }
    }

    /// Facts ticked, by place.
    pub fn ticked(&self) -> &BTreeSet<usize> {
        &self.ticked
    }

    /// The prompts done so far, summed up.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stories() -> Vec<Story> {
        let story = |id: &str| Story {
            id: id.into(),
            title: id.to_uppercase(),
            facts: vec![format!("{id} 40 %"), format!("{id} 3 weeks")],
        };
        vec![story("a"), story("b")]
    }

    fn prompt(ask: &str, stories: &[usize]) -> Prompt {
        Prompt {
            ask: ask.into(),
            looking_for: String::new(),
            stories: stories.to_vec(),
        }
    }

    #[test]
    fn a_prompt_is_named_told_and_ticked() {
        let mut drill = Stories::new(stories(), vec![prompt("p", &[1])], 0);
        for input in [
            Input::Next,
            Input::Tick(0),
            Input::Name(7),
            Input::Name(0),
            Input::Next,
            Input::Tick(1),
            Input::Tick(9),
            Input::Next,
        ] {
            drill.handle(input);
        }
        assert_eq!(drill.phase(), Phase::Done);
        let line = &drill.lines()[0];
        assert_eq!(
            (line.story.as_str(), line.fits, line.told, line.of),
            ("A", false, 1, 2)
        );
        assert_eq!(line.better.as_deref(), Some("B"));
        assert_eq!(line.left_out, ["a 40 %"]);
    }

    #[test]
    fn prompts_without_a_story_are_not_asked() {
        let prompts = vec![
            prompt("none", &[]),
            prompt("gone", &[5]),
            prompt("one", &[0]),
            prompt("two", &[1, 0]),
        ];
        let drill = Stories::new(stories(), prompts.clone(), 3);
        assert_eq!(drill.progress(), (0, 2));
        let orders: BTreeSet<String> = (0..20)
            .map(|seed| {
                Stories::new(stories(), prompts.clone(), seed)
                    .prompt()
                    .unwrap()
                    .ask
                    .clone()
            })
            .collect();
        assert_eq!(orders.len(), 2, "the seed changes the order");
    }
}
