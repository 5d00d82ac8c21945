//! Keys that protect nothing, and encrypted storages over one shelf.

use std::sync::Arc;

use meshform_state::encryption::{Encrypted, Encryption, KeySource, PassphraseCost, Settings};
use meshform_state::{Condition, Storage, StorageError};

use crate::shelf::Shelf;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";

/// An identity of age, and its recipient.
pub(crate) struct Pair {
    pub(crate) identity: &'static str,
    pub(crate) recipient: &'static str,
}

pub(crate) const ANN: Pair = Pair {
    identity: "AGE-SECRET-KEY-14M5LYH34CW9C4A4YJLCMMAXHW9J3LU8LYW02A6M9M7FX2MWC2ZGQA06GGU",
    recipient: "age14nkft889v8fxxqmds6wlz0k4qt3lxv7rnmfraqjulnj2cp2jy50qx6dl9d",
};

pub(crate) const BEN: Pair = Pair {
    identity: "AGE-SECRET-KEY-1E0CZSNP9EZUM6DDK0SCWS5R9KH9P8G7NP0V7EDSQTLFPLLX73U2QSUMRK2",
    recipient: "age1nmzxv6fgkj5ld5rp40xqdhfsccv7w8z8et6kgft6nwezq8ld747saumnpf",
};

/// 64 hexadecimal digits, written by a program.
pub(crate) const KEY: &str = "6d657368666f726d206d657368666f726d206d657368666f726d206d65736821";

pub(crate) fn passphrase(text: &str) -> KeySource {
    KeySource::Passphrase(text.to_owned())
}

pub(crate) fn age(recipients: &[&str], identities: &[&str]) -> KeySource {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    KeySource::Age { recipients: texts(recipients), identities: texts(identities) }
}

pub(crate) fn own(pair: &Pair) -> KeySource {
    age(&[pair.recipient], &[pair.identity])
}

pub(crate) fn command(key: &str) -> KeySource {
    KeySource::Command(["echo", key].map(str::to_owned).to_vec())
}

/// With a passphrase that is cheap to try.
pub(crate) fn settings(current: &[KeySource], fallback: &[KeySource]) -> Settings {
    let cost = PassphraseCost { memory_kib: 1024, passes: 1, lanes: 1 };
    Settings { current: current.to_vec(), fallback: fallback.to_vec(), migrate: false, cost }
}

pub(crate) fn encryption(current: &[KeySource], fallback: &[KeySource]) -> Arc<Encryption> {
    Arc::new(Encryption::new(settings(current, fallback)).unwrap())
}

/// A storage over the shelf, as another process would open it.
pub(crate) fn over(shelf: &Arc<Shelf>, current: &[KeySource], fallback: &[KeySource]) -> Encrypted {
    Encrypted::new(shelf.clone(), encryption(current, fallback))
}

/// Writes a blob, whatever is there.
pub(crate) async fn write(storage: &dyn Storage, name: &str, content: &[u8]) -> Result<(), StorageError> {
    let condition = match storage.read(name).await? {
        Some(blob) => Condition::Unchanged(blob.version),
        None => Condition::Absent,
    };
    storage.write(name, content, condition).await.map(|_| ())
}

pub(crate) async fn read(storage: &dyn Storage, name: &str) -> Result<Vec<u8>, StorageError> {
    storage.read(name).await.map(|blob| blob.unwrap().content)
}

/// What is wrong, without what was tried.
pub(crate) fn problem<T>(result: Result<T, StorageError>) -> String {
    match result.err().unwrap() {
        StorageError::Failed { problem, .. } => problem,
        StorageError::Conflict => "conflict".into(),
    }
}

/// Whether the bytes are somewhere in the others.
pub(crate) fn contains(bytes: &[u8], searched: &[u8]) -> bool {
    bytes.windows(searched.len()).any(|window| window == searched)
}
