//! What colours mean: three themes as styles by role, each colour with its stand-in among sixteen.
//!
//! Screens name roles (`theme.good`), never colours. State is always also told by a word, a sign or a
//! modifier, because `depth` may take every colour away. The reader's own background is left alone.

use ratatui::style::{Color, Modifier, Style};

use super::depth::Depth;

/// The themes to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
    /// For a dark background, in the colours of Okabe and Ito that everybody can tell apart.
    Safe,
}

impl Name {
    /// All themes.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::Safe];

    /// The word used in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Safe => "colour-blind",
        }
    }

    /// The theme that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.word() == word)
    }

    /// The theme that suits the terminal's background as `COLORFGBG` tells it (`15;0`), else the dark one.
    pub fn guess(colorfgbg: Option<&str>) -> Self {
        match colorfgbg.and_then(|value| value.rsplit(';').next()?.parse::<u8>().ok()) {
            Some(7 | 15) => Self::Light,
            _ => Self::Dark,
        }
    }
}

/// A colour and what stands for it where there are only sixteen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    pub(super) rgb: (u8, u8, u8),
    pub(super) ansi: Color,
}

/// The tones of one theme.
pub(super) struct Palette {
    pub(super) dim: Tone,
    pub(super) line: Tone,
    pub(super) accent: Tone,
    pub(super) good: Tone,
    pub(super) bad: Tone,
    pub(super) warn: Tone,
    pub(super) info: Tone,
    pub(super) code: Tone,
    pub(super) keyword: Tone,
    pub(super) string: Tone,
    pub(super) number: Tone,
    pub(super) kind: Tone,
    pub(super) call: Tone,
    pub(super) raised: Tone,
}

const fn tone(rgb: (u8, u8, u8), ansi: Color) -> Tone {
    Tone { rgb, ansi }
}

static DARK: Palette = Palette {
    dim: tone((138, 143, 152), Color::DarkGray),
    line: tone((76, 82, 94), Color::DarkGray),
    accent: tone((122, 186, 255), Color::LightBlue),
    good: tone((126, 201, 122), Color::Green),
    bad: tone((240, 113, 120), Color::LightRed),
    warn: tone((229, 181, 103), Color::Yellow),
    info: tone((105, 200, 200), Color::Cyan),
    code: tone((214, 180, 140), Color::Yellow),
    keyword: tone((198, 146, 233), Color::LightMagenta),
    string: tone((152, 195, 121), Color::Green),
    number: tone((226, 154, 102), Color::Yellow),
    kind: tone((110, 196, 214), Color::Cyan),
    call: tone((130, 177, 245), Color::LightBlue),
    raised: tone((44, 50, 62), Color::Reset),
};

static LIGHT: Palette = Palette {
    dim: tone((98, 104, 115), Color::DarkGray),
    line: tone((176, 182, 192), Color::Gray),
    accent: tone((0, 84, 178), Color::Blue),
    good: tone((24, 120, 40), Color::Green),
    bad: tone((186, 28, 40), Color::Red),
    warn: tone((146, 88, 0), Color::Magenta),
    info: tone((0, 112, 128), Color::Cyan),
    code: tone((132, 66, 8), Color::Magenta),
    keyword: tone((122, 40, 160), Color::Magenta),
    string: tone((30, 112, 36), Color::Green),
    number: tone((160, 72, 0), Color::Red),
    kind: tone((0, 104, 128), Color::Cyan),
    call: tone((0, 80, 172), Color::Blue),
    raised: tone((224, 231, 242), Color::Reset),
};

static SAFE: Palette = Palette {
    dim: tone((148, 150, 156), Color::DarkGray),
    line: tone((84, 88, 96), Color::DarkGray),
    accent: tone((86, 180, 233), Color::LightCyan),
    good: tone((86, 180, 233), Color::LightCyan),
    bad: tone((230, 159, 0), Color::Yellow),
    warn: tone((240, 228, 66), Color::LightYellow),
    info: tone((204, 121, 167), Color::LightMagenta),
    code: tone((240, 228, 66), Color::LightYellow),
    keyword: tone((86, 180, 233), Color::LightCyan),
    string: tone((240, 228, 66), Color::LightYellow),
    number: tone((230, 159, 0), Color::Yellow),
    kind: tone((204, 121, 167), Color::LightMagenta),
    call: tone((160, 200, 236), Color::White),
    raised: tone((48, 54, 64), Color::Reset),
};

impl Palette {
    pub(super) fn of(name: Name) -> &'static Self {
        match name {
            Name::Dark => &DARK,
            Name::Light => &LIGHT,
            Name::Safe => &SAFE,
        }
    }

    pub(super) fn tones(&self) -> [Tone; 14] {
        [
            self.dim,
            self.line,
            self.accent,
            self.good,
            self.bad,
            self.warn,
            self.info,
            self.code,
            self.keyword,
            self.string,
            self.number,
            self.kind,
            self.call,
            self.raised,
        ]
    }
}

