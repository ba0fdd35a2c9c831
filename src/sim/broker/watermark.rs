//! What follows when the in-sync replicas change or a follower moves on: the high watermark advances, freezes or thaws.
//!
//! Source: `Partition.maybeIncrementLeaderHW`; KIP-966.

use std::hint::cold_path;

use super::Broker;
use super::replica::Role;
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::node::NodeId;

impl Broker {
    /// Tells once when the high watermark at this place stands below the minimum ISR, and once when it moves again.
    pub(super) fn after_isr_change(&mut self, place: usize, ctx: &mut Context) {
        let broker = self.id;
        let Some(replica) = self.replicas.at_mut(place) else {
            return;
        };
        let partition = replica.partition();
        let (log_end, config) = (replica.log.end(), replica.isr_config);
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        // Who left the ISR joins again by fetching, even if it has nothing to fetch.
        if leading.state.isr().len() < replica.record.replicas.len() {
            cold_path();
            for follower in &replica.record.replicas {
                if *follower != broker && !leading.state.isr().contains(follower) {
                    self.sessions.look_at(NodeId::Broker(*follower), partition);
                }
            }
        }
        let under = leading.state.is_under_min_isr(&config);
        let high_watermark = leading.state.high_watermark();
        if under && !leading.told_frozen && log_end > high_watermark {
            cold_path();
            leading.told_frozen = true;
            let (isr, min_isr) = (
                leading.state.isr().to_vec(),
                leading.state.effective_min_isr(&config) as u32,
            );
            let tp = ctx.world.names.tp(partition);
            let leader = broker;
            ctx.emit(What::HighWatermarkFrozen {
                tp,
                leader,
                high_watermark,
                log_end,
                isr,
                min_isr,
            });
        }
    }

    pub(super) fn tell_thaw(&mut self, place: usize, ctx: &mut Context) {
        let leader = self.id;
        let Some(replica) = self.replicas.at_mut(place) else {
            return;
        };
        let partition = replica.partition();
        let config = replica.isr_config;
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        if !leading.told_frozen {
            return;
        }
        cold_path();
        leading.told_frozen = false;
        let high_watermark = leading.state.high_watermark();
        let (isr, min_isr) = (
            leading.state.isr().to_vec(),
            leading.state.effective_min_isr(&config) as u32,
        );
        let tp = ctx.world.names.tp(partition);
        ctx.emit(What::HighWatermarkMoves {
            tp,
            leader,
            high_watermark,
            isr,
            min_isr,
        });
    }

    /// Tries to move the high watermark at this place after something beside a fetch changed.
    pub(super) fn try_advance(&mut self, place: usize, ctx: &mut Context) {
        let now = ctx.now();
        let Broker {
            replicas, image, ..
        } = self;
        let Some(replica) = replicas.at_mut(place) else {
            return;
        };
        let (log_end, config) = (replica.log.end(), replica.isr_config);
        let Role::Leader(leading) = &mut replica.role else {
            return;
        };
        if leading
            .state
            .maybe_advance(log_end, now.0, image, &config)
            .is_some()
        {
            self.high_watermark_moved(place, ctx);
        }
    }
}
