//! Files that only their owner may read, replaced as a whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Writes `content` to `path` with mode 0600. A reader sees the old content or the new one, never a part, and so it
/// stays if we are killed. It isn't forced to the disk: a sandbox need not outlive a power cut.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(".{}.new", std::process::id()));
    let staged = Path::new(&staged);
    let result = write_new(staged, content).and_then(|()| fs::rename(staged, path));
    if result.is_err() {
        // What could not be moved into place is of no use to anyone; the first error is the one to report.
        let _ = fs::remove_file(staged);
    }
    result
}

/// Makes `path` and its missing parents, readable by their owner only.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}
