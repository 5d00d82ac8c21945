//! The program: the only place that names every provider and store.

use std::process::ExitCode;
use std::sync::Arc;

use meshform_cli::{Parts, run};
use meshform_engine::ports::{Backend, Keeping, Place, StoreError};
use meshform_engine::schema::Body;
use meshform_provider_kube::KubeProvider;
use meshform_provider_ssh::SshProvider;
use meshform_sandbox::{Sandbox, ScratchSandbox};
use meshform_state::{LocalBackend, Store, SystemClock};

fn main() -> ExitCode {
    run(Parts {
        providers: |sandbox| {
            vec![Arc::new(KubeProvider::new(sandbox.clone())), Arc::new(SshProvider::new(sandbox))]
        },
        reserved: &[meshform_provider_istio::RESERVED_BLOCK, meshform_provider_rollout::RESERVED_BLOCK],
        keeping: || Keeping { backends: [("local", Body::default())].into(), encryption: Body::default() },
        backend,
        sandbox: |folder| Arc::new(Sandbox::at(folder)),
        scratch: || (Arc::new(Store::memory()), Arc::new(ScratchSandbox::new())),
        clock: Arc::new(SystemClock),
    })
}

fn backend(place: &Place) -> Result<Arc<dyn Backend>, StoreError> {
    Ok(Arc::new(LocalBackend::new(place.folder.clone().into(), place.clock.clone())))
}
