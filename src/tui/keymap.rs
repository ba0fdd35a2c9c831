//! The one table of keys: where a key works, what it does, and the words for it.
//!
//! Dispatch, the footer and the help page are all read from [`TABLE`], so a hint cannot lie. A screen
//! names the contexts it is in, innermost first; the first context that knows a key decides. To add a
//! screen, add a [`Context`], a section of the table, and the verbs it needs to [`Action`].

mod table;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

pub use table::TABLE;

use super::screens::lab::Steer;

/// Where keys work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// On every screen, even while typing.
    Always,
    /// On every screen, unless text is being typed.
    Everywhere,
    /// Wherever something can be scrolled or chosen from.
    Moving,
    /// While a text field has the keys.
    Typing,
    /// The three questions of the first start.
    Welcome,
    /// The home screen.
    Home,
    /// The drill, before the answer is shown.
    Question,
    /// The drill, with the answer.
    Answer,
    /// The drill, when there is nothing left.
    Summary,
    /// Search over all cards.
    Browse,
    /// One card, out of the drill.
    Card,
    /// The table of contents of the guide.
    Contents,
    /// A chapter.
    Chapter,
    /// Figures.
    Stats,
    /// The list of scenarios and sandboxes.
    LabList,
    /// The lab.
    Lab,
    /// The lab, while one of several answers is to be chosen.
    LabChoice,
    /// A scenario of the lab that is over.
    LabEnd,
    /// The lab, while an answer is typed.
    LabAnswer,
    /// The lab, while a command, a moment or a name is typed.
    LabField,
    /// The lab, over the causes of an event.
    LabWhy,
    /// The configuration.
    Settings,
    /// Choosing a quiz.
    QuizSetup,
    /// A quiz.
    Quiz,
    /// A quiz whose answers are shown at the end.
    QuizExam,
    /// A question with choices.
    QuizChoose,
    /// A question that asks for an order.
    QuizOrder,
    /// A question that is answered by typing.
    QuizTyping,
    /// The same in an exam.
    QuizTypingExam,
    /// The answer to a question of a quiz.
    QuizAnswered,
    /// A quiz whose clock stands.
    QuizPaused,
    /// How a quiz went.
    QuizResult,
    /// Sittings that are over.
    Earlier,
    /// Choosing an interview.
    InterviewSetup,
    /// Choosing a design drill.
    DesignSetup,
    /// An interview, while an answer is spoken.
    Speaking,
    /// An interview or a drill whose clock stands.
    Standing,
    /// An interview, ticking the points made.
    Points,
    /// A follow-up question.
    FollowUp,
    /// A follow-up question with its answer.
    FollowUpAnswer,
    /// A design drill, at the whiteboard.
    Whiteboard,
    /// A design drill, ticking the rubric.
    Comparing,
    /// How an interview went.
    InterviewReport,
    /// Choosing an area of the self-test.
    SelfTestSetup,
    /// The self-test.
    SelfTest,
    /// What the self-test came to.
    SelfTestReport,
    /// The reader's own stories.
    Stories,
    /// The drill of stories: which one?
    StoryNaming,
    /// The drill of stories: telling it.
    StoryTelling,
    /// The drill of stories: what was told.
    StoryTicking,
    /// How the drill of stories went.
    StoriesDone,
    /// A question that is answered by yes or no.
    Confirm,
    /// Help.
    Help,
}

