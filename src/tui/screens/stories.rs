//! The reader's own stories on screen: what serves what and what is missing, and the drill of them.
//!
//! The file is read by the bank and drilled by [`session::stories`](crate::session::stories).

use std::collections::BTreeSet;

use ratatui::{
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{interview::strong, quiz::marked};
use crate::{
    bank::{Bank, OwnStory, Severity, stories::OwnStories},
    session::stories::{Input, Phase, Prompt, Stories, Story},
    tui::{
        canvas::Canvas,
        effect::{Cx, Effect, Practise},
        keymap::{Action, Context},
        text::{count, plain, width},
        theme::Theme,
        widgets::{List, Scroll, column, heading},
    },
};

/// The screen.
#[derive(Debug)]
pub struct StoriesScreen {
    own: OwnStories,
    drill: Option<Stories>,
    /// Stories to name, or facts to tick.
    list: List,
    scroll: Scroll,
}

/// The drill of the stories that are told, in an order drawn by `seed`.
pub fn drill(own: &OwnStories, bank: &Bank, seed: u64) -> Stories {
    let all = own.stories.iter().enumerate();
    let (places, told): (Vec<usize>, Vec<Story>) = all
        .filter(|(_, story)| story.is_told())
        .map(|(place, story)| {
            let story = Story {
                id: story.id.clone(),
                title: story.title.clone(),
                facts: story.to_tell(),
            };
            (place, story)
        })
        .unzip();
    let drilled = |place: usize| places.iter().position(|told| *told == place);
    let prompts = bank.prompts.iter().map(|prompt| Prompt {
        ask: prompt.ask.clone(),
        looking_for: prompt.looking_for.clone(),
        stories: own
            .serving(prompt)
            .into_iter()
            .filter_map(drilled)
            .collect(),
    });
    Stories::new(told, prompts.collect(), seed)
}

impl StoriesScreen {
    /// The stories as their file has them.
    pub fn new(cx: &Cx<'_>) -> Self {
        Self {
            own: cx.desk.stories(),
            drill: None,
            list: List::default(),
            scroll: Scroll::default(),
        }
    }

    /// The same, in the drill at once if there is something to drill.
    pub fn drilling(cx: &Cx<'_>) -> Self {
        let mut screen = Self::new(cx);
        screen.begin(cx);
        screen
    }

    /// The file may have changed. A drill that runs goes on with what it began with.
    pub fn refresh(&mut self, cx: &Cx<'_>) {
        self.own = cx.desk.stories();
    }

    fn begin(&mut self, cx: &Cx<'_>) {
        let seed = cx.now.at.as_millisecond().unsigned_abs();
        let drill = drill(&self.own, cx.desk.bank(), seed);
        self.drill = (drill.phase() != Phase::Done).then_some(drill);
        self.turned();
    }

    fn turned(&mut self) {
        self.list = List::default();
        self.scroll = Scroll::default();
    }

    /// Its name in the top line.
    pub fn title(&self) -> String {
        let drilling = self.drill.is_some();
        if drilling {
            "stories › drill"
        } else {
            "stories"
        }
        .to_owned()
    }

    /// Where keys work.
    pub fn contexts(&self) -> &'static [Context] {
        match self.drill.as_ref().map(Stories::phase) {
            None => &[Context::Stories, Context::Moving],
            Some(Phase::Naming) => &[Context::StoryNaming, Context::Moving],
            Some(Phase::Telling) => &[Context::StoryTelling, Context::Moving],
            Some(Phase::Ticking) => &[Context::StoryTicking, Context::Moving],
            Some(Phase::Done) => &[Context::StoriesDone, Context::Moving],
        }
    }

    /// Whether an action can do anything.
    pub fn enabled(&self, action: Action) -> bool {
        let told = || self.own.stories.iter().any(OwnStory::is_told);
        action != Action::Open || self.drill.is_some() || told()
    }

    /// A story is to be named.
    pub fn is_naming(&self) -> bool {
        let phase = self.drill.as_ref().map(Stories::phase);
        phase == Some(Phase::Naming)
    }

    /// Selects a row that was clicked.
    pub fn select(&mut self, row: usize) {
        self.list.select(row);
        if self
            .drill
            .as_ref()
            .is_some_and(|drill| drill.phase() == Phase::Ticking)
        {
            self.put(Input::Tick(row));
        }
    }

    /// Does what a key means.
    pub fn act(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match self.drill.as_ref().map(Stories::phase) {
            None => return self.look(action, cx),
            Some(Phase::Done) => match action {
                Action::Back | Action::Open => {
                    self.drill = None;
                    self.turned();
                }
                other => {
                    self.scroll.act(other);
                }
            },
            Some(phase) => self.drill_on(phase, action),
        }
        Vec::new()
    }

    fn look(&mut self, action: Action, cx: &Cx<'_>) -> Vec<Effect> {
        match action {
            Action::Back => return vec![Effect::Back],
            Action::Edit => return vec![Effect::Practise(Practise::EditStories)],
            Action::Open => {
                self.begin(cx);
                if self.drill.is_none() {
                    let words = "there is no story that serves a prompt yet; E edits the file";
                    return vec![Effect::Tell(words.to_owned())];
                }
            }
            other => {
                self.scroll.act(other);
            }
        }
        Vec::new()
    }

    fn drill_on(&mut self, phase: Phase, action: Action) {
        let rows = self.rows();
        match (phase, action) {
            (_, Action::Back | Action::Finish) => self.put(Input::End),
            (Phase::Naming, Action::Open) => self.put(Input::Name(self.list.selected())),
            (_, Action::Open) => self.put(Input::Next),
            (Phase::Ticking, Action::Toggle) => self.put(Input::Tick(self.list.selected())),
            (_, other) => {
                self.list.act(other, rows);
            }
        }
    }

    /// Rows to choose from.
    fn rows(&self) -> usize {
        let Some(drill) = &self.drill else {
            return 0;
        };
        match drill.phase() {
            Phase::Naming => drill.stories().len(),
            Phase::Ticking => drill.named().map_or(0, |story| story.facts.len()),
            Phase::Telling | Phase::Done => 0,
        }
    }

    fn put(&mut self, input: Input) {
        let Some(drill) = &mut self.drill else {
            return;
        };
        let before = drill.phase();
        drill.handle(input);
        let (phase, nothing) = (drill.phase(), drill.lines().is_empty());
        if phase != before {
            self.turned();
        }
        if phase == Phase::Done && nothing {
            self.drill = None;
        }
    }

    /// Draws the screen.
    pub fn draw(&mut self, canvas: &mut Canvas<'_>, area: Rect, cx: &Cx<'_>) {
        let body = column(area);
        let columns = usize::from(body.width);
        match &self.drill {
            None => {
                let lines = overview(&self.own, canvas, cx, columns);
                self.scroll.draw(canvas, body, &lines);
            }
            Some(drill) if drill.phase() == Phase::Done => {
                let lines = summary(drill, canvas, columns);
                self.scroll.draw(canvas, body, &lines);
            }
            Some(_) => self.draw_drill(canvas, body),
        }
    }

    fn draw_drill(&mut self, canvas: &mut Canvas<'_>, body: Rect) {
        let Some(drill) = self.drill.clone() else {
            return;
        };
        let Some(prompt) = drill.prompt() else {
            return;
        };
        let theme = canvas.theme;
        let columns = usize::from(body.width);
        let (at, of) = drill.progress();
        let head = format!("Prompt {} of {of}", at + 1);
        let mut lines = vec![Line::from(Span::styled(head, theme.title)), Line::default()];
        lines.extend(strong(canvas, &prompt.ask, columns));
        lines.push(Line::default());
        let named = drill.named();
        let rows: Vec<String> = match drill.phase() {
            Phase::Naming => {
                lines.push(hint("Which of your stories answers this?", theme));
                let stories = drill.stories().iter();
                stories.map(|story| plain(&story.title)).collect()
            }
            Phase::Telling => {
                let title = named.map_or("", |story| story.title.as_str());
                lines.extend(marked(canvas, Vec::new(), title, columns, theme.info));
                lines.push(Line::default());
                let words = "Tell it aloud, in two minutes. Space when you are done.";
                lines.push(hint(words, theme));
                Vec::new()
            }
            Phase::Ticking | Phase::Done => {
                let looking = format!("They listen for: {}", prompt.looking_for);
                lines.extend(marked(canvas, Vec::new(), &looking, columns, theme.dim));
                lines.push(Line::default());
                let words = "What did you tell? Space ticks, enter goes on.";
                lines.push(hint(words, theme));
                let facts = named.iter().flat_map(|story| &story.facts);
                facts.map(|fact| plain(fact)).collect()
            }
        };
        let rest = (lines.len() as u16 + 1).min(body.height);
        for (row, line) in lines.into_iter().enumerate() {
            canvas.line(body, row as u16, line);
        }
        let rest = Rect {
            y: body.y + rest,
            height: body.height - rest,
            ..body
        };
        let ticked = (drill.phase() == Phase::Ticking).then(|| drill.ticked());
        self.draw_rows(canvas, rest, &rows, ticked);
    }

    /// Draws rows to choose from, with boxes where they are ticked. A row that is cut stands whole below
    /// them while it is selected.
    fn draw_rows(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        rows: &[String],
        ticked: Option<&BTreeSet<usize>>,
    ) {
        let theme = canvas.theme;
        let columns = usize::from(area.width);
        let selected = rows.get(self.list.selected()).map_or("", String::as_str);
        let room = columns.saturating_sub(if ticked.is_some() { 7 } else { 3 });
        let mut whole = Vec::new();
        if width(selected) > room {
            whole.push(Line::default());
            whole.extend(marked(canvas, Vec::new(), selected, columns, theme.dim));
        }
        // Three rows of the list stay, whatever stands below it.
        let free = area.height.saturating_sub(whole.len() as u16).max(3);
        let place = Rect {
            height: (rows.len() as u16).min(free).min(area.height),
            ..area
        };
        self.list.draw(canvas, place, rows.len(), true, |index, _| {
            row(
                &rows[index],
                ticked.map(|ticked| ticked.contains(&index)),
                theme,
            )
        });
        let below = Rect {
            y: place.bottom(),
            height: area.bottom() - place.bottom(),
            ..area
        };
        for (row, line) in whole.into_iter().enumerate() {
            canvas.line(below, row as u16, line);
        }
    }
}

