//! The program: the only place that names every provider and store.

use std::process::ExitCode;
use std::sync::Arc;

use meshform_cli::{Parts, run};
use meshform_provider_kube::KubeProvider;
use meshform_provider_ssh::SshProvider;
use meshform_sandbox::{Sandbox, ScratchSandbox};
use meshform_state::{Kind, Store, SystemClock, backend, keeping};
use meshform_state_http::HttpStorage;
use meshform_state_kube::KubeStorage;
use meshform_state_postgres::PostgresStorage;
use meshform_state_s3::S3Storage;

/// Where states may be kept besides the stack's own folder.
const KINDS: &[Kind] = &[
    ("http", meshform_state_http::SETTINGS, |set, env| Ok(Arc::new(HttpStorage::new(set, env)?))),
    ("kube", meshform_state_kube::SETTINGS, |set, env| Ok(Arc::new(KubeStorage::new(set, env)?))),
    ("postgres", meshform_state_postgres::SETTINGS, |set, env| Ok(Arc::new(PostgresStorage::new(set, env)?))),
    ("s3", meshform_state_s3::SETTINGS, |set, env| Ok(Arc::new(S3Storage::new(set, env)?))),
];

fn main() -> ExitCode {
    run(Parts {
        providers: |sandbox| {
            vec![Arc::new(KubeProvider::new(sandbox.clone())), Arc::new(SshProvider::new(sandbox))]
        },
        reserved: &[meshform_provider_istio::RESERVED_BLOCK, meshform_provider_rollout::RESERVED_BLOCK],
        keeping: || keeping(KINDS),
        backend: |place| backend(KINDS, place),
        sandbox: |folder| Arc::new(Sandbox::at(folder)),
        scratch: || (Arc::new(Store::memory()), Arc::new(ScratchSandbox::new())),
        clock: Arc::new(SystemClock),
    })
}
