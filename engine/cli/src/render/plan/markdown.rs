//! A plan as a comment on a pull request: what takes something away comes first and stands open, all else unfolds.
//!
//! ```text
//! Plan ─ fold ─▶ Entries ─ page, with ever fewer lines for each ─▶ the first page that a comment has room for
//! ```
//!
//! No page is longer than [`LIMIT`]: lines of the changes are left out first, then whole changes, which are counted.

mod fence;

use std::fmt::Write as _;

use meshform_engine::diagnostic::{Diagnostic, Diagnostics};
use meshform_engine::plan::{Action, Plan};
use meshform_engine::ports::DEFAULT_WORKSPACE;

use self::fence::fence;
use super::fold::{Entry, fold};
use super::{DRIFT, Detail, drift, header, summary, unreachable};
use crate::counts::Counts;
use crate::render::{diagnostics, outputs, policies};

/// The longest comment that GitHub takes, in characters. Bytes are counted, of which there are never fewer.
const LIMIT: usize = 65_536;
/// How wide sentences are, in columns.
const COLUMNS: usize = 100;
/// So many lines each destructive change is shown with, and each other one: the first pair for which there is room.
const ROOM: [(usize, usize); 6] = [(400, 400), (100, 60), (60, 20), (60, 6), (20, 0), (6, 0)];
/// Warnings and drift get at most so many lines each.
const LINES_MAX: usize = 120;
/// Of instances that see the same change, at most so many are named.
const INSTANCES_MAX: usize = 10;
/// No line is longer than this, in characters.
const LINE_MAX: usize = 400;

/// The whole plan as markdown.
pub(crate) fn markdown(plan: &Plan) -> String {
    let detail = Detail { full: true, columns: COLUMNS };
    let entries = fold(plan.shown().filter(|change| change.action != Action::NoOp), detail);
    let (destructive, other): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| header::destroys(entry.action()));
    let (head, tail) = (head(plan), tail(plan));
    let body = |(lines, others): (usize, usize), most: usize| {
        let mut page = head.clone();
        if !destructive.is_empty() {
            let _ = write!(page, "#### {}\n\n", fence::plain(&summary::destructive(&Counts::of(plan))));
            page += &section(&destructive, lines, most, true);
        }
        if !other.is_empty() {
            page += if destructive.is_empty() { "#### Changes\n\n" } else { "#### Other changes\n\n" };
            page += &section(&other, others, most, false);
        }
        page + &tail
    };
    let fits = |page: &String| page.len() <= LIMIT;
    let bare = body((0, 0), usize::MAX);
    if fits(&bare) {
        return ROOM.iter().map(|room| body(*room, usize::MAX)).find(fits).unwrap_or(bare);
    }
    // Where not even a line for each has room: ever fewer of them, and how many more there are.
    let fewer = std::iter::successors(Some(LIMIT / 16), |most| (*most > 0).then_some(most / 2));
    fewer.map(|most| body((0, 0), most)).find(fits).unwrap_or_else(|| body((0, 0), 0))
}

/// By the first line, which is not shown, a program finds the comment again.
fn head(plan: &Plan) -> String {
    let workspace = match plan.workspace.as_str() {
        DEFAULT_WORKSPACE => String::new(),
        name => format!(" ({name})"),
    };
    let place = fence::plain(&format!("{}{workspace}", plan.folder));
    let mut head = format!("<!-- meshform plan: {} -->\n", place.replace("--", "- -"));
    let _ = write!(head, "### meshform: <code>{}</code>\n\n", fence::escaped(&place));
    let lines = [
        Some(summary::line(plan)),
        unreachable::summary(plan),
        summary::partial(plan),
        summary::unseen(plan),
        policies::line(plan),
    ];
    for (at, line) in lines.into_iter().flatten().enumerate() {
        let line = fence::escaped(&fence::plain(&line));
        let _ = if at == 0 { write!(head, "**{line}**\n\n") } else { write!(head, "{line}\n\n") };
    }
    let lost = unreachable::lines(plan, Detail { full: false, columns: COLUMNS });
    if let [title, _, lost @ ..] = &lost[..] {
        let title = fence::escaped(fence::plain(title).trim_end_matches(':'));
        head += &unfolding(&title, &fence(fence::changed(lost), LINES_MAX), true);
    }
    head + &said("Policies", plan.policies.iter().flat_map(|judgement| &judgement.findings), plan, true)
}

