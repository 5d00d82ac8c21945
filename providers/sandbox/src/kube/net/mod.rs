//! What the cluster answers on loopback.
//!
//! Linux answers on all of 127.0.0.0/8, so every pod, Service, ingress class and Gateway has an address of its own there:
//! pods in 127.64.0.0–127.95.255.255, cluster addresses in 127.96.0.0/16, load balancers, ingress controllers and Gateways
//! in 127.97.0.0/16.
//!
//! ```text
//! plane       which addresses are open: for pods, Services, ingress classes, Gateways
//!   ↓
//! door        an open port; its connections, which drain when it closes
//!   ↓
//! carry       a request from its entrance, by way of routers, to a pod
//!   ↓                ↓
//! route       endpoints
//! (pure)         ↓
//!             pod, page    what a pod answers, and what is done to it on purpose
//! ```
//!
//! `carry` needs no socket: [`World::answer`](super::World::answer) is the same without any.

mod abroad;
mod address;
mod carry;
mod container;
mod controller;
mod door;
mod endpoints;
mod entrance;
mod istiod;
mod page;
mod plane;
mod pod;
pub(crate) mod route;
mod tally;

pub(crate) use address::{is_in_use, load_balancer_address};
pub(crate) use carry::answer;
pub(crate) use container::Container;
pub(crate) use door::{Closing, closed, enter};
pub(crate) use entrance::{INGRESS_PORTS, at};
pub(crate) use plane::{Plane, Router};
pub(crate) use pod::{annotation, is_lost};
pub(crate) use route::Balancer;
pub(crate) use tally::Tally;
