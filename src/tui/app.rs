//! The app: a stack of screens, a box above them, and the effects they ask for.
//!
//! Pure but for the desk: events and the time come in, a frame and at most one request to the loop go
//! out, so that tests drive it with keys and read it as text. The loop is in `run`.

mod effects;
mod frame;
mod interviews;
mod quizzes;

use crossterm::event::{Event, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use super::{
    canvas::Hit,
    depth::Pass,
    desk::{Desk, interviewing::Wish, practice::Pool},
    effect::{Cx, Effect, Practise},
    keymap::{self, Action, Context},
    look::Look,
    prose::Prose,
    screens::{
        Screen, browse::Browse, contents::Contents, help::Help, home::Home, lab::list::LabList,
        quiz::QuizSetup, settings::Settings, stats::Stats, stories::StoriesScreen,
        welcome::Welcome,
    },
    terminal::Modes,
    text::count,
    theme::Theme,
};
use crate::{
    bank::{AreaId, CardId, ScenarioId, Severity},
    memory::Filter,
    session::quiz,
    sim::time::Time,
};

/// Smallest window that is drawn in.
pub const MIN_COLUMNS: u16 = 60;
/// Smallest window that is drawn in.
pub const MIN_ROWS: u16 = 16;
/// Lines that a turn of the wheel moves.
const WHEEL: usize = 3;

/// What the loop must do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Leave.
    Quit,
    /// Stop until the shell continues us.
    Stop,
    /// Paint everything again.
    Redraw,
    /// Edit the file of this card.
    Edit(CardId),
    /// Edit the reader's own stories.
    EditStories,
}

/// A box above the screen.
#[derive(Debug)]
enum Popup {
    Help(Help),
    Ask(String, Box<Effect>),
}

/// A line at the bottom until the next key.
#[derive(Clone, Debug)]
struct Toast {
    text: String,
    bad: bool,
}

/// Where the program begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Start {
    /// At home; on the first start with three questions.
    #[default]
    Home,
    /// In the drill.
    Drill(Filter),
    /// In the guide, at a chapter if one is named (`ID` or `ID#anchor`).
    Read(Option<String>),
    /// Choosing an interview.
    Interview,
    /// In an interview or a design drill.
    BeginInterview(Box<Wish>),
    /// Choosing an area of the self-test.
    SelfTest,
    /// In the self-test of an area.
    BeginSelfTest(AreaId),
    /// At the reader's own stories, in their drill at once or not.
    Stories(bool),
    /// Choosing a quiz.
    Quiz,
    /// In a quiz.
    BeginQuiz(Box<(Pool, quiz::Settings)>),
    /// In the lab: at its list, or in a scenario with a seed and at a moment if they are given.
    Lab(Option<ScenarioId>, Option<u64>, Option<Time>),
}

/// Everything that is on screen.
pub struct App {
    desk: Desk,
    stack: Vec<Screen>,
    popup: Option<Popup>,
    toast: Option<Toast>,
    look: Look,
    theme: Theme,
    pass: Pass,
    prose: Prose,
    hits: Vec<(Rect, Hit)>,
    /// The row that the last event clicked.
    clicked: Option<usize>,
    request: Option<Request>,
    /// Since when the terminal is lent: the process is stopped, or an editor runs.
    lent: Option<Timestamp>,
}

impl App {
    /// An app at its first screen.
    pub fn new(desk: Desk, look: Look, start: Start, now: Timestamp) -> Self {
        let mut app = Self {
            desk,
            stack: Vec::new(),
            popup: None,
            toast: None,
            theme: look.theme(),
            pass: look.pass(),
            look,
            prose: Prose::default(),
            hits: Vec::new(),
            clicked: None,
            request: None,
            lent: None,
        };
        let cx = Cx::at(&app.desk, now);
        let home = Screen::Home(Box::new(Home::new(&cx)));
        let first = app.desk.is_first_start() && start == Start::Home;
        let welcome = first.then(|| Screen::Welcome(Box::new(Welcome::new(&cx))));
        app.stack.push(home);
        app.stack.extend(welcome);
        app.begin(start, now);
        app
    }

