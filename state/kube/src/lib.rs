//! The storage in a Kubernetes cluster: every blob is a Secret, the lock a Lease.
//!
//! ```text
//! settings  what is said about the cluster
//! connect   a kubeconfig becomes a client
//! names     what the objects are called, and how they are found by label
//! secret    a blob as a Secret, or as several with an index
//! lease     the lock as a Lease that `kubectl get lease` can show
//! request   HTTP requests as values
//! api       sends them: deadlines, retries
//! storage   `Storage`, by these
//! ```
//!
//! It connects when it is first used. Contents are compressed. One that is then larger than a Secret may be lies in chunks: Secrets of their
//! own, written first, which the blob's own Secret lists; so it still changes at once. Chunks that nobody lists any more are removed by
//! the next write.
//!
//! Every write carries a random mark that is stored with it: when an answer is lost, the mark tells whether the write was done.
//!
//! # Settings
//!
//! | name | meaning | unless given |
//! | --- | --- | --- |
//! | `name` | the name of the stack among those in the namespace | required |
//! | `namespace` | the namespace that the objects are in; it must exist | `default` |
//! | `kubeconfig` | the path of a kubeconfig; `~/` is the home folder | `KUBECONFIG`, `~/.kube/config` |
//! | `kubeconfig_content` | a kubeconfig itself; secret | |
//! | `context` | the context in it | its current one |
//! | `in_cluster` | `true`: as the service account of the pod that this runs in | `false` |
//! | `timeout_seconds` | how long one request may take, from 1 to 3600, with all that is tried again | 30 |
//!
//! # Permissions
//!
//! `get`, `list`, `create`, `update` and `delete` of `secrets` and of `leases` (`coordination.k8s.io`) in the namespace.
//!
//! # Finding the objects
//!
//! `kubectl get secret,lease -l meshform.dev/stack=NAME`, with `meshform.dev/workspace=WORKSPACE` for one workspace.

mod api;
mod connect;
mod lease;
mod names;
mod request;
mod secret;
mod settings;
mod storage;

pub use self::settings::SETTINGS;
pub use self::storage::KubeStorage;
