//! A disk that keeps, when the machine stops, what was synced, and of the rest as much as chance has it.
//!
//! Content lasts after a sync of the file, names after a sync of their folder. Of content that was not synced a part may be there; of
//! names that were not, some: always the first ones.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use meshform_state::{Disk, DiskFile, Entry, Open};

use crate::random::Random;

/// The disk of the simulated machine.
#[derive(Clone)]
pub(crate) struct SimulatedDisk {
    kept: Arc<Mutex<Kept>>,
    /// Whether a sync does what it says.
    syncs: bool,
}

#[derive(Default)]
struct Kept {
    files: Vec<File>,
    names: BTreeMap<PathBuf, Node>,
    /// The names that last.
    lasting: BTreeMap<PathBuf, Node>,
    /// What happened to names since their folder was synced, in this order.
    pending: Vec<Renaming>,
    locked: BTreeSet<PathBuf>,
    /// Operations until the machine stops.
    left: Option<u64>,
    has_stopped: bool,
}

#[derive(Default)]
struct File {
    content: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(usize),
}

/// Names that go, and names that come, all at once.
struct Renaming {
    folder: PathBuf,
    goes: Option<PathBuf>,
    comes: Option<(PathBuf, Node)>,
}

impl Renaming {
    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(path) = &self.goes {
            names.remove(path);
        }
        names.extend(self.comes.clone());
    }
}

impl SimulatedDisk {
    /// A disk with this folder on it, and nothing else.
    pub(crate) fn with(folder: &Path, syncs: bool) -> Self {
        let mut kept = Kept::default();
        kept.names.extend(folder.ancestors().map(|folder| (folder.to_owned(), Node::Folder)));
        kept.lasting = kept.names.clone();
        Self { kept: Arc::new(Mutex::new(kept)), syncs }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machine stops after so many more operations.
    pub(crate) fn stop_after(&self, operations: u64) {
        self.kept().left = Some(operations);
    }

    /// The machine is started again; if it had stopped, what did not last is gone.
    pub(crate) fn start(&self, random: &mut Random) {
        let mut kept = self.kept();
        kept.left = None;
        if std::mem::take(&mut kept.has_stopped) {
            kept.forget(random);
        }
    }

    /// Begins an operation, if the machine still runs.
    fn run(&self) -> io::Result<MutexGuard<'_, Kept>> {
        let mut kept = self.kept();
        kept.has_stopped |= kept.left == Some(0);
        kept.left = kept.left.map(|left| left.saturating_sub(1));
        match kept.has_stopped {
            true => Err(io::Error::other("the machine has stopped")),
            false => Ok(kept),
        }
    }
}

impl Kept {
    fn forget(&mut self, random: &mut Random) {
        let pending = std::mem::take(&mut self.pending);
        let some = usize::try_from(random.below(pending.len() as u64 + 1)).unwrap_or(0);
        pending.iter().take(some).for_each(|renaming| renaming.apply(&mut self.lasting));
        // What lies in a folder that did not last is gone, too.
        let has_folder = |path: &Path, names: &BTreeMap<PathBuf, Node>| {
            path.ancestors().skip(1).all(|folder| names.contains_key(folder))
        };
        self.names = self.lasting.clone();
        self.names.retain(|path, _| has_folder(path, &self.lasting));
        self.lasting = self.names.clone();
        self.locked.clear();
        for file in &mut self.files {
            let length = match file.content.strip_prefix(&file.synced[..]) {
                Some(rest) => {
                    file.synced.len() + usize::try_from(random.below(rest.len() as u64 + 1)).unwrap_or(0)
                }
                None => 0,
            };
            if length > 0 {
                file.content.truncate(length);
            } else {
                file.content.clone_from(&file.synced);
            }
            file.synced.clone_from(&file.content);
        }
    }

    fn rename(&mut self, goes: Option<PathBuf>, comes: Option<(PathBuf, Node)>) {
        let about = comes.as_ref().map(|(path, _)| path).or(goes.as_ref());
        let folder = about.and_then(|path| path.parent()).unwrap_or(Path::new("/")).to_owned();
        let renaming = Renaming { folder, goes, comes };
        renaming.apply(&mut self.names);
        self.pending.push(renaming);
    }

    fn file(&self, path: &Path) -> Option<usize> {
        match self.names.get(path) {
            Some(Node::File(file)) => Some(*file),
            Some(Node::Folder) | None => None,
        }
    }
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("there is no {}", path.display()))
}

impl Disk for SimulatedDisk {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let kept = self.run()?;
        Ok(kept.file(path).map(|file| kept.files[file].content.clone()))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let kept = self.run()?;
        let inside = kept.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        let entry = |(path, node): (&PathBuf, &Node)| {
            let name = path.file_name()?.to_str()?.to_owned();
            Some(Entry { name, is_folder: *node == Node::Folder })
        };
        Ok(inside.filter_map(entry).collect())
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut kept = self.run()?;
        let above: Vec<_> = folder.ancestors().map(Path::to_owned).collect();
        for folder in above.into_iter().rev() {
            if !kept.names.contains_key(&folder) {
                kept.rename(None, Some((folder, Node::Folder)));
            }
        }
        Ok(())
    }

    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn DiskFile>> {
        let mut kept = self.run()?;
        let has_folder = path.parent().is_some_and(|folder| kept.names.contains_key(folder));
        let file = match (kept.file(path), how) {
            (Some(file), Open::Existing) => file,
            (Some(file), Open::Empty) => {
                kept.files[file].content.clear();
                file
            }
            (None, Open::Empty) if has_folder => {
                kept.files.push(File::default());
                let file = kept.files.len() - 1;
                kept.rename(None, Some((path.to_owned(), Node::File(file))));
                file
            }
            (None, _) => return Err(missing(path)),
        };
        Ok(Box::new(Opened { disk: self.clone(), file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut kept = self.run()?;
        let node = kept.names.get(from).copied().ok_or_else(|| missing(from))?;
        kept.rename(Some(from.to_owned()), Some((to.to_owned(), node)));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut kept = self.run()?;
        if kept.file(path).is_some() {
            kept.rename(Some(path.to_owned()), None);
        }
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut kept = self.run()?;
        if self.syncs {
            let Kept { pending, lasting, .. } = &mut *kept;
            pending.retain(|renaming| {
                let is_inside = renaming.folder == folder;
                if is_inside {
                    renaming.apply(lasting);
                }
                !is_inside
            });
        }
        Ok(())
    }

    fn lock(&self, path: &Path, _: Duration) -> io::Result<Box<dyn Send>> {
        let mut kept = self.run()?;
        kept.file(path).ok_or_else(|| missing(path))?;
        match kept.locked.insert(path.to_owned()) {
            true => Ok(Box::new(Locked { disk: self.clone(), path: path.to_owned() })),
            false => Err(io::Error::other("it is held")),
        }
    }
}

struct Locked {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.disk.kept().locked.remove(&self.path);
    }
}

struct Opened {
    disk: SimulatedDisk,
    file: usize,
}

impl DiskFile for Opened {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.run()?.files[self.file].content.len() as u64)
    }

    fn write(&mut self, content: &[u8]) -> io::Result<()> {
        self.disk.run()?.files[self.file].content.extend_from_slice(content);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.disk.run()?.files[self.file].content.truncate(length);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut kept = self.disk.run()?;
        if self.disk.syncs {
            let file = &mut kept.files[self.file];
            file.synced.clone_from(&file.content);
        }
        Ok(())
    }
}