fn hint(words: &str, theme: &Theme) -> Line<'static> {
    Line::from(Span::styled(words.to_owned(), theme.dim))
}

fn row(words: &str, ticked: Option<bool>, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::new();
    match ticked {
        Some(true) => spans.push(Span::styled("[x] ", theme.good)),
        Some(false) => spans.push(Span::styled("[ ] ", theme.dim)),
        None => {}
    }
    spans.push(Span::raw(words.to_owned()));
    Line::from(spans)
}

/// What is wrong with the file, the stories, the prompts without one, and the templates.
fn overview(
    own: &OwnStories,
    canvas: &mut Canvas<'_>,
    cx: &Cx<'_>,
    columns: usize,
) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let bank = cx.desk.bank();
    let mut lines = Vec::new();
    let errors = own
        .problems
        .iter()
        .filter(|p| p.severity == Severity::Error);
    for problem in errors {
        let mark = vec![Span::styled("✗ ", theme.bad)];
        let words = format!(
            "line {}, column {}: {}",
            problem.line, problem.column, problem.message
        );
        lines.extend(marked(canvas, mark, &words, columns, theme.bad));
    }
    told(own, bank, canvas, columns, &mut lines);
    prompts(own, bank, canvas, columns, &mut lines);
    templates(bank, canvas, columns, &mut lines);
    lines
}

