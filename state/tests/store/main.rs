//! The store through its public door: what survives crashes, contention, damage and curiosity.

mod crash;
mod damage;
mod files;
mod lease;
mod secrets;
mod world;
