//! A server over plain HTTP on loopback, and one run of a script on it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::even::Evener;
use crate::script::{Answer, Script, Step, body_of};

/// How long a step waits for what controllers do.
const PATIENCE: Duration = Duration::from_secs(40);
/// The field manager of those who do not say theirs.
const USER_AGENT: &str = "conformance/1";
const PAUSE: Duration = Duration::from_millis(20);

/// A server under test.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    authority: String,
    client: Client<HttpConnector, Full<axum::body::Bytes>>,
}

/// An answer as it came.
struct Raw {
    status: u16,
    warnings: Vec<String>,
    text: String,
}

impl Server {
    pub(crate) fn new(authority: String) -> Self {
        Self { authority, client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Runs a script; tells the answer to each of its steps.
    pub(crate) async fn run(&self, script: &Script) -> Vec<Answer> {
        let mut evener = Evener::default();
        let mut bodies = HashMap::new();
        let mut answers = Vec::new();
        for step in &script.steps {
            let raw = self.ask(script, step, &bodies).await;
            answers.push(evener.answer(raw.status, &raw.warnings, &raw.text));
            bodies.insert(step.name.as_str(), body_of(&raw.text));
        }
        answers
    }

    async fn ask(&self, script: &Script, step: &Step, bodies: &HashMap<&str, Value>) -> Raw {
        let started = Instant::now();
        loop {
            let raw = self.send(script, step, bodies).await;
            if is_awaited(step, &raw.text) {
                return raw;
            }
            if started.elapsed() > PATIENCE {
                eprintln!("{}/{}: what was awaited has not come", script.name, step.name);
                return raw;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, script: &Script, step: &Step, bodies: &HashMap<&str, Value>) -> Raw {
        let fill = |text: &str| filled(script, step, text, bodies);
        let uri = format!("http://{}{}", self.authority, fill(&step.path));
        let mut request = Request::builder().method(step.method.as_str()).uri(uri);
        if !step.headers.iter().any(|(name, _)| name == "User-Agent") {
            request = request.header("User-Agent", USER_AGENT);
        }
        for (name, value) in &step.headers {
            request = request.header(name, fill(value));
        }
        let request = request.body(Full::from(fill(&step.body))).unwrap();
        let response = self.client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let warnings = response.headers().get_all("warning").iter();
        let warnings = warnings.map(|warning| warning.to_str().unwrap().to_owned()).collect();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Raw { status, warnings, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }
}

/// Whether an answer is the one that a step waits for.
fn is_awaited(step: &Step, text: &str) -> bool {
    let body = body_of(text);
    step.until.iter().all(|(pointer, value)| body.pointer(pointer).unwrap_or(&Value::Null) == value)
}

/// A text with the values that it takes from earlier answers.
fn filled(script: &Script, step: &Step, text: &str, bodies: &HashMap<&str, Value>) -> String {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (place, rest) = part.split_once('}').unwrap();
        let (source, pointer) = place.split_at(place.find('/').unwrap());
        let found = bodies.get(source).and_then(|body| body.pointer(pointer));
        let found = found.unwrap_or_else(|| panic!("{}, `{}`: there is no {place}", script.name, step.name));
        filled.push_str(&found.as_str().map_or_else(|| found.to_string(), str::to_owned));
        filled.push_str(rest);
    }
    filled
}