/// The reader's stories, each with how many prompts it serves.
fn told(
    own: &OwnStories,
    bank: &Bank,
    canvas: &mut Canvas<'_>,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    heading(lines, "Your stories", &own.stories.len().to_string(), theme);
    if !own.exists {
        let words = "There is no file yet. E makes one from the templates and opens your editor.";
        lines.extend(marked(canvas, Vec::new(), words, columns, theme.dim));
    }
    for (place, story) in own.stories.iter().enumerate() {
        let serves = own.served_by(place, bank).len();
        let sign = if story.is_told() {
            Span::styled("  ● ", theme.accent)
        } else {
            Span::styled("  ○ ", theme.warn)
        };
        lines.extend(marked(
            canvas,
            vec![sign],
            &story.title,
            columns,
            Style::new(),
        ));
        if !story.is_told() {
            let words = format!(
                "    not told yet: E opens the file, write over `{}`",
                OwnStory::UNTOLD
            );
            lines.push(Line::from(Span::styled(words, theme.warn)));
            continue;
        }
        let mut spans = vec![Span::styled(
            format!("    serves {}", count(serves, "prompt", "prompts")),
            theme.dim,
        )];
        if !story.has_number() {
            spans.push(Span::styled("  no number in it", theme.warn));
        }
        lines.push(Line::from(spans));
    }
}

