//! Holds the usual layout against the YAML crate: on the whole bank, on cards that were damaged, on any small text.

use std::{fs, path::Path, sync::LazyLock};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{super::parse_any, *};

fn texts(below: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut paths: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect()
}

/// The items of the lists in `text` that are indented by two, each with its lines.
fn items(text: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        match items.last_mut() {
            _ if line.starts_with("  - ") => items.push(line.to_owned()),
            Some(item) if line.starts_with("   ") || line == "\n" => item.push_str(line),
            _ => {}
        }
    }
    items
}

static CARDS: LazyLock<Vec<String>> =
    LazyLock::new(|| texts("decks").iter().flat_map(|deck| items(deck)).collect());

/// What this reader makes of a text, which the crate makes of it too.
fn agreed(text: &str) -> Option<Node> {
    let node = read(text)?;
    assert_eq!(parse_any(text).as_ref(), Ok(&node), "{text:?}");
    Some(node)
}

#[test]
fn the_bank_is_laid_out_as_usual_and_read_as_the_crate_reads_it() {
    let all = CARDS.len();
    assert!(all >= 500, "{all}");
    let usual = CARDS.iter().filter(|card| agreed(card).is_some()).count();
    assert!(usual * 20 >= all * 19, "{usual} of {all} cards");
    for folder in [
        "content/tracks",
        "content/drills",
        "content/skills",
        "content/stories",
        "content/scenarios",
    ] {
        for text in texts(folder) {
            agreed(&text);
            items(&text).iter().for_each(|item| drop(agreed(item)));
        }
    }
}

