//! The formats on disk. Domain types are not serialisable: each has its image here, and only here.
//!
//! * [`document`]: the envelope of every document: format, version, digest, body.
//! * [`value`], [`types`], [`number`]: values. Sensitive ones only as fingerprints.
//! * [`state`]: snapshot and records. * [`event`], [`journal`]: the journal. * [`plan`]: the plan file. * [`lock`]: the lock.

pub(crate) mod document;
pub(crate) mod event;
pub(crate) mod journal;
pub(crate) mod lock;
pub(crate) mod number;
mod partial;
pub(crate) mod plan;
mod policy;
pub(crate) mod state;
pub(crate) mod types;
pub(crate) mod value;

#[cfg(test)]
mod roundtrip;
#[cfg(test)]
pub(crate) mod sample;

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Why a document cannot be read or written. Reads after the file's name and a colon.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum WireError {
    /// The text breaks off.
    #[error("it is cut off")]
    CutOff,
    /// It is of another kind.
    #[error("it is not {noun}: {problem}")]
    Foreign {
        /// What it should be.
        noun: &'static str,
        /// Why it is not.
        problem: String,
    },
    /// A newer meshform wrote it.
    #[error(
        "it is of version {version}, and this meshform reads up to version {known}: use a newer meshform"
    )]
    Newer {
        /// The version.
        version: u64,
        /// The newest one that can be read.
        known: u64,
    },
    /// No meshform wrote it.
    #[error("there is no version {version} of this format")]
    NoSuchVersion {
        /// The version.
        version: u64,
    },
    /// The bytes are not the ones that were written.
    #[error("it is damaged or was edited: its digest is that of other content")]
    Altered,
    /// The content makes no sense.
    #[error("{0}")]
    Content(String),
    /// It would not be readable again.
    #[error("its values are nested deeper than {limit} levels")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
}

impl WireError {
    /// What JSON's reader or writer said about the content.
    #[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
    pub(crate) fn content(error: serde_json::Error) -> Self {
        Self::Content(error.to_string())
    }
}

/// A thing with a text form, as that text; also the key of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}
