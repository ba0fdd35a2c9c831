//! What must hold of groups: one owner of a partition in a generation; nobody reads or commits past what was below a high
//! watermark.

use super::{Broken, Watch};
use crate::sim::broker::groups::group_partition;
use crate::sim::cluster::Cluster;
use crate::sim::node::PartitionId;
use crate::sim::types::Offset;

/// A broken invariant, of which partition, and what was found.
type Found = (&'static str, PartitionId, String);

impl Watch {
    /// Looks at every group and every member.
    pub(super) fn check_groups(&mut self, cluster: &Cluster) {
        let mut found = Vec::new();
        self.check_coordinators(cluster, &mut found);
        self.check_readers(cluster, &mut found);
        for (invariant, id, detail) in found {
            if self.told.insert((invariant, id)) {
                self.broken.push(Broken {
                    time: cluster.now(),
                    invariant,
                    detail,
                });
            }
        }
    }

    /// Below which offset a leader's high watermark ever was, where nothing was allowed to be lost.
    fn promised(&self, id: PartitionId) -> Option<Offset> {
        let seen = self.partitions.get(id.0 as usize)?;
        (!seen.marked).then_some(seen.promised)
    }

    fn check_coordinators(&self, cluster: &Cluster, found: &mut Vec<Found>) {
        for info in cluster.groups() {
            // A coordinator that lost its log counts generations from the beginning again.
            let coordinates = group_partition(&info.name, cluster.names());
            let whole = coordinates.is_some_and(|id| self.promised(id).is_some());
            if let Some(detail) = info.progress.broken.as_ref().filter(|_| whole) {
                let rule = "a partition has one owner in a generation of its group";
                found.push((rule, PartitionId(u32::MAX), detail.clone()));
            }
            let Some((group, coordinator)) = cluster.group(&info.name) else {
                continue;
            };
            for (id, committed) in &group.offsets {
                let offset = committed.offset;
                if let Some(promised) = self.promised(*id).filter(|promised| offset > *promised) {
                    let detail = format!(
                        "group {} has {offset} of {} (coordinator {coordinator}), the high watermark was never above {promised}",
                        info.name,
                        cluster.names().tp(*id)
                    );
                    let rule = "committed offsets never pass the high watermark";
                    found.push((rule, *id, detail));
                }
            }
        }
    }

    fn check_readers(&self, cluster: &Cluster, found: &mut Vec<Found>) {
        for member in cluster.consumers() {
            for id in member.consumer.assignment() {
                let position = member.consumer.position(id);
                let promised = self.promised(id);
                let past = promised.filter(|promised| position.is_some_and(|at| at > *promised));
                if let Some(promised) = past {
                    let detail = format!(
                        "{} reads {} at {position:?}, the high watermark was never above {promised}",
                        member.consumer.config().name,
                        cluster.names().tp(id)
                    );
                    found.push(("consumers read only below the high watermark", id, detail));
                }
            }
        }
    }
}