#[test]
fn every_kind_of_value_is_read() {
    let text = "
# a comment
- id: a-1   \n\
\x20 level: 7
  zero: 0
  flag: true
  none: null
  nothing:
  words: 10 seconds, [not] a {list}; no.#1 at 3:00
  single: 'it''s: # here'
  double: \"a \\\"b\\\" \\\\ \\n\"
  flow: [a b, 'c, d', {x: 1, y: [ ]}, {}, a#é]

  # between
  literal: |
    one
      further in

    two # no comment
  stripped: |-
    x


  folded: >-
    a
    b

    c
  long: some words
    - and more

    of them
  long-quoted: 'some
   ''words''  

    and more '
  long-flow: [a,
      b c]
  below:
  - x
  -   y: 1
      z: 2
  -
    - deep
  deeper:
      - 'q'
";
    let node = agreed(text).unwrap();
    let Node::List(items) = node else {
        panic!("{node:?}")
    };
    let Node::Map(entries) = &items[0] else {
        panic!("{items:?}")
    };
    let of = |key: &str| &entries.iter().find(|(name, _)| name == key).unwrap().1;
    assert_eq!(
        *of("literal"),
        Node::Text("one\n  further in\n\ntwo # no comment\n".into())
    );
    assert_eq!(*of("stripped"), Node::Text("x".into()));
    assert_eq!(*of("folded"), Node::Text("a b\nc".into()));
    assert_eq!(*of("single"), Node::Text("it's: # here".into()));
    assert_eq!(*of("level"), Node::Int(7));
    assert_eq!(*of("nothing"), Node::Null);
    assert_eq!(
        *of("long"),
        Node::Text("some words - and more\nof them".into())
    );
    assert_eq!(
        *of("long-quoted"),
        Node::Text("some 'words'\nand more ".into())
    );
    assert_eq!(entries.len(), 18);
}

#[test]
fn the_rest_is_left_to_the_crate() {
    let texts = [
        "a: 1",
        "a: &b x\n",
        "a: *b\n",
        "a: !t x\n",
        "a: x # y\n",
        "a:\tx\n",
        "a: x\r\n",
        "a: |2\n   x\n",
        "a: |+\n  x\n\n",
        "a: |\n\n  x\n",
        "a: >\n  x\n   y\n",
        "'a': x\n",
        "1: x\n",
        "true: x\n",
        "a: 007\n",
        "a: 1.5e3\n",
        "a: 1.\n",
        "a: 00.5\n",
        "a: 1.2.3\n",
        "a: [x #y]\n",
        "a: [#y]\n",
        "a: 0x1f\n",
        "a: -5\n",
        "a: .inf\n",
        "a: ~\n",
        "a: True\n",
        "a: NULL\n",
        "a: 12345678901234567890\n",
        "a: x: y\n",
        "a: x:\n",
        "a: - x\n",
        "- - x\n",
        "? a\n: b\n",
        "--- x\n",
        "---\na: x\n",
        "a: x\n...\n",
        "%YAML 1.2\n",
        "a: x\n  # y\n  z\n",
        "a: x\n  y: z\n",
        "a: 'x\ny'\n",
        "a: [x\n\n  y]\n",
        "a: [x, ]\n",
        "a: [x: y]\n",
        "a: [x] y\n",
        "a: [-]\n",
        "a: {x}\n",
        "a: {x:1}\n",
        "a: \"\\x41\"\n",
        "a: x\n- y\n",
        "- x\na: y\n",
        "- x: 1\n  - y\n",
        "a: x\n b: y\n",
        " a: x\nb: y\n",
        "a: @x\n",
        "a: `x\n",
        "a: %x\n",
        "a: , x\n",
        "<<: x\n",
        "a: \u{85}\n",
        "a: \u{2028}x\n",
        "\u{feff}a: x\n",
        "x\n",
        "\n",
        "# x\n",
    ];
    for text in texts {
        assert_eq!(read(text), None, "{text:?}");
    }
    let deep: String = (0..100)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert_eq!(read(&deep), None);
    assert_eq!(
        read(&format!("a: {}{}\n", "[".repeat(99), "]".repeat(99))),
        None
    );
}

/// One way to damage a text.
#[derive(Clone, Debug)]
enum Damage {
    Insert(Index, String),
    Remove(Index),
    Indent(Index, usize),
    Dedent(Index),
    Swap(Index, Index),
    Repeat(Index),
    Join(Index),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    let scrap = "[-a:,#'\"|>&*!?%@`{}\\[\\]~ \n0é\u{85}\u{2028}\t.+_=<()\\\\]{1,3}|: | #|- |\n\n|\n  |null|true|1\\.5|0|\\|-\n|>\n";
    prop_oneof![
        4 => (place(), scrap).prop_map(|(at, scrap)| Damage::Insert(at, scrap)),
        3 => place().prop_map(Damage::Remove),
        2 => (place(), 1_usize..5).prop_map(|(line, by)| Damage::Indent(line, by)),
        2 => place().prop_map(Damage::Dedent),
        1 => (place(), place()).prop_map(|(a, b)| Damage::Swap(a, b)),
        1 => place().prop_map(Damage::Repeat),
        1 => place().prop_map(Damage::Join),
        1 => place().prop_map(Damage::Cut),
    ]
}

fn damaged(text: &str, damage: &Damage) -> String {
    if text.is_empty() {
        return String::new();
    }
    let letters = |at: &Index| {
        text.char_indices()
            .nth(at.index(text.chars().count()))
            .unwrap()
    };
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let count = lines.len();
    match damage {
        Damage::Insert(at, scrap) => {
            let (at, _) = letters(at);
            return format!("{}{scrap}{}", &text[..at], &text[at..]);
        }
        Damage::Remove(at) => {
            let (at, letter) = letters(at);
            return format!("{}{}", &text[..at], &text[at + letter.len_utf8()..]);
        }
        Damage::Cut(at) => return text[..letters(at).0].to_owned(),
        Damage::Indent(line, by) => lines[line.index(count)].insert_str(0, &" ".repeat(*by)),
        Damage::Dedent(line) => {
            let line = &mut lines[line.index(count)];
            if line.starts_with(' ') {
                line.remove(0);
            }
        }
        Damage::Swap(a, b) => lines.swap(a.index(count), b.index(count)),
        Damage::Repeat(line) => {
            let line = line.index(count);
            lines.insert(line, lines[line].clone());
        }
        Damage::Join(line) => {
            let line = &mut lines[line.index(count)];
            line.truncate(line.trim_end().len());
        }
    }
    lines.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(3_000), ..Default::default() })]

    #[test]
    fn damaged_cards_are_read_as_the_crate_reads_them(card in any::<Index>(), harm in vec(damage(), 0..4)) {
        let card = card.get(&CARDS).clone();
        agreed(&harm.iter().fold(card, |text, damage| damaged(&text, damage)));
    }

    #[test]
    fn any_small_text_is_read_as_the_crate_reads_it(text in "([ \n]|- |a|b: |[a-c0-3]|: |#|'|\"|\\||>|-|\\[|\\]|\\{|\\}|, |:|é|\n  |\n - |~|null|x y){0,24}\n") {
        agreed(&text);
    }
}
