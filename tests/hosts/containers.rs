//! Containers on real hosts, by podman.

use std::path::PathBuf;

use crate::changes::apart;
use crate::host::Host;
use crate::lab::lend_one;
use crate::stack::Stack;

/// Makes an image of busybox. There is no keyring inside of the tests' hosts. What podman keeps is put aside, and comes back at the end.
const BEFORE: &str = r#"
set -e
mkdir -p /var/lib/containers && cp -a /var/lib/containers /etc/containers /run/
sed -i '/^\[containers\]/a keyring = false\nlog_driver = "k8s-file"' /etc/containers/containers.conf
mkdir -p /run/image/bin && cd /run/image
cp /bin/busybox bin/
for tool in sh sleep echo env cat; do ln -s busybox bin/$tool; done
for library in $(ldd /bin/busybox | grep -o '/[^ ]*'); do
  mkdir -p ".${library%/*}" && cp -L "$library" ".$library"
done
tar -c . | podman import -q -c 'CMD ["/bin/sleep", "1000"]' -c 'ENV BASE=1' -c 'LABEL from=image' - localhost/tiny:1
tar -c . | podman import -q -c 'CMD ["/bin/sleep", "2000"]' - localhost/tiny:2
mkdir -p /srv/data && echo hello >/srv/data/f
"#;
const AFTER: &str = "podman system reset -f >/dev/null 2>&1; rm -rf /var/lib/containers /etc/containers /run/image /srv/data /root/.config; \
                     mv /run/containers.was /var/lib/containers; mv /run/containers.etc /etc/containers";

fn container(more: &str) -> String {
    format!(
        "resource \"host_container\" \"web\" {{\n  name    = \"web\"\n  network = \"host\"\n  environment = {{ MODE = \"two words\", TOKEN = \
         sensitive(\"s3cret\") }}\n  volumes = [\"/srv/data:/data:ro\", \"cache:/cache\"]\n  labels  = {{ team = \"ours\" }}\n{more}\n}}\n"
    )
}

fn running(host: &Host) -> String {
    host.sh("for one in $(podman ps -aq); do podman inspect -f '{{.Name}} {{.ImageName}} {{.State.Status}}' $one; done")
}

#[test]
fn a_container_is_replaced_with_a_way_back() {
    let Some(hosts) = lend_one() else { return };
    let host = &hosts[0];
    let at_first = host.changes();
    host.sh(&BEFORE.replace(
        "cp -a /var/lib/containers /etc/containers /run/",
        "cp -a /var/lib/containers /run/containers.was && cp -a /etc/containers /run/containers.etc",
    ));
    let before = host.changes();
    let text = |more: &str| host.block("") + &container(more);
    let one = "  image   = \"localhost/tiny:1\"\n  restart = \"on-failure:3\"";
    let stack = Stack::of(hosts.lab(), &text(one));
    let planned = stack.plan().code(2).says(&[
        "host_container.web",
        "localhost/tiny:1",
        "is pulled, unless",
        "1 to create",
    ]);
    assert!(!planned.all().contains("s3cret"));
    assert_eq!(
        (apart(&before, &host.changes()), running(host)),
        (Vec::<PathBuf>::new(), String::new()),
        "a plan changes nothing"
    );
    stack.apply().done();
    assert_eq!(running(host), "web localhost/tiny:1 running\n");
    host.sh(
        "[ \"$(podman exec web cat /data/f)\" = hello ] && podman exec web env | grep -qx 'MODE=two words' && podman exec web env | grep -qx TOKEN=s3cret && \
         ! grep -rq s3cret /run/meshform* /tmp 2>/dev/null && ! podman inspect web --format '{{.Config.CreateCommand}}' | grep -q s3cret",
    );
    stack.plan().done();

    host.sh("podman stop -t 1 web >/dev/null 2>&1");
    stack.plan().code(2).says(&["\"stopped\" → \"running\""]);
    stack.apply().done();
    let id = "podman inspect --format '{{.Id}}' web";
    let first = host.sh(id);
    host.sh("podman rm -f -t 1 web >/dev/null 2>&1; podman run -q -d --name web --network host -e MODE=other -l team=theirs localhost/tiny:1 >/dev/null");
    stack.plan().code(2).says(&[
        "host_container.web",
        "environment",
        "theirs",
        "restart",
        "volumes",
        "The container is replaced",
    ]);
    stack.apply().done();
    stack.plan().done();
    assert_ne!(host.sh(id), first);

    // A new one that does not run gives way to the old one.
    let kept = host.sh(id);
    stack.write("main.hcl", &text("  image = \"localhost/tiny:2\"\n  command = [\"/bin/sh\", \"-c\", \"exit 7\"]\n  restart = \"no\""));
    stack.plan().code(2).says(&["\"localhost/tiny:1\" → \"localhost/tiny:2\"", "The container is replaced"]);
    stack.apply().code(1).complains(&["Container not running", "is back as it was", "exit code 7"]);
    assert_eq!((host.sh(id), running(host)), (kept, "web localhost/tiny:1 running\n".to_owned()));
    stack.write("main.hcl", &text("  image = \"localhost/nosuch:1\""));
    stack.plan().code(2).says(&["does not have the image localhost/nosuch:1"]);
    stack.apply().code(1).complains(&["Image not pulled"]);
    assert_eq!(running(host), "web localhost/tiny:1 running\n");

    // A replacement that was cut off is settled.
    stack.write("main.hcl", &text("  image = \"localhost/tiny:2\"\n  state = \"stopped\""));
    host.sh("podman rename web web-meshform-old && podman create -q --name web localhost/tiny:2 >/dev/null");
    stack.apply().done();
    assert_eq!(running(host), "web localhost/tiny:2 created\n");
    stack.plan().done();
    stack.destroy().done();
    assert_eq!((apart(&before, &host.changes()), running(host)), (Vec::<PathBuf>::new(), String::new()));
    host.sh(AFTER);
    host.is_as(&at_first, "the test takes its own things away");
}
