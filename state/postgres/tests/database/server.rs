//! A PostgreSQL server on loopback, in a folder of its own. Debian's package `postgresql` must be installed.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use meshform_state_postgres::PostgresStorage;
use tempfile::TempDir;

/// The administrator's password.
pub(crate) const PASSWORD: &str = "hunter2-of-a-test";

const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    process: Mutex<Child>,
}

/// The one that all tests share as long as one of them runs.
static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

impl Server {
    /// The shared server.
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// One for this test alone.
    pub(crate) fn start() -> Self {
        let folder = TempDir::with_prefix("meshform-").unwrap();
        let programs = programs();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        fs::write(folder.path().join("password"), PASSWORD).unwrap();
        own(folder.path());
        let mut initdb = server_command(&programs.join("initdb"), folder.path());
        initdb.args(["--pgdata=data", "--username=admin", "--auth=scram-sha-256", "--pwfile=password"]);
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C"]);
        let made = initdb.output().unwrap();
        assert!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        make_certificates(folder.path());
        let process = Mutex::new(run(&programs, folder.path(), port));
        let server = Self { folder, programs, port, process };
        server.wait();
        server
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its certificate authority.
    pub(crate) fn ca(&self) -> String {
        fs::read_to_string(self.folder.path().join("ca.crt")).unwrap()
    }

    /// Where its socket is.
    pub(crate) fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn crash(&self) {
        let mut process = self.process();
        signal(&process, "QUIT");
        process.wait().unwrap();
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        *self.process() = run(&self.programs, self.folder.path(), self.port);
        self.wait();
    }

    /// What `psql` says to statements of the administrator.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = self.psql(statements).output().unwrap();
        assert!(output.status.success(), "{statements}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// A `psql` that says them.
    pub(crate) fn psql(&self, statements: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.args(["--host=127.0.0.1", "--username=admin", "--dbname=postgres", "--command", statements]);
        psql.arg(format!("--port={}", self.port)).env("PGPASSWORD", PASSWORD).stdin(Stdio::null());
        psql
    }

    /// A storage of the administrator's, by more settings.
    pub(crate) fn storage(&self, more: &[(&str, &str)]) -> PostgresStorage {
        storage(self.port, more)
    }

    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.psql("SELECT 1").output().unwrap().status.success() {
            let log = || fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(Instant::now() < deadline, "the server does not answer:\n{}", log());
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut process = self.process();
        signal(&process, "QUIT");
        let _ = process.wait();
    }
}

/// A storage of the administrator's at that port, by more settings.
pub(crate) fn storage(port: u16, more: &[(&str, &str)]) -> PostgresStorage {
    let connection = format!("postgres://admin@127.0.0.1:{port}/postgres?sslmode=disable");
    let mut settings = BTreeMap::from([("connection".to_owned(), connection)]);
    settings.insert("stack".to_owned(), "web".to_owned());
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let environment = BTreeMap::from([("PGPASSWORD".to_owned(), PASSWORD.to_owned())]);
    PostgresStorage::new(&settings, &environment).unwrap()
}

/// The folder of the newest version's programs.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|entries| {
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok()).max()
    });
    let Ok(Some(version)) = versions else {
        panic!("there is no PostgreSQL in /usr/lib/postgresql: `tests/run` installs the package postgresql");
    };
    PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))
}

fn run(programs: &Path, folder: &Path, port: u16) -> Child {
    let mut postgres = server_command(&programs.join("postgres"), folder);
    postgres.args(["-D", "data", "-h", "127.0.0.1", "-p", &port.to_string(), "-k"]).arg(folder);
    for setting in ["fsync=off", "ssl=on", "ssl_cert_file=../server.crt", "ssl_key_file=../server.key"] {
        postgres.args(["-c", setting]);
    }
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    postgres.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// A server's program refuses to be run as root: it is run as the user whom the package has made.
fn server_command(program: &Path, folder: &Path) -> Command {
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        }
        false => Command::new(program),
    };
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn own(path: &Path) {
    if is_root() {
        done(Command::new("chown").args(["-R", "postgres:postgres"]).arg(path));
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// An authority, and the server's certificate: for `localhost`, not for its address.
fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        done(Command::new("openssl").args(arguments.split(' ')).current_dir(folder).stderr(Stdio::null()));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    openssl(&format!("req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=authority"));
    openssl(&format!(
        "req -x509 {key} -keyout server.key -out server.crt -subj /CN=localhost -CA ca.crt -CAkey ca.key \
         -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE"
    ));
    own(folder);
}

fn signal(process: &Child, name: &str) {
    done(Command::new("kill").arg(format!("-{name}")).arg(process.id().to_string()).stderr(Stdio::null()));
}

fn done(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(status.success(), "{command:?} failed");
}
