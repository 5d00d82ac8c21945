//! Ansible and pyinfra on the same work, as pip installs them.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Host;
use crate::server::user;

/// How long each takes to find out that nothing is to be done; the first run, which does it, does not count.
pub(crate) fn no_op(
    hosts: &[Host],
    files: usize,
    packages: &[&str],
) -> [(&'static str, Result<Duration, String>); 2] {
    let folder = TempDir::new().unwrap();
    let both = |run: &dyn Fn(&Path) -> Command| -> Result<Duration, String> {
        let programs = installed().as_ref().map_err(Clone::clone)?;
        timed(run(programs))?;
        timed(run(programs))
    };
    [
        ("ansible-playbook", both(&|programs| ansible(programs, folder.path(), hosts, files, packages))),
        ("pyinfra", both(&|programs| pyinfra(programs, folder.path(), hosts, files, packages))),
    ]
}

/// Where their programs are, in a Python environment of their own that is made once.
fn installed() -> &'static Result<PathBuf, String> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
        let programs = place.join("bin");
        if !programs.join("pyinfra").exists() || !programs.join("ansible-playbook").exists() {
            ended(Command::new("python3").args(["-m", "venv"]).arg(&place))?;
            ended(Command::new(programs.join("pip")).args([
                "install",
                "--quiet",
                "ansible-core",
                "pyinfra",
            ]))?;
        }
        Ok(programs)
    })
}

fn ansible(programs: &Path, folder: &Path, hosts: &[Host], files: usize, packages: &[&str]) -> Command {
    let mut inventory = String::new();
    for (number, host) in hosts.iter().enumerate() {
        let _ = writeln!(
            inventory,
            "h{number} ansible_host=127.0.0.1 ansible_port={} ansible_user={} ansible_ssh_private_key_file={} folder={}",
            host.port,
            user(),
            host.sshd.path("user_key").display(),
            host.sshd.path("").display()
        );
    }
    fs::write(folder.join("inventory"), inventory).unwrap();
    let playbook = format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.copy:\n        dest: \"{{{{ folder }}}}/ansible-{{{{ item }}}}\"\n        \
         mode: \"0644\"\n        content: \"{{% for n in range(21) %}}setting_{{{{ n }}}} = {{{{ item }}}}\\n{{% endfor %}}\"\n      \
         loop: \"{{{{ range({files}) | list }}}}\"\n    - ansible.builtin.command: dpkg-query -W {}\n      changed_when: false\n",
        packages.join(" ")
    );
    fs::write(folder.join("playbook.yml"), playbook).unwrap();
    let mut command = Command::new(programs.join("ansible-playbook"));
    command.args(["-i", "inventory", "-f", "10", "playbook.yml"]).current_dir(folder);
    command.env("ANSIBLE_HOST_KEY_CHECKING", "False").env("ANSIBLE_PIPELINING", "True");
    command
        .env("ANSIBLE_HOME", folder.join("home"))
        .env("ANSIBLE_SSH_ARGS", "-F none -o ControlMaster=auto -o ControlPersist=1s");
    command
}

fn pyinfra(programs: &Path, folder: &Path, hosts: &[Host], files: usize, packages: &[&str]) -> Command {
    let mut inventory = "hosts = [\n".to_owned();
    for host in hosts {
        let _ = writeln!(
            inventory,
            "  (\"h{}\", {{\"ssh_hostname\": \"127.0.0.1\", \"ssh_port\": {}, \"ssh_user\": {:?}, \"ssh_key\": {:?}, \"folder\": {:?}, \
             \"ssh_strict_host_key_checking\": \"off\", \"ssh_known_hosts_file\": \"/dev/null\"}}),",
            host.port,
            host.port,
            user(),
            host.sshd.path("user_key").display().to_string(),
            host.sshd.path("").display().to_string()
        );
    }
    fs::write(folder.join("inventory.py"), inventory + "]\n").unwrap();
    let deploy = format!(
        "import io\nfrom pyinfra import host\nfrom pyinfra.operations import apt, files\n\nfor item in range({files}):\n    \
         text = \"\".join(f\"setting_{{n}} = {{item}}\\n\" for n in range(21))\n    \
         files.put(src=io.StringIO(text), dest=f\"{{host.data.folder}}/pyinfra-{{item}}\", mode=\"644\")\napt.packages(packages={packages:?})\n"
    );
    fs::write(folder.join("deploy.py"), deploy).unwrap();
    let mut command = Command::new(programs.join("pyinfra"));
    command.args(["-y", "inventory.py", "deploy.py"]).current_dir(folder);
    command
}

fn timed(mut command: Command) -> Result<Duration, String> {
    let begin = Instant::now();
    ended(&mut command)?;
    Ok(begin.elapsed())
}

fn ended(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let words = [output.stdout, output.stderr].concat();
            let words = String::from_utf8_lossy(&words);
            let tail: Vec<_> = words.lines().rev().take(4).collect();
            Err(tail.into_iter().rev().collect::<Vec<_>>().join("; "))
        }
    }
}
