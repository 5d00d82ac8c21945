//! What is wrong with a unit, by the configuration alone, and on its host.

use meshform_engine::ports::{Observation, Problem};
use meshform_engine::value::{Path, PathStep, Value};

use super::{KINDS, drop_ins, unit_name};
use crate::attributes::{flag, given, text, unknown};
use crate::check::{choice, place, wrong};
use crate::managed::end;

/// The longest that a check may be tried, in seconds.
const CHECK_SECONDS_MAX: u32 = 600;

/// What is wrong with its values, as far as they are known.
pub(super) fn service(desired: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(text(desired, "name").and_then(name));
    problems.extend(choice(desired, "state", &["running", "stopped"]));
    problems.extend(end::check(desired, end::WITH_RESTORE));
    for name in ["unit", "check"] {
        let has_nul = text(desired, name).is_some_and(|text| text.contains('\0'));
        problems.extend(has_nul.then(|| wrong(name, "It holds a NUL byte.".to_owned())));
    }
    problems.extend(drop_ins(desired).iter().filter_map(|(name, content)| drop_in(name, content)));
    problems.extend(["restart_on", "reload_on"].into_iter().flat_map(|name| named(desired, name)));
    problems.extend(seconds(desired));
    problems.extend(crate::confirm::check(desired));
    problems.extend(install(desired));
    problems
}

/// What cannot be done with the unit that is on the host.
pub(super) fn on_host(desired: &Value, there: &Observation) -> Vec<Problem> {
    let unit = unit_name(desired);
    let detail = |name: &str| there.detail.get(name).and_then(serde_json::Value::as_str);
    let has_unit = given(desired, "unit").is_some();
    let is_masked = detail("load") == Some("masked");
    let wants_it = has_unit || flag(desired, "enabled") || text(desired, "state") == Some("running");
    if is_masked && wants_it {
        let detail = format!(
            "{unit} is masked on the host: someone has said there that it never runs. Run `systemctl unmask {unit}` there, or set state = \
             \"stopped\" and enabled = false."
        );
        return vec![Problem { summary: "Unit masked".to_owned(), ..wrong("name", detail) }];
    }
    if has_unit && there.detail.get("link") == Some(&serde_json::Value::Bool(true)) {
        let detail = format!(
            "/etc/systemd/system/{unit} is a link on the host, by which the unit has another name or another place. It is not replaced by \
             a file: remove it there, or choose another name."
        );
        return vec![Problem { summary: "Unit is a link".to_owned(), ..wrong("unit", detail) }];
    }
    if !has_unit
        && drop_ins(desired).is_empty()
        && flag(desired, "enabled")
        && detail("enablement") == Some("static")
    {
        let detail = format!(
            "{unit} has no [Install] section, so that it cannot be enabled: other units start it when they need it. Leave `enabled` out."
        );
        return vec![wrong("enabled", detail)];
    }
    Vec::new()
}

fn name(name: &str) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ":_.\\@-".contains(letter);
    let detail = if name.is_empty() || name.len() > 240 || !name.chars().all(fits) {
        format!("{name:?} is not the name of a unit: letters, digits and \":_.@-\".")
    } else if name.ends_with('@') || KINDS.iter().any(|kind| name.ends_with(&format!("@.{kind}"))) {
        format!(
            "{name:?} is a template, which never runs itself. Write its file by a host_file, and name an instance of it here, such as \
             \"name@1.service\"."
        )
    } else {
        return None;
    };
    Some(wrong("name", detail))
}

fn drop_in(name: &str, content: &Value) -> Option<Problem> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    let detail = if !name.ends_with(".conf") || name.starts_with(['.', '-']) || !name.chars().all(fits) {
        format!(
            "{name:?} is not the name of a drop-in: letters, digits and \"_.-\", and \".conf\" at the end."
        )
    } else if content.is_null() {
        "It is null: leave the drop-in out instead.".to_owned()
    } else if content.as_str().is_some_and(|text| text.contains('\0')) {
        "It holds a NUL byte.".to_owned()
    } else {
        return None;
    };
    let path = Path::attribute("drop_ins").join(PathStep::Attribute(name.to_owned()));
    Some(Problem { path, ..wrong("drop_ins", detail) })
}

