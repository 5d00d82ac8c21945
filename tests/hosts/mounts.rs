//! File systems on real hosts, where systemd makes units of their entries.

use crate::lab::lend_one;
use crate::life::{Life, check};
use crate::stack::Stack;

#[test]
fn a_file_system_and_a_folder() {
    check(&Life {
        text: r#"
resource "host_mount" "scratch" {
  path    = "/srv/a b"
  source  = "scratch"
  type    = "tmpfs"
  options = ["size=4m", "mode=0750", "noexec", "nofail"]
}

resource "host_mount" "there" {
  path    = "/srv/there"
  source  = "/srv/real"
  type    = "none"
  options = ["bind", "ro"]
}

resource "host_file" "inside" {
  path    = "${host_mount.scratch.path}/inside"
  content = "x\n"
}
"#,
        before: "mkdir /srv/real; echo hello >/srv/real/f; printf '# theirs\\nnone /media tmpfs noauto 0 0\\n' >>/etc/fstab",
        planned: &["host_mount.scratch", "size=4m", "host_mount.there", "host_file.inside", "3 to create"],
        holds: r#"grep -q '^scratch /srv/a\\040b tmpfs size=4m,mode=0750,noexec,nofail 0 0$' /etc/fstab &&
                findmnt -n -o OPTIONS '/srv/a b' | grep -q 'noexec.*size=4096k.*mode=750' && [ -f '/srv/a b/inside' ] &&
                [ "$(cat /srv/there/f)" = hello ] && ! touch /srv/there/g 2>/dev/null &&
                systemctl is-active -q 'srv-a\x20b.mount' && grep -q '^none /media tmpfs noauto 0 0$' /etc/fstab"#,
        drift: "mount -o remount,exec,size=8m '/srv/a b'; umount /srv/there; sed -i s/bind,ro/bind/ /etc/fstab",
        drifted: &[
            "host_mount.scratch",
            "mounted without size=4096k, without noexec",
            "host_mount.there",
            "unmounted",
        ],
        after: "rm -r /srv/real; : >/etc/fstab; echo '# UNCONFIGURED FSTAB FOR BASE SYSTEM' >/etc/fstab",
    });
}

#[test]
fn what_is_in_use_stays_until_it_is_not() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let before = host.changes();
    let mount =
        "resource \"host_mount\" \"m\" {\n  path = \"/srv/m\"\n  source = \"m\"\n  type = \"tmpfs\"\n}\n";
    let stack = Stack::of(hosts.lab(), &(host.block("") + mount));
    stack.apply().done();
    host.sh("systemd-run -q --unit=user -p WorkingDirectory=/srv/m sleep 1000");
    stack.destroy().code(1).complains(&["Mount in use", "used by process", "(sleep) of root"]);
    host.sh("findmnt /srv/m >/dev/null && grep -q /srv/m /etc/fstab && systemctl stop user");
    stack.destroy().done();
    host.is_as(&before, "nothing is left");
}
