//! The program: the only place that names every provider and store.

use std::process::ExitCode;
use std::sync::Arc;

use meshform_cli::{Parts, run};
use meshform_engine::ports::{Backend, Keeping, Place, SettingProblem};
use meshform_provider_kube::KubeProvider;
use meshform_provider_ssh::SshProvider;
use meshform_sandbox::{Sandbox, ScratchSandbox};
use meshform_state::{FolderStorage, Storage, Store, SystemClock, Workspaces};
use meshform_state_http::HttpStorage;
use meshform_state_postgres::PostgresStorage;

fn main() -> ExitCode {
    run(Parts {
        providers: |sandbox| {
            vec![Arc::new(KubeProvider::new(sandbox.clone())), Arc::new(SshProvider::new(sandbox))]
        },
        reserved: &[meshform_provider_istio::RESERVED_BLOCK, meshform_provider_rollout::RESERVED_BLOCK],
        keeping: || {
            let known = Keeping::default().with("local", &[]).with("http", meshform_state_http::SETTINGS);
            known.with("postgres", meshform_state_postgres::SETTINGS)
        },
        backend,
        sandbox: |folder| Arc::new(Sandbox::at(folder)),
        scratch: || (Arc::new(Store::memory()), Arc::new(ScratchSandbox::new())),
        clock: Arc::new(SystemClock),
    })
}

fn backend(place: &Place) -> Result<Arc<dyn Backend>, SettingProblem> {
    let (settings, environment) = (&place.settings, &*place.environment);
    let storage: Arc<dyn Storage> = match place.backend.as_str() {
        "http" => Arc::new(HttpStorage::new(settings, environment)?),
        "postgres" => Arc::new(PostgresStorage::new(settings, environment)?),
        _ => Arc::new(FolderStorage::new(place.folder.clone().into())),
    };
    Ok(Arc::new(Workspaces::over(storage, place.clock.clone())))
}
