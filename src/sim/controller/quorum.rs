//! The voters: which of them lives, which is active, and whether a majority reach each other.

use super::{Controller, ControllerTimer};
use crate::sim::context::Context;
use crate::sim::event::What;
use crate::sim::node::NodeId;
use crate::sim::settings::Setting;
use crate::sim::time::Time;

/// How often the quorum is looked at.
const TICK: Time = Time::millis(100);

/// The voters of the controller quorum.
#[derive(Debug, Clone)]
pub struct Quorum {
    voters: u32,
    active: Option<u32>,
    epoch: i32,
    /// When the active controller was lost, and when an election can succeed.
    lost: Option<(Time, Time)>,
    told_lost: bool,
}

impl Quorum {
    /// So many voters, none active.
    pub fn new(voters: u32) -> Quorum {
        Quorum {
            voters,
            active: None,
            epoch: 0,
            lost: None,
            told_lost: false,
        }
    }

    /// How many voters there are.
    pub fn voters(&self) -> u32 {
        self.voters
    }

    /// The active controller.
    pub fn active(&self) -> Option<u32> {
        self.active
    }

    /// The controller epoch.
    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// Whether this node is the active controller.
    pub fn is_active(&self, node: NodeId) -> bool {
        matches!(node, NodeId::Controller(voter) if self.active == Some(voter))
    }

    /// How many voters this one reaches, and is reached by, itself included.
    fn reachable(&self, voter: u32, ctx: &Context) -> u32 {
        if !ctx.world.life(NodeId::Controller(voter)).up {
            return 0;
        }
        let me = NodeId::Controller(voter);
        let talks = |other: &u32| {
            let other = NodeId::Controller(*other);
            let network = &ctx.world.network;
            ctx.world.life(other).up && network.reaches(me, other) && network.reaches(other, me)
        };
        (1..=self.voters).filter(talks).count() as u32
    }

    fn majority(&self) -> u32 {
        self.voters / 2 + 1
    }
}

impl Controller {
    /// Makes a voter the active controller. Brokers get a whole session before they can be fenced.
    pub(super) fn activate(&mut self, voter: u32, after: Time, ctx: &mut Context) {
        let now = ctx.now();
        self.quorum.active = Some(voter);
        self.quorum.epoch += 1;
        self.quorum.lost = None;
        self.quorum.told_lost = false;
        self.waiting.clear();
        for broker in self.brokers.values_mut() {
            broker.last_contact = now;
        }
        let cause = ctx.cause.or(ctx
            .world
            .faults
            .values()
            .max()
            .copied()
            .filter(|_| after > Time::ZERO));
        let before = std::mem::replace(&mut ctx.cause, cause);
        ctx.emit(What::ControllerElected {
            controller: voter,
            epoch: self.quorum.epoch,
            after,
        });
        ctx.cause = before;
    }

    /// Looks whether the active controller lives and reaches a majority; if not, elects another when the voters'
    /// patience (`controller.quorum.fetch.timeout.ms`) and an election have passed.
    pub(super) fn check_quorum(&mut self, ctx: &mut Context) {
        let now = ctx.now();
        let majority = self.quorum.majority();
        if let Some(active) = self.quorum.active
            && self.quorum.reachable(active, ctx) < majority
        {
            // A leader that no majority fetches from gives up; its voters notice after the same time.
            self.quorum.active = None;
            self.waiting.clear();
            let patience = Time::from_setting_ms(self.setting(Setting::QuorumFetchTimeout));
            let election = Time::from_setting_ms(self.setting(Setting::QuorumElectionTimeout));
            let jitter = Time(ctx.world.rng.below(election.0 / 2 + 1));
            self.quorum.lost = Some((now, now + patience + jitter));
        }
        if let Some((since, ready)) = self.quorum.lost {
            let best = (1..=self.quorum.voters).max_by_key(|voter| {
                (
                    self.quorum.reachable(*voter, ctx),
                    std::cmp::Reverse(*voter),
                )
            });
            let reachable = best.map_or(0, |voter| self.quorum.reachable(voter, ctx));
            if reachable < majority && !self.quorum.told_lost {
                self.quorum.told_lost = true;
                ctx.emit(What::QuorumLost {
                    reachable,
                    voters: self.quorum.voters,
                });
            }
            if let Some(voter) = best.filter(|_| reachable >= majority && now >= ready) {
                self.activate(voter, now - since, ctx);
            }
        }
        Self::timer(
            ctx,
            now + if self.quorum.active.is_some() {
                TICK + TICK + TICK
            } else {
                TICK
            },
            ControllerTimer::Quorum,
        );
    }
}
