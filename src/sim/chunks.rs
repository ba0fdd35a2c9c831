//! A list that grows at its end and whose older part is shared between clones, so that a snapshot costs next to nothing.

use std::sync::Arc;

/// Items in a chunk.
const CHUNK: usize = 64;

/// The list: full chunks, which clones share, and the items after them.
#[derive(Debug, Clone)]
pub struct Chunks<T> {
    full: Vec<Arc<Vec<T>>>,
    tail: Vec<T>,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Chunks {
            full: Vec::new(),
            tail: Vec::new(),
        }
    }
}

impl<T: Clone> Chunks<T> {
    /// How many items it holds.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.tail.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at this place.
    pub fn get(&self, index: usize) -> Option<&T> {
        match self.full.get(index / CHUNK) {
            Some(chunk) => chunk.get(index % CHUNK),
            None => self.tail.get(index - self.full.len() * CHUNK),
        }
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// The items from this place on.
    pub fn since(&self, index: usize) -> impl DoubleEndedIterator<Item = &T> {
        (index..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        self.tail.push(item);
        if self.tail.len() == CHUNK {
            self.seal();
        }
    }

    /// The tail is a chunk now.
    #[cold]
    fn seal(&mut self) {
        let full = std::mem::replace(&mut self.tail, Vec::with_capacity(CHUNK));
        self.full.push(Arc::new(full));
    }

    /// The last chunk, if there is one, is the tail again.
    #[cold]
    fn unseal(&mut self) {
        if let Some(last) = self.full.pop() {
            self.tail = Arc::try_unwrap(last).unwrap_or_else(|shared| shared.to_vec());
        }
    }

    /// Takes the last item.
    pub fn pop(&mut self) -> Option<T> {
        if self.tail.is_empty() {
            self.unseal();
        }
        self.tail.pop()
    }
}

impl<T: Clone> Extend<T> for Chunks<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behaves_like_a_list(steps in proptest::collection::vec((0u8..5, 0usize..90), 0..60)) {
            let (mut list, mut model) = (Chunks::default(), Vec::new());
            let mut before = (list.clone(), model.clone());
            for (what, count) in steps {
                match what {
                    0 => (0..count).for_each(|_| assert_eq!(list.pop(), model.pop())),
                    1 => before = (list.clone(), model.clone()),
                    _ => {
                        list.extend(0..count);
                        model.extend(0..count);
                    }
                }
                prop_assert!(list.since(0).eq(&model));
                prop_assert!(before.0.since(0).eq(&before.1));
                prop_assert_eq!((list.len(), list.last()), (model.len(), model.last()));
                prop_assert_eq!(list.get(list.len()), None);
            }
        }
    }
}
