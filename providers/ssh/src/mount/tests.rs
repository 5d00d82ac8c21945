use meshform_engine::value::Value;

use crate::trial::Trial;

/// A host with an /etc of its own, where fstab has a comment, an entry of someone else and no line feed at the end.
const SETUP: &str = "mount -t tmpfs none /etc && mount -t tmpfs none /srv && printf '# ours\\n/dev/vda / ext4 defaults 0 1' >/etc/fstab && chmod 0600 /etc/fstab && mkdir /srv/real && echo hello >/srv/real/f";
const FSTAB: &str = "# ours\n/dev/vda / ext4 defaults 0 1";

fn options(options: &[&str]) -> Value {
    Value::list(options.iter().map(|option| Value::from(*option)))
}

fn tmpfs<'a>(words: &[&str]) -> Vec<(&'a str, Value)> {
    vec![
        ("path", "/srv/a b".into()),
        ("source", "scratch".into()),
        ("type", "tmpfs".into()),
        ("options", options(words)),
    ]
}

#[test]
fn a_file_system_is_mounted_kept_and_taken_away() {
    let mut host = Trial::start("host_mount", SETUP);
    let wanted = tmpfs(&["size=4m", "mode=0700", "noexec", "nofail"]);
    let planned = host.plan(Some(&wanted)).unwrap();
    assert_eq!(planned.summary(), "Create path source type options dump pass persistent state");
    assert_eq!(host.shell("cat /etc/fstab; ls -A /srv"), format!("{FSTAB}real\n"), "a plan changes nothing");
    host.converge(Some(&wanted));
    let entry = "scratch /srv/a\\040b tmpfs size=4m,mode=0700,noexec,nofail 0 0";
    assert_eq!(
        host.shell("cat /etc/fstab; stat -c %a /etc/fstab; ls -A /etc"),
        format!("{FSTAB}\n{entry}\n600\nfstab\n")
    );
    let live = "grep -o '/srv/a.*' /proc/self/mountinfo";
    assert_eq!(host.shell(live), "/srv/a\\040b rw,noexec,relatime - tmpfs scratch rw,size=4096k,mode=700\n");
    host.shell("mount -o remount,exec,size=8m '/srv/a b'");
    let planned = host.plan(Some(&wanted)).unwrap();
    assert_eq!(planned.drift(), "state");
    assert_eq!(
        planned.summary(),
        "Update state: \"mounted without size=4096k, without noexec\" -> \"mounted\""
    );
    host.apply(planned).unwrap();
    assert_eq!(host.plan(Some(&wanted)).unwrap().summary(), "NoOp");
    host.shell("umount '/srv/a b'; sed -i 's/nofail/nofail,ro/' /etc/fstab");
    let planned = host.plan(Some(&wanted)).unwrap();
    assert_eq!(planned.drift(), "options state");
    host.apply(planned).unwrap();
    assert_eq!(host.shell("tail -n 1 /etc/fstab"), format!("{entry}\n"));
    host.converge(Some(&tmpfs(&["size=8m"])));
    assert!(host.shell(live).contains("rw,relatime - tmpfs scratch rw,size=8192k"), "{}", host.shell(live));
    let mut ignored = tmpfs(&["size=8m"]);
    ignored.push(("state", "ignored".into()));
    host.converge(Some(&ignored));
    host.shell("umount '/srv/a b'");
    assert_eq!(host.plan(Some(&ignored)).unwrap().summary(), "NoOp");
    let planned = host.plan(Some(&tmpfs(&["size=8m"]))).unwrap();
    assert_eq!(planned.summary(), "Update state: \"unmounted\" -> \"mounted\"");
    host.apply(planned).unwrap();
    host.converge(None);
    assert_eq!(
        host.shell("cat /etc/fstab; ls -A /srv /etc; grep -c /srv/a /proc/self/mountinfo"),
        format!("{FSTAB}\n/etc:\nfstab\n\n/srv:\nreal\n0\n")
    );
}

#[test]
fn what_is_in_use_stays() {
    let mut host = Trial::start("host_mount", SETUP);
    host.converge(Some(&tmpfs(&[])));
    host.shell("cd '/srv/a b' && sleep 1000 & echo $! >/etc/pid");
    assert!(host.plan(None).unwrap().notes().contains("unless something uses it"));
    let failure = host.fail(None);
    assert_eq!(failure.summary, "Mount in use");
    let pid = host.shell("cat /etc/pid");
    assert!(failure.detail.contains(&format!("used by process {} (sleep) of", pid.trim())), "{failure}");
    assert_eq!(
        host.shell("grep -c /srv/a /etc/fstab /proc/self/mountinfo"),
        "/etc/fstab:1\n/proc/self/mountinfo:1\n"
    );
    host.shell("kill $(cat /etc/pid); mkdir '/srv/a b/c' && mount -t tmpfs none '/srv/a b/c'");
    let mut unmounted = tmpfs(&[]);
    unmounted.push(("state", "unmounted".into()));
    let failure = host.fail(Some(&unmounted));
    assert!(failure.detail.contains("under it, /srv/a\\040b/c is mounted"), "{failure}");
    host.shell("umount '/srv/a b/c'");
    host.converge(Some(&unmounted));
    host.converge(None);
    assert_eq!(host.shell("ls /srv; cat /etc/fstab"), format!("real\n{FSTAB}\n"));
}

