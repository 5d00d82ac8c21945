//! What systemctl shows of several units, or of one to people.

use super::find::{self, full_name};
use super::state::{Phase, State, stamp};
use super::{lock, show, timer};
use crate::host::tools::words::{Words, matches};
use crate::host::tools::{Answer, Machine};

/// Lines that `systemctl status` shows of what a unit wrote.
const LOG_LINES: usize = 10;

/// Answers `list-units`.
pub(super) fn units(machine: &Machine, words: &Words, patterns: &[String]) -> Answer {
    let states = lock(&machine.units.states).clone();
    let kinds = words.all("--type");
    let asked: Vec<&str> = words.all("--state").iter().flat_map(|states| states.split(',')).collect();
    let is_asked = |id: &str, state: &State| {
        let is_shown = words.has("--all") || state.active != Phase::Inactive || !asked.is_empty();
        let of_kind = kinds.is_empty() || kinds.iter().any(|kind| id.ends_with(&format!(".{kind}")));
        let of_state = asked.is_empty()
            || asked.iter().any(|asked| *asked == state.active.word() || *asked == sub(state));
        let is_failed = !words.has("--failed") || state.active == Phase::Failed;
        let is_named = patterns.is_empty()
            || patterns.iter().any(|pattern| matches(&full_name(pattern), id) || matches(pattern, id));
        is_shown && of_kind && of_state && is_failed && is_named
    };
    let mut answer = Answer::default();
    if !words.has("--no-legend") {
        answer.say("  UNIT LOAD ACTIVE SUB DESCRIPTION\n");
    }
    let mut count = 0;
    for (id, state) in states.iter().filter(|(id, state)| is_asked(id, state)) {
        let unit = machine.units.unit(machine, id);
        let dot = match state.active {
            _ if words.has("--plain") => "",
            Phase::Failed => "● ",
            _ => "  ",
        };
        let about = show::description(&unit);
        answer.say(&format!(
            "{dot}{id} {} {} {} {about}\n",
            unit.load.word(),
            state.active.word(),
            sub(state)
        ));
        count += 1;
    }
    if !words.has("--no-legend") {
        answer.say(&format!("\n{count} loaded units listed.\n"));
    }
    answer
}

/// Answers `list-unit-files`.
pub(super) fn unit_files(machine: &Machine, words: &Words, patterns: &[String]) -> Answer {
    let kinds = words.all("--type");
    let asked: Vec<&str> = words.all("--state").iter().flat_map(|states| states.split(',')).collect();
    let mut answer = Answer::default();
    if !words.has("--no-legend") {
        answer.say("UNIT FILE STATE PRESET\n");
    }
    let mut count = 0;
    for name in find::names(&machine.files) {
        let Some(state) = find::enablement(&machine.files, &name) else { continue };
        let of_kind = kinds.is_empty() || kinds.iter().any(|kind| name.ends_with(&format!(".{kind}")));
        let of_state = asked.is_empty() || asked.contains(&state);
        let is_named = patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, &name));
        if of_kind && of_state && is_named {
            let preset = if matches!(state, "static" | "alias" | "masked") { "-" } else { "enabled" };
            answer.say(&format!("{name} {state} {preset}\n"));
            count += 1;
        }
    }
    if !words.has("--no-legend") {
        answer.say(&format!("\n{count} unit files listed.\n"));
    }
    answer.code = u8::from(count == 0 && !patterns.is_empty());
    answer
}

