//! Jobs and CronJobs.

use serde_json::{Value, json};

use super::pod::template;
use crate::kube::object::{self, child, put_default};

/// The defaults of a Job's spec.
pub(crate) fn job(spec: &mut Value) {
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        put_default(spec, "completions", 1);
    }
    put_default(spec, "parallelism", 1);
    put_default(spec, "backoffLimit", 6);
    put_default(spec, "completionMode", "NonIndexed");
    put_default(spec, "suspend", false);
    put_default(spec, "manualSelector", false);
    put_default(spec, "podReplacementPolicy", "TerminatingOrFailed");
    template(child(spec, "template"));
}

/// The defaults of a CronJob. The Job within gets those of its pods only.
pub(crate) fn cron_job(object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "concurrencyPolicy", "Allow");
    put_default(spec, "suspend", false);
    put_default(spec, "successfulJobsHistoryLimit", 3);
    put_default(spec, "failedJobsHistoryLimit", 1);
    let job = child(spec, "jobTemplate");
    put_default(job, "metadata", json!({}));
    template(child(child(job, "spec"), "template"));
}

/// A Job finds its pods by its UID.
pub(crate) fn prepare_job(object: &mut Value) {
    if object::flag(object, "/spec/manualSelector") {
        return;
    }
    let uid = object::uid(object).to_owned();
    let name = object::name(object).to_owned();
    let labels = [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ];
    let spec = child(object, "spec");
    let template_labels = child(child(child(spec, "template"), "metadata"), "labels");
    for (key, value) in labels {
        template_labels[key] = json!(value);
    }
    spec["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    let stamped = object["spec"]["template"]["metadata"]["labels"].clone();
    if object::map(object, "/metadata/labels").is_empty() {
        object::metadata(object)["labels"] = stamped;
    }
}

/// An update that leaves out what the server generated keeps it.
pub(crate) fn carry_selector(live: &Value, object: &mut Value) {
    let spec = child(object, "spec");
    put_default(spec, "selector", live["spec"]["selector"].clone());
    let labels = child(child(child(spec, "template"), "metadata"), "labels");
    for (key, value) in object::map(live, "/spec/template/metadata/labels") {
        if key.contains("controller-uid") || key.contains("job-name") {
            put_default(labels, key, value.clone());
        }
    }
}