fn named(desired: &Value, list: &str) -> Vec<Problem> {
    let said = match given(desired, list) {
        None => return Vec::new(),
        Some(said) if said.as_list().is_none() && said.is_known() => {
            let detail = "It is not a list, such as [host_file.settings, \"/etc/ssl/site.pem\"].";
            return vec![wrong(list, detail.to_owned())];
        }
        Some(said) => said.as_list().unwrap_or_default().iter().enumerate(),
    };
    let problem = |(position, said): (usize, &Value)| {
        let detail = match said.as_str() {
            None if said.is_null() => "It is null: leave it out instead.".to_owned(),
            None if said.is_known() && said.as_map().is_none() => {
                "It is neither a resource nor a text: write a path, or a version.".to_owned()
            }
            Some("") => "It is empty: write a path, or a version.".to_owned(),
            Some(path) if path.starts_with('/') => place(list, path)?.detail,
            _ => return None,
        };
        let path = Path::attribute(list).join(PathStep::Index(position));
        Some(Problem { path, ..wrong(list, detail) })
    };
    said.filter_map(problem).collect()
}

fn seconds(desired: &Value) -> Option<Problem> {
    let given = desired.get("check_seconds").and_then(Value::as_number)?;
    let fits = given.to_string().parse().is_ok_and(|seconds: u32| (1..=CHECK_SECONDS_MAX).contains(&seconds));
    (!fits)
        .then(|| wrong("check_seconds", format!("It is not a whole number from 1 to {CHECK_SECONDS_MAX}.")))
}

/// A unit of ours that cannot be enabled.
fn install(desired: &Value) -> Option<Problem> {
    let drop_ins = drop_ins(desired);
    let installs = |content: &Value| {
        content.as_str().is_none_or(|text| text.lines().any(|line| line.trim() == "[Install]"))
    };
    let can_be = given(desired, "unit").is_none_or(installs)
        || drop_ins.values().any(installs)
        || unknown(desired, "drop_ins");
    (flag(desired, "enabled") && !can_be).then(|| {
        let detail = "The unit has no [Install] section, so that it cannot be enabled. Add one, such as \"[Install]\" with \
                      \"WantedBy=multi-user.target\", or leave `enabled` out.";
        wrong("enabled", detail.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::types::Type;

    fn check(fields: &[(&str, Value)], expect: &[&str]) {
        let desired = Value::object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let found: Vec<_> = service(&desired).iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found, expect, "{desired:?}");
    }

    #[test]
    fn names() {
        for name in ["nginx", "nginx.service", "app@1", "dev-disk\\x2d1.swap", "-.mount", "a.b"] {
            check(&[("name", name.into())], &[]);
        }
        for name in ["", "a b", "a/b", "app@", "app@.service", "ü"] {
            check(&[("name", name.into())], &["name"]);
        }
        let drop_ins = |name: &str| Value::map([(name.to_owned(), "x".into())]);
        check(&[("drop_ins", drop_ins("a-1.conf"))], &[]);
        check(&[("drop_ins", drop_ins("a.txt"))], &["drop_ins[\"a.txt\"]"]);
        check(&[("drop_ins", drop_ins("a/b.conf"))], &["drop_ins[\"a/b.conf\"]"]);
    }

    #[test]
    fn what_it_runs_with() {
        check(
            &[("restart_on", Value::list(["/etc/a b".into(), "1.2".into(), Value::unknown(Type::String)]))],
            &[],
        );
        check(
            &[("restart_on", Value::list(["/etc/../a".into(), "".into()]))],
            &["restart_on[0]", "restart_on[1]"],
        );
        check(&[("restart_on", "/etc/a".into())], &["restart_on"]);
        check(
            &[("restart_on", Value::list([true.into(), Value::null()]))],
            &["restart_on[0]", "restart_on[1]"],
        );
        check(&[("check_seconds", 0.into())], &["check_seconds"]);
        check(&[("check_seconds", 601.into())], &["check_seconds"]);
        check(&[("state", "started".into())], &["state"]);
    }

    #[test]
    fn what_is_enabled_has_to_be_installed_somewhere() {
        let unit = |text: &str| ("unit", Value::from(text));
        check(&[unit("[Service]\n"), ("enabled", true.into())], &["enabled"]);
        check(&[unit("[Service]\n[Install]\nWantedBy=x\n"), ("enabled", true.into())], &[]);
        check(&[("unit", Value::unknown(Type::String)), ("enabled", true.into())], &[]);
        check(&[unit("[Service]\n"), ("enabled", false.into())], &[]);
        check(&[("enabled", true.into())], &[]);
    }
}
