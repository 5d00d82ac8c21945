//! A real sshd on a loopback port, with keys and a home of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running sshd. It ends with this value, and takes its folder along.
pub(crate) struct Sshd {
    folder: TempDir,
    pub(crate) port: u16,
    process: Child,
}

impl Sshd {
    /// Starts one. Fails the test, loudly, where there is no sshd: what only a real server shows must not be skipped.
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().unwrap();
        keygen(&folder.path().join("host_key"));
        keygen(&folder.path().join("user_key"));
        fs::copy(folder.path().join("user_key.pub"), folder.path().join("authorized_keys")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("sshd_config"), configuration(folder.path(), port)).unwrap();
        let process = run(folder.path());
        let server = Self { folder, port, process };
        server.wait();
        server
    }

    /// Ends the server and starts it again, as a reboot would: every connection breaks.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.process = run(self.folder.path());
        self.wait();
    }

    /// Ends the server and the sessions that it has forked.
    pub(crate) fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Sessions outlive their listener: they are the ones that know this very configuration or our key's port.
        let sessions = Command::new("ss").args(["-Htnp", &format!("sport = :{}", self.port)]).output();
        for pid in sessions.map(|output| pids(&String::from_utf8_lossy(&output.stdout))).unwrap_or_default() {
            let _ = Command::new("kill").arg("-9").arg(pid).status();
        }
    }

    /// Puts a program of ours before the system's, for those who log in.
    pub(crate) fn tool(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path("bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A path in the server's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The host's public key as `host_key` takes it.
    pub(crate) fn host_key(&self) -> String {
        let line = fs::read_to_string(self.path("host_key.pub")).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                Instant::now() < deadline,
                "sshd does not listen: {:?}",
                fs::read_to_string(self.path("log"))
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Makes a key pair.
pub(crate) fn keygen(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(made.expect("ssh-keygen is needed: install openssh-client").success());
}

/// The user who runs the tests, and who logs in.
pub(crate) fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn configuration(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\n\
         UsePAM no\nPidFile none\nPrintMotd no\nPermitRootLogin yes\n\
         SetEnv HOME={folder} PATH={folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    )
}

fn run(folder: &Path) -> Child {
    // Where sshd separates its privileges when root runs it; packages make it at boot only.
    let _ = fs::create_dir_all("/run/sshd");
    let mut sshd = Command::new("/usr/sbin/sshd");
    sshd.arg("-D").arg("-E").arg(folder.join("log")).arg("-f").arg(folder.join("sshd_config"));
    let sshd = sshd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    sshd.expect("a real sshd is needed: install openssh-server")
}

fn pids(sockets: &str) -> Vec<String> {
    let after = |line: &str| {
        line.split("pid=")
            .skip(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect())
            .collect::<Vec<String>>()
    };
    sockets.lines().flat_map(after).collect()
}
