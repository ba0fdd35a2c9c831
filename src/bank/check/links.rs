//! Links between the parts of the bank: which lead nowhere, and taking those out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        card::{Answer, Card, ChapterLink, FollowUp, Origin, See},
        collection::Bank,
        content::{Area, Chapter, Drill, Prompt, Target, Track},
        id::DrillId,
        markdown,
        problem::{Rule, did_you_mean, nearest},
        yaml::Step,
    },
    Found, Spot, card_path, key,
};

/// What links may lead to.
pub(super) struct Links<'b> {
    bank: &'b Bank,
    chapters: BTreeMap<&'b str, &'b Chapter>,
    drills: BTreeSet<&'b str>,
    scenarios: BTreeSet<&'b str>,
    skills: BTreeSet<&'b str>,
    stories: BTreeSet<&'b str>,
}

impl<'b> Links<'b> {
    pub(super) fn of(bank: &'b Bank) -> Self {
        let skills = bank.areas.iter().flat_map(|area| &area.skills);
        Self {
            bank,
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
            "card" => return self.dead_card(id),
            "drill" => &self.drills,
            "scenario" => &self.scenarios,
            "skill" => &self.skills,
            _ => &self.stories,
        };
        if known.contains(id) {
            return None;
        }
        let meant = did_you_mean(id, known.iter().copied());
        Some(format!("there is no {what} `{id}`{meant}"))
    }

    fn dead_card(&self, id: &str) -> Option<String> {
        if self.bank.card_of_today(id).is_some() {
            return None;
        }
        if let Some(card) = self.bank.card(&id.into()) {
            return Some(format!("the card `{id}` is called `{}` now", card.id));
        }
        let known = self.bank.cards.iter().map(|card| card.id.as_str());
        let meant = did_you_mean(id, known);
        Some(format!("there is no card `{id}`{meant}"))
    }

    fn dead_chapter(&self, id: &str, anchor: Option<&str>) -> Option<String> {
        let Some(chapter) = self.chapters.get(id) else {
            let meant = did_you_mean(id, self.chapters.keys().copied());
            return Some(format!("there is no chapter `{id}`{meant}"));
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
                    Rule::Link,
                    message,
                ));
            }
        }
    }

    fn see(&self, see: &See, origin: &Origin, base: &[Step], found: &mut Found) {
        let mut note = |steps: &[Step], message: Option<String>| {
            let path = [base, &[key("see")], steps].concat();
            note(origin, &path, message, found);
        };
        if let Some(ChapterLink { chapter, anchor }) = &see.chapter {
            let message = self.dead_chapter(chapter.as_str(), anchor.as_deref());
            note(&[key("chapter")], message);
        }
        for (place, card) in see.cards.iter().enumerate() {
            let message = self.dead("card", card.as_str());
            note(&[key("cards"), Step::Item(place)], message);
        }
        if let Some(scenario) = &see.scenario {
            note(&[key("scenario")], self.dead("scenario", scenario.as_str()));
        }
        if let Some(drill) = &see.drill {
            note(&[key("drill")], self.dead("drill", drill.as_str()));
        }
    }

    pub(super) fn card(&self, card: &Card, found: &mut Found) {
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
    pub(super) fn others(&self, bank: &Bank, is_new: &dyn Fn(&Origin) -> bool, found: &mut Found) {
        for chapter in bank
            .chapters
            .iter()
            .filter(|chapter| is_new(&chapter.origin))
        {
            self.chapter(chapter, found);
        }
        for track in bank.tracks.iter().filter(|track| is_new(&track.origin)) {
            self.track(track, found);
        }
        for area in bank.areas.iter().filter(|area| is_new(&area.origin)) {
            self.area(area, found);
        }
        for prompt in bank.prompts.iter().filter(|prompt| is_new(&prompt.origin)) {
            self.prompt(prompt, found);
        }
        for drill in bank.drills.iter().filter(|drill| is_new(&drill.origin)) {
            self.drill(drill, found);
        }
    }

    fn chapter(&self, chapter: &Chapter, found: &mut Found) {
        for link in markdown::links(&chapter.text) {
            let message = if let Some(anchor) = link.target.strip_prefix('#') {
                self.dead_chapter(chapter.id.as_str(), Some(anchor))
            } else if link.target.contains(':') {
                self.dead_target(&link.target)
            } else {
                Some(format!(
                    "a link to `{}`; expected chapter:ID#anchor, card:ID, drill:ID, scenario:ID, #anchor or https://…",
                    link.target
                ))
            };
            if let Some(message) = message {
                let spot = Spot::Line(chapter.text_line + link.line);
                found.push((chapter.origin.clone(), spot, Rule::Link, message));
            }
        }
    }

    fn track(&self, track: &Track, found: &mut Found) {
        for (s, section) in track.sections.iter().enumerate() {
            for (e, entry) in section.entries.iter().enumerate() {
                let message = match &entry.target {
                    Target::Card(id) => self.dead("card", id.as_str()),
                    Target::Drill(id) => self.dead("drill", id.as_str()),
                    Target::Skill(id) => self.dead("skill", id.as_str()),
                    Target::Story(id) => self.dead("story", id.as_str()),
                };
                let path = [
                    key("sections"),
                    Step::Item(s),
                    key("entries"),
                    Step::Item(e),
                ];
                note(&track.origin, &path, message, found);
            }
        }
    }

    fn area(&self, area: &Area, found: &mut Found) {
        for (s, skill) in area.skills.iter().enumerate() {
            let mut note = |rest: &[Step], message: Option<String>| {
                let path = [&[key("skills"), Step::Item(s)], rest].concat();
                note(&area.origin, &path, message, found);
            };
            for (n, id) in skill.cards.iter().enumerate() {
                let message = self.dead("card", id.as_str());
                note(&[key("cards"), Step::Item(n)], message);
            }
            for (n, id) in skill.drills.iter().enumerate() {
                let message = self.dead("drill", id.as_str());
                note(&[key("drills"), Step::Item(n)], message);
            }
            if let Some(link) = &skill.chapter {
                let message = self.dead_chapter(link.chapter.as_str(), link.anchor.as_deref());
                note(&[key("chapter")], message);
            }
        }
    }

    fn prompt(&self, prompt: &Prompt, found: &mut Found) {
        for (n, id) in prompt.stories.iter().enumerate() {
            let path = [
                key("prompts"),
                Step::Item(prompt.origin.item as usize),
                key("stories"),
                Step::Item(n),
            ];
            let message = self.dead("story", id.as_str());
            note(&prompt.origin, &path, message, found);
        }
    }

    fn drill(&self, drill: &Drill, found: &mut Found) {
        let origin = &drill.origin;
        self.see(&drill.see, origin, &[], found);
        self.prose(&drill.context, origin, &|| vec![key("context")], found);
        for (n, stage) in drill.stages.iter().enumerate() {
            let path = || vec![key("stages"), Step::Item(n), key("worked")];
            self.prose(&stage.worked, origin, &path, found);
        }
    }
}

