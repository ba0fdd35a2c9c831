//! The reader's own project stories: the file they are kept in, which prompts they serve, and what is missing.
//!
//! Templates and prompts are content (`content`); these stories are the reader's, in `stories.yaml` in
//! the data folder. Reading them is as strict as reading a deck: `load::own_stories` does it. Drilling
//! them is the business of `session`.

use std::{fmt::Write as _, fs, io, path::Path, sync::Arc};

use super::{
    collection::Bank,
    content::{OwnStory, Prompt},
    id::StoryId,
    load::own_stories,
    problem::{Problem, Rule, Severity},
};

/// The name of the file in the data folder.
pub const FILE: &str = "stories.yaml";
/// Largest file that is read, in bytes.
pub const BYTES_MAX: u64 = 1024 * 1024;

/// The stories of a reader, and what is wrong with their file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnStories {
    /// What is sound, in the order of the file.
    pub stories: Vec<OwnStory>,
    /// What is not, and what is missing.
    pub problems: Vec<Problem>,
    /// There is a file.
    pub exists: bool,
}

impl OwnStories {
    /// Reads the file, if it is there. Never fails: what cannot be read is a problem.
    pub fn read(path: &Path, bank: &Bank) -> Self {
        let shown: Arc<str> = path.to_string_lossy().into();
        let refused = |message: String| Self {
            problems: vec![Problem::whole_file(&shown, message)],
            exists: true,
            ..Self::default()
        };
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => return refused(format!("cannot be read: {error}")),
            Ok(found) if !found.is_file() => return refused("is not a regular file".to_owned()),
            Ok(found) if found.len() > BYTES_MAX => {
                let size = found.len();
                return refused(format!("has {size} bytes; at most {BYTES_MAX} are read"));
            }
            Ok(_) => {}
        }
        match fs::read(path) {
            Ok(bytes) => Self::parse(&shown, bytes, bank),
            Err(error) => refused(format!("cannot be read: {error}")),
        }
    }

    /// Reads the text of a file that messages call `shown`.
    pub fn parse(shown: &Arc<str>, bytes: Vec<u8>, bank: &Bank) -> Self {
        let (stories, problems) = own_stories::read(shown, bytes, bank);
        let mut own = Self {
            stories,
            problems,
            exists: true,
        };
        own.note_gaps(shown, bank);
        own
    }

    /// Stories without a figure or not yet told, and prompts that no story serves.
    fn note_gaps(&mut self, shown: &Arc<str>, bank: &Bank) {
        let warn = |line: u32, message: String| Problem {
            line,
            severity: Severity::Warning,
            rule: Rule::Coverage,
            ..Problem::whole_file(shown, message)
        };
        let told = self.stories.iter().filter(|story| story.is_told());
        let bare = told.filter(|story| !story.has_number());
        let mut gaps: Vec<Problem> = bare
            .map(|story| {
                let message = format!(
                    "the story `{}` has no number in it; say how much, how many, how long",
                    story.id
                );
                warn(story.line, message)
            })
            .collect();
        for story in &self.stories {
            let names = story.untold().join(", ");
            let (id, untold) = (&story.id, OwnStory::UNTOLD);
            let message = if !story.is_told() {
                format!("the story `{id}` is not told yet: write over `{untold}` in {names}")
            } else if !names.is_empty() {
                format!("the story `{id}` still says `{untold}` in {names}")
            } else {
                continue;
            };
            gaps.push(warn(story.line, message));
        }
        let unserved = bank
            .prompts
            .iter()
            .filter(|prompt| self.serving(prompt).is_empty());
        gaps.extend(unserved.map(|prompt| {
            let templates: Vec<&str> = prompt.stories.iter().map(StoryId::as_str).collect();
            let message = format!(
                "no story serves the prompt `{}`; one after {} would",
                prompt.id,
                templates.join(" or ")
            );
            warn(1, message)
        }));
        self.problems.extend(gaps);
    }

    /// The places of the stories that serve a prompt, best first: those that name it, then those of
    /// its templates in the order in which the prompt names these. One that is not told yet serves none.
    pub fn serving(&self, prompt: &Prompt) -> Vec<usize> {
        let rank = |story: &OwnStory| {
            if story.prompts.contains(&prompt.id) {
                return Some(0);
            }
            let template = story.template.as_ref()?;
            let place = prompt.stories.iter().position(|id| id == template)?;
            Some(place + 1)
        };
        let mut ranked: Vec<(usize, usize)> = self
            .stories
            .iter()
            .enumerate()
            .filter(|(_, story)| story.is_told())
            .filter_map(|(place, story)| Some((rank(story)?, place)))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, place)| place).collect()
    }

    /// The prompts that a story serves, in the order of the bank.
    pub fn served_by<'b>(&self, story: usize, bank: &'b Bank) -> Vec<&'b Prompt> {
        let prompts = bank.prompts.iter();
        prompts
            .filter(|prompt| self.serving(prompt).contains(&story))
            .collect()
    }

    /// Whether something in the file is wrong, rather than missing.
    pub fn has_errors(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }
}

