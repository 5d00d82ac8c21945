//! What a step costs the journal: microseconds per step (two events), passed and of CPU time, on a disk and in memory (where a sync costs nothing),
//! as it is and encrypted.
//!
//! `cargo bench -p meshform-state --bench append -- [FOLDER…]`, by default the temporary folder and `/dev/shm`.
#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use meshform_engine::address::{Address, Key};
use meshform_engine::apply::Event;
use meshform_engine::plan::StepOperation;
use meshform_engine::ports::{Operation, StateStore};
use meshform_engine::state::{Record, RecordStatus, Snapshot};
use meshform_engine::value::Value;
use meshform_state::encryption::{Encrypted, Encryption, KeySource, Settings};
use meshform_state::{FolderStorage, Storage, Store, SystemClock};

const STEPS: u64 = 2_000;

/// How many events are appended at once: one, and as many as steps running side by side bring together.
const BATCHES: [usize; 2] = [1, 16];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != "--bench").collect();
    let folders = if given.is_empty() { vec![std::env::temp_dir().into(), "/dev/shm".into()] } else { given };
    for folder in &folders {
        for batch in BATCHES {
            for (prior, is_encrypted) in [(0, false), (0, true), (10_000, false), (10_000, true)] {
                measure(Path::new(folder), batch, prior, is_encrypted).await?;
            }
        }
    }
    Ok(())
}

async fn measure(folder: &Path, batch: usize, prior: u64, is_encrypted: bool) -> Result<(), Box<dyn Error>> {
    let root = tempfile::tempdir_in(folder)?;
    let store = store(root.path(), is_encrypted)?;
    let lease = store.lock("apply", 0).await?;
    let snapshot = Snapshot {
        records: (0..prior).map(|index| (address(index), record())).collect(),
        ..Snapshot::default()
    };
    let journal = store.begin(&*lease, &Snapshot::default()).await?;
    let start = Instant::now();
    journal.finish(snapshot).await?;
    let (written, start) = (start.elapsed(), Instant::now());
    let state = store.load().await?.snapshot;
    let loaded = start.elapsed();
    let mut journal = store.begin(&*lease, &state).await?;
    journal.append(&[Event::Began { at_ms: 0, targets: BTreeMap::new() }]).await?;
    let events: Vec<_> = (0..STEPS).flat_map(events).collect();
    let (start, cpu_before) = (Instant::now(), cpu_seconds()?);
    for events in events.chunks(batch) {
        journal.append(events).await?;
    }
    let per_step = |seconds: f64| seconds * 1e6 / STEPS as f64;
    let (passed, cpu) = (per_step(start.elapsed().as_secs_f64()), per_step(cpu_seconds()? - cpu_before));
    let (folder, form) = (folder.display(), if is_encrypted { "encrypted" } else { "as it is" });
    println!(
        "{folder:<10} {form}, {batch:>3} events at once, {prior:>6} records before: {passed:>8.1} µs, CPU {cpu:>6.1} µs; \
         state written in {written:.1?}, loaded in {loaded:.1?}"
    );
    lease.release().await?;
    Ok(())
}

/// Encrypted with a passphrase at the default cost: what that is made into a key for is within writing the state.
fn store(folder: &Path, is_encrypted: bool) -> Result<Store, Box<dyn Error>> {
    let current = if is_encrypted { vec![KeySource::Passphrase("a passphrase".into())] } else { Vec::new() };
    let encryption = Encryption::new(Settings { current, ..Settings::default() })?;
    let storage: Arc<dyn Storage> = Arc::new(FolderStorage::new(folder.join(".meshform")));
    let storage = Arc::new(Encrypted::new(storage, Arc::new(encryption)));
    Ok(Store::over(storage, Arc::new(SystemClock)))
}

/// The CPU time of this process, in seconds: the fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

fn events(index: u64) -> [Event; 2] {
    let operation = StepOperation::Perform(Operation::Create);
    [
        Event::Started { at_ms: 0, address: address(index), operation, intent: record() },
        Event::Succeeded { at_ms: 0, address: address(index), operation, record: Some(record()) },
    ]
}

fn address(index: u64) -> Address {
    Address::new("kube_object", "web").with_key(Key::Index(index))
}

/// As large as that of a small Deployment.
fn record() -> Record {
    let field = |index: usize| (format!("field_{index}"), Value::string("some text of usual length"));
    Record {
        target: None,
        identity: "apps/Deployment/default/web".into(),
        attributes: Value::object((0..30).map(field)),
        private: serde_json::Value::Null,
        depends_on: Vec::new(),
        status: RecordStatus::Complete,
    }
}