impl Context {
    /// The heading on the help page.
    pub fn title(self) -> &'static str {
        match self {
            Self::Always | Self::Everywhere => "Everywhere",
            Self::Moving => "Moving",
            Self::Typing => "Typing",
            Self::Welcome => "First start",
            Self::Home => "Home",
            Self::Question => "Drill: question",
            Self::Answer => "Drill: answer",
            Self::Summary => "Drill: summary",
            Self::Browse => "Browse",
            Self::Card => "A card",
            Self::Contents => "Contents",
            Self::Chapter => "Reading",
            Self::Stats => "Stats",
            Self::LabList => "Lab",
            Self::Lab => "A cluster in the lab",
            Self::LabChoice => "Lab: predict",
            Self::LabEnd => "Lab: the end of a scenario",
            Self::LabAnswer => "Lab: type an answer",
            Self::LabField => "Lab: type",
            Self::LabWhy => "Lab: causes",
            Self::Settings => "Settings",
            Self::QuizSetup => "Choosing a quiz",
            Self::Quiz | Self::QuizExam | Self::QuizTyping | Self::QuizTypingExam => "Quiz",
            Self::QuizChoose => "Quiz: choices",
            Self::QuizOrder => "Quiz: order",
            Self::QuizAnswered => "Quiz: answer",
            Self::QuizPaused => "Quiz: paused",
            Self::QuizResult => "Quiz: result",
            Self::Earlier => "Earlier sittings",
            Self::InterviewSetup => "Choosing an interview",
            Self::DesignSetup => "Choosing a design drill",
            Self::Speaking => "Interview: question",
            Self::Standing => "Paused",
            Self::Points => "Interview: points",
            Self::FollowUp => "Interview: follow-up",
            Self::FollowUpAnswer => "Interview: its answer",
            Self::Whiteboard => "Design: whiteboard",
            Self::Comparing => "Design: rubric",
            Self::InterviewReport => "Interview: report",
            Self::SelfTestSetup => "Choosing an area",
            Self::SelfTest => "Self-test",
            Self::SelfTestReport => "Self-test: report",
            Self::Stories => "Stories",
            Self::StoryNaming => "Stories: which one",
            Self::StoryTelling => "Stories: telling",
            Self::StoryTicking => "Stories: facts",
            Self::StoriesDone => "Stories: done",
            Self::Confirm => "Question",
            Self::Help => "Help",
        }
    }
}

/// What a key can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    // moving
    /// One up.
    Up,
    /// One down.
    Down,
    /// To the left, or less.
    Left,
    /// To the right, or more.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Top,
    /// To the end.
    Bottom,
    /// To the next part, link or filter.
    Next,
    /// To the one before.
    Previous,
    // everywhere
    /// Take what is selected; go on.
    Open,
    /// Go back.
    Back,
    /// Search.
    Search,
    /// Show the keys.
    Help,
    /// Take back the last rating.
    Undo,
    /// Leave the program.
    Quit,
    /// Stop the process until the shell continues it.
    Stop,
    /// Paint everything again.
    Redraw,
    // rooms
    /// Go to the drill.
    GoDrill,
    /// Go to the search.
    GoBrowse,
    /// Go to the guide.
    GoRead,
    /// Go to the figures.
    GoStats,
    /// Go to the configuration.
    GoSettings,
    /// Go to the quiz.
    GoQuiz,
    /// Go to the interview.
    GoInterview,
    /// Go to the self-test.
    GoSelfTest,
    /// Go to the design drills.
    GoDesign,
    /// Go to the reader's own stories.
    GoStories,
    /// Go to the sittings that are over.
    GoEarlier,
    // interview
    /// Say or unsay that the trap was fallen into.
    Trap,
    /// Show a hint.
    Hint,
    /// End what is on screen.
    Finish,
    // quiz
    /// Take or leave a choice, from 0.
    Pick(u8),
    /// Take or leave the choice that the arrows are at.
    Toggle,
    /// Move the step up.
    MoveUp,
    /// Move the step down.
    MoveDown,
    /// Stop the clock, or let it run.
    Pause,
    /// End the quiz.
    HandIn,
    /// Ask what was missed again.
    Retry,
    /// Go to the lab.
    GoLab,
    // lab
    /// What only the lab does.
    Lab(Steer),
    // drill
    /// Show the answer.
    Reveal,
    /// Tick a point, from 0.
    Tick(u8),
    /// Rate, 1 to 4.
    Rate(u8),
    /// Put the card behind the others.
    Skip,
    /// Leave the card out until tomorrow.
    Bury,
    /// Leave the card out until it is taken up again.
    Suspend,
    /// Mark the card as one to look at.
    Flag,
    /// Star the card.
    Star,
    /// Open the chapter that teaches the card.
    Chapter,
    /// Open the card's file in the editor.
    Edit,
    // browse
    /// Drill what was found.
    DrillThese,
    /// Turn to the next value of the first filter.
    FilterDeck,
    /// Turn to the next value of the second filter.
    FilterLevel,
    /// Turn to the next value of the third filter.
    FilterState,
    // reading
    /// To the next place found.
    NextMatch,
    /// To the place found before.
    PreviousMatch,
    /// To the next heading.
    NextHeading,
    /// To the heading before.
    PreviousHeading,
    /// Show the cards of what is being read.
    Cards,
    // answers
    /// Yes.
    Yes,
    /// No.
    No,
    /// Pass over a question.
    Pass,
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Where it works.
    pub context: Context,
    /// The keys, as [`name`] writes them; the first is shown.
    pub keys: &'static [&'static str],
    /// What it does.
    pub action: Action,
    /// The words of the help page.
    pub words: &'static str,
    /// The short words of the footer; empty leaves it out.
    pub hint: &'static str,
}

