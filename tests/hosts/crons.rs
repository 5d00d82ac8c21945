//! What runs at times on real hosts: by cron, and by systemd.

use crate::lab::lend_one;
use crate::life::{Life, check};
use crate::stack::Stack;

#[test]
fn a_job_of_cron() {
    check(&Life {
        text: r#"
resource "host_user" "app" {
  name        = "app"
  create_home = false
}

resource "host_cron" "report" {
  name        = "report"
  schedule    = "*/5 8-18 * * mon-fri"
  user        = host_user.app.name
  command     = "date +%F >'/tmp/a b'"
  environment = { MODE = "live", TOKEN = sensitive("s3cret") }
  on_destroy  = "restore"
}
"#,
        before: "echo '0 1 * * * root theirs' >/etc/cron.d/report",
        planned: &["host_cron.report", "\"theirs\" → \"date +%F", "\"0 1 * * *\" → \"*/5 8-18 * * mon-fri\""],
        holds: r"grep -q '^\*/5 8-18 \* \* mon-fri app date +\\%F >' /etc/cron.d/report && grep -q '^TOKEN=s3cret$' /etc/cron.d/report &&
                [ $(stat -c %a:%U /etc/cron.d/report) = 600:root ]",
        drift: "sed -i 's/8-18/9-17/' /etc/cron.d/report; chmod 666 /etc/cron.d/report",
        drifted: &["host_cron.report", "\"*/5 9-17 * * mon-fri\" → \"*/5 8-18 * * mon-fri\""],
        after: "rm /etc/cron.d/report",
    });
}

#[test]
fn a_timer_of_systemd() {
    check(&Life {
        text: r#"
resource "host_timer" "report" {
  name         = "report"
  calendar     = "Mon..Fri *-*-* 03:00"
  command      = "echo \"$MODE 5% $TOKEN $(id -un)\"\necho 'it''s' done >>/dev/null"
  environment  = { MODE = "it's \"live\"", TOKEN = sensitive("s3cret") }
  user         = "daemon"
  catch_up     = true
  random_delay = "15min"
}
"#,
        before: "",
        planned: &["host_timer.report", "Mon..Fri *-*-* 03:00", "1 to create"],
        holds: r#"systemctl is-active -q report.timer && systemctl is-enabled -q report.timer &&
                ! systemctl show report.service report.timer | grep -q s3cret && ! systemd-analyze verify report.timer 2>&1 | grep report &&
                [ $(stat -c %a:%U /etc/systemd/system/report.env) = 600:root ] && systemctl start report.service &&
                for try in 1 2 3 4 5; do
                  journalctl -q -o cat -u report.service | grep -qx "it's \"live\" 5% s3cret daemon" && exit 0; sleep 0.3
                done; exit 1"#,
        drift: "sed -i 's/03:00/04:00/' /etc/systemd/system/report.timer; systemctl daemon-reload; systemctl -q disable --now report.timer",
        drifted: &["host_timer.report", "\"Mon..Fri *-*-* 04:00\" → \"Mon..Fri *-*-* 03:00\"", "active"],
        after: "",
    });
}

#[test]
fn a_calendar_is_checked_by_the_host_and_other_lines_are_seen() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let timer = |calendar: &str| {
        format!(
            "resource \"host_timer\" \"t\" {{\n  name = \"t\"\n  calendar = {calendar:?}\n  command = \"true\"\n}}\n"
        )
    };
    let stack = Stack::of(hosts.lab(), &(host.block("") + &timer("Mon..Fry 3:00")));
    stack.plan().code(1).complains(&["Invalid calendar", "Mon..Fry 3:00"]);
    host.is_as(&before, "a plan changes nothing");
    stack.write("main.hcl", &(host.block("") + &timer("daily")));
    stack.apply().done();
    host.sh("echo OnUnitActiveSec=1h >>/etc/systemd/system/t.timer");
    stack.plan().code(2).says(&["t with other lines"]);
    stack.apply().done();
    stack.plan().done();
    stack.destroy().done();
    host.is_as(&before, "nothing is left");
}
