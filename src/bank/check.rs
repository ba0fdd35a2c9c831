//! Rules that need the whole bank: duplicates, links that lead nowhere, chapters without cards.
//!
//! [`assemble`] puts parts together in order, leaves out what would stand twice, and reports every
//! link that leads nowhere with its file, line and column.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    card::{Answer, Card, ChapterLink, FollowUp, Origin, See},
    collection::Bank,
    content::{Chapter, Target},
    id::CardId,
    load::{self, Loaded, files::Source},
    markdown,
    problem::{Problem, Severity, nearest},
    yaml::Step,
};

/// Where a rule was broken.
enum Spot {
    /// At the end of a path through a YAML file; the number is a line within the text there.
    Path(Vec<Step>, Option<u32>),
    /// On a line of a file.
    Line(u32),
}

/// Puts parts together behind `base`, which is sound already, and holds the whole against the rules.
///
/// Problems of the parts come first, in their order, then those of the whole.
pub fn assemble(base: Bank, parts: Vec<Loaded>, sources: &[Source]) -> Loaded {
    let base_counts = (base.cards.len(), base.chapters.len());
    let mut join = Join {
        bank: base,
        problems: Vec::new(),
        places: Places::new(sources),
    };
    join.parts(parts);
    join.bank.index();
    join.bank.sort();
    let links = Links::of(&join.bank);
    let mut found = Vec::new();
    // what was packed was checked when it was built
    for card in join.bank.cards.iter().skip(base_counts.0) {
        links.card(card, &mut found);
    }
    let has_news = |origin: &Origin| sources.iter().any(|source| source.shown == origin.file);
    links.others(&join.bank, &has_news, &mut found);
    let whole_project = base_counts == (0, 0) && sources.iter().any(|source| source.built_in);
    if whole_project {
        coverage(&join.bank, &mut found);
    }
    for (origin, spot, severity, message) in found {
        let problem = join.places.problem(&origin, &spot, severity, message);
        join.problems.push(problem);
    }
    drop_dead_links(&mut join.bank, base_counts.0);
    Loaded {
        bank: join.bank,
        problems: join.problems,
    }
}

struct Join<'s> {
    bank: Bank,
    problems: Vec<Problem>,
    places: Places<'s>,
}