    fn begin(&mut self, start: Start, now: Timestamp) {
        let effect = match start {
            Start::Home => return,
            Start::Drill(filter) => Effect::Drill(filter),
            Start::Read(None) => Effect::Push(Screen::Contents(Box::new(Contents::at(
                None,
                self.desk.bank(),
            )))),
            Start::Read(Some(chapter)) => Effect::Follow(format!("chapter:{chapter}")),
            Start::Interview => Effect::Push(Screen::interview(&self.cx(now))),
            Start::BeginInterview(wish) => Effect::Practise(Practise::Interview(wish)),
            Start::SelfTest => Effect::Push(Screen::self_test(&self.cx(now))),
            Start::BeginSelfTest(area) => Effect::Practise(Practise::SelfTest(Some(area))),
            Start::Stories(drill) => {
                let cx = self.cx(now);
                let screen = if drill {
                    StoriesScreen::drilling(&cx)
                } else {
                    StoriesScreen::new(&cx)
                };
                Effect::Push(Screen::Stories(Box::new(screen)))
            }
            Start::Quiz => Effect::OpenQuiz,
            Start::BeginQuiz(quiz) => Effect::BeginQuiz(quiz.0, quiz.1),
            Start::Lab(scenario, seed, at) => self.lab(scenario.as_ref(), seed, at, now),
        };
        self.apply(effect, now);
    }

