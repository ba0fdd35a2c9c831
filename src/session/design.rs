//! A system-design drill: eight stages under a clock, hints on demand, a rubric to tick, then the worked answer.
//!
//! A pure state machine, used alone and at the end of a mock interview. It keeps to the drill's own
//! shares of the time but never cuts the reader off: an interviewer would say "let's move on", so
//! time over the share is counted and shown.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

use super::SAVE_EVERY;
use crate::bank::{Drill, DrillId, Stage};

/// What the reader does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Done with the stage: show its rubric; done with the rubric: open the next stage.
    Next,
    /// Show one more hint.
    Hint,
    /// Tick or untick a line of the rubric, by its place.
    Tick(usize),
    /// Back to the rubric of the stage before.
    Back,
    /// Stop the clock.
    Pause,
    /// Let the clock run again.
    Resume,
    /// End here; stages not reached count as not done.
    End,
    /// Nothing but time has passed.
    Wait,
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Keep this, so that the drill can be resumed.
    Save(Box<Snapshot>),
    /// The drill is over.
    Finished(Box<Report>),
}

/// What a stage is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// At the whiteboard; the clock runs.
    Working,
    /// Ticking the rubric beside the worked answer; the clock stands.
    Comparing,
    /// Paused at the whiteboard.
    Paused,
    /// Over.
    Done,
}

/// What was done in one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSheet {
    /// Lines of the rubric that were met, by place.
    pub ticked: BTreeSet<usize>,
    /// Hints looked at.
    pub hints: usize,
    /// Time at the whiteboard.
    pub spent: Duration,
    /// It was worked on to its end.
    pub finished: bool,
}

/// Everything needed to go on after an interruption.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which drill.
    pub drill: DrillId,
    /// Its stages so far.
    pub stages: Vec<StageSheet>,
    /// The open stage.
    pub at: usize,
    /// What it is at.
    pub phase: Phase,
}

/// One stage, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// Its heading.
    pub stage: String,
    /// Lines of the rubric met.
    pub met: usize,
    /// Lines of the rubric.
    pub of: usize,
    /// The lines that were not met.
    pub missed: Vec<String>,
    /// Hints looked at.
    pub hints: usize,
    /// Time at the whiteboard.
    pub spent: Duration,
    /// Its share of the time.
    pub share: Duration,
    /// It was worked on to its end.
    pub finished: bool,
}

/// What a drill came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which drill.
    pub drill: DrillId,
    /// Its title.
    pub title: String,
    /// Stage by stage.
    pub stages: Vec<StageReport>,
}

impl Report {
    /// Rubric lines met, as a share of all from 0 to 1; every two hints cost one line.
    pub fn share(&self) -> f64 {
        let of: usize = self.stages.iter().map(|stage| stage.of).sum();
        if of == 0 {
            return 0.0;
        }
        let earned: f64 = self
            .stages
            .iter()
            .map(|stage| (stage.met as f64 - stage.hints as f64 / 2.0).max(0.0))
            .sum();
        earned / of as f64
    }

    /// Time at the whiteboard, all stages.
    pub fn spent(&self) -> Duration {
        self.stages.iter().map(|stage| stage.spent).sum()
    }
}

/// A running design drill.
#[derive(Clone, Debug, PartialEq)]
pub struct Design {
    drill: Drill,
    sheets: Vec<StageSheet>,
    at: usize,
    phase: Phase,
    last: Option<Duration>,
}

impl Design {
    /// Begins `drill` at its first stage.
    pub fn new(drill: Drill) -> Self {
        let sheets = vec![StageSheet::default(); drill.stages.len()];
        Self {
            phase: if sheets.is_empty() {
                Phase::Done
            } else {
                Phase::Working
            },
            drill,
            sheets,
            at: 0,
            last: None,
        }
    }

