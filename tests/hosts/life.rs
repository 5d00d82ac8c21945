//! What each resource makes of a host, from the first plan to the last.

use crate::host::Host;
use crate::lab::lend_one;
use crate::stack::Stack;

/// The life of what one stack describes.
pub(crate) struct Life<'a> {
    /// The resources.
    pub(crate) text: &'a str,
    /// A script that makes the host what it is before.
    pub(crate) before: &'a str,
    /// What the first plan shows.
    pub(crate) planned: &'a [&'a str],
    /// A script that succeeds once it is applied.
    pub(crate) holds: &'a str,
    /// A script by which someone else changes it.
    pub(crate) drift: &'a str,
    /// What the plan after it shows.
    pub(crate) drifted: &'a [&'a str],
    /// A script that takes away what `before` has made.
    pub(crate) after: &'a str,
}

/// Goes through a life, step by step.
pub(crate) fn check(life: &Life<'_>) {
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
    host.is_as(&before, "the host is what it was before");
    host.sh(life.after);
    host.is_as(&at_first, "the test takes its own things away");
}

/// The plan shows all of this, and changes nothing.
pub(crate) fn shows(stack: &Stack, host: &Host, fragments: &[&str]) {
    let before = host.changes();
    stack.plan().code(2).says(fragments);
    host.is_as(&before, "a plan changes nothing");
}

