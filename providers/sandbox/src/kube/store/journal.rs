//! The world on disk: one file of JSON lines, appended at each change, rewritten when it has grown.
//!
//! A line is complete once its newline is written: a torn last line (the process was killed) is dropped.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Key;
use crate::kube::error::Error;

const FILE: &str = "world.jsonl";
const FILE_NEW: &str = "world.jsonl.new";

/// The file is rewritten when it is this much bigger than after the last rewriting.
const GROWTH_FACTOR: u64 = 4;
const GROWTH_BYTES_MIN: u64 = 8 << 20;

/// One line.
#[derive(Debug, PartialEq)]
pub(crate) enum Record {
    /// The newest revision, which may be of an object that is gone.
    Revision(u64),
    Put {
        resource: String,
        object: Value,
    },
    Remove {
        resource: String,
        key: Key,
        revision: u64,
    },
}

impl Record {
    fn encode(&self) -> Value {
        match self {
            Self::Revision(revision) => json!(["revision", revision]),
            Self::Put { resource, object } => json!(["put", resource, object]),
            Self::Remove { resource, key, revision } => {
                json!(["remove", resource, key.namespace, key.name, revision])
            }
        }
    }

    fn decode(line: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        let mut line: Value = serde_json::from_slice(line)?;
        let text = |at: usize| line.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |at: usize| line.get(at).and_then(Value::as_u64).unwrap_or(0);
        Ok(match text(0).as_str() {
            "revision" => Some(Self::Revision(number(1))),
            "put" => {
                let resource = text(1);
                line.get_mut(2).map(|object| Self::Put { resource, object: object.take() })
            }
            "remove" => Some(Self::Remove {
                resource: text(1),
                key: Key::new(&text(2), &text(3)),
                revision: number(4),
            }),
            _ => None,
        })
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
    file: File,
    bytes: u64,
    bytes_compacted: u64,
    /// Whether a line could not be written whole: everything is rewritten at the next chance.
    broken: bool,
}

impl Journal {
    /// Opens the journal of a folder, made if it is not there, and reads it.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Vec<Record>), Error> {
        fs::create_dir_all(dir).map_err(io(dir))?;
        let path = dir.join(FILE);
        let content = match fs::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io(&path)(error)),
        };
        let records = read(&path, &content)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(io(&path))?;
        let journal = Self { dir: dir.to_owned(), file, bytes: 0, bytes_compacted: 0, broken: false };
        Ok((journal, records))
    }

    /// Replaces the file by one of these records.
    pub(crate) fn compact(&mut self, records: &[Record]) -> Result<(), Error> {
        let (path, path_new) = (self.dir.join(FILE), self.dir.join(FILE_NEW));
        let file = File::create(&path_new).map_err(io(&path_new))?;
        let mut out = BufWriter::new(file);
        let mut bytes = 0;
        for record in records {
            let line = format!("{}\n", record.encode());
            out.write_all(line.as_bytes()).map_err(io(&path_new))?;
            bytes += line.len() as u64;
        }
        let file = out.into_inner().map_err(|error| io(&path_new)(error.into_error()))?;
        file.sync_data().map_err(io(&path_new))?;
        fs::rename(&path_new, &path).map_err(io(&path))?;
        self.file = OpenOptions::new().append(true).open(&path).map_err(io(&path))?;
        (self.bytes, self.bytes_compacted, self.broken) = (bytes, bytes, false);
        Ok(())
    }

    /// Whether rewriting is worth its while.
    pub(crate) fn has_grown(&self) -> bool {
        self.broken || self.bytes > GROWTH_BYTES_MIN.max(self.bytes_compacted.saturating_mul(GROWTH_FACTOR))
    }

    pub(crate) fn append_put(&mut self, resource: &str, object: &Value) {
        self.append(&format!("[\"put\",{},{object}]\n", Value::from(resource)));
    }

    pub(crate) fn append_remove(&mut self, resource: &str, key: &Key, revision: u64) {
        let record = Record::Remove { resource: resource.to_owned(), key: key.clone(), revision };
        self.append(&format!("{}\n", record.encode()));
    }

    fn append(&mut self, line: &str) {
        // One write per line: what a kill leaves is whole lines and at most one torn one at the end.
        if self.file.write_all(line.as_bytes()).is_err() {
            self.broken = true;
        }
        self.bytes += line.len() as u64;
    }
}

fn read(path: &Path, content: &[u8]) -> Result<Vec<Record>, Error> {
    let complete = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = content.get(..complete).unwrap_or_default().split(|byte| *byte == b'\n');
    let mut records = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let record = Record::decode(line).map_err(|source| Error::Corrupt {
            path: path.to_owned(),
            line: index + 1,
            source,
        })?;
        records.extend(record);
    }
    Ok(records)
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}
