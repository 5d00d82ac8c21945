//! The storage in an S3-compatible object store.
//!
//! ```text
//! settings   what is said about the bucket becomes how it is reached
//! transport  one request of `object_store`, by the client of `meshform-state-http`; what failed is known by its code
//! bucket     one operation on an object, again when what failed may pass
//! probe      whether the store honours conditions
//! storage    `Storage`: a blob is an object, and so is every chunk of a log
//! ```
//!
//! It needs a store that reads what was written at once, and that honours `If-None-Match: *` and `If-Match` when an object is put: AWS,
//! Cloudflare R2, MinIO, Ceph and Garage do in their later versions. Before the first write the object `conditions.probe` shows whether
//! this one does; one that ignores them is refused.
//!
//! When an answer is lost, the request is sent again. If that is refused because of what the first one wrote, as its content shows, it has
//! succeeded. An entity tag tells contents apart, not writes: each content that depends on a version is written once.
//!
//! # Settings
//!
//! | name | meaning | unless given |
//! | --- | --- | --- |
//! | `bucket` | the bucket, which exists | required |
//! | `prefix` | what all keys of the stack begin with, such as `teams/web` | required |
//! | `region` | the bucket's region | `AWS_REGION`, `AWS_DEFAULT_REGION`; required without `endpoint` |
//! | `endpoint` | the server's URL | `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`; AWS in the region |
//! | `use_path_style` | `true` for ENDPOINT/BUCKET, `false` for BUCKET.ENDPOINT | `true` with `endpoint` or a dot in the bucket's name |
//! | `access_key` | the identifier of the access key | `AWS_ACCESS_KEY_ID`; required |
//! | `secret_key` | the secret of the access key; secret | `AWS_SECRET_ACCESS_KEY`; required |
//! | `session_token` | the token of a temporary access key; secret | `AWS_SESSION_TOKEN`, if the key is the environment's, too |
//! | `ca` | the certificates to trust, as PEM | those of the system |
//! | `allow_http` | `true` to speak in the clear with another machine | `false` |
//! | `timeout_seconds` | how long one request may take, from 1 to 3600 | 15 |
//!
//! `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` of the environment say by which way. Who writes needs `s3:GetObject`, `s3:PutObject`,
//! `s3:DeleteObject` and `s3:ListBucket`: without the last, S3 says of what is not there that it is forbidden.

mod bucket;
mod probe;
mod settings;
mod storage;
mod transport;

pub use self::settings::SETTINGS;
pub use self::storage::S3Storage;