impl Join<'_> {
    fn parts(&mut self, parts: Vec<Loaded>) {
        let mut cards: BTreeMap<CardId, Origin> = BTreeMap::new();
        for card in &self.bank.cards {
            for id in std::iter::once(&card.id).chain(&card.was) {
                cards.insert(id.clone(), card.origin.clone());
            }
        }
        for mut part in parts {
            self.problems.append(&mut part.problems);
            let mut bank = part.bank;
            let mut kept = Vec::with_capacity(bank.cards.len());
            for card in std::mem::take(&mut bank.cards) {
                if self.card_is_new(&card, &mut cards) {
                    kept.push(card);
                }
            }
            self.decks(&mut bank, &kept);
            bank.cards = kept;
            self.others(&mut bank);
            self.bank.append(bank);
        }
    }

    /// Notes the names of a card, unless one of them is taken.
    fn card_is_new(&mut self, card: &Card, taken: &mut BTreeMap<CardId, Origin>) -> bool {
        let names = std::iter::once((&card.id, None))
            .chain((0..).zip(&card.was).map(|(n, id)| (id, Some(n))));
        for (id, former) in names {
            let Some(first) = taken.get(id) else { continue };
            let mut path = card_path(card);
            let message = if card.derived_id && former.is_none() {
                path.push(key("ask"));
                format!(
                    "the same question stands at {}:{}; give one of the two an `id` or remove it",
                    first.file, first.line
                )
            } else {
                path.push(key(if former.is_some() { "was" } else { "id" }));
                path.extend(former.map(Step::Item));
                format!(
                    "the card id `{id}` is taken by {}:{}; choose another",
                    first.file, first.line
                )
            };
            let problem = self.places.problem(
                &card.origin,
                &Spot::Path(path, None),
                Severity::Error,
                message,
            );
            self.problems.push(problem);
            return false;
        }
        for id in std::iter::once(&card.id).chain(&card.was) {
            taken.insert(id.clone(), card.origin.clone());
        }
        true
    }

    /// A reader's file may add cards to a built-in deck; within one bank a deck is one file.
    fn decks(&mut self, part: &mut Bank, kept: &[Card]) {
        for mut deck in std::mem::take(&mut part.decks) {
            let ids = kept.iter().map(|card| card.id.clone());
            deck.cards = ids.collect();
            match self.bank.decks.iter_mut().find(|other| other.id == deck.id) {
                None => part.decks.push(deck),
                Some(first) => {
                    first.cards.extend(deck.cards);
                    if first.origin.built_in == deck.origin.built_in {
                        let message = format!(
                            "the deck `{}` stands in {} too; one deck is one file",
                            deck.id, first.origin.file
                        );
                        let spot = Spot::Path(vec![key("deck")], None);
                        let problem =
                            self.places
                                .problem(&deck.origin, &spot, Severity::Error, message);
                        self.problems.push(problem);
                    }
                }
            }
        }
    }

    /// Leaves out of a part what the bank holds already under the same id.
    fn others(&mut self, part: &mut Bank) {
        macro_rules! unique {
            ($field:ident, $what:literal, |$item:ident| $path:expr) => {
                for item in std::mem::take(&mut part.$field) {
                    let clash = self
                        .bank
                        .$field
                        .iter()
                        .chain(&part.$field)
                        .find(|other| other.id == item.id);
                    let Some(first) = clash else {
                        part.$field.push(item);
                        continue;
                    };
                    let first = &first.origin;
                    let message = format!(
                        "the {} `{}` stands at {}:{} too; choose another id",
                        $what, item.id, first.file, first.line
                    );
                    let $item = &item;
                    let spot = Spot::Path($path, None);
                    let problem =
                        self.places
                            .problem(&item.origin, &spot, Severity::Error, message);
                    self.problems.push(problem);
                }
            };
        }
        unique!(tracks, "track", |item| vec![key_of(&item.origin, "track")]);
        unique!(chapters, "chapter", |item| vec![key_of(
            &item.origin,
            "title"
        )]);
        unique!(drills, "drill", |item| vec![key_of(&item.origin, "drill")]);
        unique!(areas, "area", |item| vec![key_of(&item.origin, "area")]);
        unique!(stories, "story", |item| vec![
            key("stories"),
            Step::Item(item.origin.item as usize),
            key("id")
        ]);
        unique!(prompts, "prompt", |item| vec![
            key("prompts"),
            Step::Item(item.origin.item as usize),
            key("id")
        ]);
        unique!(scenarios, "scenario", |item| vec![key_of(
            &item.origin,
            "scenario"
        )]);
        self.skills(part);
    }

    fn skills(&mut self, part: &mut Bank) {
        let mut seen: BTreeMap<String, Origin> = BTreeMap::new();
        for area in &self.bank.areas {
            for skill in &area.skills {
                seen.insert(skill.id.to_string(), area.origin.clone());
            }
        }
        for area in &mut part.areas {
            let origin = area.origin.clone();
            area.skills.retain(|skill| {
                let Some(first) = seen.get(skill.id.as_str()) else {
                    seen.insert(skill.id.to_string(), origin.clone());
                    return true;
                };
                let message = format!(
                    "the skill `{}` stands in {} too; choose another id",
                    skill.id, first.file
                );
                let problem = self.places.problem(
                    &origin,
                    &Spot::Path(vec![key("skills")], None),
                    Severity::Error,
                    message,
                );
                self.problems.push(problem);
                false
            });
        }
    }
}

fn key(name: impl Into<Cow<'static, str>>) -> Step {
    Step::Key(name.into())
}

/// The key that names what fills a whole file.
fn key_of(_: &Origin, name: &'static str) -> Step {
    key(name)
}

fn card_path(card: &Card) -> Vec<Step> {
    vec![key("cards"), Step::Item(card.origin.item as usize)]
}

type Found = Vec<(Origin, Spot, Severity, String)>;

/// What links may lead to.
struct Links<'b> {
    bank: &'b Bank,
    cards: BTreeSet<&'b str>,
    chapters: BTreeMap<&'b str, &'b Chapter>,
    drills: BTreeSet<&'b str>,
    scenarios: BTreeSet<&'b str>,
    skills: BTreeSet<&'b str>,
    stories: BTreeSet<&'b str>,
}

