//! Lines and columns of broken rules, looked up only when there is something to report.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{
    card::Origin,
    load::{self, files::Source},
    problem::{Problem, Rule, Severity},
    yaml::Step,
};

/// Where a rule was broken.
pub(super) enum Spot {
    /// At the end of a path through a YAML file; the number is a line within the text there.
    Path(Vec<Step>, Option<u32>),
    /// On a line of a file.
    Line(u32),
}

/// Turns spots into lines and columns, reading a file again only when something is wrong in it.
pub(super) struct Places<'s> {
    sources: &'s [Source],
    texts: BTreeMap<Arc<str>, Option<String>>,
}

impl<'s> Places<'s> {
    pub(super) fn new(sources: &'s [Source]) -> Self {
        Self {
            sources,
            texts: BTreeMap::new(),
        }
    }

    pub(super) fn problem(
        &mut self,
        origin: &Origin,
        spot: &Spot,
        rule: Rule,
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
            severity: if rule == Rule::Coverage {
                Severity::Warning
            } else {
                Severity::Error
            },
            rule,
            message,
        }
    }

    fn text(&mut self, file: &Arc<str>) -> Option<&str> {
        if !self.texts.contains_key(file) {
            let source = self.sources.iter().find(|source| source.shown == *file);
            let text = source
                .and_then(|source| source.bytes().ok())
                .and_then(|bytes| load::files::text(bytes, file).ok())
                .map(|(text, _)| text);
            self.texts.insert(Arc::clone(file), text);
        }
        self.texts.get(file)?.as_deref()
    }
}
