//! How many colours the terminal has, and the pass after drawing that keeps to them.
//!
//! Screens draw in full colour. The pass maps every cell to what the terminal can show and leaves
//! modifiers alone: crossterm writes a full reset for a colour under `NO_COLOR`, which would wipe the
//! very marks that state is told by. Where the locale is not UTF-8 it also replaces signs by ASCII.

use ratatui::{buffer::Buffer, style::Color};

use super::theme::{Name, Palette};

/// How many colours the terminal has, fewest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: `NO_COLOR`.
    None,
    /// The sixteen of ANSI.
    Sixteen,
    /// The 256 of xterm.
    Indexed,
    /// 24 bit.
    True,
}

impl Depth {
    /// The depth that the environment tells, as read by `var`.
    pub fn detect(var: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str, words: &[&str]| {
            var(name).is_some_and(|value| words.iter().any(|word| value.contains(word)))
        };
        if var("NO_COLOR").is_some_and(|value| !value.is_empty()) || says("TERM", &["dumb"]) {
            Self::None
        } else if says("COLORTERM", &["truecolor", "24bit"]) {
            Self::True
        } else if says("TERM", &["256color"]) {
            Self::Indexed
        } else {
            Self::Sixteen
        }
    }

    /// The depth that `word` names: `never`, `16`, `256`, `true`; `auto` and others name none.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "never" => Some(Self::None),
            "16" => Some(Self::Sixteen),
            "256" => Some(Self::Indexed),
            "true" | "always" => Some(Self::True),
            _ => None,
        }
    }
}

/// Whether the locale takes UTF-8, as the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set tells.
///
/// With none of them set it is taken for granted where terminals have no locale (Windows), else not.
pub fn takes_utf8(var: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| var(name).filter(|value| !value.is_empty()))
        .map_or(cfg!(windows), |value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

/// What the pass keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// How many colours there are.
    pub depth: Depth,
    /// Only ASCII may be sent.
    pub ascii: bool,
    /// Whose stand-ins are used among sixteen colours.
    pub theme: Name,
}

impl Pass {
    /// Maps what was drawn to what the terminal can show.
    pub fn apply(self, buffer: &mut Buffer) {
        if self.depth < Depth::True {
            let mut colours = Colours {
                pass: self,
                last: Vec::with_capacity(16),
            };
            for cell in &mut buffer.content {
                cell.fg = colours.map(cell.fg);
                cell.bg = colours.map(cell.bg);
                cell.underline_color = Color::Reset;
            }
        }
        if self.ascii {
            for cell in &mut buffer.content {
                if !cell.symbol().is_ascii() {
                    let plain = to_ascii(cell.symbol());
                    cell.set_symbol(plain);
                }
            }
        }
    }

    fn colour(self, colour: Color) -> Color {
        let Color::Rgb(r, g, b) = colour else {
            return if self.depth == Depth::None {
                Color::Reset
            } else {
                colour
            };
        };
        match self.depth {
            Depth::None => Color::Reset,
            Depth::Sixteen => {
                let tones = Palette::of(self.theme).tones();
                tones
                    .iter()
                    .find(|tone| tone.rgb == (r, g, b))
                    .map_or_else(|| nearest_of_sixteen((r, g, b)), |tone| tone.ansi)
            }
            Depth::Indexed => Color::Indexed(nearest_indexed((r, g, b))),
            Depth::True => colour,
        }
    }
}

/// The few colours of a frame, each mapped once.
struct Colours {
    pass: Pass,
    last: Vec<(Color, Color)>,
}

impl Colours {
    fn map(&mut self, colour: Color) -> Color {
        if colour == Color::Reset {
            return colour;
        }
        if let Some((_, to)) = self.last.iter().find(|(from, _)| *from == colour) {
            return *to;
        }
        let to = self.pass.colour(colour);
        self.last.push((colour, to));
        to
    }
}

/// Distance of two colours, weighted roughly as the eye does.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    3 * d(a.0, b.0) + 4 * d(a.1, b.1) + 2 * d(a.2, b.2)
}

/// The nearest in xterm's cube of 6×6×6 and its ramp of 24 greys.
fn nearest_indexed(rgb: (u8, u8, u8)) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |c: u8| {
        (0u8..6)
            .min_by_key(|&i| STEPS[usize::from(i)].abs_diff(c))
            .unwrap_or(0)
    };
    let steps = [step(rgb.0), step(rgb.1), step(rgb.2)];
    let [red, green, blue] = steps.map(|i| STEPS[usize::from(i)]);
    let mean = ((u16::from(rgb.0) + u16::from(rgb.1) + u16::from(rgb.2)) / 3) as u8;
    let grey = (mean.saturating_sub(3) / 10).min(23);
    let level = 8 + 10 * grey;
    if distance((level, level, level), rgb) < distance((red, green, blue), rgb) {
        232 + grey
    } else {
        16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    }
}

