//! The arithmetic of a rolling update: how far each ReplicaSet may be scaled now.

use serde_json::Value;

use crate::kube::object::{integer, text};

/// What a Deployment's strategy allows, resolved for its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) replicas: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

/// One ReplicaSet in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) wanted: i64,
    pub(super) available: i64,
}

impl Limits {
    /// The limits of a Deployment.
    pub(super) fn of(deployment: &Value) -> Self {
        let replicas = integer(deployment, "/spec/replicas").unwrap_or(1);
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        if text(deployment, "/spec/strategy/type") == "Recreate" {
            return Self { replicas, surge: 0, unavailable: 0 };
        }
        let surge = resolve(&rolling["maxSurge"], replicas, true);
        let unavailable = resolve(&rolling["maxUnavailable"], replicas, false).min(replicas);
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { replicas, surge, unavailable }
    }

    /// How many pods there may be.
    pub(super) fn total_max(self) -> i64 {
        self.replicas + self.surge
    }

    fn available_min(self) -> i64 {
        self.replicas - self.unavailable
    }
}

/// A number, or a percentage of `of`; percentages are rounded up for surges, down for the unavailable.
pub(super) fn resolve(value: &Value, of: i64, up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number.max(0);
    }
    let percent =
        value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok()).unwrap_or(0).max(0);
    let scaled = percent.saturating_mul(of);
    if up { (scaled + 99) / 100 } else { scaled / 100 }
}

/// How many replicas the new set gets now.
pub(super) fn new_replicas(limits: Limits, new: Count, old: &[Count]) -> i64 {
    if new.wanted >= limits.replicas {
        return limits.replicas;
    }
    let total = new.wanted + old.iter().map(|count| count.wanted).sum::<i64>();
    let room = (limits.total_max() - total).max(0);
    new.wanted + room.min(limits.replicas - new.wanted)
}

/// How many replicas each old set keeps now: pods that do not work go first, then those that can be spared.
pub(super) fn old_replicas(limits: Limits, new: Count, old: &[Count]) -> Vec<i64> {
    let mut kept: Vec<i64> = old.iter().map(|count| count.wanted).collect();
    let total = new.wanted + kept.iter().sum::<i64>();
    let new_unavailable = (new.wanted - new.available).max(0);
    let mut spare = total - limits.available_min() - new_unavailable;
    for (kept, count) in kept.iter_mut().zip(old) {
        let broken = (count.wanted - count.available).clamp(0, spare.max(0));
        *kept -= broken;
        spare -= broken;
    }
    let available =
        new.available + old.iter().zip(&kept).map(|(count, kept)| count.available.min(*kept)).sum::<i64>();
    let mut spare = available - limits.available_min();
    for kept in &mut kept {
        let goes = (*kept).clamp(0, spare.max(0));
        *kept -= goes;
        spare -= goes;
    }
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn count(wanted: i64, available: i64) -> Count {
        Count { wanted, available }
    }

    #[test]
    fn limits() {
        let check = |replicas: i64, surge: Value, unavailable: Value, expect: (i64, i64)| {
            let limits = Limits::of(&json!({ "spec": {
                "replicas": replicas,
                "strategy": { "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } },
            } }));
            assert_eq!((limits.surge, limits.unavailable), expect);
        };
        check(10, json!("25%"), json!("25%"), (3, 2));
        check(1, json!("25%"), json!("25%"), (1, 0));
        check(3, json!(0), json!(0), (0, 1));
        check(2, json!(1), json!(5), (1, 2));
    }

    #[test]
    fn rolls() {
        let limits = Limits { replicas: 4, surge: 1, unavailable: 1 };
        assert_eq!(new_replicas(limits, count(0, 0), &[count(4, 4)]), 1);
        assert_eq!(old_replicas(limits, count(1, 0), &[count(4, 4)]), vec![3]);
        assert_eq!(old_replicas(limits, count(1, 0), &[count(3, 3)]), vec![3]);
        assert_eq!(old_replicas(limits, count(2, 1), &[count(3, 3)]), vec![2]);
        assert_eq!(new_replicas(limits, count(4, 4), &[count(1, 1)]), 4);
        assert_eq!(old_replicas(limits, count(4, 4), &[count(1, 1)]), vec![0]);
        // Pods of an old set that never worked make room at once.
        assert_eq!(old_replicas(limits, count(1, 0), &[count(2, 0), count(3, 3)]), vec![0, 3]);
    }
}
