//! Tracks, drills, areas of skills, stories and scenarios, as `docs/BANK.md` describes them.

use super::{
    super::{
        card::Origin,
        content::{
            Area, Drill, Entry, Prompt, ScenarioSource, Section, Skill, Stage, StageKind,
            StoryPart, StoryTemplate, Target, Track,
        },
        id::{AreaId, CardId, DrillId, PromptId, ScenarioId, SkillId, StoryId, TrackId},
        yaml::{Key, Node, Step},
    },
    card::{chapter_link, question, see},
    decoder::{Decoder, Fields},
};

/// Reads a track; a mistake is noted and leaves it out.
pub(super) fn track(d: &mut Decoder, root: Node, origin: Origin) -> Option<Track> {
    let before = d.errors();
    let mut f = d.fields(root, "a track", &["track", "title", "about", "sections"]);
    let track = Track {
        id: TrackId::from(d.id(&mut f, "track")),
        title: d.text(&mut f, "title"),
        about: d.prose(&mut f, "about"),
        sections: d.list(&mut f, "sections", |d, _, node| {
            let mut f = d.fields(node, "a section", &["title", "entries"]);
            Section {
                title: d.text(&mut f, "title"),
                entries: d.list_of_sound(&mut f, "entries", |d, _, node| entry(d, node)),
            }
        }),
        origin,
    };
    (d.errors() == before).then_some(track)
}

const TARGETS: [&str; 4] = ["card", "drill", "skill", "story"];

/// A card's id, or a map that names one target.
fn entry(d: &mut Decoder, node: Node) -> Option<Entry> {
    if matches!(node, Node::Text(_)) {
        let id = CardId::from(d.as_id(node, false));
        return Some(Entry {
            target: Target::Card(id),
            most_asked: false,
        });
    }
    let mut f = d.fields(
        node,
        "an entry",
        &["card", "drill", "skill", "story", "asked"],
    );
    let most_asked = f.has("asked") && d.word(&mut f, "asked", &["most"]).is_some();
    let named: Vec<&'static str> = TARGETS.into_iter().filter(|key| f.has(key)).collect();
    let [key] = named[..] else {
        d.error(format!(
            "an entry names {}; expected exactly one of {}",
            if named.is_empty() {
                "nothing".to_owned()
            } else {
                named.join(" and ")
            },
            TARGETS.join(" ")
        ));
        return None;
    };
    let id = d.id(&mut f, key);
    let target = match key {
        "card" => Target::Card(id.into()),
        "drill" => Target::Drill(DrillId::from(id)),
        "skill" => Target::Skill(SkillId::from(id)),
        _ => Target::Story(StoryId::from(id)),
    };
    Some(Entry { target, most_asked })
}

const DRILL: &[&str] = &[
    "drill", "title", "level", "tags", "ask", "context", "stages", "see", "sources", "as_of",
];
const STAGE: &[&str] = &[
    "stage",
    "minutes",
    "prompt",
    "hints",
    "questions",
    "rubric",
    "worked",
];

/// Reads a design drill; a mistake is noted and leaves it out.
pub(super) fn drill(d: &mut Decoder, root: Node, origin: Origin) -> Option<Drill> {
    let before = d.errors();
    let mut f = d.fields(root, "a drill", DRILL);
    let drill = Drill {
        id: DrillId::from(d.id(&mut f, "drill")),
        title: d.text(&mut f, "title"),
        level: d.level(&mut f),
        tags: d.tags(&mut f),
        ask: d.prose(&mut f, "ask"),
        context: d.optional_prose(&mut f, "context").unwrap_or_default(),
        stages: d.list(&mut f, "stages", |d, _, node| stage(d, node)),
        see: see(d, &mut f),
        sources: d.optional_list(&mut f, "sources", |d, _, node| d.as_prose(node)),
        as_of: d.optional_prose(&mut f, "as_of"),
        origin,
    };
    if d.errors() == before {
        d.at(Step::Key("stages".into()), |d| stages_rules(d, &drill));
    }
    (d.errors() == before).then_some(drill)
}

fn stage(d: &mut Decoder, node: Node) -> Stage {
    let mut f = d.fields(node, "a stage", STAGE);
    let words = StageKind::ALL.map(StageKind::word);
    Stage {
        kind: d
            .word(&mut f, "stage", &words)
            .map_or(StageKind::Clarify, |place| StageKind::ALL[place]),
        minutes: d.whole(&mut f, "minutes", 1..=60),
        prompt: d.prose(&mut f, "prompt"),
        hints: d.list(&mut f, "hints", |d, _, node| d.as_prose(node)),
        questions: d.optional_list(&mut f, "questions", |d, _, node| question(d, node)),
        rubric: d.list(&mut f, "rubric", |d, _, node| d.as_prose(node)),
        worked: d.prose(&mut f, "worked"),
    }
}

/// All eight stages, in order, 35 to 60 minutes.
fn stages_rules(d: &mut Decoder, drill: &Drill) {
    let found: Vec<&str> = drill.stages.iter().map(|stage| stage.kind.word()).collect();
    let wanted = StageKind::ALL.map(StageKind::word);
    if found != wanted {
        let place = found
            .iter()
            .zip(wanted)
            .position(|(found, wanted)| *found != wanted);
        let message = format!(
            "the stages are not the eight in order; expected {}",
            wanted.join(" ")
        );
        match place {
            Some(place) => d.at(Step::Item(place), |d| d.error(message)),
            None => d.error(message),
        }
    }
    let minutes = drill.minutes();
    if !(35..=60).contains(&minutes) {
        d.error(format!(
            "the stages take {minutes} minutes together; expected 35 to 60"
        ));
    }
}

