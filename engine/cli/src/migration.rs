//! A change of a stack's backend: it is noticed before anything is done in the wrong place, and the state is moved when that is asked for.
//!
//! Where the state was kept last the working copy notes once something was applied there. What is moved stays where it was, too.

use std::path::Path;

use meshform_engine::ports::{Backend, DEFAULT_WORKSPACE, Lease, StateStore};
use meshform_engine::state::Snapshot;

use crate::keeping::{Kept, LOCAL};
use crate::notes;
use crate::problem::Problem;
use crate::session::Session;

const OPERATION: &str = "init -migrate-state";

impl Session {
    /// Makes sure that the state is where it was.
    ///
    /// # Errors
    /// When the backend has changed since.
    pub(crate) fn stays(&self, folder: &Path, kept: &Kept) -> Result<(), Problem> {
        match notes::read(folder, notes::BACKEND)? {
            Some(noted) if noted == kept.place => Ok(()),
            Some(noted) => Err(elsewhere(&noted, &kept.place)),
            None if kept.place == LOCAL => Ok(()),
            None => match self.runtime()?.block_on(first_state(&*self.local(folder, kept)?))? {
                None => Ok(()),
                Some(_) => Err(left_behind(&kept.place)),
            },
        }
    }

    /// Notes where the state is, if that is not in the stack's folder.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub(crate) fn note_place(&self, folder: &Path, place: &str) -> Result<(), Problem> {
        let is_noted = notes::read(folder, notes::BACKEND)?.as_deref() == Some(place);
        let is_implied = place == LOCAL && notes::read(folder, notes::BACKEND)?.is_none();
        if is_noted || is_implied { Ok(()) } else { notes::write(folder, notes::BACKEND, place) }
    }

    /// Moves the states in a stack's folder, those of all workspaces, to where they are to be. Gives the names of the workspaces.
    ///
    /// # Errors
    /// When there is nothing to move, another state is there, or someone works on one of the two.
    pub(crate) fn migrate(&self, folder: &Path, kept: &Kept) -> Result<Vec<String>, Problem> {
        if let Some(noted) = notes::read(folder, notes::BACKEND)? {
            return if noted == kept.place { Ok(Vec::new()) } else { Err(elsewhere(&noted, &kept.place)) };
        }
        if kept.place == LOCAL {
            let detail =
                "The state is in the stack's folder, and its `meshform` block has no other `backend`.";
            return Err(Problem::new("Nothing to move", detail));
        }
        let local = self.local(folder, kept)?;
        let moved = self.runtime()?.block_on(move_all(&*local, &*kept.backend))?;
        self.note_place(folder, &kept.place)?;
        Ok(moved)
    }
}

/// The first workspace that has a state.
async fn first_state(backend: &dyn Backend) -> Result<Option<String>, Problem> {
    for workspace in all(backend).await? {
        if !backend.store(&workspace).load().await?.snapshot.lineage.is_empty() {
            return Ok(Some(workspace));
        }
    }
    Ok(None)
}

async fn all(backend: &dyn Backend) -> Result<Vec<String>, Problem> {
    let others = backend.workspaces().await?;
    Ok([DEFAULT_WORKSPACE.to_owned()].into_iter().chain(others).collect())
}

async fn move_all(from: &dyn Backend, to: &dyn Backend) -> Result<Vec<String>, Problem> {
    let mut moved = Vec::new();
    for workspace in all(from).await? {
        if workspace != DEFAULT_WORKSPACE {
            to.add(&workspace).await?;
        }
        let (source, target) = (from.store(&workspace), to.store(&workspace));
        if source.load().await?.snapshot.lineage.is_empty() {
            continue;
        }
        let lease = source.lock(OPERATION, 0).await?;
        let done = match target.lock(OPERATION, 0).await {
            Ok(other) => {
                let done = move_one(&workspace, (from, &*source, &*lease), (to, &*target)).await;
                let released = other.release().await;
                done.and_then(|()| Ok(released?))
            }
            Err(error) => Err(error.into()),
        };
        let released = lease.release().await;
        done?;
        released?;
        moved.push(workspace);
    }
    Ok(moved)
}

/// Moves one state, under the leases of both places.
async fn move_one(
    workspace: &str,
    (from, source, lease): (&dyn Backend, &dyn StateStore, &dyn Lease),
    (to, target): (&dyn Backend, &dyn StateStore),
) -> Result<(), Problem> {
    let (own, other) = (source.load().await?.snapshot, target.load().await?.snapshot);
    if !other.lineage.is_empty() {
        return match other.lineage == own.lineage && other.serial >= own.serial {
            // An earlier attempt has come so far, and was cut off before it was noted.
            true => Ok(()),
            false => Err(occupied(workspace, &own, &other)),
        };
    }
    // What an apply that was cut off has left is settled first: then the snapshots are all there is.
    source.rewrite(lease).await?;
    let documents = from.documents(workspace).await?;
    Ok(to.take_over(workspace, &documents).await?)
}

fn elsewhere(noted: &str, present: &str) -> Problem {
    let back = match noted {
        LOCAL => String::new(),
        _ => " Put the former `backend` block back and run \"meshform state pull > FILE\"; then take the new one, run \
              \"meshform init -reconfigure\" and \"meshform state push FILE\"."
            .to_owned(),
    };
    let detail = format!(
        "The state of this stack was last kept in {noted}, and its backend is now {present}. Nothing was done.{back} If it has been moved \
         already, or is to begin anew, \"meshform init -reconfigure\" says so."
    );
    Problem::new("The backend has changed", detail)
}

fn left_behind(present: &str) -> Problem {
    let detail = format!(
        "There is a state in the stack's folder, and its backend is now {present}. Nothing was done. \"meshform init -migrate-state\" moves \
         the state there; \"meshform init -reconfigure\" leaves it behind."
    );
    Problem::new("The backend has changed", detail)
}

fn occupied(workspace: &str, own: &Snapshot, other: &Snapshot) -> Problem {
    let why = match own.lineage == other.lineage {
        true => format!(
            "it is older: its serial is {}, and that of the state here is {}",
            other.serial, own.serial
        ),
        false => format!(
            "it is another one: its lineage is {}, and that of the state here is {}",
            other.lineage, own.lineage
        ),
    };
    let detail = format!(
        "There is a state of the workspace \"{workspace}\" already, and {why}. Nothing was moved. Name another place, or take one of the two \
         over by \"meshform state pull\" and \"meshform state push\"."
    );
    Problem::new("The state cannot be moved", detail)
}