/// What is of less weight than the changes.
fn tail(plan: &Plan) -> String {
    let outputs = outputs::changes(&plan.outputs);
    let mut tail = String::new();
    if !outputs.is_empty() {
        tail += &unfolding("Outputs", &fence(fence::changed(&outputs), LINES_MAX), false);
    }
    let drift = drift(plan);
    if !drift.is_empty() {
        tail += &unfolding(DRIFT, &fence(fence::changed(&drift), LINES_MAX), false);
    }
    tail + &said("Warnings", &plan.warnings, plan, false)
}

fn said<'a>(
    title: &str,
    said: impl IntoIterator<Item = &'a Diagnostic>,
    plan: &Plan,
    is_open: bool,
) -> String {
    let mut all = Diagnostics::new();
    all.extend(said.into_iter().cloned());
    if all.is_empty() {
        return String::new();
    }
    let text = fence::plain(&diagnostics::text(&all, &plan.sources, COLUMNS));
    let lines = text.trim_end().lines().map(|line| format!("  {line}"));
    unfolding(title, &fence(lines.collect(), LINES_MAX), is_open)
}

/// The changes, of each at most so many lines, and at most so many of them.
fn section(entries: &[Entry<'_>], lines: usize, most: usize, is_open: bool) -> String {
    let (shown, more) = entries.split_at(most.min(entries.len()));
    let (short, long): (Vec<_>, Vec<_>) = shown.iter().partition(|entry| lines == 0 || entry.is_short());
    let mut text = String::new();
    let titles: Vec<_> = short.iter().flat_map(|entry| titles(entry)).collect();
    if !titles.is_empty() {
        text += &fence(titles, usize::MAX);
    }
    for entry in long {
        let (body, bare) = (entry.body(), matches!(entry.action(), Action::Create | Action::Read));
        let body = if bare { fence::added(body) } else { fence::changed(body) };
        text += &unfolding(&html_titles(entry), &fence(body, lines), is_open);
    }
    if !more.is_empty() {
        let count: usize = more.iter().map(|entry| entry.changes().count()).sum();
        let _ = write!(text, "… and {count} more, for which a comment has no room.\n\n");
    }
    text
}

/// A line for each instance, or for some of very many.
fn titles(entry: &Entry<'_>) -> Vec<String> {
    let marker = match entry.action() {
        action if header::destroys(action) => '-',
        Action::Create => '+',
        Action::Update | Action::Adopt | Action::Refresh | Action::Step => '!',
        _ => ' ',
    };
    let mut titles: Vec<_> = entry
        .changes()
        .take(INSTANCES_MAX)
        .map(|change| format!("{marker} {}", header::title(change)))
        .collect();
    let more = entry.changes().count().saturating_sub(INSTANCES_MAX);
    if more > 0 {
        titles.push(format!("{marker} … and {more} more, for which it is the same"));
    }
    titles
}

/// The same above what unfolds, which many instances can share.
fn html_titles(entry: &Entry<'_>) -> String {
    let count = entry.changes().count();
    let symbol = header::symbol(entry.action());
    let title = |change| format!("<code>{symbol} {}</code>", fence::html(&header::title(change)));
    let mut titles = entry.changes().take(INSTANCES_MAX).map(title).collect::<Vec<_>>().join("<br>");
    if count > INSTANCES_MAX {
        let _ = write!(titles, "<br>and {} more", count - INSTANCES_MAX);
    }
    if count > 1 {
        let _ = write!(titles, "<br>the same for all {count}");
    }
    titles
}

fn unfolding(title: &str, content: &str, is_open: bool) -> String {
    let open = if is_open { " open" } else { "" };
    format!("<details{open}><summary>{title}</summary>\n\n{content}</details>\n\n")
}

#[cfg(test)]
mod tests;
