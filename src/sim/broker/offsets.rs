//! Small questions of clients: who leads, where a log begins and ends, where an epoch ended, a producer id.
//!
//! Source: `KafkaApis`, `Partition.fetchOffsetForTimestamp`, `ProducerIdManager`; KIP-98, KIP-207, KIP-320, KIP-360.

use super::Broker;
use super::replica::{Replica, Role};
use crate::sim::context::Context;
use crate::sim::message::{Message, MetadataResponse, OffsetSpec, PartitionLeader};
use crate::sim::node::{NodeId, PartitionId, TopicId};
use crate::sim::types::{BrokerId, ErrorCode, LeaderEpoch, Offset};

impl Broker {
    /// A new producer session. Epochs after the first are the client's own doing (KIP-360).
    pub(super) fn on_init_producer_id(
        &mut self,
        from: NodeId,
        correlation: u32,
        ctx: &mut Context,
    ) {
        // Each broker hands out ids of its own blocks, which the controller gave it.
        self.producer_ids += 1;
        let producer_id = i64::from(self.id) * 1_000_000_000 + self.producer_ids as i64;
        ctx.send(
            from,
            correlation,
            Message::InitProducerIdResponse {
                error: None,
                producer_id,
                producer_epoch: 0,
            },
        );
    }

    pub(super) fn on_metadata_request(
        &self,
        from: NodeId,
        correlation: u32,
        topics: &[TopicId],
        ctx: &mut Context,
    ) {
        let mut partitions = Vec::new();
        let mut counts = Vec::new();
        for topic in topics {
            let mut count = 0;
            for id in ctx.world.names.partitions_of(*topic) {
                if let Some(record) = self.image.partition(*id) {
                    count += 1;
                    let (partition, leader, epoch) = (*id, record.leader, record.leader_epoch);
                    partitions.push(PartitionLeader {
                        partition,
                        leader,
                        epoch,
                    });
                }
            }
            counts.push((*topic, count));
        }
        let brokers: Vec<BrokerId> = self.image.live_brokers();
        ctx.send(
            from,
            correlation,
            Message::MetadataResponse(Box::new(MetadataResponse {
                brokers,
                partitions,
                counts,
            })),
        );
    }

    fn led(&self, partition: PartitionId, epoch: LeaderEpoch) -> Result<&Replica, ErrorCode> {
        let replica = self
            .replicas
            .get(partition)
            .ok_or(ErrorCode::NotLeaderOrFollower)?;
        if !matches!(replica.role, Role::Leader(_)) {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let current = replica.record.leader_epoch;
        match () {
            () if epoch < 0 || epoch == current => Ok(replica),
            () if epoch < current => Err(ErrorCode::FencedLeaderEpoch),
            () => Err(ErrorCode::UnknownLeaderEpoch),
        }
    }

    pub(super) fn on_list_offsets(
        &self,
        from: NodeId,
        correlation: u32,
        asked: &[(PartitionId, OffsetSpec, LeaderEpoch)],
        ctx: &mut Context,
    ) {
        let find = |(partition, spec, epoch): &(PartitionId, OffsetSpec, LeaderEpoch)| {
            (
                *partition,
                self.led(*partition, *epoch)
                    .and_then(|replica| list_offset(replica, *spec)),
            )
        };
        let partitions = asked.iter().map(find).collect();
        ctx.send(
            from,
            correlation,
            Message::ListOffsetsResponse { partitions },
        );
    }

    pub(super) fn on_offset_for_epoch(
        &self,
        from: NodeId,
        correlation: u32,
        asked: &[(PartitionId, LeaderEpoch, LeaderEpoch)],
        ctx: &mut Context,
    ) {
        let find = |(partition, current, wanted): &(PartitionId, LeaderEpoch, LeaderEpoch)| {
            let found = self.led(*partition, *current).map(|replica| {
                replica
                    .log
                    .epochs()
                    .end_offset_for(*wanted, replica.log.end())
                    .unwrap_or((-1, 0))
            });
            (*partition, found)
        };
        let partitions = asked.iter().map(find).collect();
        ctx.send(
            from,
            correlation,
            Message::OffsetForLeaderEpochResponse { partitions },
        );
    }
}

fn list_offset(replica: &Replica, spec: OffsetSpec) -> Result<Offset, ErrorCode> {
    let Some(leading) = replica.leading() else {
        return Err(ErrorCode::NotLeaderOrFollower);
    };
    let high_watermark = leading.state.high_watermark();
    match spec {
        OffsetSpec::Earliest => Ok(replica.log.start()),
        // A new leader may not know yet how far its predecessor let consumers read (KIP-207).
        _ if high_watermark < leading.state.epoch_start() => Err(ErrorCode::OffsetNotAvailable),
        OffsetSpec::Latest => Ok(high_watermark),
    }
}
