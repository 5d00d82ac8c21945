//! Connections into pods as libraries make them: the channels of a WebSocket, without SPDY.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod lab;

use std::sync::Arc;

use meshform_sandbox::kube::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::{Lab, deployment, options};

/// A served cluster with a pod that answers `v1` on port 18480, and the pod's name.
async fn served() -> (Lab, String, String) {
    let lab = Lab::new(options());
    lab.apply(&deployment("web", 1, "v1")).await;
    let path = "/api/v1/namespaces/default/pods?labelSelector=run=web";
    let pods = lab.until(path, |pods| pods["items"][0]["status"]["phase"] == "Running").await;
    let pod = pods["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    tokio::spawn(serve(Arc::clone(&lab.world), listener, std::future::pending()));
    (lab, pod, authority)
}

/// Asks for a connection; tells the head of the answer and what is left of the stream.
async fn connect(authority: &str, path: &str, protocol: &str) -> (String, TcpStream) {
    connect_as("", authority, path, protocol).await
}

async fn connect_as(user: &str, authority: &str, path: &str, protocol: &str) -> (String, TcpStream) {
    let user = if user.is_empty() { String::new() } else { format!("impersonate-user: {user}\r\n") };
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let request = format!(
        "GET /api/v1/namespaces/default/pods/{path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: {protocol}\r\n{user}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (String::from_utf8(head).unwrap().to_lowercase(), stream)
}

/// Says something on a channel, with a mask that changes nothing.
async fn say(stream: &mut TcpStream, message: &[u8]) {
    let length = u8::try_from(message.len()).unwrap() | 0x80;
    stream.write_all(&[&[0x82, length, 0, 0, 0, 0], message].concat()).await.unwrap();
}

/// The next message; nothing at the goodbye.
async fn next(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let kind = stream.read_u8().await.unwrap();
    let length = match stream.read_u8().await.unwrap() {
        126 => stream.read_u16().await.unwrap(),
        short => u16::from(short),
    };
    let mut message = vec![0; usize::from(length)];
    stream.read_exact(&mut message).await.unwrap();
    (kind == 0x82).then_some(message)
}

#[tokio::test]
async fn each_port_has_two_channels() {
    let (_lab, pod, authority) = served().await;
    let path = format!("{pod}/portforward?ports=18480,81");
    let (head, mut stream) = connect(&authority, &path, "v4.channel.k8s.io").await;
    assert!(head.starts_with("http/1.1 101") && head.contains("s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    assert!(head.contains("sec-websocket-protocol: v4.channel.k8s.io"), "{head}");
    for (channel, port) in [(0, 18480_u16), (1, 18480), (2, 81), (3, 81)] {
        let expect = [&[channel][..], &port.to_le_bytes()].concat();
        assert_eq!(next(&mut stream).await.unwrap(), expect);
    }
    let refused = next(&mut stream).await.unwrap();
    let why = String::from_utf8_lossy(&refused[1..]);
    assert!(refused[0] == 3 && why.contains("connection refused"), "{why}");
    say(&mut stream, b"\0GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut answer = Vec::new();
    while let Some(message) = next(&mut stream).await {
        assert_eq!(message[0], 0, "{message:?}");
        answer.extend_from_slice(&message[1..]);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("v1"), "{answer}");
}

#[tokio::test]
async fn commands_end_with_their_status() {
    let (_lab, pod, authority) = served().await;
    let path = format!("{pod}/exec?command=cat&command=/none&stdout=true&stderr=true");
    let (head, mut stream) = connect(&authority, &path, "v4.channel.k8s.io").await;
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert_eq!(next(&mut stream).await.unwrap(), [1], "it stands");
    let mut said = Vec::new();
    while let Some(message) = next(&mut stream).await {
        said.push((message[0], String::from_utf8(message[1..].to_vec()).unwrap()));
    }
    said.sort();
    let status = said.pop().unwrap();
    assert_eq!(said, [(2, "cat: /none: No such file or directory\n".to_owned())]);
    assert!(status.0 == 3 && status.1.contains("\"reason\":\"NonZeroExitCode\""), "{status:?}");
}

#[tokio::test]
async fn what_cannot_be_connected_to_is_refused() {
    let (lab, pod, authority) = served().await;
    let check = async |path: &str, protocol: &str, code: u16, why: &str| {
        let (head, mut stream) = connect(&authority, &path.replace("POD", &pod), protocol).await;
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(head.starts_with(&format!("http/1.1 {code}")) && body.contains(why), "{path}: {head}{body}");
    };
    let four = "v4.channel.k8s.io";
    check("POD/portforward", four, 400, "is required").await;
    check("POD/portforward?ports=0", four, 400, "cannot be used: 0").await;
    check("POD/portforward?ports=80", "v1.example.com", 403, "unable to negotiate protocol").await;
    check("absent/exec?command=true&stdout=1", four, 404, "not found").await;
    check("POD/exec?command=true", four, 400, "at least 1 of stdin, stdout, stderr").await;
    check("POD/exec?stdout=1", four, 400, "you must specify a command").await;
    check("POD/exec?command=true&stdout=1&container=none", four, 400, "container none is not valid").await;
    let path = format!("/api/v1/namespaces/default/pods/{pod}/exec?command=true&stdout=1");
    let (status, answer) = lab.ask("GET", &path, None).await;
    assert_eq!((status.as_u16(), answer["message"].as_str()), (400, Some("Upgrade request required")));
}

const RIGHTS: &str = "
apiVersion: v1
kind: Namespace
metadata: { name: kube-system, annotations: { sandbox.meshform.dev/authorization: rbac } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: sees }
rules: [{ apiGroups: [''], resources: [pods, pods/exec], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: enters }
rules: [{ apiGroups: [''], resources: [pods, pods/exec], verbs: [get, create] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: sees }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: reader }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: sees }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: enters }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: operator }]
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: enters }
";

#[tokio::test]
async fn who_may_only_read_does_not_get_in() {
    let (lab, pod, authority) = served().await;
    lab.apply(RIGHTS).await;
    let path = format!("{pod}/exec?command=true&stdout=1");
    for (user, expect) in [("reader", "http/1.1 403"), ("operator", "http/1.1 101")] {
        let (head, _) = connect_as(user, &authority, &path, "v4.channel.k8s.io").await;
        assert!(head.starts_with(expect), "{user}: {head}");
    }
}
