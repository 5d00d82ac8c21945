//! `state unlock`: the lock is taken away from whoever holds it.

use meshform_engine::ports::Holder;
use serde_json::json;

use super::change::document;
use super::operands::token;
use super::{Common, approved, kept};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::session::Session;
use crate::{json, render, terminal};

/// Shows the holder, asks, and ends its lease.
pub(super) fn run(
    operands: &[String],
    auto_approve: bool,
    common: &Common,
    session: &Session,
) -> Result<Exit, Problem> {
    let (token, folder) = token(operands)?;
    let kept = kept(&folder, &common.variables, session)?;
    let runtime = session.runtime()?;
    let holder = runtime.block_on(kept.store.holder())?;
    let Some(holder) = holder else { return nobody(token, common.json) };
    if let Some(token) = token.filter(|token| *token != holder.token) {
        return Err(held_by_another(token, &holder));
    }
    if !common.json {
        terminal::say(&render::history::holder(&holder));
    }
    if !approved("Take the lock away?", auto_approve, common.json)? {
        return Ok(Exit::Failed);
    }
    runtime.block_on(kept.store.unlock(holder.token))?;
    if common.json {
        return document(json!({ "unlocked": true, "holder": json::state::holder(&holder) }));
    }
    terminal::say(
        "Unlocked. Whoever held the lock can write nothing any more. The next apply settles what became of its steps.\n",
    );
    Ok(Exit::Done)
}

fn nobody(token: Option<u64>, as_json: bool) -> Result<Exit, Problem> {
    if let Some(token) = token {
        let detail = format!("Nobody holds the lock, under the token {token} or any other.");
        return Err(Problem::new("Not locked", detail));
    }
    if as_json {
        return document(json!({ "unlocked": false, "holder": null }));
    }
    terminal::say("Nobody holds the lock.\n");
    Ok(Exit::Done)
}

fn held_by_another(token: u64, holder: &Holder) -> Problem {
    let detail = format!(
        "The lock's token is {}, not {token}: {} holds it for {:?} since {}. Nothing was changed.",
        holder.token, holder.holder, holder.operation, holder.since
    );
    Problem::new("Another holds the lock", detail)
}
