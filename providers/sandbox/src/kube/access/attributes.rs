//! What is asked for.

/// A verb on a resource, or on a path that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// Empty for what is no resource.
    pub(crate) resource: String,
    pub(crate) subresource: String,
    /// Empty for the whole cluster.
    pub(crate) namespace: String,
    /// Empty for all.
    pub(crate) name: String,
    /// Of what is no resource.
    pub(crate) path: String,
}

impl Attributes {
    pub(crate) fn is_resource(&self) -> bool {
        !self.resource.is_empty()
    }

    /// `pods/log`, `pods`.
    pub(crate) fn full_resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }
}
