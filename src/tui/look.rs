//! How the screen looks: what the command line, the environment and the settings say, in that order.

use super::{
    depth::{Depth, Pass, takes_utf8},
    terminal::Modes,
    theme::{Name, Theme},
};
use crate::config::Config;

/// What is known of the terminal and of the reader's wishes.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact of the terminal"
)]
pub struct Look {
    /// What the command line says; it holds whatever the settings say.
    forced: Option<Depth>,
    /// `NO_COLOR` is set; it holds against the settings.
    no_colour: bool,
    detected: Depth,
    utf8: bool,
    guessed: Name,
    kitty: bool,
    depth: Depth,
    ascii: bool,
    name: Name,
    mouse: bool,
}

impl Look {
    /// The look that the environment (read by `var`), the command line and the settings make.
    pub fn new(
        var: impl Fn(&str) -> Option<String>,
        forced: Option<Depth>,
        config: &Config,
    ) -> Self {
        let detected = Depth::detect(&var);
        let mut look = Self {
            forced,
            no_colour: var("NO_COLOR").is_some_and(|value| !value.is_empty()),
            detected,
            utf8: takes_utf8(&var),
            guessed: Name::guess(var("COLORFGBG").as_deref()),
            kitty: Modes::knows_kitty(&var),
            depth: detected,
            ascii: false,
            name: Name::Dark,
            mouse: false,
        };
        look.follow(config);
        look
    }

    /// Takes over what the settings say now.
    pub fn follow(&mut self, config: &Config) {
        let set = config.color.as_deref().and_then(Depth::from_word);
        self.depth = self
            .forced
            .or(self.no_colour.then_some(Depth::None))
            .or(set)
            .unwrap_or(self.detected);
        self.ascii = config.ascii.unwrap_or(!self.utf8);
        self.name = config
            .theme
            .as_deref()
            .and_then(Name::from_word)
            .unwrap_or(self.guessed);
        self.mouse = config.mouse;
    }

    /// The theme.
    pub fn theme(&self) -> Theme {
        Theme::new(self.name, self.depth)
    }

    /// The pass after drawing.
    pub fn pass(&self) -> Pass {
        Pass {
            depth: self.depth,
            ascii: self.ascii,
            theme: self.name,
        }
    }

    /// What the terminal is asked for.
    pub fn modes(&self) -> Modes {
        Modes {
            mouse: self.mouse,
            kitty: self.kitty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(pairs: &'static [(&str, &str)], forced: Option<Depth>, config: &Config) -> Look {
        let var = |name: &str| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        };
        Look::new(var, forced, config)
    }

    #[test]
    fn the_command_line_comes_before_no_color_and_that_before_the_settings() {
        let sixteen = Config {
            color: Some("16".to_owned()),
            ..Config::default()
        };
        let env: &[(&str, &str)] = &[("COLORTERM", "truecolor"), ("LANG", "en_GB.UTF-8")];
        let quiet: &[(&str, &str)] = &[("COLORTERM", "truecolor"), ("NO_COLOR", "1")];
        assert_eq!(look(env, None, &Config::default()).depth, Depth::True);
        assert_eq!(look(env, None, &sixteen).depth, Depth::Sixteen);
        assert_eq!(look(quiet, None, &sixteen).depth, Depth::None);
        assert_eq!(
            look(quiet, Some(Depth::Indexed), &sixteen).depth,
            Depth::Indexed
        );
    }

    #[test]
    fn ascii_goes_by_the_locale_unless_it_is_set() {
        let env: &[(&str, &str)] = &[("LANG", "C")];
        assert!(look(env, None, &Config::default()).pass().ascii);
        let no = Config {
            ascii: Some(false),
            ..Config::default()
        };
        assert!(!look(env, None, &no).pass().ascii);
    }
}