    /// Takes up an interrupted drill, paused where it was left. Ticks of rubric lines that are gone
    /// are dropped; a drill whose stages changed in number begins anew.
    pub fn resume(drill: Drill, snapshot: Snapshot) -> Self {
        let mut design = Self::new(drill);
        if snapshot.stages.len() != design.sheets.len() || snapshot.at >= design.sheets.len() {
            return design;
        }
        design.sheets = snapshot.stages;
        for (sheet, stage) in design.sheets.iter_mut().zip(&design.drill.stages) {
            sheet.ticked.retain(|line| *line < stage.rubric.len());
            sheet.hints = sheet.hints.min(stage.hints.len());
        }
        design.at = snapshot.at;
        design.phase = match snapshot.phase {
            Phase::Working => Phase::Paused,
            other => other,
        };
        design
    }

    /// Takes one input. `now` is a reading of a clock, which may be set back. Inputs that make no sense where the
    /// drill stands are ignored.
    pub fn handle(&mut self, input: Input, now: Duration) -> Vec<Effect> {
        let since = self
            .last
            .map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last = Some(now);
        let mut to_keep = false;
        if self.phase == Phase::Working {
            let spent = &mut self.sheets[self.at].spent;
            let kept = spent.as_secs() / SAVE_EVERY.as_secs();
            *spent += since;
            to_keep = spent.as_secs() / SAVE_EVERY.as_secs() > kept;
        }
        match (self.phase, input) {
            (Phase::Done, _) => return Vec::new(),
            (_, Input::Wait) if !to_keep => return Vec::new(),
            (_, Input::Wait) => {}
            (_, Input::End) => return self.finish(),
            (Phase::Working, Input::Next) => {
                self.sheets[self.at].finished = true;
                self.phase = Phase::Comparing;
            }
            (Phase::Working, Input::Hint) => {
                let sheet = &mut self.sheets[self.at];
                sheet.hints = (sheet.hints + 1).min(self.drill.stages[self.at].hints.len());
            }
            (Phase::Working, Input::Pause) => self.phase = Phase::Paused,
            (Phase::Paused, Input::Resume | Input::Next) => self.phase = Phase::Working,
            (Phase::Comparing, Input::Tick(line)) => {
                if line < self.drill.stages[self.at].rubric.len() {
                    let ticked = &mut self.sheets[self.at].ticked;
                    if !ticked.remove(&line) {
                        ticked.insert(line);
                    }
                }
            }
            (Phase::Comparing, Input::Next) => {
                if self.at + 1 == self.sheets.len() {
                    return self.finish();
                }
                self.at += 1;
                self.phase = if self.sheets[self.at].finished {
                    Phase::Comparing
                } else {
                    Phase::Working
                };
            }
            (Phase::Working | Phase::Comparing, Input::Back) if self.at > 0 => {
                self.at -= 1;
                self.phase = Phase::Comparing;
            }
            _ => return Vec::new(),
        }
        vec![Effect::Save(Box::new(self.snapshot()))]
    }

    fn finish(&mut self) -> Vec<Effect> {
        self.phase = Phase::Done;
        vec![Effect::Finished(Box::new(self.report()))]
    }

    /// What is needed to go on after an interruption.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            drill: self.drill.id.clone(),
            stages: self.sheets.clone(),
            at: self.at,
            phase: self.phase,
        }
    }

    /// The drill as it stands, summed up.
    pub fn report(&self) -> Report {
        let stages = self.drill.stages.iter().zip(&self.sheets);
        Report {
            drill: self.drill.id.clone(),
            title: self.drill.title.clone(),
            stages: stages
                .map(|(stage, sheet)| StageReport {
                    stage: stage.kind.title().to_owned(),
                    met: sheet.ticked.len(),
                    of: stage.rubric.len(),
                    missed: (0..stage.rubric.len())
                        .filter(|line| !sheet.ticked.contains(line))
                        .map(|line| stage.rubric[line].clone())
                        .collect(),
                    hints: sheet.hints,
                    spent: sheet.spent,
                    share: minutes(stage.minutes),
                    finished: sheet.finished,
                })
                .collect(),
        }
    }

    /// The drill.
    pub fn drill(&self) -> &Drill {
        &self.drill
    }

    /// What it is at.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the open stage, from 0.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The open stage; none in a drill without stages.
    pub fn stage(&self) -> Option<&Stage> {
        self.drill.stages.get(self.at)
    }

    /// What was done in each stage.
    pub fn sheets(&self) -> &[StageSheet] {
        &self.sheets
    }

    /// Time left of the open stage's share.
    pub fn left(&self) -> Duration {
        let share = self.stage().map_or(0, |stage| stage.minutes);
        minutes(share).saturating_sub(self.sheet().map_or(Duration::ZERO, |sheet| sheet.spent))
    }

    /// Time over the open stage's share.
    pub fn over(&self) -> Duration {
        let share = self.stage().map_or(0, |stage| stage.minutes);
        let spent = self.sheet().map_or(Duration::ZERO, |sheet| sheet.spent);
        spent.saturating_sub(minutes(share))
    }

    fn sheet(&self) -> Option<&StageSheet> {
        self.sheets.get(self.at)
    }
}