/// A file to begin with: one story to write over, and every template and prompt of the bank as a
/// comment. It passes the check itself.
pub fn example(bank: &Bank) -> String {
    const UNTOLD: &str = OwnStory::UNTOLD;
    let mut text = String::from(
        "# Your own project stories. `highwater stories` checks them, `highwater stories --drill` drills them.\n\
         # Write over `to be told`, then add more: four to six good stories serve nearly every prompt.\n\
         stories:\n  - id: my-first-story\n    title: What it is about, in a few words\n",
    );
    if let Some(template) = bank.stories.first() {
        let _ = writeln!(text, "    template: {}", template.id);
    }
    if let Some(prompt) = bank.prompts.first() {
        let _ = writeln!(text, "    prompts: [{}]", prompt.id);
    }
    text.push_str("    parts:\n");
    match bank.stories.first() {
        Some(template) => {
            for part in &template.parts {
                let _ = writeln!(text, "      # {}", one_line(&part.ask));
                let _ = writeln!(text, "      {}: {UNTOLD}", part.part);
            }
        }
        None => {
            let _ = writeln!(text, "      situation: {UNTOLD}");
        }
    }
    let _ = write!(
        text,
        "    # what must not be left out\n    facts:\n      - {UNTOLD}\n    \
         # such as: 40,000 messages a second at the peak\n    numbers:\n      - {UNTOLD}\n"
    );
    if !bank.stories.is_empty() {
        text.push_str("\n# Templates, with their parts:\n");
    }
    for template in &bank.stories {
        let parts: Vec<&str> = template
            .parts
            .iter()
            .map(|part| part.part.as_str())
            .collect();
        let _ = writeln!(
            text,
            "#   {}: {}\n#       {}",
            template.id,
            one_line(&template.title),
            parts.join(", ")
        );
    }
    if !bank.prompts.is_empty() {
        text.push_str("\n# Prompts, as interviewers put them:\n");
    }
    for prompt in &bank.prompts {
        let _ = writeln!(text, "#   {}: {}", prompt.id, one_line(&prompt.ask));
    }
    text
}

