use super::*;
use crate::state::sample::{snapshot, text};

/// One record a line, with what it depends on after `<-`.
const STATE: &[&str] = &[
    "module.site[\"east\"].value.zone",
    "module.site[\"west\"].value.zone",
    "value.all[\"a\"] <- value.one",
    "value.all[\"b\"]",
    "value.one",
    "value.user <- value.all, module.site[\"east\"].value.zone",
];

fn named(text: &str) -> Named {
    text.parse().unwrap()
}

fn check_move(from: &str, to: &str, expect: Result<&[&str], &str>) {
    let moved = moved(&snapshot(STATE), &named(from), &named(to));
    let moved = moved.map(|(after, _)| text(&after)).map_err(|error| error.to_string());
    let expect = expect.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
    assert_eq!(moved, expect.map_err(str::to_owned), "{from} -> {to}");
}

#[test]
fn instances_blocks_and_modules_move_and_what_depends_on_them_follows() {
    check_move(
        "value.one",
        "value.first[0]",
        Ok(&[
            "module.site[\"east\"].value.zone",
            "module.site[\"west\"].value.zone",
            "value.all[\"a\"] <- value.first[0]",
            "value.all[\"b\"]",
            "value.first[0]",
            "value.user <- value.all, module.site[\"east\"].value.zone",
        ]),
    );
    check_move(
        "value.all",
        "module.inner.value.every",
        Ok(&[
            "module.inner.value.every[\"a\"] <- value.one",
            "module.inner.value.every[\"b\"]",
            "module.site[\"east\"].value.zone",
            "module.site[\"west\"].value.zone",
            "value.one",
            "value.user <- module.inner.value.every, module.site[\"east\"].value.zone",
        ]),
    );
    check_move(
        "value.all[\"a\"]",
        "value.alone",
        Ok(&[
            "module.site[\"east\"].value.zone",
            "module.site[\"west\"].value.zone",
            "value.all[\"b\"]",
            "value.alone <- value.one",
            "value.one",
            "value.user <- value.all, value.alone, module.site[\"east\"].value.zone",
        ]),
    );
    check_move(
        "module.site",
        "module.place",
        Ok(&[
            "module.place[\"east\"].value.zone",
            "module.place[\"west\"].value.zone",
            "value.all[\"a\"] <- value.one",
            "value.all[\"b\"]",
            "value.one",
            "value.user <- value.all, module.place[\"east\"].value.zone",
        ]),
    );
    check_move(
        "module.site[\"west\"]",
        "module.site[\"north\"]",
        Ok(&[
            "module.site[\"east\"].value.zone",
            "module.site[\"north\"].value.zone",
            "value.all[\"a\"] <- value.one",
            "value.all[\"b\"]",
            "value.one",
            "value.user <- value.all, module.site[\"east\"].value.zone",
        ]),
    );
}

#[test]
fn what_cannot_move_stays() {
    check_move(
        "value.one",
        "value.all[\"a\"]",
        Err("move value.one to value.all[\"a\"]: something is recorded there already"),
    );
    check_move(
        "module.site[\"west\"]",
        "module.site[\"east\"]",
        Err(
            "move module.site[\"west\"].value.zone to module.site[\"east\"].value.zone: something is recorded there already",
        ),
    );
    check_move("value.two", "value.three", Err("find value.two in the state: nothing is recorded of it"));
    check_move("value.one", "value.one", Err("move value.one to value.one: that is the same place"));
    check_move(
        "value.one",
        "host_file.one",
        Err("move value.one to host_file.one: a resource stays of its type"),
    );
    check_move(
        "value.one",
        "module.site",
        Err(
            "move value.one to module.site: a resource moves to a resource's address, and a module to a module's",
        ),
    );
}

#[test]
fn what_is_removed_is_forgotten_whole() {
    let check = |names: &[&str], expect: Result<&[&str], Option<&str>>| {
        let names: Vec<_> = names.iter().map(|name| named(name)).collect();
        let gone = removed(&snapshot(STATE), &names);
        let gone = gone.map(|(after, gone)| {
            assert_eq!(after.records.len() + gone.len(), STATE.len());
            let mut gone: Vec<_> = gone.iter().map(ToString::to_string).collect();
            gone.sort();
            gone
        });
        let gone = gone.map_err(|error| match error {
            EditError::NotRecorded { similar, .. } => similar,
            other => Some(other.to_string()),
        });
        let expect = expect.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect());
        assert_eq!(gone, expect.map_err(|text| text.map(str::to_owned)), "{names:?}");
    };
    check(&["value.one"], Ok(&["value.one"]));
    check(
        &["value.all", "module.site"],
        Ok(&[
            "module.site[\"east\"].value.zone",
            "module.site[\"west\"].value.zone",
            "value.all[\"a\"]",
            "value.all[\"b\"]",
        ]),
    );
    check(&["value.all[\"c\"]"], Err(Some("value.all[\"a\"]")));
    check(&["value.one", "value.al"], Err(Some("value.all")));
    check(&["module.sit"], Err(Some("module.site")));
    check(&["host_file.motd"], Err(None));
}