fn minutes(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bank::{Level, Origin, See, StageKind};

    pub(in crate::session) fn drill() -> Drill {
        Drill {
            id: DrillId::from("limiter"),
            title: "Limiter".into(),
            level: Level::Hard,
            tags: Vec::new(),
            ask: "Design one.".into(),
            context: String::new(),
            stages: StageKind::ALL
                .into_iter()
                .map(|kind| Stage {
                    kind,
                    minutes: 5,
                    prompt: String::new(),
                    hints: vec!["h1".into(), "h2".into()],
                    questions: Vec::new(),
                    rubric: vec!["r1".into(), "r2".into(), "r3".into(), "r4".into()],
                    worked: String::new(),
                })
                .collect(),
            see: See::default(),
            sources: Vec::new(),
            as_of: None,
            origin: Origin {
                file: "t".into(),
                line: 1,
                item: 0,
                built_in: true,
            },
        }
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn stages_are_worked_compared_and_summed_up() {
        let mut design = Design::new(drill());
        design.handle(Input::Wait, secs(0));
        design.handle(Input::Hint, secs(60));
        design.handle(Input::Next, secs(400));
        assert_eq!(design.phase(), Phase::Comparing);
        assert_eq!(design.over(), secs(100));
        design.handle(Input::Tick(0), secs(900));
        design.handle(Input::Tick(1), secs(900));
        design.handle(Input::Tick(1), secs(900));
        design.handle(Input::Tick(9), secs(900));
        design.handle(Input::Next, secs(1000));
        assert_eq!((design.at(), design.phase()), (1, Phase::Working));
        let effects = design.handle(Input::End, secs(1010));
        let [Effect::Finished(report)] = &effects[..] else {
            panic!("{effects:?}")
        };
        let first = &report.stages[0];
        assert_eq!((first.met, first.of, first.hints), (1, 4, 1));
        assert_eq!(first.missed, ["r2", "r3", "r4"]);
        assert_eq!(first.spent, secs(400), "comparing costs no time");
        assert_eq!(report.stages[1].spent, secs(10));
        assert!(first.finished && !report.stages[1].finished);
        assert!((report.share() - 0.5 / 32.0).abs() < 1e-9);
    }

    #[test]
    fn going_on_after_an_interruption_is_like_a_pause() {
        let mut design = Design::new(drill());
        design.handle(Input::Wait, secs(0));
        design.handle(Input::Next, secs(5));
        design.handle(Input::Tick(2), secs(5));
        design.handle(Input::Next, secs(5));
        design.handle(Input::Wait, secs(25));
        let mut resumed = Design::resume(drill(), design.snapshot());
        assert_eq!(resumed.phase(), Phase::Paused);
        resumed.handle(Input::Resume, secs(9000));
        design.handle(Input::Pause, secs(25));
        design.handle(Input::Resume, secs(9000));
        assert_eq!(resumed.report(), design.report());
        assert_eq!(resumed.left(), secs(280));
        let mut shorter = drill();
        shorter.stages.pop();
        assert_eq!(Design::resume(shorter, design.snapshot()).at(), 0);
    }

    #[test]
    fn the_last_stage_ends_the_drill() {
        let mut design = Design::new(drill());
        let mut ends = 0;
        for n in 0..40 {
            let effects = design.handle(Input::Next, secs(n));
            ends += effects
                .iter()
                .filter(|e| matches!(e, Effect::Finished(_)))
                .count();
        }
        assert_eq!((ends, design.phase()), (1, Phase::Done));
    }
}
