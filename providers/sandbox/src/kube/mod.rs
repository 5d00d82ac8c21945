//! An embedded Kubernetes API: faithful enough to plan, apply and watch against, without a cluster.
//!
//! ```text
//! http       request → verb on a resource; discovery, OpenAPI, tables, watch streams
//!   ↓
//! access     who asks, and whether they may
//!   ↓
//! write      decode → default → merge (server-side apply, patches) → validate → managed fields
//!   ↓
//! store      objects, revisions and the change feed; the journal on disk
//!   ↑
//! control    controllers that follow the change feed
//! net        what pods and Services answer on loopback
//! ```
//!
//! Everything that a write does is synchronous under one lock; only `http` and `net` know sockets, only
//! `store::journal` knows files, and nothing below knows how a request arrived.

mod access;
mod clock;
mod control;
mod duration;
mod error;
mod http;
mod kubeconfig;
mod merge;
mod net;
mod object;
mod options;
mod registry;
mod selector;
mod serve;
mod state;
mod status;
mod store;
mod strategy;
mod token;
mod world;
mod write;

pub(crate) use meshform_kube_schema::types;

pub use clock::{Clock, SystemClock};
pub use error::Error;
pub use kubeconfig::kubeconfig;
pub use options::Options;
pub use serve::{router, serve};
pub use world::{World, WorldStatus};
