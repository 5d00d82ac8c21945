//! What is known to differ, and why.

/// Steps by the beginnings of their names, places by what they contain.
pub(crate) struct Difference {
    steps: &'static str,
    place: &'static str,
    #[expect(dead_code, reason = "it is for the reader")]
    why: &'static str,
}

impl Difference {
    pub(crate) fn is(&self, step: &str, difference: &str) -> bool {
        step.starts_with(self.steps) && difference.contains(self.place)
    }
}

const fn known(steps: &'static str, place: &'static str, why: &'static str) -> Difference {
    Difference { steps, place, why }
}

/// Where the sandbox does not answer as the real server.
pub(crate) const SANDBOX: &[Difference] = &[
    known("discovery/version", "/body/", "the build is another one"),
    known("", "storageVersionHash", "storage has no versions here"),
    known("", "/ca.crt", "there is no certificate authority"),
    known("", "columnDefinitions", "columns are described by the API's prose"),
    // What Go's libraries say.
    known("json-patch/not json", "/message", "the words of Go's JSON parser"),
    known("merge-patch/not json", "/message", "the words of Go's JSON parser"),
    known("list/bad continue", "/message", "the words of Go's JSON parser"),
    known(
        "json-patch/wrong type",
        "/message",
        "the words of Go's JSON decoder, and fields in the order of Go's structs",
    ),
    known("json-patch/unknown field strict", "/message", "fields in the order of Go's structs"),
    known(
        "merge-patch/another kind",
        "/message",
        "the words of Go's JSON decoder, and fields in the order of Go's structs",
    ),
    known(
        "merge-patch/wrong type",
        "/message",
        "the words of Go's JSON decoder, and fields in the order of Go's structs",
    ),
    known("merge-patch/unknown field strict", "/message", "fields in the order of Go's structs"),
    known("deletes/two controllers", "/message", "fields in the order of Go's structs"),
    known(
        "eviction/budget after a failed delete",
        "fieldsV1",
        "whose a condition's time is depends on whether a second has passed",
    ),
    known(
        "eviction/a narrower budget",
        "fieldsV1",
        "whose a condition's time is depends on whether a second has passed",
    ),
    known(
        "eviction/narrower budget counted",
        "fieldsV1",
        "whose a condition's time is depends on whether a second has passed",
    ),
    known("rbac/aggregate", "rules", "a role without rules has none, rather than null"),
    known("deletes/body of no kind", "/message", "the place in Go's source"),
    known("errors/post unknown field", "/", "fields in the order of the body"),
    known("other-kinds/immutable job", "/causes/0/", "a dump of Go's structs"),
    known("other-kinds/immutable job", "/body/message", "a dump of Go's structs"),
    known("other-kinds/immutable pvc", "/message", "a diff of Go's structs"),
    known("subresources/pod command changes", "/message", "a diff of Go's structs"),
    known("crd-definitions/body of no kind", "/message", "the body as it was written"),
    known(
        "crd-definitions/changed in another",
        "managedFields",
        "the real server loses ownership between versions",
    ),
    known(
        "crd-definitions/lists of another",
        "managedFields",
        "the real server loses ownership between versions",
    ),
    known("crd-schema/bad status", "/", "of a status, messages say where below it a failure is"),
    known("crd-schema/scaled badly", "/body", "replicas are refused before they are put into the object"),
    known(
        "crd-schema/strategic",
        "/body/details",
        "the server leaves out here what it otherwise writes empty",
    ),
    known("crd-schema/applied", "/fieldsV1", "keys that are defaults come after keys that are given"),
    known(
        "crd-schema/key with a default",
        "/fieldsV1",
        "keys that are defaults come after keys that are given",
    ),
    // What else runs in a cluster.
    known("service/lb", "", "load balancers are given their addresses"),
    known("other-kinds/daemon set again", "", "there are nodes for it"),
    known("other-kinds/pvc again", "", "claims are bound at once"),
    known("other-kinds/delete data", "", "claims are bound at once"),
    known("other-kinds/job", "", "no condition says that a Job is suspended"),
    known("deletes/delete quota", "", "nobody counts what a quota is used for"),
];

/// Where a real server does not answer as the one that was recorded.
pub(crate) const REAL: &[Difference] =
    &[known("discovery/version", "/body/", "the build may be another one")];
