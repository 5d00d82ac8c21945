//! What pods and Services answer on loopback.
//!
//! Linux answers on all of 127.0.0.0/8, so every pod and Service has an address of its own there: pods in
//! 127.64.0.0–127.95.255.255, cluster addresses in 127.96.0.0/16, load balancers in 127.97.0.0/16.

mod address;
mod page;
mod plane;
mod proxy;

pub(crate) use address::{is_in_use, load_balancer_address};
pub(crate) use plane::Plane;