const fn bind(
    context: Context,
    keys: &'static [&'static str],
    action: Action,
    words: &'static str,
    hint: &'static str,
) -> Binding {
    Binding {
        context,
        keys,
        action,
        words,
        hint,
    }
}

/// A key as the table writes it: `j`, `G`, `?`, `space`, `enter`, `ctrl-c`, `shift-tab`.
pub fn name(key: KeyEvent) -> Option<String> {
    let plain = match key.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab if key.modifiers.contains(KeyModifiers::SHIFT) => "shift-tab".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::BackTab => "shift-tab".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        KeyCode::Up if key.modifiers.contains(KeyModifiers::SHIFT) => "shift-up".to_owned(),
        KeyCode::Down if key.modifiers.contains(KeyModifiers::SHIFT) => "shift-down".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::PageUp => "pageup".to_owned(),
        KeyCode::PageDown => "pagedown".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::F(n) => format!("f{n}"),
        _ => return None,
    };
    if key.modifiers.contains(KeyModifiers::ALT) {
        return Some(format!("alt-{plain}"));
    }
    Some(if key.modifiers.contains(KeyModifiers::CONTROL) {
        format!("ctrl-{}", plain.to_lowercase())
    } else {
        plain
    })
}

/// What a key does in these contexts, innermost first.
pub fn lookup(contexts: &[Context], key: &str) -> Option<Action> {
    contexts.iter().find_map(|context| {
        TABLE
            .iter()
            .find(|binding| binding.context == *context && binding.keys.contains(&key))
            .map(|binding| binding.action)
    })
}

/// The bindings that work in these contexts, innermost first, without those that an inner one hides.
pub fn visible(contexts: &[Context]) -> impl Iterator<Item = &'static Binding> + '_ {
    contexts
        .iter()
        .enumerate()
        .flat_map(move |(depth, context)| {
            TABLE.iter().filter(move |binding| {
                binding.context == *context
                    && binding
                        .keys
                        .iter()
                        .any(|key| lookup(&contexts[..depth], key).is_none())
            })
        })
}

/// How a key is shown to people.
pub fn label(key: &str) -> &str {
    match key {
        "up" => "↑",
        "down" => "↓",
        "left" => "←",
        "right" => "→",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        let mut seen = HashSet::new();
        for binding in TABLE {
            for key in binding.keys {
                assert!(
                    seen.insert((binding.context, *key)),
                    "{key} twice in {:?}",
                    binding.context
                );
            }
        }
    }

    #[test]
    fn every_binding_says_what_it_does() {
        for binding in TABLE {
            assert!(
                !binding.keys.is_empty() && !binding.words.is_empty(),
                "{binding:?}"
            );
            assert!(
                binding.words.chars().count() <= 52,
                "too long for help: {}",
                binding.words
            );
        }
    }

    #[test]
    fn nothing_is_typed_by_a_key_that_always_works() {
        for binding in TABLE.iter().filter(|b| {
            matches!(
                b.context,
                Context::Always
                    | Context::Typing
                    | Context::Browse
                    | Context::Welcome
                    | Context::LabAnswer
                    | Context::LabField
            )
        }) {
            for key in binding.keys {
                assert!(
                    key.chars().count() > 1 && *key != "space",
                    "{key} could be text"
                );
            }
        }
    }

    #[test]
    fn keys_are_named_as_the_table_writes_them() {
        let key = |code, modifiers| name(KeyEvent::new(code, modifiers)).unwrap();
        assert_eq!(key(KeyCode::Char('C'), KeyModifiers::CONTROL), "ctrl-c");
        assert_eq!(key(KeyCode::Char('Q'), KeyModifiers::SHIFT), "Q");
        assert_eq!(key(KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
        assert_eq!(key(KeyCode::Char(' '), KeyModifiers::NONE), "space");
    }

    #[test]
    fn the_innermost_context_decides() {
        let chain = [
            Context::Home,
            Context::Moving,
            Context::Always,
            Context::Everywhere,
        ];
        assert_eq!(lookup(&chain, "l"), Some(Action::Open));
        assert_eq!(lookup(&chain, "j"), Some(Action::Down));
        assert_eq!(lookup(&chain, "Q"), Some(Action::Quit));
        assert_eq!(lookup(&chain, "9"), None);
    }
}
