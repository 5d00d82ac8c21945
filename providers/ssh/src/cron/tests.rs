use meshform_engine::value::Value;

use crate::trial::Trial;

/// A host with an /etc/cron.d of its own and a cron that is only there.
const SETUP: &str = "mount -t tmpfs none /etc/cron.d && mount -t tmpfs none /var/lib && mount -t tmpfs none /usr/local/sbin && printf '#!/bin/sh\\n' >/usr/local/sbin/crond && chmod +x /usr/local/sbin/crond";
const HEAD: &str = "# Written by meshform: what is changed here by hand is undone by the next apply.\n";

fn job<'a>(schedule: &str, command: &str, more: &[(&'a str, Value)]) -> Vec<(&'a str, Value)> {
    let mut fields =
        vec![("name", "clean-up".into()), ("schedule", schedule.into()), ("command", command.into())];
    fields.extend_from_slice(more);
    fields
}

fn secret(value: &str) -> (&'static str, Value) {
    ("environment", Value::map([("TOKEN".to_owned(), Value::string(value).sensitive())]))
}

#[test]
fn a_job_lives_and_dies() {
    let mut host = Trial::start("host_cron", SETUP);
    let wanted = job("*/5 * * * *", "date +%F >'/tmp/a b'", &[]);
    let planned = host.plan(Some(&wanted)).unwrap();
    assert_eq!(planned.summary(), "Create name schedule user command");
    assert!(planned.notes().contains("\"\\%\""), "{}", planned.notes());
    assert_eq!(
        host.shell("ls -A /etc/cron.d /var/lib"),
        "/etc/cron.d:\n\n/var/lib:\n",
        "a plan changes nothing"
    );
    host.converge(Some(&wanted));
    let read = "cd /etc/cron.d; ls -A; stat -c %a *; cat *";
    assert_eq!(host.shell(read), format!("clean-up\n644\n{HEAD}*/5 * * * * root date +\\%F >'/tmp/a b'\n"));
    host.shell("sed -i s/5/7/ /etc/cron.d/clean-up; chmod 0666 /etc/cron.d/clean-up; echo A=1 >>/etc/cron.d/clean-up");
    let with_mode = job("*/5 * * * *", "date +%F >'/tmp/a b'", &[("mode", "644".into())]);
    let planned = host.plan(Some(&with_mode)).unwrap();
    assert_eq!(planned.drift(), "schedule environment");
    assert_eq!(
        planned.summary(),
        "Update schedule: \"*/7 * * * *\" -> \"*/5 * * * *\" environment: {\"A\":\"1\"} -> {} mode: \"0666\" -> \"644\""
    );
    host.apply(planned).unwrap();
    assert_eq!(host.plan(Some(&with_mode)).unwrap().summary(), "NoOp");
    assert_eq!(host.shell("stat -c %a /etc/cron.d/clean-up"), "644\n");
    host.converge(None);
    assert_eq!(host.shell("ls -A /etc/cron.d /var/lib"), "/etc/cron.d:\n\n/var/lib:\n");
}

#[test]
fn secrets_are_for_root_only() {
    let mut host = Trial::start("host_cron", SETUP);
    host.converge(Some(&job("@daily", "true", &[secret("one")])));
    assert_eq!(
        host.shell("cat /etc/cron.d/*; stat -c %a /etc/cron.d/*"),
        format!("{HEAD}TOKEN=one\n@daily root true\n600\n")
    );
    assert!(!format!("{:?}", host.record).contains("\"one\""));
    let planned = host.plan(Some(&job("@daily", "true", &[secret("two")]))).unwrap();
    assert_eq!(planned.summary(), "Update environment: (sensitive) -> (sensitive)");
    host.apply(planned).unwrap();
    assert!(host.shell("cat /etc/cron.d/*").contains("TOKEN=two\n"));
}

#[test]
fn what_was_there_comes_back() {
    let mut host = Trial::start(
        "host_cron",
        &format!(
            "{SETUP} && echo '0 1 * * * root theirs' >/etc/cron.d/clean-up && chmod 0640 /etc/cron.d/clean-up"
        ),
    );
    let restore = job("0 1 * * *", "ours", &[("on_destroy", "restore".into())]);
    let planned = host.plan(Some(&restore)).unwrap();
    assert_eq!(planned.summary(), "Update command: \"theirs\" -> \"ours\"");
    assert!(planned.notes().contains("comes back at the end"), "{}", planned.notes());
    host.apply(planned).unwrap();
    host.converge(Some(&job("0 2 * * *", "ours", &[("on_destroy", "restore".into())])));
    let planned = host.plan(None).unwrap();
    assert!(planned.notes().contains("holds again what it held before"), "{}", planned.notes());
    host.apply(planned).unwrap();
    assert_eq!(
        host.shell("cat /etc/cron.d/clean-up; stat -c %a /etc/cron.d/*; ls -A /var/lib"),
        "0 1 * * * root theirs\n640\n"
    );
    host.anew("host_cron");
    host.converge(Some(&job("0 1 * * *", "kept", &[("on_destroy", "keep".into())])));
    host.converge(None);
    assert_eq!(host.shell("grep -c kept /etc/cron.d/clean-up; ls -A /var/lib"), "1\n");
}

#[test]
fn what_would_never_run_is_refused() {
    let mut host = Trial::start("host_cron", SETUP);
    let failure = host.fail(Some(&job("@daily", "true", &[("user", "nosuchuser".into())])));
    assert_eq!(failure.summary, "User missing");
    host.shell("rm /usr/local/sbin/crond");
    let failure = host.fail(Some(&job("@daily", "true", &[])));
    assert_eq!(failure.summary, "No cron");
    assert_eq!(host.shell("ls -A /etc/cron.d"), "");
}

#[test]
fn jobs_are_checked() {
    let check = |over: (&str, Value), expect: &str| {
        let mut fields = job("@daily", "true", &[]);
        fields.retain(|(name, _)| *name != over.0);
        let fields = fields.into_iter().chain([over]).map(|(name, value)| (name.to_owned(), value));
        let found = crate::check::check("host_cron", &Value::object(fields));
        let found: Vec<_> = found.iter().map(|problem| problem.path.to_string()).collect();
        assert_eq!(found.join(" "), expect);
    };
    for name in ["", "a.b", "-a", "a/b", "a b", "ü"] {
        check(("name", name.into()), "name");
    }
    check(("command", "date +\\%F".into()), "command");
    check(("command", "two\nlines".into()), "command");
    check(("command", Value::string("x").sensitive()), "command");
    check(("schedule", "61 * * * *".into()), "schedule");
    check(
        ("environment", Value::map([("A".into(), "x\ny".into()), ("1".into(), "".into())])),
        "environment[\"1\"] environment.A",
    );
}