/// Styles by role.
#[derive(Clone, Debug)]
pub struct Theme {
    /// Which theme this is.
    pub name: Name,
    /// How many colours there are.
    pub depth: Depth,
    /// What recedes: hints, units, what is done.
    pub dim: Style,
    /// Frames and rules.
    pub line: Style,
    /// Frame of what the keys act on.
    pub focus: Style,
    /// Titles and the one thing to look at first.
    pub title: Style,
    /// What calls for attention without a verdict.
    pub accent: Style,
    /// Right, recalled, ready.
    pub good: Style,
    /// Wrong, forgotten, failing.
    pub bad: Style,
    /// Between the two; warnings.
    pub warn: Style,
    /// Facts at the side.
    pub info: Style,
    /// The selected row.
    pub selected: Style,
    /// A key in the footer and in help.
    pub key: Style,
    /// Letters that a search matched.
    pub matched: Style,
    /// Inline code.
    pub code: Style,
    /// A link.
    pub link: Style,
    /// Quotations.
    pub quote: Style,
    /// Chapter headings, deepest last.
    pub heading: [Style; 3],
    /// Code: keywords.
    pub keyword: Style,
    /// Code: strings.
    pub string: Style,
    /// Code: numbers and constants.
    pub number: Style,
    /// Code: types and keys.
    pub kind: Style,
    /// Code: names of functions.
    pub call: Style,
    /// Code: comments.
    pub comment: Style,
}

impl Theme {
    /// The theme of that name for a terminal of that depth.
    pub fn new(name: Name, depth: Depth) -> Self {
        let palette = Palette::of(name);
        let fg = |tone: Tone| {
            let (r, g, b) = tone.rgb;
            Style::new().fg(Color::Rgb(r, g, b))
        };
        let (r, g, b) = palette.raised.rgb;
        let selected = if depth >= Depth::Indexed {
            Style::new()
                .bg(Color::Rgb(r, g, b))
                .add_modifier(Modifier::BOLD)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        };
        // Without colours what recedes can only be faint.
        let faint = |style: Style| {
            if depth == Depth::None {
                style.add_modifier(Modifier::DIM)
            } else {
                style
            }
        };
        let accent = fg(palette.accent);
        Self {
            name,
            depth,
            dim: faint(fg(palette.dim)),
            line: faint(fg(palette.line)),
            focus: accent,
            title: accent.add_modifier(Modifier::BOLD),
            accent,
            good: fg(palette.good),
            bad: fg(palette.bad),
            warn: fg(palette.warn),
            info: fg(palette.info),
            selected,
            key: accent.add_modifier(Modifier::BOLD),
            matched: fg(palette.warn).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            code: fg(palette.code),
            link: accent.add_modifier(Modifier::UNDERLINED),
            quote: fg(palette.dim).add_modifier(Modifier::ITALIC),
            heading: [
                accent.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                accent.add_modifier(Modifier::BOLD),
                Style::new().add_modifier(Modifier::BOLD),
            ],
            keyword: fg(palette.keyword),
            string: fg(palette.string),
            number: fg(palette.number),
            kind: fg(palette.kind),
            call: fg(palette.call),
            comment: fg(palette.dim).add_modifier(Modifier::ITALIC),
        }
    }

    /// Good, middling or bad, for a share of what could be known.
    pub fn share(&self, share: f64) -> Style {
        if share >= 0.8 {
            self.good
        } else if share >= 0.5 {
            self.warn
        } else {
            self.bad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two colours as WCAG 2 defines it.
    fn contrast(a: (u8, u8, u8), b: (u8, u8, u8)) -> f64 {
        let light = |(r, g, b): (u8, u8, u8)| {
            let channel = |c: u8| {
                let c = f64::from(c) / 255.0;
                if c <= 0.040_45 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
        };
        let (a, b) = (light(a), light(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_its_background() {
        for name in Name::ALL {
            let palette = Palette::of(name);
            let paper = if name == Name::Light {
                (255, 255, 255)
            } else {
                (24, 26, 31)
            };
            let tones = palette.tones();
            for (i, tone) in tones.iter().enumerate() {
                if i == 1 || i == 13 {
                    continue; // frames and the raised background carry no text
                }
                let found = contrast(tone.rgb, paper);
                assert!(found >= 4.5, "{name:?} tone {i}: contrast {found:.1}");
            }
        }
    }

    #[test]
    fn the_background_is_guessed_from_the_terminal() {
        assert_eq!(Name::guess(Some("0;15")), Name::Light);
        assert_eq!(Name::guess(Some("15;default;0")), Name::Dark);
        assert_eq!(Name::guess(Some("nonsense")), Name::Dark);
        assert_eq!(Name::guess(None), Name::Dark);
    }
}