/// Text for a comment: a line feed would end it.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::built_in::built_in;

    fn parse(text: &str, bank: &Bank) -> OwnStories {
        OwnStories::parse(&"stories.yaml".into(), text.as_bytes().to_vec(), bank)
    }

    fn errors(own: &OwnStories) -> Vec<String> {
        let errors = own.problems.iter();
        errors
            .filter(|problem| problem.severity == Severity::Error)
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_example_passes_its_own_check() {
        for bank in [built_in().unwrap(), Bank::default()] {
            let own = parse(&example(&bank), &bank);
            assert_eq!(errors(&own), [""; 0]);
            assert_eq!(own.stories.len(), 1);
            assert!(!own.stories[0].is_told() && own.stories[0].to_tell().is_empty());
            let told = own.problems[0].to_string();
            assert!(
                told.contains(
                    "`my-first-story` is not told yet: write over `to be told` in situation"
                ),
                "{told}"
            );
        }
    }

    #[test]
    fn a_story_serves_once_it_is_told_and_what_is_left_of_the_example_is_named() {
        let bank = built_in().unwrap();
        let prompt = &bank.prompts[0];
        let untold = parse(&example(&bank), &bank);
        assert_eq!(untold.serving(prompt), [0; 0]);
        let begun = example(&bank).replacen(": to be told", ": A topic fell behind.", 1);
        let begun = parse(&begun, &bank);
        assert_eq!(begun.serving(prompt), [0]);
        let story = &begun.stories[0];
        assert_eq!(story.to_tell().len(), 1, "{:?}", story.to_tell());
        assert!(!story.has_number());
        let has = |words: &str| begun.problems.iter().any(|p| p.message.contains(words));
        assert!(has("`my-first-story` still says `to be told` in "));
        assert!(has("facts, numbers"));
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_the_nearest_word() {
        let bank = built_in().unwrap();
        let text = "stories:\n  - id: a\n    title: A\n    template: system-i-won\n    prompts: [walk-trough-your-system]\n    parts:\n      situation: x\n    facts: [y]\n  - id: a\n    title: B\n    factz: [z]\n    parts: {situation: s, situation: t}\n";
        let own = parse(text, &bank);
        let found = errors(&own);
        let has = |words: &str| found.iter().any(|line| line.contains(words));
        assert!(
            has(
                "stories.yaml:4:15: error: there is no story template `system-i-won`; did you mean `system-i-own`?"
            ),
            "{found:#?}"
        );
        assert!(
            has("did you mean `walk-through-your-system`?"),
            "{found:#?}"
        );
        assert!(
            has("stories.yaml:11:5: error: unknown key `factz`"),
            "{found:#?}"
        );
        assert!(has("stands twice"), "{found:#?}");
        assert_eq!(own.stories.len(), 1, "the one with a wrong link stays");
        let first = &own.stories[0];
        assert!(first.template.is_none() && first.prompts.is_empty());
        assert!(
            own.problems
                .iter()
                .any(|p| p.message.contains("`a` has no number"))
        );
    }

    #[test]
    fn an_id_may_be_taken_once() {
        let bank = Bank::default();
        let story = "  - {id: a, title: A, parts: {p: 3 weeks}}\n";
        let own = parse(&format!("stories:\n{story}{story}"), &bank);
        assert_eq!(errors(&own).len(), 1, "{:?}", own.problems);
        assert!(errors(&own)[0].contains("stories.yaml:3:"));
        assert_eq!(own.stories.len(), 1);
    }

    #[test]
    fn the_story_of_the_page_on_formats_serves_prompts_of_the_bank() {
        let bank = built_in().unwrap();
        let page = include_str!("../../docs/BANK.md");
        let (_, own) = page.split_once("## Your own stories").unwrap();
        let (_, story) = own.split_once("```yaml\n").unwrap();
        let (story, _) = story.split_once("```").unwrap();
        let own = parse(story, &bank);
        assert_eq!(errors(&own), [""; 0]);
        let first = own.served_by(0, &bank);
        assert!(
            first.len() > 1
                && first
                    .iter()
                    .any(|prompt| prompt.id.as_str() == "incident-you-led")
        );
        let wrong = parse(&story.replace("platform-reliability", "zzz"), &bank);
        assert!(
            errors(&wrong)[0].contains("; story templates: system-i-own "),
            "{:?}",
            errors(&wrong)
        );
    }

    #[test]
    fn a_prompt_is_served_by_name_first_and_then_by_template() {
        let bank = built_in().unwrap();
        let prompt = &bank.prompts[0];
        let text = format!(
            "stories:\n  - {{id: late, title: L, template: {}, parts: {{p: '1'}}}}\n  - {{id: best, title: B, template: {}, parts: {{p: '1'}}}}\n  - {{id: named, title: N, prompts: [{}], parts: {{p: '1'}}}}\n",
            prompt.stories[1], prompt.stories[0], prompt.id
        );
        let own = parse(&text, &bank);
        assert_eq!(errors(&own), [""; 0]);
        assert_eq!(own.serving(prompt), [2, 1, 0]);
        assert!(
            own.served_by(2, &bank)
                .iter()
                .any(|served| served.id == prompt.id)
        );
        let unserved = bank
            .prompts
            .iter()
            .filter(|p| own.serving(p).is_empty())
            .count();
        let told = own
            .problems
            .iter()
            .filter(|p| p.message.starts_with("no story serves"));
        assert_eq!(told.count(), unserved);
    }

    #[test]
    fn what_is_no_yaml_or_no_file_is_told() {
        let bank = Bank::default();
        for text in [
            "stories: [",
            "- a",
            "\u{0}",
            "stories:\n  - 7\n",
            "stories: []",
        ] {
            let own = parse(text, &bank);
            assert!(own.has_errors(), "{text:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let own = OwnStories::read(folder.path(), &bank);
        assert!(own.exists && own.has_errors());
        assert_eq!(
            OwnStories::read(&folder.path().join(FILE), &bank),
            OwnStories::default()
        );
    }
}
