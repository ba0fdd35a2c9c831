//! A reader's own stories, as `docs/BANK.md` describes them. Links lead into the bank that is given.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    super::{
        collection::Bank,
        content::OwnStory,
        id::{PromptId, StoryId},
        problem::{Problem, instead},
        yaml::{Node, Step},
    },
    decoder::{Decoder, Fields},
    files, located, outline,
};

const STORY: &[&str] = &[
    "id", "title", "template", "prompts", "parts", "facts", "numbers",
];

/// Reads the bytes of a file of own stories that messages call `shown`; a mistake leaves out the
/// story it stands in, an unknown template or prompt only itself.
pub fn read(shown: &Arc<str>, bytes: Vec<u8>, bank: &Bank) -> (Vec<OwnStory>, Vec<Problem>) {
    let (text, mut problems) = match files::text(bytes, shown) {
        Ok(read) => read,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    let document = outline::read(&text);
    problems.extend(document.errors.into_iter().map(|error| Problem {
        line: error.line,
        column: error.column,
        ..Problem::whole_file(shown, error.message)
    }));
    if !problems.is_empty() && document.root.is_empty() {
        return (Vec::new(), problems);
    }
    let lines = document.items;
    let line = |place: usize| {
        let cut = lines.iter().find(|(name, _)| name == "stories");
        cut.and_then(|(_, lines)| lines.get(place))
            .copied()
            .unwrap_or(1)
    };
    let mut d = Decoder::new(false);
    let mut f = d.fields(Node::Map(document.root), "the stories", &["stories"]);
    let mut ids = BTreeSet::new();
    let stories = d.list(&mut f, "stories", |d, place, node| {
        let found = story(d, node, line(place), bank)?;
        if !ids.insert(found.id.clone()) {
            d.error(format!("the id `{}` is taken by a story above", found.id));
            return None;
        }
        Some(found)
    });
    problems.extend(located(&d.found, &text, shown));
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (stories.into_iter().flatten().collect(), problems)
}

fn story(d: &mut Decoder, node: Node, line: u32, bank: &Bank) -> Option<OwnStory> {
    let before = d.errors();
    let mut f = d.fields(node, "a story", STORY);
    let mut story = OwnStory {
        id: d.id(&mut f, "id"),
        title: d.text(&mut f, "title"),
        template: None,
        prompts: Vec::new(),
        parts: parts(d, &mut f),
        facts: d.optional_list(&mut f, "facts", |d, _, node| d.as_prose(node)),
        numbers: d.optional_list(&mut f, "numbers", |d, _, node| number(d, node)),
        line,
    };
    let template = d.optional(&mut f, "template");
    let template =
        template.map(|node| d.at(Step::Key("template".into()), |d| d.as_id(node, false)));
    let prompts = d.optional_list(&mut f, "prompts", |d, _, node| d.as_id(node, false));
    let sound = d.errors() == before;
    if !sound {
        return None;
    }
    // A link that leads nowhere is dropped; the story stays.
    story.template = template.and_then(|id| {
        let known = bank.stories.iter().map(|template| template.id.as_str());
        let id = d.at(Step::Key("template".into()), |d| {
            link(d, "story template", id, known)
        })?;
        Some(StoryId::from(id))
    });
    for (place, id) in prompts.into_iter().enumerate() {
        let known = bank.prompts.iter().map(|prompt| prompt.id.as_str());
        let id = d.at(Step::Key("prompts".into()), |d| {
            d.at(Step::Item(place), |d| link(d, "prompt", id, known))
        });
        story.prompts.extend(id.map(PromptId::from));
    }
    Some(story)
}

/// A bare number is a figure too.
fn number(d: &mut Decoder, node: Node) -> String {
    match node {
        Node::Int(value) => value.to_string(),
        Node::Float(value) => value.to_string(),
        other => d.as_prose(other),
    }
}

fn link<'k>(
    d: &mut Decoder,
    what: &str,
    id: String,
    known: impl Iterator<Item = &'k str> + Clone,
) -> Option<String> {
    if known.clone().any(|name| name == id) {
        return Some(id);
    }
    let meant = instead(&id, known, &format!("{what}s"));
    d.error(format!("there is no {what} `{id}`{meant}"));
    None
}

/// What is told, under names that the reader chooses; a template proposes some.
fn parts(d: &mut Decoder, f: &mut Fields) -> Vec<(String, String)> {
    let Some(node) = d.required(f, "parts") else {
        return Vec::new();
    };
    d.at(Step::Key("parts".into()), |d| match node {
        Node::Map(entries) => {
            let mut parts: Vec<(String, String)> = Vec::new();
            for (place, (key, node)) in entries.into_iter().enumerate() {
                let name = key.into_owned();
                if parts.iter().any(|(known, _)| *known == name) {
                    let message = format!("the part `{name}` stands twice in a story");
                    d.at(Step::Entry(place), |d| d.error(message));
                    continue;
                }
                let text = d.at(Step::Key(name.clone().into()), |d| d.as_prose(node));
                parts.push((super::super::clean::cleaned(name), text));
            }
            parts
        }
        other => {
            let message = format!(
                "{} where the parts of a story are expected, such as `situation: …`",
                other.describe()
            );
            d.error(message);
            Vec::new()
        }
    })
}
