//! What must hold of each write: the machine's rules, told from the objects before and after it.

use meshform_provider_rollout::live::Reference;
use meshform_provider_rollout::record::{Record, Stage};
use meshform_provider_rollout::write::Write;
use serde_json::Value as Json;

use crate::cluster::Cluster;
use crate::traffic::{Traffic, share, traffic};

pub(crate) struct Observer<'a> {
    pub(crate) router: &'a str,
    pub(crate) capacity: u64,
    pub(crate) drain_ms: i64,
}

/// What was there before a write.
pub(crate) struct Before {
    pub(crate) traffic: Traffic,
    canary: Option<Json>,
    scaled: Option<(String, u64)>,
}

impl Observer<'_> {
    pub(crate) fn before(&self, write: &Write, cluster: &Cluster) -> Before {
        let reference = write.reference();
        let is_deployment = reference.kind == "Deployment";
        Before {
            traffic: traffic(self.router, cluster),
            canary: cluster.live.objects.get(&Reference::ingress("web-canary")).cloned(),
            scaled: is_deployment.then(|| (reference.name.clone(), cluster.wanted(&reference.name))),
        }
    }

    /// Checks a write that was made at this state of the rollout.
    pub(crate) fn after(&self, write: &Write, before: &Before, cluster: &Cluster, record: &Record) {
        let now = traffic(self.router, cluster);
        let new = &record.versions.new.deployment;
        let (share_before, share_now) = (share(&before.traffic, new), share(&now, new));
        let is_going_back = matches!(record.stage, Stage::Aborting(_));
        if self.router != "replicas" {
            // Rule 6.
            assert!(now.is_empty() || now.iter().any(|(_, weight)| *weight > 0), "all weights are 0");
            // Rules 1 and 4: what traffic is shifted to is there.
            if share_now > share_before && !is_going_back {
                let needed = (share_now * self.capacity).div_ceil(100);
                assert!(cluster.ready(new) >= needed, "{share_now} % go to {} pods", cluster.ready(new));
            }
            // Rule 8.
            let is_past = matches!(record.stage, Stage::Retiring | Stage::Ended(_));
            assert!(!is_past || share_now == share_before, "traffic is shifted after promotion");
        }
        self.canary_is_at_0(before, cluster);
        if let Some((name, pods)) = &before.scaled {
            self.scaled(name, *pods, before, cluster, record);
        }
        if let (Write::Delete(reference), "Service") = (write, write.reference().kind) {
            self.deleted(reference, cluster, record, is_going_back);
        }
    }

    /// Rule 3.
    fn canary_is_at_0(&self, before: &Before, cluster: &Cluster) {
        let (Some(was), Some(is)) =
            (&before.canary, cluster.live.objects.get(&Reference::ingress("web-canary")))
        else {
            return;
        };
        let backend = |ingress: &Json| ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"].clone();
        assert!(backend(was) == backend(is), "{}: a canary is retargeted in place", self.router);
    }

    fn scaled(&self, name: &str, pods: u64, before: &Before, cluster: &Cluster, record: &Record) {
        let wanted = cluster.wanted(name);
        let is_new = *name == record.versions.new.deployment;
        if wanted > pods && is_new && self.router != "replicas" {
            // Rule 2: no requests reach the new pods through a selector that was not meant for them.
            let mixed = before.traffic.iter().find(|(names, _)| names.len() > 1);
            assert!(mixed.is_none(), "new pods come up behind {mixed:?}");
        }
        if wanted >= pods {
            return;
        }
        let other = match is_new {
            true => record.versions.old.as_ref().map(|old| old.deployment.as_str()),
            false => Some(record.versions.new.deployment.as_str()),
        };
        let others = other.map_or(0, |other| cluster.ready(other).min(cluster.wanted(other)));
        if self.router == "replicas" {
            let ready = cluster.ready(name).min(pods);
            let (is, was) = (others + ready.min(wanted), others + ready);
            assert!(is >= self.capacity || is == was, "{is} pods are left of {was}, for {}", self.capacity);
            return;
        }
        // Rules 4, 5 and 7.
        assert_eq!(share(&before.traffic, name), 0, "{name} shrinks with traffic on it");
        assert!(cluster.now_ms >= cluster.routed_ms + self.drain_ms, "{name} shrinks before it is drained");
        assert!(
            is_new || others >= self.capacity,
            "the old version shrinks before the new one has {} pods",
            self.capacity
        );
    }

    /// Rule 7: identity goes last. (The Services of `clb_vgroup` are its route.)
    fn deleted(&self, reference: &Reference, cluster: &Cluster, record: &Record, is_going_back: bool) {
        if self.router == "clb_vgroup" {
            return;
        }
        let gone = if is_going_back { Some(&record.versions.new) } else { record.versions.old.as_ref() };
        let gone = gone.unwrap();
        assert_eq!(gone.service, reference.name);
        assert_eq!(cluster.wanted(&gone.deployment), 0, "{} goes before its pods", reference.name);
    }
}