impl<'b> Links<'b> {
    fn of(bank: &'b Bank) -> Self {
        let skills = bank.areas.iter().flat_map(|area| &area.skills);
        Self {
            bank,
            cards: bank.cards.iter().map(|card| card.id.as_str()).collect(),
            chapters: bank.chapters.iter().map(|c| (c.id.as_str(), c)).collect(),
            drills: bank.drills.iter().map(|drill| drill.id.as_str()).collect(),
            scenarios: bank.scenarios.iter().map(|s| s.id.as_str()).collect(),
            skills: skills.map(|skill| skill.id.as_str()).collect(),
            stories: bank.stories.iter().map(|story| story.id.as_str()).collect(),
        }
    }

    /// What is wrong with a link to `id`, if anything.
    fn dead(&self, what: &str, id: &str) -> Option<String> {
        let known = match what {
            "card" => &self.cards,
            "drill" => &self.drills,
            "scenario" => &self.scenarios,
            "skill" => &self.skills,
            _ => &self.stories,
        };
        if known.contains(id) {
            return None;
        }
        if what == "card"
            && let Some(card) = self.bank.card(&id.into())
        {
            return Some(format!("the card `{id}` is called `{}` now", card.id));
        }
        let near =
            nearest(id, known.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        Some(format!(
            "there is no {what} `{id}`{}",
            near.unwrap_or_default()
        ))
    }

    fn dead_chapter(&self, id: &str, anchor: Option<&str>) -> Option<String> {
        let Some(chapter) = self.chapters.get(id) else {
            let near = nearest(id, self.chapters.keys().copied())
                .map(|near| format!("; did you mean `{near}`?"));
            return Some(format!(
                "there is no chapter `{id}`{}",
                near.unwrap_or_default()
            ));
        };
        let anchor = anchor?;
        let anchors = || {
            chapter
                .headings
                .iter()
                .map(|heading| heading.anchor.as_str())
        };
        if anchors().any(|known| known == anchor) {
            return None;
        }
        let near = nearest(anchor, anchors()).map_or_else(
            || format!("; its anchors: {}", anchors().collect::<Vec<_>>().join(" ")),
            |near| format!("; did you mean `{near}`?"),
        );
        Some(format!("the chapter `{id}` has no anchor `{anchor}`{near}"))
    }

    /// What is wrong with a Markdown link, if it leads into the bank.
    fn dead_target(&self, target: &str) -> Option<String> {
        let (scheme, rest) = target.split_once(':')?;
        match scheme {
            "card" | "drill" | "scenario" => self.dead(scheme, rest),
            "chapter" => match rest.split_once('#') {
                Some((id, anchor)) => self.dead_chapter(id, Some(anchor)),
                None => self.dead_chapter(rest, None),
            },
            "http" | "https" => None,
            _ => Some(format!(
                "a link to `{target}`; expected card:ID, chapter:ID#anchor, drill:ID, scenario:ID or https://…"
            )),
        }
    }

    fn prose(&self, text: &str, origin: &Origin, path: &dyn Fn() -> Vec<Step>, found: &mut Found) {
        for link in markdown::links(text) {
            let message = if link.target.contains(':') {
                self.dead_target(&link.target)
            } else {
                Some(format!(
                    "a link to `{}`; links inside the bank are written card:ID, chapter:ID#anchor, drill:ID, scenario:ID",
                    link.target
                ))
            };
            if let Some(message) = message {
                found.push((
                    origin.clone(),
                    Spot::Path(path(), Some(link.line)),
                    Severity::Error,
                    message,
                ));
            }
        }
    }

    fn see(&self, see: &See, origin: &Origin, base: &[Step], found: &mut Found) {
        let mut note = |steps: Vec<Step>, message: Option<String>| {
            if let Some(message) = message {
                let mut path = base.to_vec();
                path.push(key("see"));
                path.extend(steps);
                found.push((
                    origin.clone(),
                    Spot::Path(path, None),
                    Severity::Error,
                    message,
                ));
            }
        };
        if let Some(ChapterLink { chapter, anchor }) = &see.chapter {
            note(
                vec![key("chapter")],
                self.dead_chapter(chapter.as_str(), anchor.as_deref()),
            );
        }
        for (place, card) in see.cards.iter().enumerate() {
            note(
                vec![key("cards"), Step::Item(place)],
                self.dead("card", card.as_str()),
            );
        }
        if let Some(scenario) = &see.scenario {
            note(
                vec![key("scenario")],
                self.dead("scenario", scenario.as_str()),
            );
        }
        if let Some(drill) = &see.drill {
            note(vec![key("drill")], self.dead("drill", drill.as_str()));
        }
    }

    fn card(&self, card: &Card, found: &mut Found) {
        let base = || card_path(card);
        self.see(&card.see, &card.origin, &base(), found);
        let mut prose = |text: &str, steps: &dyn Fn() -> Vec<Step>| {
            let path = || [base(), steps()].concat();
            self.prose(text, &card.origin, &path, found);
        };
        let single = [
            ("ask", Some(&card.ask)),
            ("say", Some(&card.say)),
            ("explain", Some(&card.explain)),
            ("trap", card.trap.as_ref()),
            ("hook", card.hook.as_ref()),
            ("fix", card.fix.as_ref()),
        ];
        for (name, text) in single {
            if let Some(text) = text {
                prose(text, &|| vec![key(name)]);
            }
        }
        for (place, point) in card.points.iter().enumerate() {
            prose(point, &|| vec![key("points"), Step::Item(place)]);
        }
        for (place, FollowUp { say, .. }) in card.follow_ups.iter().enumerate() {
            prose(say, &|| {
                vec![key("follow_ups"), Step::Item(place), key("say")]
            });
        }
        for (place, check) in card.checks.iter().enumerate() {
            let at = || vec![key("checks"), Step::Item(place)];
            match &check.answer {
                Answer::Choose { choices } => {
                    for (n, choice) in choices.iter().enumerate() {
                        prose(&choice.why, &|| {
                            [at(), vec![key("choose"), Step::Item(n), key("why")]].concat()
                        });
                    }
                }
                Answer::Order { why, .. }
                | Answer::Type { why, .. }
                | Answer::Number { why, .. } => {
                    prose(why, &|| [at(), vec![key("why")]].concat());
                }
            }
        }
    }

    /// Everything but cards, in files that are new.
    fn others(&self, bank: &Bank, is_new: &dyn Fn(&Origin) -> bool, found: &mut Found) {
        for chapter in bank
            .chapters
            .iter()
            .filter(|chapter| is_new(&chapter.origin))
        {
            for link in markdown::links(&chapter.text) {
                let own = link
                    .target
                    .strip_prefix('#')
                    .map(|anchor| self.dead_chapter(chapter.id.as_str(), Some(anchor)));
                let message = own.unwrap_or_else(|| {
                    if link.target.contains(':') {
                        self.dead_target(&link.target)
                    } else {
                        Some(format!("a link to `{}`; expected chapter:ID#anchor, card:ID, drill:ID, scenario:ID, #anchor or https://…", link.target))
                    }
                });
                if let Some(message) = message {
                    found.push((
                        chapter.origin.clone(),
                        Spot::Line(chapter.text_line + link.line),
                        Severity::Error,
                        message,
                    ));
                }
            }
        }
        let mut note = |origin: &Origin, path: Vec<Step>, message: Option<String>| {
            if let Some(message) = message {
                found.push((
                    origin.clone(),
                    Spot::Path(path, None),
                    Severity::Error,
                    message,
                ));
            }
        };
        for track in bank.tracks.iter().filter(|track| is_new(&track.origin)) {
            for (s, section) in track.sections.iter().enumerate() {
                for (e, entry) in section.entries.iter().enumerate() {
                    let path = vec![
                        key("sections"),
                        Step::Item(s),
                        key("entries"),
                        Step::Item(e),
                    ];
                    let message = match &entry.target {
                        Target::Card(id) => self.dead("card", id.as_str()),
                        Target::Drill(id) => self.dead("drill", id.as_str()),
                        Target::Skill(id) => self.dead("skill", id.as_str()),
                        Target::Story(id) => self.dead("story", id.as_str()),
                    };
                    note(&track.origin, path, message);
                }
            }
        }
        for area in bank.areas.iter().filter(|area| is_new(&area.origin)) {
            for (s, skill) in area.skills.iter().enumerate() {
                let at = |rest: Vec<Step>| [vec![key("skills"), Step::Item(s)], rest].concat();
                for (n, id) in skill.cards.iter().enumerate() {
                    note(
                        &area.origin,
                        at(vec![key("cards"), Step::Item(n)]),
                        self.dead("card", id.as_str()),
                    );
                }
                for (n, id) in skill.drills.iter().enumerate() {
                    note(
                        &area.origin,
                        at(vec![key("drills"), Step::Item(n)]),
                        self.dead("drill", id.as_str()),
                    );
                }
                if let Some(link) = &skill.chapter {
                    note(
                        &area.origin,
                        at(vec![key("chapter")]),
                        self.dead_chapter(link.chapter.as_str(), link.anchor.as_deref()),
                    );
                }
            }
        }
        for prompt in bank.prompts.iter().filter(|prompt| is_new(&prompt.origin)) {
            for (n, id) in prompt.stories.iter().enumerate() {
                let path = vec![
                    key("prompts"),
                    Step::Item(prompt.origin.item as usize),
                    key("stories"),
                    Step::Item(n),
                ];
                note(&prompt.origin, path, self.dead("story", id.as_str()));
            }
        }
        for drill in bank.drills.iter().filter(|drill| is_new(&drill.origin)) {
            self.see(&drill.see, &drill.origin, &[], found);
            self.prose(
                &drill.context,
                &drill.origin,
                &|| vec![key("context")],
                found,
            );
            for (n, stage) in drill.stages.iter().enumerate() {
                self.prose(
                    &stage.worked,
                    &drill.origin,
                    &|| vec![key("stages"), Step::Item(n), key("worked")],
                    found,
                );
            }
        }
    }
}

/// Chapters that no card teaches, and cards that no chapter teaches: of the built-in bank only.
fn coverage(bank: &Bank, found: &mut Found) {
    let taught: BTreeSet<&str> = bank
        .cards
        .iter()
        .filter_map(|card| card.see.chapter.as_ref())
        .map(|link| link.chapter.as_str())
        .collect();
    for chapter in &bank.chapters {
        if !taught.contains(chapter.id.as_str()) {
            let message = format!(
                "no card leads to the chapter `{}`; add `see: {{chapter: {}}}` to one",
                chapter.id, chapter.id
            );
            found.push((
                chapter.origin.clone(),
                Spot::Line(1),
                Severity::Warning,
                message,
            ));
        }
    }
    for card in &bank.cards {
        if card.see.chapter.is_none() && card.kind != super::card::Kind::Flash {
            let message = format!(
                "the card `{}` leads to no chapter; add `see: {{chapter: …}}`",
                card.id
            );
            found.push((
                card.origin.clone(),
                Spot::Line(card.origin.line),
                Severity::Warning,
                message,
            ));
        }
    }
}

/// Takes links that lead nowhere out of a reader's cards, so that no screen offers them.
fn drop_dead_links(bank: &mut Bank, from: usize) {
    let mut cards = std::mem::take(&mut bank.cards);
    let known: BTreeSet<CardId> = cards.iter().map(|card| card.id.clone()).collect();
    for card in cards.iter_mut().skip(from) {
        let see = &mut card.see;
        see.cards.retain(|id| known.contains(id));
        see.drill = see.drill.take().filter(|id| bank.drill(id).is_some());
        see.scenario = see.scenario.take().filter(|id| bank.scenario(id).is_some());
        see.chapter = see
            .chapter
            .take()
            .filter(|link| bank.chapter(&link.chapter).is_some());
    }
    bank.cards = cards;
}

/// Turns spots into lines and columns, reading a file again only when something is wrong in it.
struct Places<'s> {
    sources: &'s [Source],
    texts: BTreeMap<Arc<str>, Option<String>>,
}

