//! Every form reads, writes itself back, completes, and says what is wrong with it.

use proptest::prelude::*;

use super::*;

/// An example of every form.
fn example(form: &Form) -> String {
    let fill = |word: &str| {
        match word {
            "<broker>" | "<controller>" => "2",
            "<node>" => "broker 1",
            "<client>" => "consumer c1",
            "<arrow>" => "<->",
            "<producer>" | "<consumer>" | "<group>" | "<topic>" | "<name>" => "a.b_c-d",
            "<partition>" => "orders-eu-0",
            "<number>" => "7",
            "<rate>" => "0.5",
            "<percent>" => "40%",
            "<time>" => "1500ms",
            "<setting=value>" => "acks=all",
            "<brokers>" => "3,1,2",
            "<message>" => "ProduceResponse",
            "<earliest|latest|offset>" => "latest",
            literal => {
                assert!(!literal.starts_with('<'), "{literal} is no slot");
                return literal.to_owned();
            }
        }
        .to_owned()
    };
    let words: Vec<String> = form.words.split(' ').map(fill).collect();
    words.join(" ")
}

#[test]
fn every_form_is_read_and_written_back() {
    for form in FORMS {
        let text = example(form);
        let command: Command = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let written = command.to_string();
        assert_eq!(written.parse(), Ok(command), "{text} -> {written}");
        assert!(!form.about.is_empty());
    }
}

#[test]
fn every_word_of_every_form_is_offered() {
    for form in FORMS {
        let text = example(form);
        let words: Vec<&str> = text.split(' ').collect();
        for end in 0..words.len() {
            let so_far = words[..end]
                .iter()
                .map(|word| format!("{word} "))
                .collect::<String>();
            assert!(!completions(&so_far).is_empty(), "nothing after `{so_far}`");
        }
    }
    assert_eq!(completions("cra"), [Ok("crash")]);
    assert_eq!(completions("crash broker "), [Err(Slot::Broker)]);
    assert_eq!(completions("cut broker 1 "), [Err(Slot::Arrow)]);
    assert_eq!(completions("cut consumer "), [Err(Slot::Consumer)]);
    assert_eq!(completions("heal all "), []);
}

#[test]
fn mistakes_name_the_word_the_form_and_what_would_be_right() {
    for (text, message) in [
        ("", "no command; for example `crash broker 2`"),
        (
            "crahs broker 2",
            "`crahs broker 2` is no command; the nearest form is `crash broker <broker>`",
        ),
        ("dance", "`dance` is no command"),
        (
            "crash broker two",
            "`two` where `crash broker <broker>` has the number of a broker, like 2",
        ),
        (
            "crash broker",
            "`crash broker` stops short: the form is `crash broker <broker>`",
        ),
        ("heal all now", "`now` is too much: the form is `heal all`"),
        (
            "cut broker 1 - broker 2",
            "`-` where `cut <node> <arrow> <node>` has -> for one way or <-> for both",
        ),
        (
            "lose 300% of messages",
            "`300%` where `lose <percent> of messages` has a share in percent, like 40%",
        ),
        (
            "reassign orders to 1",
            "`orders` where `reassign <partition> to <brokers>` has a partition, like orders-0",
        ),
        (
            "set topic orders acks",
            "`acks` where `set topic <topic> <setting=value>` has a setting and its value, like acks=all",
        ),
    ] {
        let error = text.parse::<Command>().unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = text.parse::<Command>();
        let _ = completions(&text);
    }

    #[test]
    fn spans_are_written_exactly(micros in 0..10_000_000_000_u64) {
        let command = Command::Consumer {
            name: "c1".into(),
            change: ConsumerChange::Processing(Time(micros)),
        };
        prop_assert_eq!(command.to_string().parse(), Ok(command));
    }

    #[test]
    fn rates_are_written_exactly(rate in 0.0..1e9_f64) {
        let command = Command::Producer { name: "p".into(), change: ProducerChange::Rate(rate) };
        prop_assert_eq!(command.to_string().parse(), Ok(command));
    }
}
