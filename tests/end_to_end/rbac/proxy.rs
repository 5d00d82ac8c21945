//! Stands between a client and a cluster over plain HTTP, and notes what is asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A request, as rights know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// The listening end. It lives as long as the test's process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Asked>>>,
}

impl Proxy {
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, upstream) = (Arc::clone(&seen), upstream.to_owned());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                let noted = Arc::clone(&noted);
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || carry_back(back, forth));
                // A connection that breaks ends here, and for the other side, too.
                thread::spawn(move || drop(carry(client, server, &noted)));
            }
        });
        Self { port, seen }
    }

    /// What was asked for, each once.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        let mut seen = self.seen.lock().unwrap().clone();
        seen.sort();
        seen.dedup();
        seen
    }
}

fn carry_back(mut server: TcpStream, mut client: TcpStream) {
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

fn carry(client: TcpStream, mut server: TcpStream, seen: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut client = BufReader::new(client);
    loop {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if client.read_line(&mut line)? == 0 {
                return server.shutdown(std::net::Shutdown::Both);
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            head.push_str(&line);
            if line == "\r\n" {
                break;
            }
        }
        seen.lock().unwrap().extend(asked(head.lines().next().unwrap_or_default()));
        server.write_all(head.as_bytes())?;
        std::io::copy(&mut (&mut client).take(length), &mut server)?;
    }
}

/// What a request line asks for: `PATCH /TOKEN/api/v1/namespaces/web/configmaps/page?force=true HTTP/1.1`. An apply that is not only
/// tried may create.
fn asked(line: &str) -> Vec<Asked> {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).skip(1).collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return Vec::new(),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace] => (*namespace, rest),
        ["namespaces", namespace, rest @ ..] => (*namespace, rest),
        _ => ("", rest),
    };
    let [resource, path_name] = [0, 1].map(|at| rest.get(at).copied().unwrap_or_default());
    let selected = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D"));
    let name = if path_name.is_empty() { selected.unwrap_or_default() } else { path_name };
    let verbs: &[&str] = match (method, path_name) {
        ("GET", "") if query.contains("watch=") => &["watch"],
        ("GET", "") => &["list"],
        ("GET", _) => &["get"],
        ("PATCH", _) => &["patch", "create"],
        ("DELETE", "") => &["deletecollection"],
        ("DELETE", _) => &["delete"],
        ("PUT", _) => &["update"],
        _ => &["create"],
    };
    let of = |verb: &&str| Asked {
        verb: (*verb).to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    verbs.iter().map(of).collect()
}
