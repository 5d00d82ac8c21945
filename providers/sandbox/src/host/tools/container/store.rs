//! What is known of containers and images, in files below `/var/lib/docker`.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use super::lock;
use crate::host::tools::Machine;

const CONTAINERS: &str = "/var/lib/docker/containers";
const IMAGES: &str = "/var/lib/docker/image/images.json";

/// A port that is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Port {
    /// Where it is published; empty: everywhere.
    pub(super) address: String,
    /// Zero until one is chosen.
    pub(super) outer: u16,
    pub(super) inner: u16,
    pub(super) protocol: String,
}

/// What of the host a container sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mount {
    /// A path, or the name of a volume.
    pub(super) source: String,
    pub(super) target: String,
    pub(super) is_read_only: bool,
}

/// What becomes of a container when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Restart {
    /// `no`, `always`, `unless-stopped` or `on-failure`.
    pub(super) name: String,
    pub(super) count_max: u64,
}

/// docker's words for what a container is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    #[default]
    Created,
    Running,
    Restarting,
    Exited,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
        }
    }
}

/// A container.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    /// As it was asked for.
    pub(super) image: String,
    pub(super) image_id: String,
    pub(super) command: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    /// `NAME=value`, those of its image first.
    pub(super) environment: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) ports: Vec<Port>,
    pub(super) mounts: Vec<Mount>,
    pub(super) network: String,
    pub(super) restart: Restart,
    pub(super) hostname: String,
    pub(super) user: String,
    pub(super) folder: String,
    /// It goes when it ends.
    pub(super) is_temporary: bool,
    pub(super) status: Status,
    pub(super) exit_code: i32,
    pub(super) error: String,
    pub(super) restarts: u64,
    pub(super) pid: u32,
    /// It was stopped by somebody, so that a boot doesn't start it.
    pub(super) is_stopped: bool,
    /// As RFC 3339 writes them.
    pub(super) created: String,
    pub(super) started: String,
    pub(super) finished: String,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Image {
    pub(super) id: String,
    pub(super) tags: Vec<String>,
    pub(super) created: String,
}

impl Machine {
    /// All containers, those that were made first, first.
    pub(super) fn containers(&self) -> Vec<Container> {
        let names = self.files.names(CONTAINERS).into_iter();
        let texts = names.filter_map(|id| self.files.read(&format!("{CONTAINERS}/{id}/config.v2.json")).ok());
        let mut all: Vec<Container> = texts.filter_map(|text| serde_json::from_slice(&text).ok()).collect();
        all.sort_by(|one, other| one.created.cmp(&other.created));
        all
    }

    /// The container that is called so, by its name or the beginning of its number.
    pub(super) fn container(&self, name: &str) -> Option<Container> {
        let name = name.trim_start_matches('/');
        let all = self.containers();
        let by_name = all.iter().find(|own| own.name == name || own.id == name);
        let begins = |own: &&Container| name.len() >= 4 && own.id.starts_with(name);
        by_name.or_else(|| all.iter().find(begins)).cloned()
    }

    pub(super) fn keep_container(&self, container: &Container) -> io::Result<()> {
        let text = serde_json::to_vec(container)?;
        self.files.write(&format!("{CONTAINERS}/{}/config.v2.json", container.id), &text, 0o600)
    }

    /// Changes a container that is still there.
    pub(super) fn change_container(&self, id: &str, change: impl FnOnce(&mut Container)) -> io::Result<()> {
        let _changing = lock(&self.containers.changing);
        let Some(mut container) = self.containers().into_iter().find(|own| own.id == id) else {
            return Ok(());
        };
        change(&mut container);
        self.keep_container(&container)
    }

    pub(super) fn drop_container(&self, id: &str) -> io::Result<()> {
        self.files.remove(&format!("{CONTAINERS}/{id}/config.v2.json"))?;
        self.files.remove_folder(&format!("{CONTAINERS}/{id}"))
    }

    pub(super) fn images(&self) -> Vec<Image> {
        let text = self.files.read(IMAGES).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    pub(super) fn keep_images(&self, images: &[Image]) -> io::Result<()> {
        self.files.write(IMAGES, &serde_json::to_vec(images)?, 0o600)
    }
}

/// This moment, as RFC 3339 writes it.
pub(super) fn now() -> String {
    format!("{:.9}", jiff::Timestamp::now())
}