/// Notes what is wrong with a link at a path of a file, if anything is.
fn note(origin: &Origin, path: &[Step], message: Option<String>, found: &mut Found) {
    if let Some(message) = message {
        let spot = Spot::Path(path.to_vec(), None);
        found.push((origin.clone(), spot, Rule::Link, message));
    }
}

/// Takes links that lead nowhere out of cards from `from` on and of everything that lists others, so
/// that no screen offers them.
pub(super) fn drop_dead_links(bank: &mut Bank, from: usize) {
    for place in from..bank.cards.len() {
        let mut see = bank.cards[place].see.clone();
        drop_dead_see(&mut see, bank);
        if see != bank.cards[place].see {
            Arc::make_mut(&mut bank.cards[place]).see = see;
        }
    }
    let mut tracks = std::mem::take(&mut bank.tracks);
    for section in tracks.iter_mut().flat_map(|track| &mut track.sections) {
        section.entries.retain(|entry| match &entry.target {
            Target::Card(id) => bank.card_of_today(id.as_str()).is_some(),
            Target::Drill(id) => bank.drill(id).is_some(),
            Target::Skill(id) => bank.skill(id).is_some(),
            Target::Story(id) => bank.story(id).is_some(),
        });
    }
    bank.tracks = tracks;
    let mut areas = std::mem::take(&mut bank.areas);
    for skill in areas.iter_mut().flat_map(|area| &mut area.skills) {
        skill
            .cards
            .retain(|id| bank.card_of_today(id.as_str()).is_some());
        skill.drills.retain(|id| bank.drill(id).is_some());
        skill.chapter = skill
            .chapter
            .take()
            .filter(|link| bank.chapter(&link.chapter).is_some());
    }
    bank.areas = areas;
    let mut drills = std::mem::take(&mut bank.drills);
    let names: BTreeSet<DrillId> = drills.iter().map(|drill| drill.id.clone()).collect();
    for drill in &mut drills {
        let related = drill.see.drill.take().filter(|id| names.contains(id));
        drop_dead_see(&mut drill.see, bank);
        drill.see.drill = related;
    }
    bank.drills = drills;
    let mut prompts = std::mem::take(&mut bank.prompts);
    for prompt in &mut prompts {
        prompt.stories.retain(|id| bank.story(id).is_some());
    }
    bank.prompts = prompts;
}

fn drop_dead_see(see: &mut See, bank: &Bank) {
    see.cards
        .retain(|id| bank.card_of_today(id.as_str()).is_some());
    see.drill = see.drill.take().filter(|id| bank.drill(id).is_some());
    see.scenario = see.scenario.take().filter(|id| bank.scenario(id).is_some());
    see.chapter = see
        .chapter
        .take()
        .filter(|link| bank.chapter(&link.chapter).is_some());
}
