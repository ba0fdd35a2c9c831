//! Commands to the network: cutting, slowing and mending links.

use super::*;

impl Cluster {
    fn change_link(&mut self, from: NodeId, to: NodeId, change: impl FnOnce(&mut Link)) {
        let mut link = self.world.network.link(from, to);
        change(&mut link);
        self.world.network.set_link(from, to, link);
    }

    fn directions(
        &self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
    ) -> Result<Vec<(NodeId, NodeId)>, CommandError> {
        let (one, other) = (self.node(from)?, self.node(to)?);
        if one == other {
            return Err(wrong(
                "the other end of a link",
                to,
                "name two different nodes",
            ));
        }
        let mut all = vec![(one, other)];
        if both {
            all.push((other, one));
        }
        Ok(all)
    }

    pub(super) fn cut(
        &mut self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
        text: String,
    ) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            let id = self.world.emit(
                cause,
                What::Cut {
                    from: names.0,
                    to: names.1,
                },
            );
            self.world.faults.insert(from, id);
            self.world.faults.insert(to, id);
            self.change_link(from, to, |link| link.cut = true);
        }
        Ok(())
    }

    fn others(&self, node: NodeId) -> Vec<NodeId> {
        let controllers = (1..=self.spec.controllers).map(NodeId::Controller);
        self.peers()
            .into_iter()
            .chain(controllers)
            .filter(|other| *other != node)
            .collect()
    }

    pub(super) fn isolate(&mut self, name: &NodeName, text: String) -> Outcome {
        let node = self.node(name)?;
        let id = self.told(text);
        self.world.faults.insert(node, id);
        for other in self.others(node) {
            self.change_link(node, other, |link| link.cut = true);
            self.change_link(other, node, |link| link.cut = true);
        }
        Ok(())
    }

    pub(super) fn heal(
        &mut self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
        text: String,
    ) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            self.world.emit(
                cause,
                What::Healed {
                    from: names.0,
                    to: names.1,
                },
            );
            self.world.network.set_link(from, to, Link::default());
        }
        Ok(())
    }

    pub(super) fn slow_link(
        &mut self,
        from: &NodeName,
        to: &NodeName,
        both: bool,
        delay: Time,
        text: String,
    ) -> Outcome {
        let directions = self.directions(from, to, both)?;
        let cause = Some(self.told(text));
        for (from, to) in directions {
            let names = (self.world.names.node(from), self.world.names.node(to));
            let id = self.world.emit(
                cause,
                What::LinkSlowed {
                    from: names.0,
                    to: names.1,
                    extra: delay,
                },
            );
            self.note(from, id, delay > Time::ZERO);
            self.change_link(from, to, |link| link.extra = delay);
        }
        Ok(())
    }

    pub(super) fn slow_network(&mut self, name: &NodeName, factor: u32, text: String) -> Outcome {
        let node = self.node(name)?;
        check_factor(factor)?;
        let id = self.told(text);
        self.note(node, id, factor > 1);
        let extra = Time(
            self.world
                .network
                .latency()
                .0
                .saturating_mul(u64::from(factor - 1)),
        );
        for other in self.others(node) {
            self.change_link(node, other, |link| link.extra = extra);
            self.change_link(other, node, |link| link.extra = extra);
        }
        Ok(())
    }

    // What administrators do.
}
