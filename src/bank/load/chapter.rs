//! Chapters: Markdown with a front matter.

use super::{
    super::{
        card::Origin,
        clean::cleaned,
        content::Chapter,
        id::{ChapterId, is_valid},
        markdown,
        problem::{Problem, Rule, Severity},
        yaml,
    },
    decoder::Decoder,
};

/// Longest front matter, in bytes.
const FRONT_BYTES_MAX: usize = 8 * 1024;

/// Reads a chapter; a mistake in its front matter leaves it out.
pub(super) fn chapter(id: &str, text: &str, origin: &Origin) -> (Option<Chapter>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut report = |line: u32, column: u32, severity, rule, message: String| {
        problems.push(Problem {
            file: origin.file.clone(),
            line,
            column,
            severity,
            rule,
            message,
        });
    };
    if !is_valid(id, true) {
        let message = format!(
            "`{id}` cannot name a chapter; expected lower-case words joined by hyphens as folder and file names"
        );
        report(1, 1, Severity::Error, Rule::Format, message);
        return (None, problems);
    }
    let Some((front, body)) = split(text) else {
        let message = "no front matter; a chapter starts with `---`, `title:`, `about:`, `part:`, `order:` and `---`";
        report(1, 1, Severity::Error, Rule::Format, message.into());
        return (None, problems);
    };
    let root = match yaml::parse(front) {
        Ok(root) => root,
        Err(error) => {
            report(
                error.line + 1,
                error.column,
                Severity::Error,
                Rule::Format,
                error.message,
            );
            return (None, problems);
        }
    };
    let mut d = Decoder::new(origin.built_in);
    let mut f = d.fields(root, "a front matter", &["title", "about", "part", "order"]);
    let title = d.text(&mut f, "title");
    let about = d.prose(&mut f, "about");
    let part = d.text(&mut f, "part");
    let order = d.whole(&mut f, "order", 0..=1_000_000);
    for found in &d.found {
        let (line, column) = yaml::locate(front, &found.path).unwrap_or((1, 1));
        report(
            line + 1,
            column,
            found.severity,
            found.rule,
            found.message.clone(),
        );
    }
    if d.errors() > 0 {
        return (None, problems);
    }
    let body_line = text[..text.len() - body.len()].matches('\n').count() as u32 + 1;
    let body = cleaned(body.trim_end().to_owned());
    let strict = if origin.built_in {
        Severity::Error
    } else {
        Severity::Warning
    };
    for finding in markdown::examine(&body) {
        report(
            body_line + finding.line,
            1,
            strict,
            Rule::Style,
            finding.message,
        );
    }
    let mut headings: Vec<super::super::content::Heading> = Vec::new();
    for (line, heading) in markdown::headings(&body) {
        if heading.depth == 1 {
            let message = format!(
                "`# {}` in a chapter; its title stands in the front matter, headings start at `##`",
                heading.title
            );
            report(body_line + line, 1, strict, Rule::Style, message);
        }
        if headings.iter().any(|other| other.anchor == heading.anchor) {
            let message = format!(
                "the anchor `{}` stands twice; give one heading another with `{{#name}}`",
                heading.anchor
            );
            report(body_line + line, 1, strict, Rule::Style, message);
        }
        headings.push(heading);
    }
    let chapter = Chapter {
        id: ChapterId::from(id),
        title,
        about,
        part,
        order,
        text_line: body_line,
        text: body,
        headings,
        origin: origin.clone(),
    };
    (Some(chapter), problems)
}

/// The YAML between the first two lines of `---`, and what follows.
fn split(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("---\n")?;
    let end = if rest.starts_with("---\n") {
        0
    } else {
        rest.find("\n---\n")? + 1
    };
    (end <= FRONT_BYTES_MAX).then(|| (&rest[..end], &rest[end + 4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin {
            file: "guide/a.md".into(),
            line: 1,
            item: 0,
            built_in: true,
        }
    }

    #[test]
    fn front_matter_text_and_headings_are_read() {
        let text =
            "---\ntitle: T\nabout: A\npart: P\norder: 7\n---\nIntro.\n\n## One {#one}\n\n## Two\n";
        let (chapter, problems) = chapter("a", text, &origin());
        assert!(problems.is_empty(), "{problems:?}");
        let chapter = chapter.unwrap();
        assert_eq!((chapter.order, chapter.text_line), (7, 7));
        let anchors: Vec<_> = chapter.headings.iter().map(|h| h.anchor.as_str()).collect();
        assert_eq!(anchors, ["one", "two"]);
    }

    #[test]
    fn mistakes_have_lines_of_the_file() {
        let text =
            "---\ntitle: T\nabut: A\npart: P\norder: x\n---\n## A {#a}\n\n```\nx\n```\n## B {#a}\n";
        let (found, problems) = chapter("a", text, &origin());
        assert!(found.is_none());
        let lines: Vec<_> = problems.iter().map(|p| (p.line, p.column)).collect();
        assert_eq!(lines, [(3, 1), (2, 1), (5, 8)], "{problems:?}");
        let (_, problems) = chapter(
            "a",
            &text
                .replace("abut", "about")
                .replace("order: x", "order: 1"),
            &origin(),
        );
        let lines: Vec<_> = problems.iter().map(|p| p.line).collect();
        assert_eq!(lines, [9, 12], "{problems:?}");
    }
}
