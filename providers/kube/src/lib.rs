//! The provider of Kubernetes objects.
//!
//! ```text
//! document → lower, order      files become parts, in the order in which they must be there
//! access                       how a `cluster` block says to connect
//! check                        what can be told to be wrong before any server is asked
//! manifest, identity           what the configuration says, brought into one form, and which object it means
//! owned, declared, diff        managed fields; what we declare against what is there; one object against another
//! patch, absent                fields of what others own; what must not be there
//! policy                       what becomes of declared fields that others own
//! difference                   the verdict: nothing, create, update, replace, delete
//! impact                       what changes do to pods, traffic and data
//! custom                       objects whose definition is in the same plan
//! render                       what helm and kustomize are told, and what they make
//! lookup                       what `data` blocks ask for, and what becomes of the answers
//! request                      requests as values
//! client                       the only part with IO: connects, looks, previews, applies, waits
//! rights                       what whoever applies must be allowed to do
//! catalog, status, refusal     what a server's answers mean
//! wait_for                     what a block says of when its object is ready
//! ready, trouble, last_words   whether an object does what it is for, why it does not, and what its container said
//! ```
//!
//! Objects are written by server-side apply alone, under one field manager. Nothing outside of `client` knows a socket, a file or a
//! clock, and nothing branches on the text of a server's message.

mod absent;
mod access;
mod attributes;
mod catalog;
mod check;
mod client;
mod custom;
mod declared;
mod diff;
mod difference;
mod document;
mod identity;
mod impact;
mod last_words;
mod lookup;
mod lower;
mod manifest;
mod order;
mod owned;
mod patch;
mod policy;
mod provider;
mod ready;
mod refusal;
mod render;
mod request;
mod rights;
mod schema;
mod status;
mod trouble;
mod version;
mod wait_for;

pub use self::provider::KubeProvider;

/// The field manager under which everything is applied.
const MANAGER: &str = "meshform";
