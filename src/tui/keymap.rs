//! The one table of keys: where a key works, what it does, and the words for it.
//!
//! Dispatch, the footer and the help page are all read from [`TABLE`], so a hint cannot lie. A screen
//! names the contexts it is in, innermost first; the first context that knows a key decides. To add a
//! screen, add a [`Context`], a section of the table, and the verbs it needs to [`Action`].

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

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

/// All keys. Within a context the order is that of footer and help.
#[rustfmt::skip]
pub static TABLE: &[Binding] = {
    use Action as A;
    use Context as C;
    use Steer as S;
    &[
        bind(C::Home, &["enter", "right", "l"], A::Open, "start what is selected", "start"),
        bind(C::Home, &["d"], A::GoDrill, "drill what is due and new", "drill"),
        bind(C::Home, &["q"], A::GoQuiz, "sit a timed quiz", "quiz"),
        bind(C::Home, &["i"], A::GoInterview, "sit a mock interview, or a design drill", "interview"),
        bind(C::Home, &["s"], A::GoSelfTest, "say what you can do without help", "self-test"),
        bind(C::Home, &["b", "/"], A::GoBrowse, "browse and search all cards", "browse"),
        bind(C::Home, &["r"], A::GoRead, "read the guide", "read"),
        bind(C::Home, &["L"], A::GoLab, "break a simulated cluster", "lab"),
        bind(C::Home, &["t"], A::GoStats, "see your figures", "stats"),
        bind(C::Home, &[","], A::GoSettings, "change the settings", "settings"),
        bind(C::Home, &["u"], A::Undo, "take back the last rating", ""),
        bind(C::Home, &["tab"], A::Next, "go between what is next and the decks", ""),

        bind(C::Welcome, &["enter"], A::Open, "take this answer", "take"),
        bind(C::Welcome, &["tab"], A::Pass, "skip this question", "skip"),

        bind(C::Welcome, &["down"], A::Down, "to the next track", ""),
        bind(C::Welcome, &["up"], A::Up, "to the track before", ""),

        bind(C::Question, &["enter", "space"], A::Reveal, "show the answer", "answer"),
        bind(C::Question, &["s"], A::Skip, "put the card off within this session", "skip"),
        bind(C::Question, &["z"], A::Bury, "bury the card until tomorrow", "bury"),
        bind(C::Question, &["x"], A::Suspend, "suspend the card until you take it up again", ""),
        bind(C::Question, &["m"], A::Flag, "mark the card as one to look at", ""),
        bind(C::Question, &["*"], A::Star, "star the card as one to learn first", ""),
        bind(C::Question, &["u"], A::Undo, "take back the last rating", "undo"),
        bind(C::Question, &["/"], A::Search, "search a related card", ""),
        bind(C::Question, &["E"], A::Edit, "edit the card in your editor (your own cards)", ""),

        bind(C::Answer, &["enter", "space"], A::Open, "show the next follow-up, then rate as suggested", "go on"),
        bind(C::Answer, &["1"], A::Rate(1), "again: not remembered", ""),
        bind(C::Answer, &["2"], A::Rate(2), "hard: remembered with gaps", ""),
        bind(C::Answer, &["3"], A::Rate(3), "good: remembered", ""),
        bind(C::Answer, &["4"], A::Rate(4), "easy: remembered at once", ""),
        bind(C::Answer, &["a"], A::Tick(0), "tick the first point you made", ""),
        bind(C::Answer, &["b"], A::Tick(1), "tick the second", ""),
        bind(C::Answer, &["c"], A::Tick(2), "tick the third", ""),
        bind(C::Answer, &["d"], A::Tick(3), "tick the fourth", ""),
        bind(C::Answer, &["e"], A::Tick(4), "tick the fifth", ""),
        bind(C::Answer, &["f"], A::Tick(5), "tick the sixth", ""),
        bind(C::Answer, &["o"], A::Chapter, "open the chapter that teaches it", "chapter"),
        bind(C::Answer, &["u"], A::Undo, "take back the last rating", "undo"),
        bind(C::Answer, &["s"], A::Skip, "put the card off within this session", ""),
        bind(C::Answer, &["z"], A::Bury, "bury the card until tomorrow", ""),
        bind(C::Answer, &["x"], A::Suspend, "suspend the card until you take it up again", ""),
        bind(C::Answer, &["m"], A::Flag, "mark the card as one to look at", ""),
        bind(C::Answer, &["*"], A::Star, "star the card as one to learn first", ""),
        bind(C::Answer, &["/"], A::Search, "search a related card", ""),
        bind(C::Answer, &["E"], A::Edit, "edit the card in your editor (your own cards)", ""),

        bind(C::Summary, &["enter"], A::Back, "go home", "home"),
        bind(C::Summary, &["d"], A::GoDrill, "drill on with more cards", "more"),
        bind(C::Summary, &["o"], A::Chapter, "read the chapter named here", "chapter"),
        bind(C::Summary, &["u"], A::Undo, "take back the last rating", "undo"),

        bind(C::Browse, &["enter"], A::Open, "open the card", "open"),
        bind(C::Browse, &["down", "ctrl-n"], A::Down, "to the next card", ""),
        bind(C::Browse, &["up", "ctrl-p"], A::Up, "to the card before", ""),
        bind(C::Browse, &["pagedown"], A::PageDown, "a page down", ""),
        bind(C::Browse, &["pageup"], A::PageUp, "a page up", ""),
        bind(C::Browse, &["ctrl-d"], A::DrillThese, "drill what was found", "drill these"),
        bind(C::Browse, &["tab"], A::FilterDeck, "next deck", "deck"),
        bind(C::Browse, &["shift-tab"], A::FilterLevel, "next level", "level"),
        bind(C::Browse, &["ctrl-s"], A::FilterState, "all, due, new, starred, flagged, suspended", "state"),

        bind(C::Card, &["o"], A::Chapter, "open the chapter that teaches it", "chapter"),
        bind(C::Card, &["n", "right", "l"], A::NextMatch, "the next card of the list", "next"),
        bind(C::Card, &["p", "left", "h"], A::PreviousMatch, "the card before", ""),
        bind(C::Card, &["tab"], A::Next, "to the next link", "link"),
        bind(C::Card, &["shift-tab"], A::Previous, "to the link before", ""),
        bind(C::Card, &["enter"], A::Open, "follow the link", ""),
        bind(C::Card, &["d"], A::DrillThese, "drill this card", "drill"),
        bind(C::Card, &["x"], A::Suspend, "suspend the card, or take it up again", "suspend"),
        bind(C::Card, &["m"], A::Flag, "mark the card as one to look at", "flag"),
        bind(C::Card, &["*"], A::Star, "star the card as one to learn first", "star"),
        bind(C::Card, &["E"], A::Edit, "edit the card in your editor (your own cards)", ""),

        bind(C::Contents, &["enter", "right", "l"], A::Open, "read the chapter", "read"),
        bind(C::Contents, &["/"], A::GoBrowse, "search the cards", "search"),

        bind(C::Chapter, &["tab"], A::Next, "to the next link", "link"),
        bind(C::Chapter, &["shift-tab"], A::Previous, "to the link before", ""),
        bind(C::Chapter, &["enter"], A::Open, "follow the link", "follow"),
        bind(C::Chapter, &["]"], A::NextHeading, "to the next heading", "heading"),
        bind(C::Chapter, &["["], A::PreviousHeading, "to the heading before", ""),
        bind(C::Chapter, &["/"], A::Search, "search in the chapter", "search"),
        bind(C::Chapter, &["n"], A::NextMatch, "to the next place found", ""),
        bind(C::Chapter, &["N", "p"], A::PreviousMatch, "to the place found before", ""),
        bind(C::Chapter, &["c"], A::Cards, "the cards of this chapter", "cards"),
        bind(C::Chapter, &["d"], A::DrillThese, "drill the cards of this chapter", "drill"),
        bind(C::Chapter, &["left", "h"], A::Left, "move wide listings", ""),
        bind(C::Chapter, &["right", "l"], A::Right, "move wide listings", ""),

        bind(C::Stats, &["tab", "right", "l"], A::Next, "the next figure", "next"),
        bind(C::Stats, &["shift-tab", "left", "h"], A::Previous, "the figure before", ""),

        bind(C::LabList, &["enter", "right", "l"], A::Open, "begin with what is selected", "begin"),

        bind(C::LabChoice, &["a"], A::Tick(0), "the first answer", ""),
        bind(C::LabChoice, &["b"], A::Tick(1), "the second", ""),
        bind(C::LabChoice, &["c"], A::Tick(2), "the third", ""),
        bind(C::LabChoice, &["d"], A::Tick(3), "the fourth", ""),
        bind(C::LabChoice, &["e"], A::Tick(4), "the fifth", ""),
        bind(C::LabChoice, &["f"], A::Tick(5), "the sixth", ""),
        bind(C::LabChoice, &["n"], A::Pass, "go on without an answer", "pass"),

        bind(C::LabAnswer, &["enter"], A::Open, "take the answer", "take"),
        bind(C::LabAnswer, &["tab"], A::Next, "look at another panel", "panel"),
        bind(C::LabAnswer, &["shift-tab"], A::Previous, "the panel before", ""),

        bind(C::LabField, &["enter"], A::Open, "do it, or take the marked line", "do"),
        bind(C::LabField, &["tab"], A::Lab(S::Complete), "take the marked line", "complete"),
        bind(C::LabField, &["down", "ctrl-n"], A::Down, "the next line", ""),
        bind(C::LabField, &["up", "ctrl-p"], A::Up, "the line before", ""),

        bind(C::LabWhy, &["enter", "w"], A::Open, "close", ""),

        bind(C::Lab, &["enter"], A::Open, "go on in the guide", "go on"),
        bind(C::Lab, &["space"], A::Lab(S::RunOrPause), "let time go on, or stop it", "run"),
        bind(C::Lab, &["n"], A::Lab(S::NextInteresting), "to the next event worth a look", "next"),
        bind(C::Lab, &["p", "N"], A::Lab(S::PreviousInteresting), "back to the last event worth a look", ""),
        bind(C::Lab, &["."], A::Lab(S::NextEvent), "to the next event of any kind", "event"),
        bind(C::Lab, &["left", "h"], A::Lab(S::Seconds(-1)), "a second back", ""),
        bind(C::Lab, &["right", "l"], A::Lab(S::Seconds(1)), "a second forward", ""),
        bind(C::Lab, &["["], A::Lab(S::Seconds(-10)), "ten seconds back", ""),
        bind(C::Lab, &["]"], A::Lab(S::Seconds(10)), "ten seconds forward", ""),
        bind(C::Lab, &["+", "="], A::Lab(S::Faster), "faster", ""),
        bind(C::Lab, &["-"], A::Lab(S::Slower), "slower", ""),
        bind(C::Lab, &["c", ":"], A::Lab(S::Command), "give a command: crash, cut, slow, set, …", "command"),
        bind(C::Lab, &["tab"], A::Next, "the next panel", "panel"),
        bind(C::Lab, &["shift-tab"], A::Previous, "the panel before", ""),
        bind(C::Lab, &["w"], A::Lab(S::Why), "what led to the selected event", "why?"),
        bind(C::Lab, &["f"], A::Lab(S::Filter), "show another kind of events", ""),
        bind(C::Lab, &["g"], A::Lab(S::Seek), "go to a moment", ""),
        bind(C::Lab, &["t"], A::Lab(S::Twin), "look at the twin, or back", "twin"),
        bind(C::Lab, &["R"], A::Lab(S::Restart), "begin this step again", ""),
        bind(C::Lab, &["S"], A::Lab(S::Save), "keep this run as a scenario of your own", ""),
        bind(C::Lab, &["o"], A::Chapter, "open the chapter that teaches it", ""),
        bind(C::Lab, &["d"], A::DrillThese, "the cards of this", ""),
        bind(C::Lab, &["1"], A::Lab(S::Panel(0)), "the guide", ""),
        bind(C::Lab, &["2"], A::Lab(S::Panel(1)), "brokers and partitions", ""),
        bind(C::Lab, &["3"], A::Lab(S::Panel(2)), "groups and producers", ""),
        bind(C::Lab, &["4"], A::Lab(S::Panel(3)), "the events", ""),

        bind(C::Settings, &["enter"], A::Open, "change the value", "change"),
        bind(C::Settings, &["left", "h"], A::Left, "the choice before, or less", ""),
        bind(C::Settings, &["right", "l"], A::Right, "the next choice, or more", "choose"),

        bind(C::QuizSetup, &["enter"], A::Open, "start the quiz", "start"),
        bind(C::QuizSetup, &["right", "l"], A::Right, "the next choice", "change"),
        bind(C::QuizSetup, &["left", "h"], A::Left, "the choice before", ""),

        bind(C::QuizChoose, &["a"], A::Pick(0), "take or leave the first choice", ""),
        bind(C::QuizChoose, &["b"], A::Pick(1), "the second", ""),
        bind(C::QuizChoose, &["c"], A::Pick(2), "the third", ""),
        bind(C::QuizChoose, &["d"], A::Pick(3), "the fourth", ""),
        bind(C::QuizChoose, &["e"], A::Pick(4), "the fifth", ""),
        bind(C::QuizChoose, &["f"], A::Pick(5), "the sixth", ""),
        bind(C::QuizChoose, &["space"], A::Toggle, "take or leave the choice at the arrow", "pick"),
        bind(C::QuizOrder, &["J", "shift-down", "alt-down"], A::MoveDown, "move the step down", "step down"),
        bind(C::QuizOrder, &["K", "shift-up", "alt-up"], A::MoveUp, "move the step up", "step up"),
        bind(C::QuizExam, &["n", "right", "l"], A::Next, "to the next question", "next"),
        bind(C::QuizExam, &["p", "left", "h"], A::Previous, "to the question before", "before"),
        bind(C::QuizExam, &["o"], A::NextMatch, "to the next question that is open or marked", "open"),
        bind(C::QuizExam, &["H"], A::HandIn, "hand the exam in", "hand in"),
        bind(C::Quiz, &["enter"], A::Open, "done with this question", "done"),
        bind(C::Quiz, &["down", "j"], A::Down, "to the next choice or step", ""),
        bind(C::Quiz, &["up", "k"], A::Up, "to the choice or step before", ""),
        bind(C::Quiz, &["m"], A::Flag, "mark the question for later", "mark"),
        bind(C::Quiz, &["P"], A::Pause, "stop the clock", "pause"),
        bind(C::Quiz, &["pagedown", "ctrl-f"], A::PageDown, "a page down", ""),
        bind(C::Quiz, &["pageup", "ctrl-b"], A::PageUp, "a page up", ""),
        bind(C::Quiz, &["ctrl-e"], A::HandIn, "end the quiz here", ""),
        bind(C::QuizTyping, &["enter"], A::Open, "done with this question", "done"),
        bind(C::QuizTyping, &["ctrl-t"], A::Flag, "mark the question for later", "mark"),
        bind(C::QuizTyping, &["ctrl-p"], A::Pause, "stop the clock", "pause"),
        bind(C::QuizTyping, &["pagedown"], A::PageDown, "a page down", ""),
        bind(C::QuizTyping, &["pageup"], A::PageUp, "a page up", ""),
        bind(C::QuizTyping, &["ctrl-e"], A::HandIn, "end the quiz here", ""),
        bind(C::QuizTypingExam, &["tab"], A::Next, "to the next question", "next"),
        bind(C::QuizTypingExam, &["shift-tab"], A::Previous, "to the question before", "before"),
        bind(C::QuizTypingExam, &["ctrl-o"], A::NextMatch, "to the next question that is open or marked", "open"),
        bind(C::QuizAnswered, &["enter", "space", "n"], A::Open, "to the next question", "go on"),
        bind(C::QuizPaused, &["enter", "space", "P"], A::Pause, "let the clock run", "go on"),
        bind(C::QuizResult, &["enter"], A::Open, "go home", "home"),
        bind(C::QuizResult, &["r"], A::Retry, "ask what was missed again", "retry misses"),
        bind(C::QuizResult, &["c"], A::Cards, "the cards of what was missed", "cards"),

        bind(C::InterviewSetup, &["enter"], A::Open, "start the interview", "start"),
        bind(C::InterviewSetup, &["right", "l"], A::Right, "the next choice", "change"),
        bind(C::InterviewSetup, &["left", "h"], A::Left, "the choice before", ""),
        bind(C::InterviewSetup, &["d"], A::GoDesign, "a design drill alone", "design drills"),
        bind(C::InterviewSetup, &["s"], A::GoStories, "your own project stories", "stories"),
        bind(C::DesignSetup, &["enter", "right", "l"], A::Open, "start the drill", "start"),
        bind(C::Speaking, &["space", "enter"], A::Open, "done speaking: show the points", "done"),
        bind(C::Speaking, &["s"], A::Skip, "leave the question unanswered", "skip"),
        bind(C::Speaking, &["P"], A::Pause, "stop the clock", "pause"),
        bind(C::Speaking, &["ctrl-e"], A::Finish, "end the interview here", ""),
        bind(C::Standing, &["space", "enter", "P"], A::Pause, "let the clock run", "go on"),
        bind(C::Standing, &["ctrl-e"], A::Finish, "end it here", ""),
        bind(C::Points, &["space", "enter"], A::Open, "go on to the follow-ups", "go on"),
        bind(C::Points, &["a"], A::Tick(0), "tick the first point you made", ""),
        bind(C::Points, &["b"], A::Tick(1), "tick the second", ""),
        bind(C::Points, &["c"], A::Tick(2), "tick the third", ""),
        bind(C::Points, &["d"], A::Tick(3), "tick the fourth", ""),
        bind(C::Points, &["e"], A::Tick(4), "tick the fifth", ""),
        bind(C::Points, &["f"], A::Tick(5), "tick the sixth", ""),
        bind(C::Points, &["t"], A::Trap, "say that you fell into the trap", "trap"),
        bind(C::Points, &["ctrl-e"], A::Finish, "end the interview here", ""),
        bind(C::FollowUp, &["space", "enter"], A::Open, "show its answer", "answer"),
        bind(C::FollowUp, &["ctrl-e"], A::Finish, "end the interview here", ""),
        bind(C::FollowUpAnswer, &["y"], A::Yes, "it went well", "went well"),
        bind(C::FollowUpAnswer, &["n"], A::No, "it did not", "did not"),
        bind(C::FollowUpAnswer, &["ctrl-e"], A::Finish, "end the interview here", ""),
        bind(C::Whiteboard, &["space", "enter"], A::Open, "done with the stage: compare", "done"),
        bind(C::Whiteboard, &["i"], A::Hint, "show a hint; two cost a line of the rubric", "hint"),
        bind(C::Whiteboard, &["P"], A::Pause, "stop the clock", "pause"),
        bind(C::Whiteboard, &["p"], A::Previous, "back to the rubric of the stage before", "before"),
        bind(C::Whiteboard, &["ctrl-e"], A::Finish, "end the drill here", ""),
        bind(C::Comparing, &["space", "enter"], A::Open, "to the next stage", "next stage"),
        bind(C::Comparing, &["a"], A::Tick(0), "tick the first line your answer had", ""),
        bind(C::Comparing, &["b"], A::Tick(1), "tick the second", ""),
        bind(C::Comparing, &["c"], A::Tick(2), "tick the third", ""),
        bind(C::Comparing, &["d"], A::Tick(3), "tick the fourth", ""),
        bind(C::Comparing, &["e"], A::Tick(4), "tick the fifth", ""),
        bind(C::Comparing, &["f"], A::Tick(5), "tick the sixth", ""),
        bind(C::Comparing, &["p"], A::Previous, "back to the rubric of the stage before", "before"),
        bind(C::Comparing, &["ctrl-e"], A::Finish, "end the drill here", ""),
        bind(C::InterviewReport, &["enter"], A::Open, "go home", "home"),
        bind(C::InterviewReport, &["d"], A::DrillThese, "drill what fell short", "drill"),
        bind(C::InterviewReport, &["c"], A::Cards, "the cards of what fell short", "cards"),

        bind(C::SelfTestSetup, &["enter", "right", "l"], A::Open, "start the self-test", "start"),
        bind(C::SelfTest, &["0"], A::Rate(0), "can't", "can't"),
        bind(C::SelfTest, &["1"], A::Rate(1), "can stumble through", "stumble"),
        bind(C::SelfTest, &["2"], A::Rate(2), "can teach it", "teach"),
        bind(C::SelfTest, &["o"], A::Chapter, "open the chapter that teaches it", "chapter"),
        bind(C::SelfTest, &["s"], A::Skip, "leave it for another day", "skip"),
        bind(C::SelfTest, &["p"], A::Previous, "back to the skill before", "before"),
        bind(C::SelfTest, &["ctrl-e"], A::Finish, "end here; what you rated is kept", ""),
        bind(C::SelfTestReport, &["enter"], A::Open, "go home", "home"),
        bind(C::SelfTestReport, &["d"], A::DrillThese, "drill the cards of what is weak", "drill"),

        bind(C::Stories, &["enter"], A::Open, "drill your stories", "drill"),
        bind(C::Stories, &["E"], A::Edit, "edit the file of your stories", "edit"),
        bind(C::StoryNaming, &["enter", "space"], A::Open, "tell this story", "this one"),
        bind(C::StoryTelling, &["space", "enter"], A::Open, "done telling it", "done"),
        bind(C::StoryTicking, &["enter"], A::Open, "to the next prompt", "next"),
        bind(C::StoryTicking, &["space"], A::Toggle, "tick what you told", "tick"),
        bind(C::StoriesDone, &["enter"], A::Open, "back to your stories", "stories"),

        bind(C::Confirm, &["y", "enter"], A::Yes, "yes", "yes"),
        bind(C::Confirm, &["n"], A::No, "no", "no"),

        bind(C::Typing, &["enter"], A::Open, "take the text", "take"),

        bind(C::Moving, &["down", "j"], A::Down, "down", ""),
        bind(C::Moving, &["up", "k"], A::Up, "up", ""),
        bind(C::Moving, &["right", "l"], A::Right, "to the right; moves wide listings", ""),
        bind(C::Moving, &["left", "h"], A::Left, "to the left", ""),
        bind(C::Moving, &["pagedown", "ctrl-f"], A::PageDown, "a page down", ""),
        bind(C::Moving, &["pageup", "ctrl-b"], A::PageUp, "a page up", ""),
        bind(C::Moving, &["home", "g"], A::Top, "to the beginning", ""),
        bind(C::Moving, &["end", "G"], A::Bottom, "to the end", ""),

        bind(C::Always, &["esc"], A::Back, "go back, close", "back"),
        bind(C::Everywhere, &["?"], A::Help, "show this help", "help"),
        bind(C::Everywhere, &["Q"], A::Quit, "leave the program; nothing is lost", "quit"),
        bind(C::Always, &["f1"], A::Help, "show this help, even while typing", ""),
        bind(C::Always, &["ctrl-c"], A::Quit, "leave the program, even while typing", ""),
        bind(C::Always, &["ctrl-z"], A::Stop, "stop the program; `fg` continues it", ""),
        bind(C::Always, &["ctrl-l"], A::Redraw, "paint everything again", ""),
    ]
};

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
