//! Which value a setting has in a cluster, and who gave it.

use crate::sim::{
    settings::{Setting, Written, WrittenSettings},
    spec::{CommitMode, Spec},
};

/// `min.insync.replicas = 2 (topic orders; default 1)`: a setting with every value it has in a cluster.
pub fn in_effect(spec: &Spec, setting: Setting) -> String {
    let default = setting.show(setting.default_value());
    let name = setting.name();
    let mut given: Vec<(String, String)> = Vec::new();
    let mut look = |owner: String, written: &WrittenSettings| {
        if let Some(value) = written.get(name) {
            let shown = setting
                .parse(&value.0)
                .map_or_else(|_| value.0.clone(), |value| setting.show(value));
            given.push((owner, shown));
        }
    };
    look("all brokers".to_owned(), &spec.settings);
    for (broker, written) in &spec.broker_settings {
        look(format!("broker {broker}"), written);
    }
    for topic in &spec.topics {
        look(format!("topic {}", topic.name), &topic.settings);
    }
    for producer in &spec.producers {
        look(format!("producer {}", producer.name), &producer.settings);
    }
    for group in &spec.groups {
        look(format!("group {}", group.name), &group.settings);
        for member in &group.members {
            look(format!("consumer {}", member.name), &member.settings);
        }
        // who commits by hand has switched it off
        let by_hand = |mode| mode != CommitMode::Auto;
        if setting == Setting::EnableAutoCommit
            && group.members.iter().all(|member| by_hand(member.commit))
        {
            let off = [(name.to_owned(), Written("false".to_owned()))].into();
            look(format!("group {}", group.name), &off);
        }
    }
    match &given[..] {
        [] => format!("{name} = {default} (the default)"),
        [(owner, value)] => format!("{name} = {value} ({owner}; default {default})"),
        several => {
            let each: Vec<String> = several
                .iter()
                .map(|(owner, value)| format!("{value} for {owner}"))
                .collect();
            format!("{name} = {} (default {default})", each.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::spec::TopicSpec;

    #[test]
    fn values_name_their_owner() {
        let mut spec = Spec::default();
        let text = in_effect(&spec, Setting::MinInsyncReplicas);
        assert_eq!(text, "min.insync.replicas = 1 (the default)");
        spec.topics.push(TopicSpec {
            name: "orders".into(),
            partitions: None,
            replication: None,
            assignments: Vec::new(),
            settings: [("min.insync.replicas".to_owned(), Written("2".into()))].into(),
        });
        let text = in_effect(&spec, Setting::MinInsyncReplicas);
        assert_eq!(text, "min.insync.replicas = 2 (topic orders; default 1)");
    }

    #[test]
    fn who_commits_by_hand_has_auto_commit_off() {
        let of = |commit: &str| {
            let members = serde_json::json!([{"name": "c1", "commit": commit}]);
            let group = serde_json::json!({"name": "billing", "topics": [], "members": members});
            let spec = Spec {
                groups: vec![serde_json::from_value(group).unwrap()],
                ..Spec::default()
            };
            in_effect(&spec, Setting::EnableAutoCommit)
        };
        assert_eq!(of("auto"), "enable.auto.commit = true (the default)");
        assert_eq!(
            of("after-processing"),
            "enable.auto.commit = false (group billing; default true)"
        );
    }
}