    fn cx(&self, now: Timestamp) -> Cx<'_> {
        Cx::at(&self.desk, now)
    }

    /// The theme in use.
    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    /// What the screens read from.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// For tests: what is in the log.
    #[cfg(test)]
    pub(super) fn read_log<T>(
        &mut self,
        act: impl FnOnce(&mut crate::progress::Progress) -> T,
    ) -> T {
        let done = self.desk.journal().quietly(|log| Ok(act(log)));
        done.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What the loop must do, once.
    pub fn take_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    /// When to draw again without an event, if ever.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.stack.last().and_then(Screen::deadline)
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Timestamp) {
        let cx = Cx::at(&self.desk, now);
        let effects = self.stack.last_mut().map(|screen| screen.tick(&cx));
        for effect in effects.into_iter().flatten() {
            self.apply(effect, now);
        }
    }

    /// The reader had stopped the process or was in the editor, and goes on: no running clock counts the
    /// time between.
    pub fn continued(&mut self, now: Timestamp) {
        let since = self.lent.take();
        if let Some(screen) = self.stack.last_mut() {
            screen.stood(since, now);
        }
        self.tick(now);
    }

    /// What the terminal is to be asked for.
    pub fn modes(&self) -> Modes {
        self.look.modes()
    }

    /// Looks the log over and keeps a copy of the day, after the first frame.
    pub fn look_after(&mut self, now: Timestamp) {
        let moment = self.desk.moment(now);
        if let Err(problem) = self.desk.journal().look_after(moment) {
            self.warn(problem.to_string());
        }
        let mistakes = self.desk.problems().len();
        if mistakes > 0 && self.toast.is_none() {
            let mistakes = count(mistakes, "mistake", "mistakes");
            self.warn(format!(
                "{mistakes} in your own cards, which are left out; `highwater check` names them"
            ));
        }
    }

    /// Tells something at the bottom.
    pub fn tell(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            bad: false,
        });
    }

    /// Shows a message at the bottom.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            bad: true,
        });
    }

    /// A file was edited: reads the bank again and tells how that went.
    pub fn edited(&mut self, result: Result<(), String>, now: Timestamp) {
        let moment = self.desk.moment(now);
        match result.and_then(|()| self.desk.reload(moment)) {
            Ok(renamed) => {
                if let Some(Screen::Drill(screen)) = self.stack.last_mut() {
                    for link in renamed {
                        screen
                            .drill()
                            .renamed(&link.old, &link.new, self.desk.bank());
                    }
                }
                let text = match self.desk.problems() {
                    [] => "cards read again; their history goes on".to_owned(),
                    [first, ..] => first.to_string(),
                };
                self.toast = Some(Toast {
                    text,
                    bad: !self.desk.problems().is_empty(),
                });
            }
            Err(problem) => self.warn(problem),
        }
        self.tick(now);
    }

    /// The file of the reader's own stories was edited: shows what is in it now.
    pub fn stories_edited(&mut self, result: Result<(), String>, now: Timestamp) {
        if let Err(problem) = result {
            self.warn(problem);
        }
        let cx = self.cx(now);
        let wrong = cx
            .desk
            .stories()
            .problems
            .into_iter()
            .find(|problem| problem.severity == Severity::Error);
        if let Some(Screen::Stories(screen)) = self.stack.last_mut() {
            let cx = Cx::at(&self.desk, now);
            screen.refresh(&cx);
        }
        if let Some(problem) = wrong {
            self.warn(problem.to_string());
        }
    }

    /// Takes an event; true when the screen may look different now.
    pub fn handle(&mut self, event: &Event, now: Timestamp) -> bool {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                self.toast = None;
                self.key(*key, now);
                true
            }
            Event::Paste(text) => {
                let cx = Cx::at(&self.desk, now);
                if let (None, Some(screen)) = (&self.popup, self.stack.last_mut()) {
                    screen.paste(text, &cx);
                }
                true
            }
            Event::Mouse(mouse) => self.mouse(*mouse, now),
            Event::Resize(..) => true,
            _ => false,
        }
    }

    /// Where keys work now, innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut contexts = match (&self.popup, self.stack.last()) {
            (Some(Popup::Help(_)), _) => vec![Context::Help, Context::Moving],
            (Some(Popup::Ask(..)), _) => vec![Context::Confirm],
            (None, Some(screen)) => screen.contexts().to_vec(),
            (None, None) => Vec::new(),
        };
        contexts.push(Context::Always);
        if self.popup.is_some() || !self.stack.last().is_some_and(Screen::typing) {
            contexts.push(Context::Everywhere);
        }
        contexts
    }

    fn key(&mut self, key: KeyEvent, now: Timestamp) {
        self.clicked = None;
        let action = keymap::name(key).and_then(|name| keymap::lookup(&self.contexts(), &name));
        if let Some(action) = action {
            self.act(action, now);
        } else if self.popup.is_none() {
            let cx = Cx::at(&self.desk, now);
            if let Some(screen) = self.stack.last_mut() {
                screen.key(key, &cx);
            }
        }
    }

    /// Does what a key or a click means.
    pub fn act(&mut self, action: Action, now: Timestamp) {
        self.clicked = None;
        match action {
            Action::Quit => return self.apply(Effect::Quit, now),
            Action::Stop => return self.apply(Effect::Stop, now),
            Action::Redraw => return self.apply(Effect::Redraw, now),
            _ => {}
        }
        match &mut self.popup {
            Some(Popup::Help(help)) => {
                if help.act(action) {
                    self.popup = None;
                }
                return;
            }
            Some(Popup::Ask(..)) => {
                if let Some(Popup::Ask(_, effect)) = self.popup.take()
                    && action == Action::Yes
                {
                    self.apply(*effect, now);
                }
                return;
            }
            None => {}
        }
        if action == Action::Help {
            self.popup = Some(Popup::Help(Help::new(self.contexts())));
            return;
        }
        let cx = Cx::at(&self.desk, now);
        let effects = match (action, self.stack.last_mut()) {
            (Action::GoDrill, _) => vec![Effect::Drill(Filter::default())],
            (Action::GoBrowse, _) => {
                vec![Effect::Push(Screen::Browse(Box::new(Browse::new("", &cx))))]
            }
            (Action::GoRead, _) => vec![Effect::Push(Screen::Contents(Box::new(Contents::at(
                None,
                cx.desk.bank(),
            ))))],
            (Action::GoStats, _) => vec![Effect::Push(Screen::Stats(Box::new(Stats::new(&cx))))],
            (Action::GoInterview, _) => vec![Effect::Push(Screen::interview(&cx))],
            (Action::GoSelfTest, _) => vec![Effect::Push(Screen::self_test(&cx))],
            (Action::GoQuiz, _) => vec![Effect::Push(Screen::QuizSetup(Box::new(QuizSetup::new(
                &cx,
            ))))],
            (Action::GoEarlier, screen) => {
                vec![Effect::Earlier(screen.and_then(|screen| screen.activity()))]
            }
            (Action::GoLab, _) => {
                vec![Effect::Push(Screen::LabList(Box::new(LabList::new(
                    None, &cx,
                ))))]
            }
            (Action::GoSettings, _) => {
                vec![Effect::Push(Screen::Settings(Box::new(Settings::new(&cx))))]
            }
            (action, Some(screen)) => screen.act(action, &cx),
            (_, None) => Vec::new(),
        };
        for effect in effects {
            self.apply(effect, now);
        }
    }

    fn mouse(&mut self, mouse: MouseEvent, now: Timestamp) -> bool {
        let before = self.clicked;
        match mouse.kind {
            MouseEventKind::ScrollDown => (0..WHEEL).for_each(|_| self.act(Action::Down, now)),
            MouseEventKind::ScrollUp => (0..WHEEL).for_each(|_| self.act(Action::Up, now)),
            MouseEventKind::Down(MouseButton::Left) => {
                let at = Position::new(mouse.column, mouse.row);
                let hit = self
                    .hits
                    .iter()
                    .rev()
                    .find(|(area, _)| area.contains(at))
                    .map(|(_, hit)| *hit);
                match hit {
                    Some(Hit::Act(action)) => self.act(action, now),
                    Some(Hit::Row(row)) if self.popup.is_none() => {
                        self.click(row, before == Some(row), now);
                    }
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    /// A row was clicked: the first time it is selected, and `again` what it holds is opened.
    fn click(&mut self, row: usize, again: bool, now: Timestamp) {
        let Some(screen) = self.stack.last_mut() else {
            return;
        };
        if again && let Some(action) = screen.clicked_again() {
            return self.act(action, now);
        }
        let effects = screen.select(row, &Cx::at(&self.desk, now));
        for effect in effects {
            self.apply(effect, now);
        }
        self.clicked = Some(row);
    }
}
