//! Every document that some version wrote is read, and written again as today's version writes it.
//!
//! `tests/roundtrip/NAME.in.json` must become `NAME.out.json`. The files of a version are never changed once it is released: a new
//! version adds new ones, and only the outputs follow. `MESHFORM_UPDATE=1` writes the outputs, and inputs of the current version if there are none.

use std::path::PathBuf;

use super::document::{self, Layout};
use super::journal::{self, Lines};
use super::plan::PlanBody;
use super::sample;
use super::state::StateBody;
use crate::upgrade::{PLAN, STATE};

fn check(name: &str, fresh: &str, rewrite: impl Fn(&[u8]) -> String) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/roundtrip");
    let (input, output) = (folder.join(format!("{name}.in.json")), folder.join(format!("{name}.out.json")));
    let update = std::env::var_os("MESHFORM_UPDATE").is_some();
    if update && !input.exists() {
        std::fs::write(&input, fresh).unwrap();
    }
    let written = rewrite(&std::fs::read(&input).unwrap());
    if update {
        std::fs::write(&output, &written).unwrap();
    }
    assert_eq!(written, std::fs::read_to_string(&output).unwrap(), "{name}");
    assert!(!written.contains(sample::SECRET), "{name}");
}

fn state(body: &StateBody) -> String {
    document::seal(&STATE, body, Layout::Pretty).unwrap()
}

fn plan(body: &PlanBody) -> String {
    document::seal(&PLAN, body, Layout::Line).unwrap()
}

fn journal(header: &journal::Header, events: &[meshform_engine::apply::Event]) -> String {
    let (mut text, mut lines) = Lines::begin(header).unwrap();
    for event in events {
        text.push_str(&lines.next(&journal::event(event, &sample::key()).unwrap()));
    }
    text
}

#[test]
fn states() {
    let fresh = StateBody::new(&sample::snapshot(), &sample::key());
    check("state-v1", &state(&fresh), |bytes| {
        let snapshot = document::open::<StateBody>(&STATE, bytes).unwrap().body.into_snapshot();
        state(&StateBody::new(&snapshot, &sample::key()))
    });
}

#[test]
fn plans() {
    let fresh = PlanBody::new(&sample::plan(), &sample::key());
    check("plan-v1", &plan(&fresh), |bytes| {
        let read = document::open::<PlanBody>(&PLAN, bytes).unwrap().body.into_plan().unwrap();
        plan(&PlanBody::new(&read, &sample::key()))
    });
}

#[test]
fn journals() {
    let header = journal::Header {
        lineage: sample::snapshot().lineage,
        serial: 7,
        token: 1_795_494_868_123,
        made: None,
    };
    check("journal-v1", &journal(&header, &sample::events()), |bytes| {
        let read = journal::read(bytes).unwrap();
        journal(&read.header, &read.events)
    });
}
