//! The design drill of an interview: the stage at the whiteboard, then its rubric beside the worked answer.

use ratatui::{
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    super::quiz::marked, Checks, InterviewScreen, WIDE, heading, passed, ruled, strong, ticks,
};
use crate::{
    bank::Stage,
    session::design::{Design, Phase},
    tui::{
        canvas::Canvas,
        theme::Theme,
        widgets::{Scroll, checklist, column},
    },
};

/// Columns of the worked answer at least: a diagram of 76 within its frame.
const WORKED: u16 = 82;

/// The top line: stage and share of the time.
pub(super) fn top(board: &Design, theme: &Theme) -> (Line<'static>, Line<'static>) {
    let count = board.sheets().len();
    let title = board.stage().map_or("", |stage| stage.kind.title());
    let left = Line::from(vec![
        Span::styled(format!("Stage {} of {count}", board.at() + 1), theme.title),
        Span::styled(format!("  {title}"), theme.info),
    ]);
    let spent = board
        .sheets()
        .get(board.at())
        .map_or_else(Default::default, |sheet| sheet.spent);
    let minutes = board.stage().map_or(0, |stage| stage.minutes);
    let mut right = Vec::new();
    if board.over().is_zero() {
        right.push(Span::styled(passed(spent), theme.accent));
        right.push(Span::styled(format!(" of {minutes}:00"), theme.dim));
    } else {
        right.push(Span::styled(
            format!("{} over", passed(board.over())),
            theme.warn,
        ));
        right.push(Span::styled(
            format!("  {} of {minutes}:00", passed(spent)),
            theme.dim,
        ));
    }
    (left, Line::from(right))
}

impl InterviewScreen {
    /// Draws the stage, or its rubric beside the worked answer.
    pub(super) fn draw_board(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let Some(board) = self.board().cloned() else {
            return;
        };
        let Some(stage) = board.stage() else {
            return;
        };
        if board.phase() == Phase::Comparing {
            self.draw_comparing(canvas, area, &board, stage);
            return;
        }
        let body = column(area);
        let lines = self.working(canvas, &board, stage, usize::from(body.width));
        self.side = Scroll::default();
        self.scroll.draw(canvas, body, &lines);
    }

    /// What is asked in the stage, what both sides know, and the hints looked at.
    fn working(
        &self,
        canvas: &mut Canvas<'_>,
        board: &Design,
        stage: &Stage,
        columns: usize,
    ) -> Vec<Line<'static>> {
        let theme = canvas.theme;
        let drill = board.drill();
        let first = board.at() == 0;
        let style = if first { Style::new() } else { theme.dim };
        let mut lines = marked(canvas, Vec::new(), &drill.ask, columns, style);
        if first && !drill.context.trim().is_empty() {
            lines.push(Line::default());
            lines.extend(marked(
                canvas,
                Vec::new(),
                &drill.context,
                columns,
                theme.dim,
            ));
        }
        heading(
            &mut lines,
            stage.kind.title(),
            &format!("{} minutes", stage.minutes),
            theme,
        );
        lines.extend(strong(canvas, &stage.prompt, columns));
        let shown = board
            .sheets()
            .get(board.at())
            .map_or(0, |sheet| sheet.hints);
        if shown > 0 {
            heading(
                &mut lines,
                "Hints",
                &format!("{shown} of {}", stage.hints.len()),
                theme,
            );
        }
        for hint in stage.hints.iter().take(shown) {
            let mark = vec![Span::styled("• ", theme.accent)];
            lines.extend(marked(canvas, mark, hint, columns, Style::new()));
        }
        lines.push(Line::default());
        let hint = "Draw and speak. Space when you are done; the worked answer comes then.";
        lines.push(Line::from(Span::styled(hint, theme.dim)));
        lines
    }

    fn draw_comparing(
        &mut self,
        canvas: &mut Canvas<'_>,
        area: Rect,
        board: &Design,
        stage: &Stage,
    ) {
        if area.width >= WIDE {
            let right = WORKED.max(area.width / 2);
            let [left, right] =
                Layout::horizontal([Constraint::Fill(1), Constraint::Length(right)]).areas(area);
            let left = column(left);
            let (lines, checks) = rubric(canvas, board, stage, usize::from(left.width));
            let inner = canvas.frame(right, "A worked answer", false);
            let worked = self.worked(canvas, stage, usize::from(inner.width));
            self.draw_checks(canvas, left, &lines, &checks);
            self.side.draw(canvas, inner, &worked);
            return;
        }
        let body = column(area);
        let columns = usize::from(body.width);
        let (mut lines, checks) = rubric(canvas, board, stage, columns);
        heading(&mut lines, "A worked answer", "", canvas.theme);
        lines.extend(self.worked(canvas, stage, columns));
        self.side = Scroll::default();
        self.draw_checks(canvas, body, &lines, &checks);
    }

    /// What to ask with its answers, and the worked answer; diagrams are never wrapped.
    fn worked(&self, canvas: &mut Canvas<'_>, stage: &Stage, columns: usize) -> Vec<Line<'static>> {
        let theme = canvas.theme;
        let page = canvas.prose.page(&stage.worked, columns, theme, self.shift);
        let mut lines = page.lines.clone();
        if !stage.questions.is_empty() {
            heading(&mut lines, "Questions and answers", "", theme);
        }
        for question in &stage.questions {
            let mark = vec![Span::styled("? ", theme.accent)];
            lines.extend(marked(canvas, mark, &question.ask, columns, Style::new()));
            for line in ruled(canvas, &question.say, columns.saturating_sub(2)) {
                let mut spans = vec![Span::raw("  ")];
                spans.extend(line.spans);
                lines.push(Line::from(spans));
            }
        }
        lines
    }
}

/// What a good answer of the stage contains, to be ticked.
fn rubric(
    canvas: &mut Canvas<'_>,
    board: &Design,
    stage: &Stage,
    columns: usize,
) -> (Vec<Line<'static>>, Checks) {
    let theme = canvas.theme;
    let sheet = &board.sheets()[board.at()];
    let mut lines = strong(canvas, &stage.prompt, columns);
    let met = format!("{} of {}", sheet.ticked.len(), stage.rubric.len());
    heading(&mut lines, "Your answer had", &met, theme);
    let ticked: Vec<bool> = (0..stage.rubric.len())
        .map(|line| sheet.ticked.contains(&line))
        .collect();
    let points = checklist(
        &mut lines,
        &stage.rubric,
        &ticked,
        columns,
        theme,
        &mut canvas.prose.code,
    );
    (lines, ticks(points))
}
