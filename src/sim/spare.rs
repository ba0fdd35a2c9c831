//! Emptied fetches and answers, whose memory the next ones take: more than half of all messages are one or the other.
//!
//! What a message says never depends on whether its memory is new. A clone of the cluster begins without spares.

use std::fmt;

use super::message::{Batch, FetchRequest, FetchResponse, FetchedPartition};

/// How many of each are kept; more are seldom under way at once.
const KEPT: usize = 32;

/// The spares.
#[derive(Default)]
pub struct Spare {
    #[allow(clippy::vec_box, reason = "messages carry the boxes")]
    requests: Vec<Box<FetchRequest>>,
    answers: Vec<(Vec<FetchedPartition>, Vec<Batch>)>,
}

/// Which spares there are is no part of a cluster's state, so it does not show.
impl fmt::Debug for Spare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spare")
    }
}

impl Clone for Spare {
    fn clone(&self) -> Spare {
        Spare::default()
    }
}

impl Spare {
    /// A request with this said and with both lists empty.
    #[allow(
        clippy::unnecessary_box_returns,
        reason = "the box is what is spared: it is handed on as it is"
    )]
    pub fn request(&mut self, said: FetchRequest) -> Box<FetchRequest> {
        let Some(mut request) = self.requests.pop() else {
            return Box::new(said);
        };
        let (changed, forgotten) = (
            std::mem::take(&mut request.changed),
            std::mem::take(&mut request.forgotten),
        );
        *request = FetchRequest {
            changed,
            forgotten,
            ..said
        };
        request
    }

    /// Takes a request that was handled.
    pub fn handled(&mut self, mut request: Box<FetchRequest>) {
        if self.requests.len() < KEPT {
            request.changed.clear();
            request.forgotten.clear();
            self.requests.push(request);
        }
    }

    /// Empty lists for an answer.
    pub fn lists(&mut self) -> (Vec<FetchedPartition>, Vec<Batch>) {
        self.answers.pop().unwrap_or_default()
    }

    /// Takes an answer that was read.
    pub fn read(&mut self, answer: FetchResponse) {
        if self.answers.len() < KEPT {
            let (mut partitions, mut batches) = (answer.partitions, answer.batches);
            partitions.clear();
            batches.clear();
            self.answers.push((partitions, batches));
        }
    }
}
