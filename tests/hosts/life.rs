//! What each resource makes of a host, from the first plan to the last.

use crate::host::Host;
use crate::lab::lend_one;
use crate::stack::Stack;

/// The life of what one stack describes.
struct Life<'a> {
    /// The resources.
    text: &'a str,
    /// A script that makes the host what it is before.
    before: &'a str,
    /// What the first plan shows.
    planned: &'a [&'a str],
    /// A script that succeeds once it is applied.
    holds: &'a str,
    /// A script by which someone else changes it.
    drift: &'a str,
    /// What the plan after it shows.
    drifted: &'a [&'a str],
    /// A script that takes away what `before` has made.
    after: &'a str,
}

fn check(life: &Life<'_>) {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let stack = Stack::of(hosts.lab(), &(host.block("") + life.text));
    let at_first = host.changes();
    host.sh(life.before);
    let before = host.changes();
    shows(&stack, host, life.planned);
    stack.apply().done();
    host.sh(life.holds);
    stack.plan().done();
    host.sh(life.drift);
    shows(&stack, host, life.drifted);
    stack.apply().done();
    host.sh(life.holds);
    stack.plan().done();
    stack.destroy().done();
    assert_eq!(host.changes(), before, "the host is what it was before");
    host.sh(life.after);
    assert_eq!(host.changes(), at_first, "the test takes its own things away");
}

/// The plan shows all of this, and changes nothing.
fn shows(stack: &Stack, host: &Host, fragments: &[&str]) {
    let before = host.changes();
    stack.plan().code(2).says(fragments);
    assert_eq!(host.changes(), before, "a plan changes nothing");
}

#[test]
fn a_file() {
    check(&Life {
        text: r#"
resource "host_file" "motd" {
  path       = "/etc/motd"
  content    = "Welcome.\n"
  mode       = "0640"
  group      = "adm"
  on_destroy = "restore"
}

resource "host_file" "new" {
  path           = "/srv/new/app.conf"
  content        = "port = 80\n"
  owner          = "daemon"
  create_parents = true
}
"#,
        before: "mkdir /srv/new; printf 'Old.\\n' >/etc/motd; chmod 604 /etc/motd",
        planned: &["host_file.motd", "- Old.", "+ Welcome.", "host_file.new", "+ port = 80", "2 to"],
        holds: "[ \"$(cat /etc/motd)\" = Welcome. ] && [ \"$(stat -c %a:%G /etc/motd)\" = 640:adm ] && \
                [ \"$(stat -c %U /srv/new/app.conf)\" = daemon ]",
        drift: "echo by hand >>/etc/motd; rm /srv/new/app.conf",
        drifted: &["host_file.motd", "- by hand", "host_file.new"],
        after: "rmdir /srv/new; : >/etc/motd; chmod 644 /etc/motd",
    });
}