/// Reads an area of skills; a mistake in a skill leaves that skill out.
pub(super) fn area(d: &mut Decoder, root: Node, origin: Origin) -> Option<Area> {
    let mut f = d.fields(
        root,
        "an area of skills",
        &["area", "title", "order", "skills"],
    );
    let before = d.errors();
    let id = AreaId::from(d.id(&mut f, "area"));
    let title = d.text(&mut f, "title");
    let order = d.whole(&mut f, "order", 0..=1_000_000);
    let sound = d.errors() == before;
    let skills = d.list_of_sound(&mut f, "skills", |d, _, node| skill(d, node));
    sound.then_some(Area {
        id,
        title,
        order,
        skills,
        origin,
    })
}

fn skill(d: &mut Decoder, node: Node) -> Option<Skill> {
    let before = d.errors();
    let keys = &["id", "ask", "level", "cards", "drills", "chapter"];
    let mut f = d.fields(node, "a skill", keys);
    let skill = Skill {
        id: SkillId::from(d.id(&mut f, "id")),
        ask: d.prose(&mut f, "ask"),
        level: d.level(&mut f),
        cards: d.optional_list(&mut f, "cards", |d, _, node| {
            CardId::from(d.as_id(node, false))
        }),
        drills: d.optional_list(&mut f, "drills", |d, _, node| {
            DrillId::from(d.as_id(node, false))
        }),
        chapter: chapter_link(d, &mut f),
    };
    if skill.cards.is_empty() && skill.drills.is_empty() && d.errors() == before {
        d.error("a skill with neither cards nor drills; name what to practise when it is weak");
    }
    (d.errors() == before).then_some(skill)
}

const STORY: &[&str] = &["id", "title", "about", "parts", "numbers", "pitfalls"];
const PROMPT: &[&str] = &["id", "ask", "stories", "looking_for"];

/// Reads stories and prompts; a mistake leaves out the one it stands in.
pub(super) fn stories(
    d: &mut Decoder,
    root: Node,
    origin: impl Fn(&str, usize) -> Origin,
) -> (Vec<StoryTemplate>, Vec<Prompt>) {
    let mut f: Fields = d.fields(root, "a file of stories", &["stories", "prompts"]);
    if !f.has("stories") && !f.has("prompts") {
        d.error("neither `stories` nor `prompts` in a file of stories");
    }
    let stories = d.optional_list(&mut f, "stories", |d, place, node| {
        story(d, node, origin("stories", place))
    });
    let prompts = d.optional_list(&mut f, "prompts", |d, place, node| {
        prompt(d, node, origin("prompts", place))
    });
    (
        stories.into_iter().flatten().collect(),
        prompts.into_iter().flatten().collect(),
    )
}

fn story(d: &mut Decoder, node: Node, origin: Origin) -> Option<StoryTemplate> {
    let before = d.errors();
    let mut f = d.fields(node, "a story", STORY);
    let story = StoryTemplate {
        id: StoryId::from(d.id(&mut f, "id")),
        title: d.text(&mut f, "title"),
        about: d.prose(&mut f, "about"),
        parts: d.list(&mut f, "parts", |d, _, node| {
            let mut f = d.fields(node, "a part of a story", &["part", "ask"]);
            StoryPart {
                part: d.text(&mut f, "part"),
                ask: d.prose(&mut f, "ask"),
            }
        }),
        numbers: d.optional_list(&mut f, "numbers", |d, _, node| d.as_prose(node)),
        pitfalls: d.optional_list(&mut f, "pitfalls", |d, _, node| d.as_prose(node)),
        origin,
    };
    (d.errors() == before).then_some(story)
}

fn prompt(d: &mut Decoder, node: Node, origin: Origin) -> Option<Prompt> {
    let before = d.errors();
    let mut f = d.fields(node, "a prompt", PROMPT);
    let prompt = Prompt {
        id: PromptId::from(d.id(&mut f, "id")),
        ask: d.prose(&mut f, "ask"),
        stories: d.list(&mut f, "stories", |d, _, node| {
            StoryId::from(d.as_id(node, false))
        }),
        looking_for: d.prose(&mut f, "looking_for"),
        origin,
    };
    (d.errors() == before).then_some(prompt)
}

/// Reads the three keys of a scenario that the bank knows; the others are for `lab`.
pub(super) fn scenario(
    d: &mut Decoder,
    root: Vec<(Key, Node)>,
    text: String,
    origin: Origin,
) -> Option<ScenarioSource> {
    let before = d.errors();
    let known = ["scenario", "title", "about"];
    let ours = root.into_iter().filter(|(key, _)| known.contains(&&**key));
    let mut f = d.fields(
        Node::Map(ours.collect()),
        "a scenario",
        &["scenario", "title", "about"],
    );
    let scenario = ScenarioSource {
        id: ScenarioId::from(d.id(&mut f, "scenario")),
        title: d.text(&mut f, "title"),
        about: d.prose(&mut f, "about"),
        text,
        origin,
    };
    (d.errors() == before).then_some(scenario)
}