impl<'s> Places<'s> {
    fn new(sources: &'s [Source]) -> Self {
        Self {
            sources,
            texts: BTreeMap::new(),
        }
    }

    fn problem(
        &mut self,
        origin: &Origin,
        spot: &Spot,
        severity: Severity,
        message: String,
    ) -> Problem {
        let (line, column) = match spot {
            Spot::Line(line) => (*line, 1),
            Spot::Path(path, line) => self
                .text(&origin.file)
                .map_or((origin.line, 1), |text| load::position(text, path, *line)),
        };
        Problem {
            file: Arc::clone(&origin.file),
            line,
            column,
            severity,
            message,
        }
    }

    fn text(&mut self, file: &Arc<str>) -> Option<&str> {
        if !self.texts.contains_key(file) {
            let path: Option<PathBuf> = self
                .sources
                .iter()
                .find(|source| source.shown == *file)
                .map(|source| source.path.clone());
            let source = self
                .sources
                .iter()
                .find(|source| Some(&source.path) == path.as_ref());
            let text = source
                .and_then(|source| source.bytes().ok())
                .and_then(|bytes| load::files::text(bytes, file).ok())
                .map(|(text, _)| text);
            self.texts.insert(Arc::clone(file), text);
        }
        self.texts.get(file)?.as_deref()
    }
}