/// Answers `list-timers`.
pub(super) fn timers(machine: &Machine, words: &Words) -> Answer {
    let states = lock(&machine.units.states).clone();
    let is_asked = |id: &str, state: &State| id.ends_with(".timer") && (words.has("--all") || state.is_up());
    let mut answer = Answer::default();
    if !words.has("--no-legend") {
        answer.say("NEXT LEFT LAST PASSED UNIT ACTIVATES\n");
    }
    let mut all: Vec<_> = states.iter().filter(|(id, state)| is_asked(id, state)).collect();
    all.sort_by_key(|(_, state)| state.next_elapse.unwrap_or(u64::MAX));
    let now = super::state::now();
    let or_none = |text: String| if text.is_empty() { "n/a".to_owned() } else { text };
    for (id, state) in &all {
        let unit = machine.units.unit(machine, id);
        let left = state.next_elapse.map(|next| next.saturating_sub(now) / 1_000_000 * 1_000_000);
        let left = left.map_or_else(|| "n/a".to_owned(), |left| format!("{} left", show::written(left)));
        let passed = match state.last_trigger {
            0 => "n/a".to_owned(),
            last => format!("{} ago", show::written(now.saturating_sub(last) / 1_000_000 * 1_000_000)),
        };
        let (next, last) =
            (or_none(stamp(state.next_elapse.unwrap_or_default())), or_none(stamp(state.last_trigger)));
        answer.say(&format!("{next} {left} {last} {passed} {id} {}\n", timer::target(&unit)));
    }
    if !words.has("--no-legend") {
        answer.say(&format!("\n{} timers listed.\n", all.len()));
    }
    answer
}

/// Answers `list-dependencies`.
pub(super) fn dependencies(machine: &Machine, names: &[String]) -> Answer {
    let mut answer = Answer::default();
    for name in names {
        let unit = machine.units.unit(machine, name);
        let named = ["Requires", "Wants", "BindsTo"].map(|setting| unit.file.words("Unit", setting)).concat();
        answer.say(&format!("{}\n", unit.id));
        for other in named.into_iter().chain(find::wanted_by(&machine.files, &unit.id)) {
            let mark = if machine.units.state(&full_name(&other)).is_up() { '●' } else { '○' };
            answer.say(&format!("{mark} ├─{}\n", full_name(&other)));
        }
    }
    answer
}

/// Answers `status`.
pub(super) fn status(machine: &Machine, words: &Words, names: &[String]) -> Answer {
    let mut answer = Answer::default();
    for name in names {
        let unit = machine.units.unit(machine, name);
        if unit.load == find::Load::NotFound {
            answer.complain(&format!("Unit {} could not be found.\n", unit.id));
            answer.code = 4;
            continue;
        }
        let state = machine.units.state(&unit.id);
        let enablement = find::enablement(&machine.files, &unit.id).unwrap_or("static");
        let dot = match state.active {
            Phase::Active | Phase::Reloading => '●',
            Phase::Failed => '×',
            _ => '○',
        };
        let path = unit.fragment.clone().unwrap_or_default();
        answer.say(&format!("{dot} {} - {}\n", unit.id, show::description(&unit)));
        answer.say(&format!("     Loaded: {} ({path}; {enablement}; preset: enabled)\n", unit.load.word()));
        for path in &unit.drop_ins {
            answer.say(&format!("    Drop-In: {path}\n"));
        }
        let since = [state.stamps.state_change].map(stamp).concat();
        let why = match state.active {
            Phase::Failed => format!(" (Result: {})", state.result),
            _ => format!(" ({})", sub(&state)),
        };
        let since = if since.is_empty() { String::new() } else { format!(" since {since}") };
        answer.say(&format!("     Active: {}{why}{since}\n", state.active.word()));
        if state.main_pid != 0 {
            answer.say(&format!("   Main PID: {}\n", state.main_pid));
        }
        let count = words.value("--lines").and_then(|count| count.parse().ok()).unwrap_or(LOG_LINES);
        let lines = machine.units.journal.last(&unit.id, count);
        if !lines.is_empty() {
            answer.say(&format!("\n{}\n", lines.join("\n")));
        }
        if !state.is_up() {
            answer.code = 3;
        }
    }
    answer
}

fn sub(state: &State) -> &'static str {
    if state.sub.is_empty() { "dead" } else { state.sub }
}