#[test]
fn a_file() {
    check(&Life {
        text: r#"
resource "host_file" "motd" {
  path       = "/srv/motd"
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
        before: "mkdir /srv/new; printf 'Old.\\n' >/srv/motd; chmod 604 /srv/motd",
        planned: &[
            "host_file.motd",
            "\"Old.\\n\" → \"Welcome.\\n\"",
            "host_file.new",
            "port = 80",
            "1 to create",
            "1 to adopt",
        ],
        holds: "[ \"$(cat /srv/motd)\" = Welcome. ] && [ \"$(stat -c %a:%G /srv/motd)\" = 640:adm ] && \
                [ \"$(stat -c %U /srv/new/app.conf)\" = daemon ]",
        drift: "echo by hand >>/srv/motd; rm /srv/new/app.conf",
        drifted: &["host_file.motd", "by hand", "host_file.new"],
        after: "rmdir /srv/new; rm /srv/motd",
    });
}

#[test]
fn a_directory() {
    check(&Life {
        text: r#"
resource "host_directory" "new" {
  path           = "/srv/the app/data"
  mode           = "2750"
  owner          = "daemon"
  create_parents = true
  on_destroy     = "remove_all"
}

resource "host_directory" "old" {
  path       = "/srv/old"
  mode       = "0700"
  group      = "adm"
  recursive  = true
  on_destroy = "restore"
}

resource "host_file" "inside" {
  path    = "${host_directory.new.path}/inside"
  content = "x\n"
}
"#,
        before: "mkdir -p /srv/old '/srv/the app'; chmod 711 /srv/old",
        planned: &["host_directory.new", "/srv/the app/data", "host_directory.old", "host_file.inside"],
        holds: "[ \"$(stat -c %a:%U '/srv/the app/data')\" = 2750:daemon ] && [ \"$(stat -c %a:%G /srv/old)\" = 700:adm ] && \
                [ \"$(cat '/srv/the app/data/inside')\" = x ]",
        drift: "chmod 777 '/srv/the app/data'; chgrp daemon /srv/old; rm '/srv/the app/data/inside'",
        drifted: &["host_directory.new", "\"2777\" → \"2750\"", "\"daemon\" → \"adm\"", "host_file.inside"],
        after: "rmdir /srv/old '/srv/the app'",
    });
}

#[test]
fn lines_and_variables() {
    check(&Life {
        text: r#"
resource "host_line" "hosts" {
  path       = "/etc/hosts"
  match      = "10.9.8.7"
  line       = "10.9.8.7 app # it's \"ours\""
  on_destroy = "restore"
}

resource "host_env_file" "app" {
  path       = "/etc/environment"
  format     = "environment"
  values     = { APP_HOME = "/srv/the app", APP_MODE = "live" }
  on_destroy = "restore"
}
"#,
        before: "echo '10.9.8.7 old' >>/etc/hosts; printf 'APP_HOME=\"/former\"\\nLANG=C\\n' >>/etc/environment",
        planned: &["10.9.8.7 old", "10.9.8.7 app # it's \\\"ours\\\"", "/former", "/srv/the app"],
        holds: "grep -q \"^10.9.8.7 app # it's \" /etc/hosts && grep -q '^APP_HOME=\"/srv/the app\"' /etc/environment && \
                grep -q APP_MODE=live /etc/environment && grep -q LANG=C /etc/environment",
        drift: "sed -i 's/10.9.8.7.*/10.9.8.7 hand/' /etc/hosts; sed -i /APP_MODE/d /etc/environment",
        drifted: &["host_line.hosts", "10.9.8.7 hand", "host_env_file.app", "APP_MODE"],
        after: "sed -i '/10.9.8.7/d' /etc/hosts; sed -i '/APP_HOME/d;/LANG=C/d' /etc/environment; [ -s /etc/environment ] || : >/etc/environment",
    });
}

#[test]
fn a_group_a_user_and_a_key() {
    check(&Life {
        text: r#"
resource "host_group" "ours" {
  name = "ours"
  gid  = 4321
}

resource "host_user" "app" {
  name        = "app"
  uid         = 4322
  group       = host_group.ours.name
  groups      = ["adm"]
  shell       = "/bin/sh"
  comment     = "it's $(ours)"
  remove_home = true
}

resource "host_authorized_key" "app" {
  user    = host_user.app.name
  key     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPoqvZvLbWqNjFgDpmWEMuPMnHEAwn9jkd2Xr4HFbVQ ann"
  options = "restrict"
}
"#,
        before: "",
        planned: &["host_group.ours", "host_user.app", "it's $(ours)", "host_authorized_key.app", "restrict"],
        holds: "[ \"$(id -nG app)\" = 'ours adm' ] && getent passwd app | grep -q 'app:x:4322:4321:it.s $(ours):/home/app:/bin/sh' && \
                grep -q '^restrict ssh-ed25519 AAAA.* ann$' ~app/.ssh/authorized_keys && \
                [ \"$(stat -c %a:%U:%G ~app/.ssh)\" = 700:app:ours ]",
        drift: "usermod -s /bin/false -G daemon app; : >~app/.ssh/authorized_keys",
        drifted: &["host_user.app", "/bin/false", "host_authorized_key.app"],
        after: "",
    });
}

#[test]
fn a_setting_of_the_kernel() {
    check(&Life {
        text: r#"
resource "host_sysctl" "forward" {
  name  = "net.ipv4.conf.host0.forwarding"
  value = "1"
}
"#,
        before: "[ \"$(sysctl -n net.ipv4.conf.host0.forwarding)\" = 0 ]",
        planned: &["host_sysctl.forward", "\"0\" → \"1\""],
        holds: "[ \"$(sysctl -n net.ipv4.conf.host0.forwarding)\" = 1 ] && grep -rq 'net.ipv4.conf.host0.forwarding *= *1' /etc/sysctl.d",
        drift: "sysctl -q net.ipv4.conf.host0.forwarding=0",
        drifted: &["host_sysctl.forward", "\"0\" → \"1\""],
        after: "[ \"$(sysctl -n net.ipv4.conf.host0.forwarding)\" = 0 ]",
    });
}

/// Makes a repository of two versions of a package on the host itself.
const REPOSITORY: &str = r#"
set -e
mkdir -p /srv/repository /srv/build/DEBIAN /srv/build/usr/share/meshform-test
cd /srv
for version in 1.0 2.0; do
  echo $version >build/usr/share/meshform-test/version
  printf 'Package: meshform-test\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\nDescription: A test\n' \
    $version >build/DEBIAN/control
  file=meshform-test_$version.deb
  dpkg-deb --root-owner-group --build build repository/$file >/dev/null
  {
    cat build/DEBIAN/control
    echo "Filename: ./$file"
    echo "Size: $(stat -c %s repository/$file)"
    echo "SHA256: $(sha256sum repository/$file | cut -d' ' -f1)"
    echo
  } >>repository/Packages
done
rm -r build
mv /etc/apt/sources.list /srv/sources.list
echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list
"#;

#[test]
fn a_package() {
    check(&Life {
        text: r#"
resource "host_package" "test" {
  name    = "meshform-test"
  version = "1.*"
}

resource "host_package" "there" {
  name = "cron"
}
"#,
        before: REPOSITORY,
        planned: &["host_package.test", "1.*", "1 to create", "adopt   host_package.there"],
        holds: "[ \"$(dpkg-query -W -f '${Version}' meshform-test)\" = 1.0 ] && [ \"$(cat /usr/share/meshform-test/version)\" = 1.0 ]",
        drift: "apt-get -qq -y install meshform-test=2.0 >/dev/null 2>&1",
        drifted: &["host_package.test", "2.0"],
        after: "mv /srv/sources.list /etc/apt/sources.list; rm -r /srv/repository; apt-get -qq update >/dev/null 2>&1; true",
    });
}

#[test]
fn a_command() {
    check(&Life {
        text: r#"
resource "host_command" "database" {
  run        = "mkdir /srv/database && echo \"made by $MAKER\" >/srv/database/about"
  creates    = "/srv/database/about"
  on_destroy = "rm -r /srv/database"
  environment = { MAKER = "it's $(us)" }
}
"#,
        before: "",
        planned: &["host_command.database", "mkdir /srv/database", "it's $(us)"],
        holds: "[ \"$(cat /srv/database/about)\" = 'made by it'\\''s $(us)' ]",
        drift: "rm -r /srv/database",
        drifted: &["host_command.database", "guards"],
        after: "",
    });
}
