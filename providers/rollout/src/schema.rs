//! What a `rollout` block may contain.

use meshform_engine::schema::{Attribute, BlockType, Body};
use meshform_engine::types::Type;
use meshform_engine::value::Value;

/// The body of a `rollout` block, its cluster apart.
pub fn rollout() -> Body {
    Body::from(top())
        .with(BlockType::single("workload", workload(), "What is rolled out.").at_least(1))
        .with(BlockType::single("route", route(), "Who splits the traffic.").labelled(["router"]).at_least(1))
        .with(step())
        .with(BlockType::list("gate", gate(), "What a step has to pass.").distinct(["kind", "name"]))
}

fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute::optional(name, Type::String, description)
}

fn number(name: &'static str, description: &'static str) -> Attribute {
    Attribute::optional(name, Type::Number, description)
}

fn text_or(name: &'static str, default: &str, description: &'static str) -> Attribute {
    Attribute::default(name, Type::String, default, description)
}

fn number_or(name: &'static str, default: i64, description: &'static str) -> Attribute {
    Attribute::default(name, Type::Number, default, description)
}

fn top() -> Vec<Attribute> {
    vec![
        text_or("namespace", "default", "The namespace of all that it consists of."),
        text_or(
            "strategy",
            "canary",
            "canary: the new version has the pods that its share needs; blue_green: all of them before it gets any traffic.",
        ),
        text_or(
            "on_failure",
            "rollback",
            "What becomes of a rollout that fails: rollback, or pause, which waits for a person.",
        ),
        text_or(
            "progress_deadline",
            "10m",
            "How long in a row pods or a confirmation may be missing before the rollout fails.",
        ),
        text_or(
            "drain",
            "30s",
            "How long a version that gets no more traffic still serves what it has begun.",
        ),
        text_or("keep_previous", "0s", "How long after that the pods of the previous version stay."),
        text("adopt", "The name of a Deployment that is the first version."),
    ]
}

fn workload() -> Vec<Attribute> {
    vec![
        Attribute::required("template", Type::Any, "The pod template of the wanted version."),
        number_or(
            "replicas",
            1,
            "How many pods serve all the traffic. There never are fewer ready ones by the rollout's doing.",
        ),
        Attribute::required("selector", Type::String.map(), "The labels that the pods of all versions have."),
    ]
}

fn route() -> Vec<Attribute> {
    vec![
        text(
            "service",
            "The Service that the route leads to before the first rollout; of replicas and istio, one that selects the pods of every version.",
        ),
        text("ingress", "The Ingress that leads to it."),
        text("http_route", "The HTTPRoute that leads to it."),
        text("virtual_service", "The VirtualService that leads to it."),
        text("load_balancer", "The identity of the load balancer."),
        text("vgroup", "The identity of the load balancer's server group."),
        number("port", "The port of the Services; 80 if left out."),
        number("target_port", "The port of the pods; the same if left out."),
    ]
}

fn step() -> BlockType {
    let matching = vec![
        text("header", "The name of a header."),
        text("value", "The header's or the cookie's value."),
        text("pattern", "A regular expression that the header's value matches."),
        text("cookie", "The name of a cookie."),
    ];
    let attributes = vec![
        number("weight", "The share of the traffic that the new version gets, in percent."),
        number("replicas", "How many pods the new version has."),
        text("pause", "How long the step lasts, or manual: until someone resumes the rollout."),
        Attribute::optional("gates", Type::String.list(), "The names of the gates that it has to pass."),
    ];
    let body = Body::from(attributes).with(BlockType::single(
        "match",
        matching,
        "Requests that all go to the new version, whatever the weight.",
    ));
    BlockType::list("step", body, "One step. After all of them the new version gets everything.")
}

fn gate() -> Vec<Attribute> {
    vec![
        text("url", "Of http: where requests go to."),
        number_or("requests", 10, "Of http: how many requests one measurement has."),
        Attribute::default(
            "statuses",
            Type::Number.list(),
            Value::list([]),
            "Of http: the status codes that are well; those from 200 to 399 if there are none.",
        ),
        text("latency_max", "Of http: the longest that an answer may take."),
        number_or("success_min", 100, "Of http: which share of the requests must be well, in percent."),
        text("address", "Of prometheus: its address."),
        text("query", "Of prometheus: the query."),
        number("min", "Of prometheus: the least that every value may be."),
        number("max", "Of prometheus: the most that every value may be."),
        Attribute::optional("manifest", Type::Any, "Of job: the Job that must complete."),
        Attribute::optional("command", Type::String.list(), "Of command: the program and its arguments."),
        text_or("delay", "0s", "How long after the split is in force it is measured first."),
        text_or("interval", "10s", "How long after a measurement it is measured again."),
        number_or("count", 1, "How many measurements must pass."),
        number_or("failures_max", 0, "How many may fail."),
        number(
            "consecutive_failures_max",
            "How many may fail in a row; as many as may fail at all if left out.",
        ),
        number_or("inconclusive_max", 0, "How many may tell nothing. One more, and a person has to look."),
    ]
}
