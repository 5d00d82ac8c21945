//! What lies between the program and a host, and breaks: a proxy that cuts a connection after so many bytes.
//!
//! It has to be a process in the hosts' network, so the test program runs itself there again.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::host::Host;
use crate::lab::Lab;

const TO: &str = "MESHFORM_TEST_PROXY_TO";

/// A running proxy before one host.
pub(crate) struct Proxy {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Where it listens, on the hosts' side of the network.
    pub(crate) port: u16,
}

/// What becomes of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// They stand.
    Stand,
    /// The next one is cut after so many bytes, in both directions together; later ones stand.
    CutOnce(u64),
    /// The same, and later ones are refused.
    Gone(u64),
}

impl Proxy {
    /// Starts one before this host.
    pub(crate) fn before(lab: &Lab, host: &Host) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "proxy::serve", "--ignored", "--nocapture", "--test-threads", "1"]);
        command.env(TO, format!("{}:22", host.address));
        let mut command = lab.inside(&command);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut proxy = Self { process, input, output: BufReader::new(output), port: 0 };
        proxy.port = u16::try_from(proxy.told("port ")).unwrap();
        proxy
    }

    /// Decides about the connections that come from now on.
    pub(crate) fn set(&mut self, fate: Fate) {
        let (kind, bytes) = match fate {
            Fate::Stand => ("stand", u64::MAX),
            Fate::CutOnce(bytes) => ("once", bytes),
            Fate::Gone(bytes) => ("gone", bytes),
        };
        writeln!(self.input, "{kind} {bytes}").unwrap();
        self.told("set ");
    }

    /// How many bytes have passed since the last change of fate.
    pub(crate) fn passed(&mut self) -> u64 {
        writeln!(self.input, "passed 0").unwrap();
        self.told("passed ")
    }

    fn told(&mut self, what: &str) -> u64 {
        let lines = self.output.by_ref().lines().map_while(Result::ok);
        let mut told = lines.filter_map(|line| line.split_once(what)?.1.trim().parse().ok());
        told.next().unwrap_or_else(|| panic!("the proxy does not tell its {what:?}"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// So many bytes may pass yet.
static LEFT: AtomicU64 = AtomicU64::new(u64::MAX);
static PASSED: AtomicU64 = AtomicU64::new(0);
/// How many connections may still be opened; and what those get that come after the cut.
static OPEN: AtomicU64 = AtomicU64::new(u64::MAX);
static LIVE: Mutex<Vec<TcpStream>> = Mutex::new(Vec::new());

#[test]
#[ignore = "it is the proxy of other tests"]
fn serve() {
    let Ok(to) = std::env::var(TO) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut out = io::stdout();
    writeln!(out, "\nport {}", listener.local_addr().unwrap().port()).unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|client| connect(client, &to)));
    for line in io::stdin().lines().map_while(Result::ok) {
        let (kind, bytes) = line.split_once(' ').unwrap();
        if kind == "passed" {
            writeln!(out, "passed {}", PASSED.load(Ordering::SeqCst)).unwrap();
            continue;
        }
        PASSED.store(0, Ordering::SeqCst);
        LEFT.store(bytes.parse().unwrap(), Ordering::SeqCst);
        OPEN.store(if kind == "gone" { 1 } else { u64::MAX }, Ordering::SeqCst);
        writeln!(out, "set 0").unwrap();
    }
}

fn connect(client: TcpStream, to: &str) {
    let may_open = OPEN.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let Ok(server) = TcpStream::connect(to) else { return };
    if may_open.is_err() {
        return;
    }
    LIVE.lock().unwrap().extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
    let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || pass(client, server));
    std::thread::spawn(move || pass(back.0, back.1));
}

/// Passes bytes on, as long as they may.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let left = LEFT.load(Ordering::SeqCst);
        let whole = count as u64;
        let allowed = whole.min(left);
        PASSED.fetch_add(allowed, Ordering::SeqCst);
        if to.write_all(&buffer[..usize::try_from(allowed).unwrap()]).is_err() {
            break;
        }
        if allowed < whole || left == allowed {
            cut();
            return;
        }
        if left != u64::MAX {
            LEFT.fetch_sub(allowed, Ordering::SeqCst);
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Ends what stands; what comes later, if it may come, stands.
fn cut() {
    for stream in LIVE.lock().unwrap().drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
    LEFT.store(u64::MAX, Ordering::SeqCst);
}
