//! The storage behind a server that speaks Terraform's HTTP backend protocol, such as GitLab.
//!
//! ```text
//! settings   what is said about the server becomes how it is spoken to
//! client     one request, one answer, within a deadline; tls, whom it trusts
//! server     the protocol's four requests
//! document   the one document of a state: every blob in JSON
//! lock       what is told of the protocol's lock, and when it may be broken
//! session    when that lock is taken, kept, broken and given back; patience, how long what may pass is borne
//! storage    `Storage`: each change reads and writes the document under the lock
//! ```
//!
//! The protocol has one document for each address, written whole and unconditionally by whoever has its lock. A change therefore locks,
//! reads, checks its condition, writes, and unlocks. While a lease is held the lock is kept, so that `terraform` and everything else that
//! speaks the protocol sees who has it. It costs a transfer of the whole document for every step of an apply: for stacks of thousands of
//! instances the other storages are better ones.
//!
//! Workspaces share the address, and so its lock: of all of them, one is applied at a time.
//!
//! Who is killed leaves the protocol's lock behind. When its lease has expired, whoever takes the lease breaks the lock by its identifier;
//! so does everyone when nothing was written for a minute and a half. A lock of anything but meshform is never broken.
//!
//! # What the server must do
//!
//! - `LOCK` by one at a time; the others get 423 or 409 with the holder's lock as JSON.
//! - Refuse an update and an unlocking under another identifier than the lock's (GitLab does). One that does not check it cannot guarantee
//!   that a process that wakes after its lease has expired does not overwrite what was written since: each change reads the document just
//!   before writing it and is refused by what it finds, but between the two nothing protects it. Nor can it guarantee that of two who
//!   break a dead lock at the same time only one gets it.
//!
//! # Settings
//!
//! | name | meaning | unless given |
//! | --- | --- | --- |
//! | `address` | where the state is: it is read by `GET` | required |
//! | `update_method` | how it is written | `POST` |
//! | `lock_address` | where it is locked | required |
//! | `lock_method` | how it is locked (GitLab: `POST`) | `LOCK` |
//! | `unlock_address` | where it is unlocked | `lock_address` |
//! | `unlock_method` | how it is unlocked (GitLab: `DELETE`) | `UNLOCK` |
//! | `username` | the user, for basic authentication | none |
//! | `password` | the user's password or token; secret | empty |
//! | `headers` | headers to send, one `Name: value` a line; secret | none |
//! | `client_ca_certificate_pem` | the certificates to trust, as PEM | those of the system |
//! | `client_certificate_pem` | the certificate to show to the server, as PEM | none |
//! | `client_private_key_pem` | the key of that certificate, as PEM; secret | none |
//! | `allow_http` | `true` to speak in the clear with another machine | `false` |
//! | `timeout_seconds` | how long one request may take, from 1 to 3600 | 30 |
//!
//! Of the environment, `TF_HTTP_` with a setting's name in capitals counts where the setting is not given, as in `TF_HTTP_PASSWORD`; and
//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say by which way.

pub mod client;
mod document;
mod lock;
pub mod patience;
mod server;
mod session;
mod settings;
mod storage;
pub mod tls;

pub use self::settings::{SETTINGS, is_loopback};
pub use self::storage::HttpStorage;