#[test]
fn folders_and_files_are_bound() {
    let mut host = Trial::start("host_mount", SETUP);
    let bind = |path: &str, source: &str, words: &[&str]| {
        vec![
            ("path", Value::from(path)),
            ("source", source.into()),
            ("type", "none".into()),
            ("options", options(words)),
        ]
    };
    host.converge(Some(&bind("/srv/x/there", "/srv/real", &["bind"])));
    assert_eq!(host.shell("cat /srv/x/there/f"), "hello\n");
    host.converge(Some(&bind("/srv/x/there", "/srv/real", &["bind", "ro"])));
    assert_eq!(host.shell("echo no >/srv/x/there/g || echo refused"), "refused\n");
    host.shell("umount /srv/x/there; mkdir /srv/other; mount --bind /srv/other /srv/x/there");
    let planned = host.plan(Some(&bind("/srv/x/there", "/srv/real", &["bind", "ro"]))).unwrap();
    assert!(planned.summary().starts_with("Update state: \"mounted from "), "{}", planned.summary());
    host.apply(planned).unwrap();
    assert_eq!(host.shell("cat /srv/x/there/f"), "hello\n");
    host.converge(None);
    assert_eq!(host.shell("ls -d /srv/x/*"), "");

    host.anew("host_mount");
    host.converge(Some(&bind("/srv/x/file", "/srv/real/f", &["bind"])));
    assert_eq!(host.shell("cat /srv/x/file"), "hello\n");
    host.converge(None);
    assert_eq!(host.shell("ls -A /srv/x; cat /srv/real/f"), "hello\n");
}

#[test]
fn what_cannot_be_mounted_leaves_no_entry() {
    let mut host = Trial::start("host_mount", SETUP);
    let mut wanted = tmpfs(&["size=4m"]);
    wanted.retain(|(name, _)| *name != "type");
    wanted.push(("type", "nosuchfs".into()));
    let failure = host.fail(Some(&wanted));
    assert_eq!(failure.summary, "Not mounted");
    assert!(failure.detail.contains("wrong fs type"), "{failure}");
    assert_eq!(host.shell("cat /etc/fstab; ls -A /etc"), format!("{FSTAB}fstab\n"));
}

#[test]
fn what_was_there_before_stays() {
    let entry = "printf '\\nother\\t/srv/a\\\\040b/\\ttmpfs\\tsize=1m 0 0\\n' >>/etc/fstab";
    let mut host = Trial::start("host_mount", &format!("{SETUP} && {entry}"));
    let planned = host.plan(Some(&tmpfs(&["size=2m"]))).unwrap();
    assert_eq!(
        planned.summary(),
        "Update source: \"other\" -> \"scratch\" options: [\"size=1m\"] -> [\"size=2m\"] state: \"unmounted\" -> \"mounted\""
    );
    assert!(planned.notes().contains("stays at the end"), "{}", planned.notes());
    host.shell("echo '# by the way' >>/etc/fstab");
    host.apply(planned).unwrap();
    assert_eq!(
        host.shell("cat /etc/fstab"),
        format!("{FSTAB}\nscratch /srv/a\\040b tmpfs size=2m 0 0\n# by the way\n")
    );
    let planned = host.plan(Some(&tmpfs(&["size=3m"]))).unwrap();
    host.shell("sed -i s/size=2m/size=9m/ /etc/fstab");
    assert_eq!(host.apply(planned).unwrap_err().error.summary, "Changed since the plan");
    let planned = host.plan(None).unwrap();
    assert!(planned.notes().contains("was there before, so it stays"), "{}", planned.notes());
    host.apply(planned).unwrap();
    assert_eq!(
        host.shell("grep -c /srv/a /etc/fstab /proc/self/mountinfo"),
        "/etc/fstab:1\n/proc/self/mountinfo:1\n"
    );

    host.anew("host_mount");
    host.shell("printf '%s\\n' 'twice /srv/a\\040b tmpfs' >>/etc/fstab");
    assert_eq!(host.plan(Some(&tmpfs(&[]))).map(|_| ()).unwrap_err().summary, "Entry not unique");
    host.shell("umount '/srv/a b'");
    host.anew("host_mount");
    let mut volatile = tmpfs(&[]);
    volatile[0].1 = "/srv/v".into();
    volatile.push(("persistent", false.into()));
    host.converge(Some(&volatile));
    assert_eq!(
        host.shell("grep -c /srv/v /etc/fstab /proc/self/mountinfo"),
        "/etc/fstab:0\n/proc/self/mountinfo:1\n"
    );
    host.converge(None);
    assert_eq!(host.shell("grep -c /srv/v /proc/self/mountinfo; ls -d /srv/v"), "0\n");
}