fn nearest_of_sixteen(rgb: (u8, u8, u8)) -> Color {
    const SIXTEEN: [((u8, u8, u8), Color); 16] = [
        ((0, 0, 0), Color::Black),
        ((170, 0, 0), Color::Red),
        ((0, 170, 0), Color::Green),
        ((170, 110, 0), Color::Yellow),
        ((0, 0, 170), Color::Blue),
        ((170, 0, 170), Color::Magenta),
        ((0, 170, 170), Color::Cyan),
        ((190, 190, 190), Color::Gray),
        ((110, 110, 110), Color::DarkGray),
        ((255, 85, 85), Color::LightRed),
        ((85, 255, 85), Color::LightGreen),
        ((255, 255, 85), Color::LightYellow),
        ((85, 85, 255), Color::LightBlue),
        ((255, 85, 255), Color::LightMagenta),
        ((85, 255, 255), Color::LightCyan),
        ((255, 255, 255), Color::White),
    ];
    SIXTEEN
        .iter()
        .min_by_key(|(other, _)| distance(*other, rgb))
        .map_or(Color::Reset, |(_, colour)| *colour)
}

/// Signs and the ASCII sign that tells as much of them as one sign can.
const STAND_INS: &[(&str, &str)] = &[
    ("─═╌–—‐−┄╴╶╾╼▄", "-"),
    ("│║╎▏▎▍▌▐‖┆▕", "|"),
    // The frame with the keys and the thumb of a bar stand out from the others.
    ("━", "="),
    ("┃", "#"),
    ("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╠╣╦╩╬┏┓┗┛┣┫┳┻╋╞╪╡▒☐□±", "+"),
    ("▁", "_"),
    ("▂·∙⋅░", "."),
    ("▃∶▪", ":"),
    ("▅≡↔⇔", "="),
    ("▆•●★✱⁕∗", "*"),
    ("▇", "%"),
    ("█▓■▉▊▋", "#"),
    ("○◯◇◦☆◌°öóòôø", "o"),
    ("◐◑◒◓ç", "c"),
    ("✓✔↓▼▽⇩", "v"),
    ("✗✘✕×☒☑†", "x"),
    ("→⇒▸▶►›»⟶↦❯≥⩾", ">"),
    ("←⇐◂◀‹«⟵≤⩽¶⏎↵", "<"),
    ("↑▲△⇧", "^"),
    ("…⋯≈∼", "~"),
    ("“”„″", "\""),
    ("‘’‚′", "'"),
    ("⚑", "!"),
    ("≠÷", "/"),
    ("◆", "E"),
    ("↻", "@"),
    ("\u{a0}\u{2009}\u{202f}", " "),
    ("äáàâãå", "a"),
    ("éèêë", "e"),
    ("ïíìî", "i"),
    ("üúùûµμ", "u"),
    ("ß", "s"),
    ("ñ", "n"),
];

/// One ASCII sign for a sign that is not.
fn to_ascii(symbol: &str) -> &'static str {
    STAND_INS
        .iter()
        .find(|(signs, _)| signs.contains(symbol))
        .map_or("?", |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Modifier, Style};

    use super::*;
    use crate::tui::theme::Theme;

    fn env(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        }
    }

    #[test]
    fn depth_follows_the_environment() {
        assert_eq!(
            Depth::detect(env(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")])),
            Depth::None
        );
        assert_eq!(
            Depth::detect(env(&[("NO_COLOR", ""), ("COLORTERM", "24bit")])),
            Depth::True
        );
        assert_eq!(
            Depth::detect(env(&[("TERM", "screen-256color")])),
            Depth::Indexed
        );
        assert_eq!(Depth::detect(env(&[("TERM", "linux")])), Depth::Sixteen);
        assert_eq!(Depth::detect(env(&[("TERM", "dumb")])), Depth::None);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_counts() {
        assert!(takes_utf8(env(&[("LC_ALL", ""), ("LANG", "de_DE.UTF-8")])));
        assert!(!takes_utf8(env(&[
            ("LC_ALL", "C"),
            ("LANG", "en_US.UTF-8")
        ])));
        assert!(takes_utf8(env(&[("LC_CTYPE", "C.utf8")])));
    }

    #[test]
    fn no_colour_keeps_modifiers() {
        let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 4, 1));
        let theme = Theme::new(Name::Dark, Depth::None);
        buffer.set_string(
            0,
            0,
            "→ ab",
            theme.title.patch(Style::new().bg(Color::Blue)),
        );
        Pass {
            depth: Depth::None,
            ascii: true,
            theme: Name::Dark,
        }
        .apply(&mut buffer);
        for cell in &buffer.content {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
            assert!(cell.modifier.contains(Modifier::BOLD));
        }
        assert_eq!(buffer.content[0].symbol(), ">");
    }

    #[test]
    fn what_stands_out_stands_out_in_ascii() {
        for (strong, faint) in [("━", "─"), ("┃", "│"), ("█", "░"), ("●", "○")] {
            assert_ne!(to_ascii(strong), to_ascii(faint));
            assert!(![strong, faint].map(to_ascii).contains(&"?"));
        }
    }

    #[test]
    fn sixteen_colours_use_the_themes_own_stand_ins() {
        for name in Name::ALL {
            let pass = Pass {
                depth: Depth::Sixteen,
                ascii: false,
                theme: name,
            };
            for tone in Palette::of(name).tones() {
                let (r, g, b) = tone.rgb;
                let found = pass.colour(Color::Rgb(r, g, b));
                assert!(Palette::of(name).tones().iter().any(|t| t.ansi == found));
            }
        }
        let pass = Pass {
            depth: Depth::Indexed,
            ascii: false,
            theme: Name::Dark,
        };
        assert_eq!(pass.colour(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(pass.colour(Color::Rgb(128, 128, 128)), Color::Indexed(244));
    }
}
