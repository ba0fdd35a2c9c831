//! The head of a scenario file, and what can only be checked with the whole before one: links into the bank, names in
//! commands and questions.

use crate::bank::{
    Bank, CardId, ChapterLink, Problem, ScenarioId, ScenarioSource,
    load::{
        self,
        decoder::{Decoder, Fields},
    },
    problem::nearest,
    yaml::{Node, Step as Place},
};

use super::{Scenario, Step, cluster, names, steps};

const KEYS: &[&str] = &[
    "scenario", "title", "about", "level", "minutes", "seed", "cluster", "see", "steps",
];

/// Reads a scenario; beside it, or instead of it, everything that is wrong with the file. Cards and chapters are looked
/// up in `bank`.
pub fn read(source: &ScenarioSource, bank: &Bank) -> (Option<Scenario>, Vec<Problem>) {
    load::decode(&source.text, &source.origin, |d, root| {
        scenario(d, root, source, bank, false)
    })
}

/// Reads a cluster without a script, for the sandbox: the same file without `steps`.
pub fn read_sandbox(source: &ScenarioSource) -> (Option<Scenario>, Vec<Problem>) {
    load::decode(&source.text, &source.origin, |d, root| {
        scenario(d, root, source, &Bank::default(), true)
    })
}

fn scenario(
    d: &mut Decoder,
    root: Node,
    source: &ScenarioSource,
    bank: &Bank,
    sandbox: bool,
) -> Option<Scenario> {
    let before = d.errors();
    let mut f = d.fields(root, "a scenario", KEYS);
    let id = ScenarioId::from(d.id(&mut f, "scenario"));
    let title = d.text(&mut f, "title");
    let about = d.prose(&mut f, "about");
    let level = d.level(&mut f);
    let minutes = d.whole(&mut f, "minutes", 1..=90);
    let seed = u64::from(d.whole(&mut f, "seed", 0..=u32::MAX));
    let see = see(d, &mut f, bank);
    let written = d.required(&mut f, "cluster");
    let spec = written
        .as_ref()
        .and_then(|node| d.at(Place::Key("cluster".into()), |d| cluster::spec(d, node)));
    let cx = steps::Context {
        bank,
        cluster: written.as_ref(),
    };
    let steps: Vec<Step> = if f.has("steps") || !sandbox {
        d.list(&mut f, "steps", |d, _, node| steps::step(d, node, &cx))
    } else {
        Vec::new()
    };
    let spec = spec?;
    if d.errors() > before {
        return None;
    }
    let scenario = Scenario {
        id,
        title,
        about,
        level,
        minutes,
        seed,
        cluster: spec,
        cluster_text: block(&source.text, "cluster"),
        see,
        steps,
        origin: source.origin.clone(),
    };
    names::check(d, &scenario);
    (d.errors() == before).then_some(scenario)
}

/// The lines of a top-level key and of what stands below it.
fn block(text: &str, key: &str) -> String {
    let head = format!("{key}:");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&head));
    let first = lines.next().unwrap_or("cluster: {}");
    let below =
        lines.take_while(|line| line.is_empty() || line.starts_with([' ', '#', '-', '\t', '}']));
    std::iter::once(first)
        .chain(below)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The key `see`, with every link looked up.
fn see(d: &mut Decoder, f: &mut Fields, bank: &Bank) -> crate::bank::See {
    let see = load::see(d, f);
    d.at(Place::Key("see".into()), |d| {
        d.at(Place::Key("chapter".into()), |d| {
            chapter(d, see.chapter.as_ref(), bank);
        });
        d.at(Place::Key("cards".into()), |d| cards(d, &see.cards, bank));
    });
    see
}

/// Notes a link to a chapter or a heading that the bank does not have.
pub(super) fn chapter(d: &mut Decoder, link: Option<&ChapterLink>, bank: &Bank) {
    let Some(link) = link else { return };
    let Some(chapter) = bank.chapter(&link.chapter) else {
        let known = bank.chapters.iter().map(|chapter| chapter.id.as_str());
        d.error(format!(
            "there is no chapter `{}`{}",
            link.chapter,
            meant(link.chapter.as_str(), known)
        ));
        return;
    };
    let anchors = || {
        chapter
            .headings
            .iter()
            .map(|heading| heading.anchor.as_str())
    };
    if let Some(anchor) = &link.anchor
        && !anchors().any(|known| known == anchor)
    {
        d.error(format!(
            "the chapter `{}` has no anchor `{anchor}`{}",
            link.chapter,
            meant(anchor, anchors())
        ));
    }
}

/// Notes cards that the bank does not have.
pub(super) fn cards(d: &mut Decoder, ids: &[CardId], bank: &Bank) {
    for (place, id) in ids.iter().enumerate() {
        if bank.card(id).is_none() {
            let known = bank.cards.iter().map(|card| card.id.as_str());
            let message = format!("there is no card `{id}`{}", meant(id.as_str(), known));
            d.at(Place::Item(place), |d| d.error(message));
        }
    }
}

/// `; did you mean …?`, or nothing.
pub(super) fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
