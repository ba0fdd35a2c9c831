//! Every form reads and writes itself back; comparisons by table; mistakes say what would be right.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn example(form: &Form) -> String {
    let fill = |word: &str| match word {
        "<partition>" => "orders-eu-0".to_owned(),
        "<broker>" => "2".to_owned(),
        "<topic>" | "<group>" | "<consumer>" | "<producer>" => "a.b_c-d".to_owned(),
        "<event>" => "IsrShrunk".to_owned(),
        literal => {
            assert!(!literal.starts_with('<'), "{literal} is no slot");
            literal.to_owned()
        }
    };
    let words: Vec<String> = form.words.split(' ').map(fill).collect();
    words.join(" ")
}

#[test]
fn every_form_is_read_and_written_back() {
    for form in FORMS {
        let text = example(form);
        let query: Query = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.to_string(), text);
        assert!(!form.about.is_empty());
    }
}

/// A cluster of fixed answers.
struct Fixed(BTreeMap<&'static str, Value>);

impl Observe for Fixed {
    fn observe(&self, query: &Query) -> Result<Value, QueryError> {
        let text = query.to_string();
        self.0
            .get(text.as_str())
            .cloned()
            .ok_or(QueryError::Missing {
                kind: "thing",
                name: text,
                known: vec!["orders-0".into()],
            })
    }
}

fn fixed() -> Fixed {
    let words = |all: &[&str]| Value::Words(all.iter().map(|w| Arc::from(*w)).collect());
    Fixed(BTreeMap::from([
        ("leader orders-0", Value::Number(2)),
        ("leader orders-1", Value::None),
        ("replicas orders-0", Value::List(vec![2, 1, 3])),
        ("isr orders-0", Value::Set([1, 2].into())),
        ("elr orders-0", Value::Set([].into())),
        ("lag billing", Value::Number(120)),
        ("lag billing orders-1", Value::Unknown),
        ("state billing", Value::Word("Stable".into())),
        ("members billing", words(&["c1", "c2"])),
        ("lost records app", words(&[])),
        ("log end orders-0", Value::Number(10)),
        ("high watermark orders-0", Value::Number(7)),
        ("events IsrShrunk", Value::Number(1)),
        ("events LeaderElected", Value::Number(0)),
    ]))
}

#[test]
fn conditions_compare_what_is_with_what_is_written() {
    for (text, holds) in [
        ("leader orders-0 = 2", true),
        ("leader orders-0 != 2", false),
        ("leader orders-1 = none", true),
        ("leader orders-1 = 2", false),
        ("leader orders-1 > 0", false),
        ("replicas orders-0 = [2,1,3]", true),
        ("replicas orders-0 = [1,2,3]", false),
        ("replicas orders-0 = {1,2,3}", true),
        ("isr orders-0 = {2, 1}", true),
        ("isr orders-0 = {1}", false),
        ("isr orders-0 has 1", true),
        ("isr orders-0 has 3", false),
        ("elr orders-0 = {}", true),
        ("lost records app = {}", true),
        ("lag billing > 100", true),
        ("lag billing <= 100", false),
        ("lag billing orders-1 = unknown", true),
        ("lag billing orders-1 >= 0", false),
        ("lag billing orders-1 < 5", false),
        ("state billing = Stable", true),
        ("members billing = {c2,c1}", true),
        ("members billing has c3", false),
        ("log end orders-0 > high watermark orders-0", true),
        ("event IsrShrunk", true),
        ("event LeaderElected", false),
        ("event IsrShrunk and leader orders-0 = 2", true),
        ("event IsrShrunk and leader orders-0 = 1", false),
    ] {
        let condition: Condition = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.holds(&fixed()), Ok(holds), "{text}");
        assert_eq!(condition.to_string().parse(), Ok(condition), "{text}");
    }
}

#[test]
fn findings_say_what_was_found() {
    let condition: Condition = "isr orders-0 = {1} and lag billing > 100".parse().unwrap();
    let findings = condition.findings(&fixed()).unwrap();
    assert_eq!(findings[0].test, "isr orders-0 = {1}");
    assert_eq!(findings[0].found.to_string(), "{1,2}");
    assert_eq!(
        findings.iter().map(|f| f.holds).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn mistakes_say_what_would_be_right() {
    let query = |text: &str| text.parse::<Query>().unwrap_err().to_string();
    let condition = |text: &str| text.parse::<Condition>().unwrap_err().to_string();
    assert_eq!(
        query("ledaer orders-0"),
        "`ledaer orders-0` is no query; the nearest form is `leader <partition>`"
    );
    assert_eq!(
        query("leader orders"),
        "`leader orders` is no query; the nearest form is `leader <partition>`"
    );
    assert_eq!(query("weather"), "`weather` is no query");
    assert_eq!(query(" "), "no query; for example `leader orders-0`");
    assert!(
        condition("leader orders-0").starts_with("`leader orders-0` compares nothing; write =")
    );
    assert!(
        condition("leader orders-0 = who knows")
            .starts_with("`who knows` is neither a value nor a query")
    );
    let ordered: Condition = "state billing > 3".parse().unwrap();
    assert_eq!(
        ordered.holds(&fixed()).unwrap_err().to_string(),
        "`Stable` > `3`: only numbers have an order"
    );
    let missing: Condition = "leader payments-0 = 1".parse().unwrap();
    assert!(
        missing
            .holds(&fixed())
            .unwrap_err()
            .to_string()
            .ends_with("there is orders-0")
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = text.parse::<Query>();
        let _ = text.parse::<Condition>();
        let _ = text.parse::<Value>();
    }

    #[test]
    fn values_are_written_as_they_are_read(ids in prop::collection::btree_set(0..20_u32, 0..5), n in any::<i64>()) {
        for value in [Value::Set(ids.clone()), Value::List(ids.iter().copied().collect()), Value::Number(n)] {
            prop_assert_eq!(value.to_string().parse(), Ok(value));
        }
    }
}
