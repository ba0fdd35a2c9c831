//! Markdown read and laid out once, and kept for the next frame.
//!
//! Keys are hashes of the text, so that a card edited on disk needs no one to forget it.

use std::{collections::HashMap, rc::Rc};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    depth::Depth,
    markdown::{Document, Highlighter, Page, layout},
    theme::{Name, Theme},
};

/// Documents and pages kept before all are forgotten.
const KEPT: usize = 400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    document: u64,
    columns: usize,
    shift: usize,
    theme: Name,
    depth: Depth,
}

/// Documents by text, pages by document, width and theme.
#[derive(Default)]
pub struct Prose {
    documents: HashMap<u64, Rc<Document>>,
    pages: HashMap<Key, Rc<Page>>,
    /// The colours of code.
    pub code: Highlighter,
}

impl Prose {
    /// A text as a document.
    pub fn document(&mut self, text: &str) -> Rc<Document> {
        let key = xxh3_64(text.as_bytes());
        self.document_as(key, || Document::parse(text))
    }

    fn document_as(&mut self, key: u64, make: impl FnOnce() -> Document) -> Rc<Document> {
        if self.documents.len() >= KEPT {
            self.documents.clear();
        }
        Rc::clone(self.documents.entry(key).or_insert_with(|| Rc::new(make())))
    }

    /// A text laid out in `columns`, listings moved `shift` columns to the left.
    pub fn page(&mut self, text: &str, columns: usize, theme: &Theme, shift: usize) -> Rc<Page> {
        let document = xxh3_64(text.as_bytes());
        let key = Key {
            document,
            columns,
            shift,
            theme: theme.name,
            depth: theme.depth,
        };
        if let Some(page) = self.pages.get(&key) {
            return Rc::clone(page);
        }
        if self.pages.len() >= KEPT {
            self.pages.clear();
        }
        let document = self.document_as(document, || Document::parse(text));
        let page = Rc::new(layout(&document, columns, theme, shift, &mut self.code));
        self.pages.insert(key, Rc::clone(&page));
        page
    }

    /// Where the links of a text lead.
    pub fn links(&mut self, text: &str) -> Vec<String> {
        self.document(text).links.clone()
    }
}