/// Prompts without a story, then those with one.
fn prompts(
    own: &OwnStories,
    bank: &Bank,
    canvas: &mut Canvas<'_>,
    columns: usize,
    lines: &mut Vec<Line<'static>>,
) {
    let theme = canvas.theme;
    let (mut served, mut unserved) = (Vec::new(), Vec::new());
    for prompt in &bank.prompts {
        match own.serving(prompt).first() {
            Some(story) => served.push((prompt, *story)),
            None => unserved.push(prompt),
        }
    }
    if !unserved.is_empty() {
        let aside = unserved.len().to_string();
        heading(lines, "Prompts without a story", &aside, theme);
    }
    for prompt in unserved {
        let mark = vec![Span::styled("  ○ ", theme.warn)];
        lines.extend(marked(canvas, mark, &prompt.ask, columns, Style::new()));
    }
    if !served.is_empty() {
        let aside = served.len().to_string();
        heading(lines, "Prompts with a story", &aside, theme);
    }
    for (prompt, story) in served {
        let mark = vec![Span::styled("  ● ", theme.good)];
        lines.extend(marked(canvas, mark, &prompt.ask, columns, Style::new()));
        let title = format!("    {}", plain(&own.stories[story].title));
        lines.push(Line::from(Span::styled(title, theme.dim)));
    }
}

fn templates(bank: &Bank, canvas: &mut Canvas<'_>, columns: usize, lines: &mut Vec<Line<'static>>) {
    let theme = canvas.theme;
    if !bank.stories.is_empty() {
        heading(lines, "Templates", &bank.stories.len().to_string(), theme);
    }
    for template in &bank.stories {
        let mark = vec![Span::styled("  ▸ ", theme.accent)];
        let title = format!("{} (`{}`)", template.title, template.id);
        lines.extend(marked(canvas, mark, &title, columns, Style::new()));
        let indent = || vec![Span::raw("    ")];
        lines.extend(marked(
            canvas,
            indent(),
            &template.about,
            columns,
            theme.dim,
        ));
        for part in &template.parts {
            let mark = vec![Span::styled(
                format!("    {}  ", plain(&part.part)),
                theme.info,
            )];
            lines.extend(marked(canvas, mark, &part.ask, columns, Style::new()));
        }
        for number in &template.numbers {
            let mark = vec![Span::styled("    # ", theme.accent)];
            lines.extend(marked(canvas, mark, number, columns, Style::new()));
        }
        for pitfall in &template.pitfalls {
            let mark = vec![Span::styled("    ✗ ", theme.warn)];
            lines.extend(marked(canvas, mark, pitfall, columns, theme.dim));
        }
    }
}

/// How the drill went, prompt by prompt, and which stories were never told.
fn summary(drill: &Stories, canvas: &mut Canvas<'_>, columns: usize) -> Vec<Line<'static>> {
    let theme = canvas.theme;
    let mut lines = Vec::new();
    let done = count(drill.lines().len(), "prompt", "prompts");
    heading(&mut lines, &format!("{done} answered"), "", theme);
    for line in drill.lines() {
        lines.push(Line::default());
        let (sign, style) = if line.fits {
            ("✓ ", theme.good)
        } else {
            ("✗ ", theme.bad)
        };
        lines.extend(marked(
            canvas,
            vec![Span::styled(sign, style)],
            &line.ask,
            columns,
            Style::new(),
        ));
        let (told, of) = (line.told, line.of);
        let words = format!("  {}: {told} of {of} facts told", plain(&line.story));
        lines.push(Line::from(Span::styled(words, theme.dim)));
        if let Some(better) = &line.better {
            let mark = vec![Span::styled("  better: ", theme.warn)];
            lines.extend(marked(canvas, mark, better, columns, Style::new()));
        }
        for fact in &line.left_out {
            let mark = vec![Span::styled("  left out  ", theme.warn)];
            lines.extend(marked(canvas, mark, fact, columns, Style::new()));
        }
    }
    let told: BTreeSet<&str> = drill
        .lines()
        .iter()
        .map(|line| line.story.as_str())
        .collect();
    let untold = drill
        .stories()
        .iter()
        .filter(|story| !told.contains(story.title.as_str()));
    let untold: Vec<&str> = untold.map(|story| story.title.as_str()).collect();
    if !untold.is_empty() {
        heading(&mut lines, "Not told this time", "", theme);
        for title in untold {
            let mark = vec![Span::styled("  ○ ", theme.dim)];
            lines.extend(marked(canvas, mark, title, columns, Style::new()));
        }
    }
    lines
}
